//! The forms of frames, for tests that speak the protocol by hand: the one place to change with a form.

use std::time::Instant;

use rpc_core::{
    Metadata, MethodKey,
    proto::{
        CallId, Codec, Opening, Streams,
        wire::{CloseCode, Flags, GoAway, Head, Hello, Kind},
    },
};

use crate::RawPeer;

/// A goaway of a side that has accepted nothing.
#[must_use]
pub fn goaway(code: CloseCode, message: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    GoAway { code, accepted: 0, message: message.to_owned() }.encode(&mut bytes);
    bytes
}

/// The code and the message of a goaway.
#[must_use]
pub fn farewell(payload: &[u8]) -> Option<(CloseCode, String)> {
    GoAway::decode(payload).ok().map(|goaway| (goaway.code, goaway.message))
}

/// A request of a call that streams.
#[must_use]
pub fn streaming(id: u32, key: MethodKey, streams: Streams) -> Vec<u8> {
    let mut payload = Vec::new();
    let opening = Opening { streams, ..Opening::new(key, Codec::Bincode) };
    opening.encode(Instant::now(), 0, &mut payload);
    RawPeer::frame(Kind::Request, Flags::MINE.with(Flags::EXT), id, &payload)
}

/// A request by the bare name, with arguments in JSON.
#[must_use]
pub fn by_name(id: u32, method: &str, arguments: &str) -> Vec<u8> {
    let mut payload = Vec::new();
    let opening = Opening::new(MethodKey::bare(method), Codec::Json);
    opening.encode(Instant::now(), 0, &mut payload);
    payload.extend_from_slice(arguments.as_bytes());
    RawPeer::frame(Kind::Request, Flags::MINE.with(Flags::JSON), id, &payload)
}

/// A request with metadata.
#[must_use]
pub fn with_metadata(
    id: u32,
    key: MethodKey,
    streams: Streams,
    metadata: &Metadata,
    arguments: &[u8],
) -> Vec<u8> {
    let mut payload = Vec::new();
    let metadata = Some(Box::new(metadata.clone()));
    let opening = Opening { metadata, streams, ..Opening::new(key, Codec::Bincode) };
    opening.encode(Instant::now(), 0, &mut payload);
    payload.extend_from_slice(arguments);
    RawPeer::frame(Kind::Request, Flags::MINE.with(Flags::EXT), id, &payload)
}

/// A one-way request.
#[must_use]
pub fn oneway(key: MethodKey, arguments: &[u8]) -> Vec<u8> {
    RawPeer::request(CallId::NO_REPLY.value(), key, arguments)
}

/// The call of the reader whose handler made this request, if the request says so.
#[must_use]
pub fn within(head: &Head, payload: &[u8]) -> Option<u32> {
    let (opening, ..) = Opening::decode(head.flags, payload, Instant::now()).ok()?;
    opening.parent.map(CallId::value)
}

/// Bytes of items that may be sent in a stream at its start, by the receiver's hello.
#[must_use]
pub fn first_window(hello: &[u8]) -> Option<u32> {
    Hello::decode(hello).ok().map(|hello| hello.limits.initial_window)
}

/// One entry, whose tag may be one that this version does not know.
#[must_use]
pub fn entry(tag: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("an entry that is not too long");
    [&[tag], &length.to_le_bytes()[..], bytes].concat()
}

/// Entries behind their length, as they stand before a value.
#[must_use]
pub fn block(entries: &[Vec<u8>]) -> Vec<u8> {
    let bytes = entries.concat();
    let length = u16::try_from(bytes.len()).expect("entries that are not too long");
    [&length.to_le_bytes()[..], &bytes].concat()
}

/// A request with any entries in its extension.
#[must_use]
pub fn request_with(id: u32, key: MethodKey, entries: &[Vec<u8>], arguments: &[u8]) -> Vec<u8> {
    let payload = [&key.to_u64().to_le_bytes()[..], &block(entries), arguments].concat();
    RawPeer::frame(Kind::Request, Flags::MINE.with(Flags::EXT), id, &payload)
}

/// The preface of any version, and a hello of these entries.
#[must_use]
pub fn greeting(version: u8, entries: &[Vec<u8>]) -> Vec<u8> {
    let preface = [0xa9, b'R', b'P', b'C', version, 0, 0, 0];
    let hello = RawPeer::frame(Kind::Hello, Flags::NONE, 0, &entries.concat());
    [&preface[..], &hello].concat()
}
