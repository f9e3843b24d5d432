//! The header extension of a message: what travels beside its value (PROTOCOL §8).
//!
//! ```text
//! u16 length of all entries, then entries
//! of a request:    1 remaining time, u64 nanoseconds     2 metadata pair, u8 key length, key, value
//!                  3 streams, u8: 1 the caller sends items, 2 it expects items
//!                  4 the receiver's call that the handler serves which makes this one, u32
//!                  5 credit for items beyond the receiver's hello, u32
//! of a response, an error, an item and an accept:  2 metadata pair
//! ```

use std::time::Duration;

use super::{
    Fields, FrameError, Kind, RequestHead, Streams,
    entries::{Entries, block, entry},
};
use crate::proto::{CallId, Metadata};

const TAG_TIMEOUT: u8 = 1;
const TAG_METADATA: u8 = 2;
const TAG_STREAMS: u8 = 3;
const TAG_WITHIN: u8 = 4;
const TAG_CREDIT: u8 = 5;

/// What travels beside key and arguments.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extension<'a> {
    /// How long the caller still waits.
    pub timeout: Option<Duration>,
    /// Key-value pairs.
    pub metadata: Option<&'a Metadata>,
    /// Which ways the call streams.
    pub streams: Streams,
    /// The receiver's call whose handler makes this one; [`CallId::NO_REPLY`] for that of a one-way call.
    pub within: Option<CallId>,
    /// Bytes of items that the receiver may send at once, beyond the window of the sender's hello.
    pub credit: u32,
}

impl Extension<'_> {
    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.timeout.is_none()
            && self.metadata.is_none_or(Metadata::is_empty)
            && self.streams == Streams::NONE
            && self.within.is_none()
            && self.credit == 0
    }

    /// The length that the extension has at most, its own length included; without metadata, exactly.
    pub(crate) fn size_bound(&self) -> usize {
        let entry = |is_there, length| if is_there { ENTRY + length } else { 0 };
        let entries = entry(self.timeout.is_some(), 8)
            + self.metadata.map_or(0, Metadata::size)
            + entry(self.streams != Streams::NONE, 1)
            + entry(self.within.is_some(), 4)
            + entry(self.credit > 0, 4);
        if entries > 0 { 2 + entries } else { 0 }
    }
}

/// Bytes of an entry beside its own.
const ENTRY: usize = 3;

/// Appends the extension for these fields.
pub(super) fn encode(extension: &Extension<'_>, out: &mut Vec<u8>) {
    let Extension { timeout, metadata, streams, within, credit } = *extension;
    block(out, |out| {
        if let Some(timeout) = timeout {
            let nanos = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
            entry(TAG_TIMEOUT, &[&nanos.to_le_bytes()], out);
        }
        if let Some(metadata) = metadata {
            encode_pairs(metadata, out);
        }
        if streams != Streams::NONE {
            entry(TAG_STREAMS, &[&[streams.bits()]], out);
        }
        if let Some(call) = within {
            entry(TAG_WITHIN, &[&call.value().to_le_bytes()], out);
        }
        if credit > 0 {
            entry(TAG_CREDIT, &[&credit.to_le_bytes()], out);
        }
    });
}

/// Appends metadata as entries.
pub(super) fn encode_pairs(metadata: &Metadata, out: &mut Vec<u8>) {
    for (key, value) in metadata.iter_all() {
        // A key is at most 64 bytes long and a pair at most 8 KiB: `Metadata` sees to it.
        entry(TAG_METADATA, &[&[key.len() as u8], key.as_bytes(), value.as_bytes()], out);
    }
}

/// Which ways a call streams whose extension breaks a rule in another entry.
pub(super) fn streams(fields: &mut Fields<'_>) -> Result<Streams, FrameError> {
    let mut entries = Entries::block(Kind::Request, fields)?;
    while let Some((tag, mut bytes)) = entries.next()? {
        if tag == TAG_STREAMS {
            return bytes.u8().map(Streams::from_bits);
        }
    }
    Ok(Streams::NONE)
}

/// Reads an extension off the front of `fields`, into `head`.
pub(super) fn decode(fields: &mut Fields<'_>, head: &mut RequestHead) -> Result<(), FrameError> {
    let mut entries = Entries::block(Kind::Request, fields)?;
    while let Some((tag, mut bytes)) = entries.next()? {
        match tag {
            TAG_TIMEOUT => head.timeout = Some(Duration::from_nanos(bytes.u64()?)),
            TAG_METADATA => {
                decode_pair(Kind::Request, bytes, &mut head.metadata)?;
                continue;
            }
            TAG_WITHIN => head.within = Some(CallId::new(bytes.u32()?)),
            TAG_STREAMS => head.streams = Streams::from_bits(bytes.u8()?),
            TAG_CREDIT => head.credit = bytes.u32()?,
            _ => {
                entries.unknown(tag)?;
                continue;
            }
        }
        bytes.finish()?;
    }
    Ok(())
}

/// Reads what travels beside a reply or an item: a block at the front of `payload`. Gives what follows it.
pub(crate) fn decode_reply<'a>(
    kind: Kind,
    payload: &'a [u8],
    metadata: &mut Option<Box<Metadata>>,
) -> Result<&'a [u8], FrameError> {
    let mut fields = Fields::new(kind, payload);
    decode_pairs(kind, Entries::block(kind, &mut fields)?, metadata)?;
    Ok(fields.rest())
}

/// Appends the block of a reply that carries `metadata`.
pub(crate) fn encode_reply(metadata: &Metadata, out: &mut Vec<u8>) {
    block(out, |out| encode_pairs(metadata, out));
}

/// Reads entries of which only pairs of metadata are known.
pub(super) fn decode_pairs(
    kind: Kind,
    mut entries: Entries<'_>,
    metadata: &mut Option<Box<Metadata>>,
) -> Result<(), FrameError> {
    while let Some((tag, bytes)) = entries.next()? {
        match tag {
            TAG_METADATA => decode_pair(kind, bytes, metadata)?,
            _ => entries.unknown(tag)?,
        }
    }
    Ok(())
}

fn decode_pair(
    kind: Kind,
    mut bytes: Fields<'_>,
    metadata: &mut Option<Box<Metadata>>,
) -> Result<(), FrameError> {
    let key_length = bytes.u8()?;
    let key = bytes.text(usize::from(key_length), "metadata key")?;
    let metadata = metadata.get_or_insert_default();
    let added = if Metadata::is_binary(key) {
        metadata.append_bin(key, bytes.rest())
    } else {
        metadata.append(key, bytes.text(bytes.rest().len(), "metadata value")?)
    };
    added.map_err(|_| FrameError::Field(kind, "metadata pair"))
}
