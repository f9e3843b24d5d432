//! Golden bytes: every frame kind, and a session of twenty frames each of whose bytes is written down. They hold the
//! protocol in place: what this crate writes, and what it reads, is what `docs/protocol.md` says.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::time::Duration;

use rpc_core::{
    Code, Limits, Metadata, MethodKey, Status,
    proto::{
        CallId, Decoder, encode_preface,
        frame::{CloseCode, Failure, Flags, GoAway, Head, Hello, Kind, Ping, RequestHead},
    },
};

/// The bytes of a vector, by its name.
fn vector(name: &str) -> Vec<u8> {
    let line = include_str!("vectors/frames.txt")
        .lines()
        .find(|line| line.split('|').next().unwrap().trim() == name)
        .unwrap_or_else(|| panic!("no vector {name}"));
    hex(line.split('|').nth(1).unwrap())
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

fn frame(kind: Kind, flags: Flags, id: u32, payload: &[u8]) -> Vec<u8> {
    let head = Head { kind, flags, id: CallId::new(id), length: payload.len() as u32 };
    [&head.encode()[..], payload].concat()
}

/// Checks that `bytes` is the vector, and gives the head and payload that it decodes to.
#[track_caller]
fn same(name: &str, bytes: &[u8]) -> (Head, Vec<u8>) {
    assert_eq!(bytes, vector(name), "{name}");
    let mut decoder = Decoder::new(1 << 20);
    let greeting = [vector("preface"), vector("hello")].concat();
    let mut input = &greeting[..];
    decoder.next(&mut input).unwrap().unwrap();
    if name == "hello" {
        let head = Head::decode(*bytes.first_chunk().unwrap()).unwrap();
        return (head, bytes[8..].to_vec());
    }
    let mut input = bytes;
    let piece = decoder.next(&mut input).unwrap().unwrap();
    (piece.head, piece.payload.to_vec())
}

const ADD: u64 = 0x6a03_40ac_d506_08e3;

#[test]
fn the_preface_and_hello_are_as_written() {
    let mut bytes = Vec::new();
    encode_preface(&mut bytes);
    assert_eq!(bytes, vector("preface"));
    let hello = Hello { limits: Limits::default(), name: "billing".to_owned() };
    let mut bytes = Vec::new();
    hello.encode(&mut bytes);
    let (_, payload) = same("hello", &bytes);
    assert_eq!(Hello::decode(&payload), Ok(hello));
}

#[test]
fn requests_are_as_written() {
    let key = MethodKey::from_u64(ADD);
    let mut payload = Vec::new();
    assert!(!RequestHead::encode(key, None, None, &mut payload));
    payload.extend_from_slice(&[2, 4]);
    let (head, payload) = same("request", &frame(Kind::Request, Flags::MINE, 0, &payload));
    assert_eq!(
        (head.id.value(), RequestHead::decode(&payload, false).unwrap().1),
        (0, &[2, 4][..])
    );

    let bare = MethodKey::from_u64(ADD >> 32 << 32);
    assert!(bare.is_bare());
    let payload = [&bare.to_u64().to_le_bytes()[..], b"[1,2]"].concat();
    let (head, _) =
        same("request json", &frame(Kind::Request, Flags::MINE.with(Flags::JSON), 7, &payload));
    assert!(head.flags.contains(Flags::JSON));

    let one = MethodKey::from_u64(1).to_u64().to_le_bytes();
    let (head, _) = same("request one-way", &frame(Kind::Request, Flags::MINE, u32::MAX, &one));
    assert!(!head.id.expects_reply());
}

#[test]
fn an_extension_is_as_written() {
    let (key, left) = (MethodKey::from_u64(ADD), Duration::from_millis(250));
    let mut metadata = Metadata::new();
    metadata.set("tier", "gold!").unwrap();
    let mut payload = Vec::new();
    assert!(RequestHead::encode(key, Some(left), Some(&metadata), &mut payload));
    payload.extend_from_slice(&[2, 4]);
    let flags = Flags::MINE.with(Flags::EXT);
    let (_, payload) = same("request extended", &frame(Kind::Request, flags, 1, &payload));
    let (front, arguments) = RequestHead::decode(&payload, true).unwrap();
    assert_eq!((front.timeout, front.metadata.as_deref()), (Some(left), Some(&metadata)));
    assert_eq!(arguments, [2, 4]);
}

#[test]
fn replies_are_as_written() {
    same("response", &frame(Kind::Response, Flags::NONE, 0, &[6]));
    let (_, payload) = same("error own", &frame(Kind::Error, Flags::NONE, 5, &[0, 1, 7]));
    assert!(
        matches!(Failure::decode(&payload), Ok(Failure::Application(error)) if *error == [1, 7])
    );
    let status = Status::not_started(Code::Unimplemented, "gone!");
    let mut payload = Vec::new();
    Failure::encode_status(&status, &mut payload);
    let (_, payload) = same("error status", &frame(Kind::Error, Flags::NONE, 5, &payload));
    assert_eq!(Failure::decode(&payload), Ok(Failure::Status(status)));
}

#[test]
fn frames_about_the_connection_are_as_written() {
    same("cancel", &frame(Kind::Cancel, Flags::MINE, 5, &[]));
    for (name, kind) in [("ping", Kind::Ping), ("pong", Kind::Pong)] {
        let mut bytes = Vec::new();
        Ping { token: 1 }.encode(kind, &mut bytes);
        let (_, payload) = same(name, &bytes);
        assert_eq!(Ping::decode(kind, &payload), Ok(Ping { token: 1 }));
    }
    let goaway = GoAway { code: CloseCode::Drain, accepted: 3, message: "bye!".to_owned() };
    let mut bytes = Vec::new();
    goaway.encode(&mut bytes);
    let (_, payload) = same("goaway", &bytes);
    assert_eq!(GoAway::decode(&payload), Ok(goaway));
}

/// A session as one side sends it: one frame a line, in the file of that name.
#[test]
fn a_session_of_twenty_frames_is_read_as_written() {
    let lines: Vec<&str> = include_str!("vectors/session.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let bytes: Vec<u8> =
        lines.iter().flat_map(|line| hex(line.split('|').next().unwrap())).collect();
    let meanings: Vec<&str> =
        lines.iter().map(|line| line.split('|').nth(1).unwrap().trim()).collect();
    for step in [1, 7, bytes.len()] {
        let mut decoder = Decoder::new(1 << 20);
        let mut read = Vec::new();
        for part in bytes.chunks(step) {
            let mut input = part;
            while let Some(piece) = decoder.next(&mut input).unwrap() {
                let Head { kind, id, length, .. } = piece.head;
                read.push(format!("{kind} {id}, {length} bytes"));
            }
        }
        assert_eq!(read, meanings, "in parts of {step}");
        assert!(decoder.is_between_frames());
    }
    assert_eq!(meanings.len(), 20);
}
