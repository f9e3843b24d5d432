//! Broken rules: each ends the connection with the error that names it, and the peer is told.

use super::{
    lone::{Lone, frame, greeting, limited, request, waiting_for_reply},
    *,
};
use crate::proto::{
    DecodeError,
    wire::{Flags, FrameError, HeadError, Kind},
};

const MINE: Flags = Flags::MINE;
const MORE: Flags = Flags::MORE;

/// A row: what the peer of a greeted acceptor sends, and the rule that it breaks.
fn rows() -> Vec<(Vec<u8>, ConnectionError)> {
    let id = CallId::new(5);
    let hello = greeting()[8..].to_vec();
    let part = |flags| frame(Kind::Request, flags, 5, &[7; 100]);
    let head = |byte: u8, id: u8| vec![0, 0, 0, byte, id, 0, 0, 0];
    vec![
        ([request(5, b""), request(5, b"")].concat(), ConnectionError::DuplicateId(id)),
        (
            [part(MINE.with(MORE)), request(5, b""), request(5, b"")].concat(),
            ConnectionError::DuplicateId(id),
        ),
        (
            frame(Kind::Request, Flags::NONE, 5, &[7; 8]),
            ConnectionError::WrongOpener(Kind::Request, id),
        ),
        (
            [part(MINE.with(MORE)), part(Flags::NONE)].concat(),
            ConnectionError::WrongOpener(Kind::Request, id),
        ),
        (
            frame(Kind::Cancel, Flags::NONE, 5, b""),
            ConnectionError::UnknownStream(Kind::Cancel, id),
        ),
        (frame(Kind::Cancel, MINE, 5, b"x"), FrameError::Short(Kind::Cancel).into()),
        (frame(Kind::Extension, MINE, 5, &[9, 0x80]), FrameError::Subtype(0x8009).into()),
        (frame(Kind::Response, Flags::NONE, 5, b""), ConnectionError::UnknownReply(id)),
        (frame(Kind::Error, Flags::NONE, 5, &[1, 2, 1]), ConnectionError::UnknownReply(id)),
        (hello, ConnectionError::SecondHello),
        (head(0x0e, 0), DecodeError::Head(HeadError::Kind(14)).into()),
        (head(0x0f, 0), DecodeError::Head(HeadError::Kind(15)).into()),
        (head(0x83, 5), DecodeError::Head(HeadError::Flags(Kind::Response)).into()),
        (head(0x19, 0), DecodeError::Head(HeadError::Flags(Kind::Ping)).into()),
        (head(0x09, 1), DecodeError::Head(HeadError::Id(Kind::Ping)).into()),
        (
            [part(MINE.with(MORE)), part(MINE.with(Flags::JSON))].concat(),
            ConnectionError::MixedMessage(id),
        ),
        (frame(Kind::Pong, Flags::NONE, 0, &[0; 8]), ConnectionError::UnknownPong),
        (frame(Kind::Pong, Flags::NONE, 0, &1u64.to_le_bytes()), ConnectionError::UnknownPong),
        (frame(Kind::Ping, Flags::NONE, 0, &[0; 7]), FrameError::Short(Kind::Ping).into()),
        (frame(Kind::GoAway, Flags::NONE, 0, &[0; 8]), FrameError::Short(Kind::GoAway).into()),
        (
            vec![1, 16, 0, 9, 0, 0, 0, 0],
            DecodeError::TooLong { kind: Kind::Ping, length: 4097, limit: 4096 }.into(),
        ),
        (
            vec![1, 0, 1, 0x82, 0, 0, 0, 0],
            DecodeError::TooLong { kind: Kind::Request, length: 65537, limit: 65536 }.into(),
        ),
        (
            b"garbage after hello".to_vec(),
            DecodeError::TooLong { kind: Kind::Request, length: 0x0072_6167, limit: 65536 }.into(),
        ),
    ]
}

#[test]
fn each_broken_rule_is_named_to_both_sides() {
    for (bytes, error) in rows() {
        Lone::greeted(Acceptor).expect_error(&bytes, &error);
    }
}

#[test]
fn each_broken_rule_is_found_however_its_bytes_are_cut() {
    for (bytes, error) in rows() {
        let mut lone = Lone::greeted(Acceptor);
        for byte in bytes {
            lone.feed(&[byte]);
        }
        assert_eq!(lone.machine().error(), Some(&error));
    }
}

#[test]
fn a_second_reply_is_to_an_unknown_call() {
    let reply = frame(Kind::Response, Flags::NONE, 0, b"");
    let error = ConnectionError::UnknownReply(CallId::new(0));
    waiting_for_reply().expect_error(&[&reply[..], &reply[..]].concat(), &error);
}

#[test]
fn a_reply_that_turns_from_value_to_error_midway_is_mixed() {
    let value = frame(Kind::Response, MORE, 0, b"value");
    let failure = frame(Kind::Error, Flags::NONE, 0, &[1, 2, 1]);
    let error = ConnectionError::MixedMessage(CallId::new(0));
    waiting_for_reply().expect_error(&[value, failure].concat(), &error);
}

#[test]
fn an_error_frame_that_says_nothing_ends_the_connection() {
    let bytes = frame(Kind::Error, Flags::NONE, 0, b"");
    waiting_for_reply().expect_error(&bytes, &FrameError::Short(Kind::Error).into());
}

#[test]
fn a_first_frame_other_than_hello_ends_the_connection() {
    let bytes = [&greeting()[..8], &request(0, b"")[..]].concat();
    let error = DecodeError::HelloExpected(Kind::Request).into();
    Lone::new(Acceptor).expect_error(&bytes, &error);
}

#[test]
fn a_hello_with_a_limit_of_zero_ends_the_connection() {
    let hello = frame(Kind::Hello, Flags::NONE, 0, &[3, 4, 0, 0, 0, 0, 0]);
    let bytes = [&greeting()[..8], &hello[..]].concat();
    let error = FrameError::Field(Kind::Hello, "limit").into();
    Lone::new(Acceptor).expect_error(&bytes, &error);
}

#[test]
fn a_message_over_the_limit_ends_the_connection() {
    let limits = Limits { max_message: 100_000, ..Limits::default() };
    let part = frame(Kind::Request, MINE.with(MORE), 5, &[7; 60_000]);
    let error = ConnectionError::MessageTooLong { id: CallId::new(5), limit: 100_000 };
    let mut lone = Lone::greeted_with(Acceptor, limited(limits));
    lone.expect_error(&[&part[..], &part[..]].concat(), &error);
    assert!(lone.machine().partials.is_empty());

    let limits = Limits { max_message: 20_000, ..Limits::default() };
    let whole = frame(Kind::Request, MINE, 5, &[7; 20_001]);
    let error = ConnectionError::MessageTooLong { id: CallId::new(5), limit: 20_000 };
    Lone::greeted_with(Acceptor, limited(limits)).expect_error(&whole, &error);
}

#[test]
fn too_many_messages_in_part_end_the_connection() {
    let limits = Limits { max_partial: 2, ..Limits::default() };
    let begin = |id| frame(Kind::Request, MINE.with(MORE), id, b"part");
    let mut lone = Lone::greeted_with(Acceptor, limited(limits));
    lone.feed(&[begin(1), begin(2)].concat());
    assert_eq!(lone.machine().error(), None);
    // One more is taken for a frame that the reads have split.
    lone.feed(&begin(3));
    lone.expect_error(&begin(4), &ConnectionError::TooManyPartial(2));
}

#[test]
fn a_peer_that_ignores_the_limit_is_refused_and_in_the_end_closed() {
    let limits = Limits { max_calls: 10, ..Limits::default() };
    let mut lone = Lone::greeted_with(Acceptor, limited(limits));
    for id in 0..1_010 {
        lone.feed(&request(id, b""));
    }
    assert_eq!(lone.end.running.len(), 10);
    let refusals = lone.sent();
    assert_eq!(refusals.len(), 1_000);
    for sent in refusals {
        assert_eq!(sent.payload[..3], [1, Code::ResourceExhausted.value(), 0]);
    }
    lone.expect_error(&request(2_000, b""), &ConnectionError::TooManyCalls(10));
}

#[test]
fn a_request_that_cannot_be_read_is_answered_and_the_connection_lives() {
    let mut lone = Lone::greeted(Acceptor);
    let with = |flags: Flags, payload: &[u8]| frame(Kind::Request, flags, 5, payload);
    for bytes in [
        with(MINE, b"short"),
        with(MINE.with(Flags::EXT), &[7; 9]),
        with(MINE.with(Flags::EXT), &[7, 0, 0, 0, 0, 0, 0, 0, 5, 0, 2, 2, 0, 1, b'K']),
    ] {
        lone.feed(&bytes);
        let sent = lone.sent();
        assert_eq!(sent[0].payload[..3], [1, Code::InvalidArgument.value(), 0]);
    }
    lone.feed(&request(5, b""));
    assert_eq!(lone.end.running.len(), 1);
}

#[test]
fn items_behind_a_request_that_cannot_be_read_are_passed_over() {
    let mut lone = Lone::greeted(Acceptor);
    // Metadata whose key is none, before and behind the mark that the caller sends items.
    for entries in
        [[&[2, 3, 0, 1, b'A', b'x'][..], &[3, 1, 0, 1]], [&[3, 1, 0, 1], &[2, 3, 0, 1, b'A', b'x']]]
    {
        let entries = entries.concat();
        let payload = [&7_u64.to_le_bytes()[..], &[entries.len() as u8, 0], &entries].concat();
        lone.feed(&frame(Kind::Request, MINE.with(Flags::EXT), 5, &payload));
        lone.feed(&frame(Kind::Item, MINE, 5, b"x"));
        lone.feed(&frame(Kind::End, MINE, 5, b""));
        assert_eq!(lone.sent()[0].payload[..3], [1, Code::InvalidArgument.value(), 0]);
    }
    lone.feed(&request(5, b""));
    assert_eq!(lone.end.running.len(), 1);
}

#[test]
fn other_protocols_are_answered_by_whoever_speaks_first() {
    let foreign = ConnectionError::Foreign("SSH");
    let mut lone = Lone::new(Acceptor);
    lone.end.machine.fail(foreign.clone());
    lone.expect_error(b"", &foreign);
    Lone::new(Acceptor).expect_error(b"\x00\x01", &DecodeError::Preface.into());
    for error in [foreign, DecodeError::Preface.into()] {
        let mut dialer = Lone::new(Dialer);
        dialer.sent();
        dialer.end.machine.fail(error);
        assert!(!dialer.machine().wants_write());
    }
}
