//! Pings, keep-alive, and the timeouts of the connection itself.

use super::{
    lone::{Lone, frame, greeting, waiting_for_reply},
    *,
};
use crate::proto::wire::{CloseCode, Flags, Kind, Ping};

#[test]
fn a_ping_is_answered() {
    let mut pair = Pair::new().greeted();
    let token = pair[Dialer].machine.ping();
    assert!(pair[Dialer].machine.poll_pong(token, &mut idle()).is_pending());
    pair.drive();
    assert_eq!(pair[Dialer].machine.poll_pong(token, &mut idle()), Poll::Ready(Ok(())));
    pair.cut();
    pair.drive();
    let token = pair[Dialer].machine.ping();
    let lost = Poll::Ready(Err(ConnectionError::Lost));
    assert_eq!(pair[Dialer].machine.poll_pong(token, &mut idle()), lost);
}

#[test]
fn a_ping_of_the_accepting_side_waits_for_its_preface() {
    let mut pair = Pair::new();
    let tokens = [0, 1].map(|_| pair[Acceptor].machine.ping());
    assert!(!pair.write(Acceptor));
    pair.drive();
    for token in tokens {
        assert_eq!(pair[Acceptor].machine.poll_pong(token, &mut idle()), Poll::Ready(Ok(())));
    }
}

#[test]
fn one_pong_answers_all_pings_of_a_read() {
    let mut lone = Lone::greeted(Acceptor);
    let mut pings = Vec::new();
    for token in 1..=1_000 {
        Ping { token }.encode(Kind::Ping, &mut pings);
    }
    lone.feed(&pings);
    let sent = lone.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].payload, 1_000u64.to_le_bytes());
}

#[test]
fn pongs_that_nobody_reads_do_not_pile_up() {
    let mut lone = Lone::greeted(Acceptor);
    let mut ping = Vec::new();
    Ping { token: 1 }.encode(Kind::Ping, &mut ping);
    for _ in 0..100_000 {
        if !lone.machine().wants_read() {
            return;
        }
        lone.feed(&ping);
        lone.end.fill(Instant::now());
    }
    panic!("{} bytes of pongs wait", lone.machine().outbox.unsent());
}

#[test]
fn a_pong_may_answer_several_pings_but_none_twice() {
    let mut lone = Lone::greeted(Dialer);
    for _ in 0..3 {
        lone.machine().ping();
    }
    let pong = |token: u64| frame(Kind::Pong, Flags::NONE, 0, &token.to_le_bytes());
    lone.feed(&pong(2));
    assert!(lone.machine().poll_pong(1, &mut idle()).is_ready());
    assert!(lone.machine().poll_pong(2, &mut idle()).is_ready());
    assert!(lone.machine().poll_pong(3, &mut idle()).is_pending());
    lone.feed(&pong(2));
    assert_eq!(lone.machine().error(), Some(&ConnectionError::UnknownPong));
}

#[test]
fn a_silent_peer_is_pinged_and_given_up() {
    let mut lone = waiting_for_reply();
    let begin = lone.now;
    assert_eq!(lone.machine().poll_timeout(), Some(begin + 20 * SECOND));
    lone.machine().handle_timeout(begin + 19 * SECOND);
    assert!(lone.sent().is_empty());
    lone.machine().handle_timeout(begin + 20 * SECOND);
    assert_eq!(lone.sent()[0].head.kind, Kind::Ping);
    assert_eq!(lone.machine().poll_timeout(), Some(begin + 40 * SECOND));
    lone.machine().handle_timeout(begin + 40 * SECOND);
    assert_eq!(lone.machine().error(), Some(&ConnectionError::KeepaliveTimeout));
    let outcome = lone.machine().poll_outcome(CallId::new(0), &mut idle());
    let Poll::Ready((Err(Failure::Status(status)), _)) = outcome else { panic!("{outcome:?}") };
    assert_eq!((status.code(), status.may_have_run()), (Code::Unavailable, true));
}

#[test]
fn a_peer_that_answers_its_pings_is_waited_for() {
    let mut pair = Pair::new().greeted();
    let id = pair.open(Dialer, b"slow");
    for _ in 0..100 {
        pair.drive();
        pair.advance(20 * SECOND);
    }
    pair.echo(Acceptor);
    pair.drive();
    assert_eq!(pair.outcome(Dialer, id), value(b"slow"));
}

#[test]
fn an_idle_connection_is_not_pinged() {
    let mut pair = Pair::new().greeted();
    assert_eq!(pair[Dialer].machine.poll_timeout(), None);
    pair.advance(3_600 * SECOND);
    assert!(!pair[Dialer].machine.wants_write());
    assert_eq!(pair[Dialer].machine.error(), None);
}

#[test]
fn a_handshake_that_takes_too_long_ends_the_connection() {
    for side in [Dialer, Acceptor] {
        let mut lone = Lone::new(side);
        let begin = lone.now;
        // One byte a second is no progress: the time is for the whole hello.
        for (second, byte) in greeting().into_iter().enumerate().take(5) {
            lone.now = begin + second as u32 * SECOND;
            lone.feed(&[byte]);
        }
        assert_eq!(lone.machine().poll_timeout(), Some(begin + 5 * SECOND));
        lone.machine().handle_timeout(begin + 5 * SECOND);
        assert_eq!(lone.machine().error(), Some(&ConnectionError::HandshakeTimeout));
        let sent = lone.sent();
        let kinds: Vec<_> = sent.iter().map(|sent| sent.head.kind).collect();
        assert_eq!(kinds, [Kind::Hello, Kind::GoAway]);
        assert_eq!(sent[1].payload[0], CloseCode::Timeout as u8);
    }
}

#[test]
fn a_write_that_makes_no_progress_ends_the_connection() {
    let mut pair = Pair::new().greeted();
    let id = pair.open(Dialer, b"");
    pair.drive();
    pair.finish(Acceptor, id, &long(3_000_000));
    pair.capacity = 10_000;
    pair.write(Acceptor);
    pair.write(Acceptor);
    pair.advance(29 * SECOND);
    pair.read(Dialer);
    // Some progress is enough to be waited for anew.
    pair.write(Acceptor);
    pair.write(Acceptor);
    pair.advance(29 * SECOND);
    assert_eq!(pair[Acceptor].machine.error(), None);
    pair.advance(SECOND);
    assert_eq!(pair[Acceptor].machine.error(), Some(&ConnectionError::WriteStalled));
}

#[test]
fn keepalive_can_be_off() {
    let config = Config { keepalive: None, ..Config::default() };
    let mut pair = Pair::with(config, Config::default()).greeted();
    pair.open(Dialer, b"");
    pair.drive();
    assert_eq!(pair[Dialer].machine.poll_timeout(), None);
}
