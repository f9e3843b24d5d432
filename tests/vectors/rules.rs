//! The rules of docs/protocol.md for frames that cross others or should not be there, and what the machine does then.

use std::{task::Waker, time::Instant};

use rpc_core::proto::{
    CallId, Codec, Connection, Decoder, MethodKey, Opening, Payload, Side, Streams,
    connection::{Event, Request, Waiter},
    wire::{CloseCode, Flags, HEAD_LEN, Head, Kind},
};
use tests::{RawPeer, wire};

use crate::machine::{greeted, written};

/// A machine, fed by hand.
struct Fed {
    machine: Connection,
    decoder: Decoder,
    now: Instant,
}

const NONE: Flags = Flags::NONE;
const MINE: Flags = Flags::MINE;
const KEY: [u8; 8] = [7; 8];

fn frame(kind: Kind, flags: Flags, id: u32, payload: &[u8]) -> Vec<u8> {
    RawPeer::frame(kind, flags, id, payload)
}

fn credit(flags: Flags, id: u32) -> Vec<u8> {
    frame(Kind::Credit, flags, id, &70_000_u32.to_le_bytes())
}

impl Fed {
    fn new(side: Side) -> Self {
        let (machine, decoder, now) = greeted(side);
        Self { machine, decoder, now }
    }

    /// The requests among what this brings.
    fn feed(&mut self, bytes: &[u8]) -> Vec<Request> {
        self.machine.handle_input(self.now, &mut self.decoder, bytes);
        let events = std::iter::from_fn(|| self.machine.poll_event());
        let request = |event| match event {
            Event::Request(request) => Some(request),
            _ => None,
        };
        events.filter_map(request).collect()
    }

    fn error(&self) -> Option<String> {
        self.machine.error().map(ToString::to_string)
    }

    fn open(&mut self, streams: Streams) -> u32 {
        let arguments = Payload::new();
        let call = Opening { streams, ..Opening::new(MethodKey::from_u64(7), Codec::Bincode) };
        let id = self.machine.open(self.now, &call, &arguments).unwrap();
        written(&mut self.machine, self.now);
        id.value()
    }

    /// The kinds and calls of the frames that it has to say.
    fn says(&mut self) -> Vec<(Kind, u32)> {
        let bytes = written(&mut self.machine, self.now);
        let (mut heads, mut rest) = (Vec::new(), &bytes[..]);
        while let Some((head, behind)) = rest.split_first_chunk::<HEAD_LEN>() {
            let head = Head::decode(*head).unwrap();
            heads.push((head.kind, head.id.value()));
            rest = &behind[head.length as usize..];
        }
        heads
    }
}

/// Every frame of the other side's that is about a stream of this side's call.
fn about_a_stream(id: u32) -> [Vec<u8>; 4] {
    [
        frame(Kind::Item, NONE, id, &[5]),
        frame(Kind::Accept, NONE, id, &[]),
        credit(NONE, id),
        frame(Kind::Cancel, NONE, id, &[]),
    ]
}

#[test]
fn what_is_about_a_stream_is_passed_over_while_its_call_is_open_and_closes_afterwards() {
    for which in 0..about_a_stream(0).len() {
        let mut fed = Fed::new(Side::Dialer);
        let id = fed.open(Streams::NONE);
        fed.feed(&about_a_stream(id)[which]);
        assert_eq!(fed.error(), None, "{which}");
        fed.feed(&frame(Kind::Response, NONE, id, &[]));
        assert_eq!(fed.error(), None, "{which}");
        let mut waiter = Waiter::supplied(Waker::noop());
        assert!(fed.machine.poll_outcome(CallId::new(id), &mut waiter).is_ready());
        fed.feed(&about_a_stream(id)[which]);
        let words = fed.error().unwrap();
        assert!(words.ends_with("frame for call 0, which has no such stream"), "{words}");
    }
}

#[test]
fn credit_and_cancels_of_the_peers_calls_are_passed_over_whether_there_are_such_calls() {
    let mut fed = Fed::new(Side::Acceptor);
    fed.feed(&[credit(MINE, 5), frame(Kind::Cancel, MINE, 5, &[])].concat());
    let request = [frame(Kind::Request, MINE, 5, &KEY), credit(MINE, 5)].concat();
    assert_eq!(fed.feed(&request).len(), 1);
    assert_eq!(fed.error(), None);
}

#[test]
fn items_of_a_request_that_was_not_accepted_are_passed_over() {
    let mut fed = Fed::new(Side::Acceptor);
    fed.machine.drain("enough");
    let upload = wire::streaming(5, MethodKey::from_u64(7), Streams::UP);
    let (item, end) = (frame(Kind::Item, MINE, 5, &[5]), frame(Kind::End, MINE, 5, &[]));
    assert!(fed.feed(&[upload, item, end].concat()).is_empty());
    assert_eq!(fed.error(), None);
}

#[test]
fn requests_behind_the_goaway_of_their_sender_are_served() {
    let mut fed = Fed::new(Side::Acceptor);
    // One that waits keeps the connection.
    fed.feed(&frame(Kind::Request, MINE, 0, &KEY));
    let goaway = wire::goaway(CloseCode::Drain, "bye");
    let bytes = [&goaway[..], &frame(Kind::Request, MINE, 1, &KEY), &goaway].concat();
    let requests = fed.feed(&bytes);
    assert_eq!(requests.iter().map(|request| request.id.value()).collect::<Vec<_>>(), [1]);
    for id in [0, 1] {
        fed.machine.finish(CallId::new(id), Codec::Bincode, &Ok(Payload::new()));
    }
    assert_eq!(fed.says(), [(Kind::Response, 0), (Kind::Response, 1)]);
}

#[test]
fn a_second_goaway_has_its_own_code() {
    let mut fed = Fed::new(Side::Acceptor);
    fed.feed(&frame(Kind::Request, MINE, 0, &KEY));
    fed.feed(&wire::goaway(CloseCode::Drain, "bye"));
    assert_eq!(fed.error(), None);
    fed.feed(&wire::goaway(CloseCode::Abort, "now"));
    assert_eq!(fed.error().as_deref(), Some("peer closed the connection: aborted: now"));
}

#[test]
fn a_oneway_request_in_parts_is_put_together_and_what_comes_between_is_lost_in_it() {
    let mut fed = Fed::new(Side::Acceptor);
    let part = |flags, payload: &[u8]| frame(Kind::Request, flags, u32::MAX, payload);
    let first = part(MINE.with(Flags::MORE), &[&KEY[..], b"one "].concat());
    let requests = fed.feed(&[first, part(MINE, b"two"), part(MINE, &KEY)].concat());
    let arguments: Vec<&[u8]> = requests.iter().map(|request| &request.arguments[..]).collect();
    assert_eq!(arguments, [&b"one two"[..], b""]);
    assert_eq!(fed.error(), None);
}

#[test]
fn a_oneway_request_carries_no_items() {
    let mut fed = Fed::new(Side::Acceptor);
    let upload = wire::streaming(u32::MAX, MethodKey::from_u64(7), Streams::BOTH);
    assert_eq!(fed.feed(&upload)[0].opening.streams, Streams::NONE);
    fed.feed(&frame(Kind::Item, MINE, u32::MAX, &[5]));
    assert!(fed.error().unwrap().ends_with("which has no such stream"));
}

#[test]
fn a_cancel_is_the_end_of_an_upload_and_nothing_may_follow_it() {
    for behind in [frame(Kind::Item, MINE, 5, &[5]), frame(Kind::End, MINE, 5, &[])] {
        let mut fed = Fed::new(Side::Acceptor);
        fed.feed(&wire::streaming(5, MethodKey::from_u64(7), Streams::UP));
        fed.feed(&frame(Kind::Cancel, MINE, 5, &[]));
        assert_eq!(fed.error(), None);
        fed.feed(&behind);
        assert!(fed.error().unwrap().ends_with("which has no such stream"));
    }
}

/// The flag of a status is not looked at; that of everything else must be the call's.
#[test]
fn a_reply_has_the_codec_of_its_request_unless_it_is_a_status() {
    let replies = [
        (Kind::Error, &[1, 13, 1, 0, 0][..], true),
        (Kind::Error, &[0, 7], false),
        (Kind::Error, &[2, 7], false),
        (Kind::Response, &[7], false),
    ];
    for (kind, payload, taken) in replies {
        let mut fed = Fed::new(Side::Dialer);
        let id = fed.open(Streams::NONE);
        fed.feed(&frame(kind, Flags::JSON, id, payload));
        let words = "reply to call 0 is in another codec than the request";
        assert_eq!(fed.error().as_deref(), (!taken).then_some(words), "{kind} {payload:?}");
    }
}

/// One message more than is allowed may be in part.
#[test]
fn one_message_in_part_above_the_limit_is_let_pass() {
    let mut fed = Fed::new(Side::Acceptor);
    let begin = |id| frame(Kind::Request, MINE.with(Flags::MORE), id, &KEY);
    (0..5).for_each(|id| assert!(fed.feed(&begin(id)).is_empty()));
    assert_eq!(fed.error(), None);
    fed.feed(&begin(5));
    assert_eq!(fed.error().as_deref(), Some("peer sent more than 4 messages in part"));
}
