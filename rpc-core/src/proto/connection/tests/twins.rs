//! The short ways of hot frames beside the long ways that all others take: what comes whole, what comes cut at any byte,
//! and what is opened the long way have the same effect.

use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    lone::{Lone, Sent, frame, greeting},
    *,
};
use crate::proto::wire::{Flags, HEAD_LEN, Kind};

/// What the peer does, and what this side does between two reads.
#[derive(Clone, Debug)]
enum Op {
    /// Frames that come in one read.
    Read(Vec<Frame>),
    /// A handler ends.
    Finish { nth: usize, size: usize },
    /// A call of this side is opened.
    Open { size: usize },
}

type Frame = Vec<u8>;

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![8 => vec(any::<u8>(), 0..40), 2 => vec(any::<u8>(), 200..300), 1 => vec(any::<u8>(), 5_000)]
}

fn request() -> impl Strategy<Value = Frame> {
    // The second list has what the short way leaves to the long one.
    let plain = select(vec![Flags::MINE, Flags::MINE.with(Flags::JSON)]);
    let others =
        select(vec![Flags::NONE, Flags::MINE.with(Flags::MORE), Flags::MINE.with(Flags::EXT)]);
    let flags = prop_oneof![12 => plain, 1 => others];
    let id = prop_oneof![12 => 0..6u32, 1 => Just(u32::MAX)];
    (flags, id, bytes()).prop_map(|(flags, id, arguments)| {
        // An extension without entries; what does not begin with one is refused.
        let extension: &[u8] = if flags.contains(Flags::EXT) { &[0, 0] } else { &[] };
        let payload = [&7_u64.to_le_bytes()[..], extension, &arguments].concat();
        frame(Kind::Request, flags, id, &payload)
    })
}

fn any_frame() -> impl Strategy<Value = Frame> {
    let reply = (select(vec![Flags::NONE, Flags::JSON, Flags::MORE]), 0..6u32, bytes())
        .prop_map(|(flags, id, payload)| frame(Kind::Response, flags, id, &payload));
    let cancel = (0..6u32).prop_map(|id| frame(Kind::Cancel, Flags::MINE, id, &[]));
    let others = vec![
        Kind::Error,
        Kind::Item,
        Kind::End,
        Kind::Accept,
        Kind::Credit,
        Kind::Extension,
        Kind::Ping,
        Kind::Pong,
        Kind::GoAway,
    ];
    let other = (select(others), 0..6u32, vec(any::<u8>(), 0..12))
        .prop_map(|(kind, id, payload)| frame(kind, Flags::NONE, id, &payload));
    prop_oneof![12 => request(), 12 => reply, 2 => cancel, 1 => other]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => vec(any_frame(), 1..8).prop_map(Op::Read),
        3 => (any::<usize>(), 0..300usize).prop_map(|(nth, size)| Op::Finish { nth, size }),
        4 => (0..300usize).prop_map(|size| Op::Open { size }),
    ]
}

/// One of the machines that are to have the same life.
struct Twin {
    lone: Lone,
    seen: Vec<String>,
}

impl Twin {
    fn new(max_calls: u32) -> Self {
        let limits = Limits { max_calls, ..Limits::default() };
        let config = Config { limits, ..Config::default() };
        Self { lone: Lone::greeted_with(Acceptor, config), seen: Vec::new() }
    }

    fn finish(&mut self, nth: usize, size: usize) {
        let end = &mut self.lone.end;
        if !end.running.is_empty() {
            let request = end.running.remove(nth % end.running.len());
            self.seen.push(format!("{:?} {:?}", request.id, request.opening));
            end.end(&request, &Ok(Payload::from(vec![9; size])));
        }
    }

    fn open(&mut self, size: usize, order: Order) {
        let opening = Opening { order, ..call(None) };
        let now = self.lone.now;
        let opened = self.lone.machine().open(now, &opening, &Payload::from(vec![8; size]));
        self.seen.push(format!("opened {opened:?}"));
    }

    /// What both twins must have in common after each step.
    fn look(&mut self) -> (Vec<Sent>, Vec<Vec<u8>>, String) {
        let sent = self.lone.sent();
        for id in (0..64).map(CallId::new) {
            if let Some(outcome) = self.lone.machine().take_outcome(id) {
                self.seen.push(format!("{id} {outcome:?}"));
            }
        }
        let End { log, running, started, machine, .. } = &self.lone.end;
        let running: Vec<_> = running.iter().map(|request| (request.id, request.cost)).collect();
        let error = machine.error();
        (sent, started.clone(), format!("{log:?} {running:?} {error:?} {:?}", self.seen))
    }
}

proptest! {
    #[test]
    fn frames_have_the_same_effect_whole_and_cut_anywhere(
        ops in vec(op(), 1..24),
        max_calls in 1..8u32,
        cuts in prop_oneof![Just(vec![1]), vec(1..40usize, 1..20)],
    ) {
        let (mut whole, mut cut) = (Twin::new(max_calls), Twin::new(max_calls));
        let mut sizes = cuts.iter().cycle();
        for op in ops {
            match op {
                Op::Read(frames) => {
                    let bytes = frames.concat();
                    whole.lone.feed(&bytes);
                    let mut rest = &bytes[..];
                    while !rest.is_empty() {
                        // A head that comes in two reads is never on the short way.
                        let size = sizes.next().map_or(1, |&size| size.min(rest.len()));
                        cut.lone.feed(&rest[..size]);
                        rest = &rest[size..];
                    }
                }
                Op::Finish { nth, size } => {
                    whole.finish(nth, size);
                    cut.finish(nth, size);
                }
                Op::Open { size } => {
                    whole.open(size, Order::Any);
                    cut.open(size, Order::Any);
                }
            }
            let (mut one, mut other) = (whole.look(), cut.look());
            if let Some(error) = whole.lone.machine().error() {
                // What came in the read that ended the connection is not started any more; cut, it was before.
                prop_assert!(other.1.starts_with(&one.1));
                prop_assert_eq!(Some(error), cut.lone.machine().error());
                prop_assert_eq!(one.0.pop(), other.0.pop());
                return Ok(());
            }
            prop_assert_eq!(one, other);
        }
    }

    #[test]
    fn calls_have_the_same_effect_when_they_are_opened_the_short_and_the_long_way(
        ops in vec(op(), 1..24),
        max_calls in 1..8u32,
    ) {
        let (mut short, mut long) = (Twin::new(max_calls), Twin::new(max_calls));
        for op in ops {
            match op {
                Op::Read(frames) => {
                    let bytes = frames.concat();
                    short.lone.feed(&bytes);
                    long.lone.feed(&bytes);
                }
                Op::Finish { nth, size } => {
                    short.finish(nth, size);
                    long.finish(nth, size);
                }
                Op::Open { size } => {
                    short.open(size, Order::Any);
                    // Order is no business of the wire, and makes a call that is not plain.
                    long.open(size, Order::Kept);
                }
            }
            prop_assert_eq!(short.look(), long.look());
            if short.lone.machine().error().is_some() {
                return Ok(());
            }
        }
    }
}

#[test]
fn the_two_ways_are_two() {
    let opening = Opening { order: Order::Kept, ..call(None) };
    assert!(call(None).is_plain() && !opening.is_plain());
    let mut decoder = Decoder::new(64 << 10);
    let hello = greeting();
    assert!(decoder.next(&mut &hello[..]).is_ok_and(|piece| piece.is_some()));
    let frame = frame(Kind::Response, Flags::NONE, 0, &[1]);
    // The short way copies a fixed number of bytes, which must be there.
    assert!(decoder.next_short(&[&frame[..], &[0; 64]].concat()).is_some());
    assert!(decoder.next(&mut &frame[..HEAD_LEN / 2]).is_ok_and(|piece| piece.is_none()));
    assert!(decoder.next_short(&frame[HEAD_LEN / 2..]).is_none());
}
