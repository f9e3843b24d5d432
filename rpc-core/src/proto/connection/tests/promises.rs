//! What callers are told is true, and nobody waits without a word.

use super::{
    lone::{Lone, frame, waiting_for_reply},
    *,
};
use crate::proto::{
    connection::StreamId,
    wire::{Flags, Kind},
};

/// JSON read as bincode gave 1 + 1 = 25.
#[test]
fn a_reply_in_another_codec_ends_the_connection() {
    for kind in [Kind::Response, Kind::Error] {
        let mut lone = waiting_for_reply();
        let reply = frame(kind, Flags::JSON, 0, b"\x0025");
        lone.expect_error(&reply, &ConnectionError::ReplyCodec(CallId::new(0)));
    }
}

/// The word was "may have run" for whatever had been appended.
#[test]
fn calls_of_which_nothing_was_written_were_not_started() {
    let mut pair = Pair::new().greeted();
    // As much as the first request, and a byte of the second.
    pair.capacity = 8 + 8 + 4 + 1;
    let ids = [b"one.", b"two.", b"thr."].map(|arguments| pair.open(Dialer, arguments));
    pair.write(Dialer);
    pair[Dialer].machine.fail(ConnectionError::KeepaliveTimeout);
    let words = ids.map(|id| pair.status(Dialer, id).execution());
    let (ran, not) = (Execution::MayHaveRun, Execution::NotStarted);
    assert_eq!(words, [ran, ran, not]);
    // And it stays so: what was not handed over never is.
    (pair.capacity, pair.chunk) = (usize::MAX, 8);
    pair.drive();
    assert_eq!(pair[Acceptor].started, [b"one.", b"two."]);
}

#[test]
fn streams_above_the_limit_hold_no_call_up_and_are_told() {
    let mut pair = Pair::accepting(Limits::default().max_streams(2)).greeted();
    let open = |pair: &mut Pair| {
        let (now, arguments) = (pair.now, Payload::copy_from_slice(b"args"));
        let new = Opening { streams: Streams::DOWN, ..call(None) };
        pair[Dialer].machine.open(now, &new, &arguments).unwrap()
    };
    let ids = [open(&mut pair), open(&mut pair), open(&mut pair)];
    pair.drive();
    let unary = pair.open(Dialer, b"unary");
    pair.drive();
    assert_eq!(pair[Acceptor].running.len(), 3);
    pair.finish(Acceptor, unary, b"done");
    pair.drive();
    assert_eq!(pair.outcome(Dialer, unary), value(b"done"));
    assert_eq!(pair.outcome(Dialer, ids[2]), None);
    pair.advance(5 * SECOND);
    let status = pair.status(Dialer, ids[2]);
    assert_eq!((status.code(), status.may_have_run()), (Code::ResourceExhausted, false));
    assert!(status.message().contains("accepts 2 streams at once"), "{status}");
    // One that ends makes room for the next.
    let next = open(&mut pair);
    pair.finish(Acceptor, ids[0], b"");
    pair.drive();
    assert!(pair[Acceptor].running.iter().any(|request| request.id == next));
    assert_ne!(StreamId::mine(next), StreamId::mine(ids[1]));
}

#[test]
fn a_future_that_is_polled_often_waits_once() {
    let mut lone = Lone::greeted(Dialer);
    let token = lone.machine().ping();
    for _ in 0..1_000 {
        assert!(lone.machine().poll_pong(token, &mut idle()).is_pending());
    }
    assert_eq!(lone.machine().pings.waiting(), 1);
    lone.machine().forget_pong(token);
    assert_eq!(lone.machine().pings.waiting(), 0);
}

#[test]
fn a_connection_without_calls_is_drained_when_it_has_been_silent() {
    let config = Config { idle_timeout: Some(60 * SECOND), ..Config::default() };
    let mut pair = Pair::with(Config::default(), config).greeted();
    let id = pair.open(Dialer, b"");
    pair.drive();
    for _ in 0..12 {
        pair.advance(10 * SECOND);
        pair.drive();
    }
    pair.finish(Acceptor, id, b"late");
    pair.drive();
    assert_eq!(pair.outcome(Dialer, id), value(b"late"), "a call keeps the connection");
    for _ in 0..7 {
        pair.advance(10 * SECOND);
        pair.drive();
    }
    assert!(pair[Dialer].saw(&Seen::PeerDraining));
    assert_eq!(pair[Acceptor].machine.error(), Some(&ConnectionError::Closed));
}

/// Whatever came was held for 100 ms each while one handler ran whose reply was likely to be long.
#[test]
fn a_call_that_is_likely_to_bring_much_holds_no_others_up() {
    let mut pair = Pair::new().greeted();
    let open = |pair: &mut Pair, key: u64| {
        let (now, arguments) = (pair.now, Payload::copy_from_slice(b"args"));
        let new = Opening { key: MethodKey::from_u64(key << 32), ..call(None) };
        pair[Dialer].machine.open(now, &new, &arguments).unwrap()
    };
    let slow = open(&mut pair, 1);
    pair.drive();
    pair[Acceptor].machine.expect_reply(slow, 1, 4 << 20);
    let small: [_; 50] = std::array::from_fn(|_| open(&mut pair, 2));
    let likely = open(&mut pair, 1);
    pair.drive();
    let runs = |pair: &Pair, id| pair[Acceptor].running.iter().any(|request| request.id == id);
    assert!(small.iter().all(|&id| runs(&pair, id)), "small calls wait for a long reply");
    assert!(!runs(&pair, likely), "another long reply does not wait for the first");
    // It is not held for ever: the first may wait for as long as it likes.
    pair.advance(Duration::from_millis(1));
    pair.advance(Duration::from_millis(100));
    pair.drive();
    assert!(runs(&pair, likely));
    pair.echo(Acceptor);
    pair.drive();
    assert!(pair.outcome(Dialer, likely).is_some());
}
