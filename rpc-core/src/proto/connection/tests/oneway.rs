//! Calls that expect no reply.

use super::{
    lone::{Lone, frame},
    *,
};
use crate::proto::wire::{Flags, Kind};

#[test]
fn a_oneway_call_is_run_and_not_answered() {
    let mut pair = Pair::new().greeted();
    assert_eq!(pair.open_oneway(Dialer, b"note"), None);
    pair.drive();
    assert_eq!(pair[Acceptor].running_arguments(), [b"note"]);
    pair.finish(Acceptor, CallId::NO_REPLY, b"ignored");
    pair.drive();
    assert_eq!(pair[Dialer].machine.outbound.oneway(), 0, "all credit is back");
    pair.check_empty();
}

#[test]
fn oneway_calls_before_hello_count_as_early() {
    let mut pair = Pair::new();
    let waiting: Vec<_> = (0..10).filter_map(|n| pair.open_oneway(Dialer, &[n])).collect();
    assert_eq!(waiting.len(), 2);
    pair.drive();
    assert_eq!(pair[Acceptor].running.len(), 10);
    for id in waiting {
        assert_eq!(pair.outcome(Dialer, id), value(b""));
    }
    pair.echo(Acceptor);
    pair.drive();
    pair.check_empty();
}

#[test]
fn oneway_calls_wait_while_much_is_unsent() {
    let mut pair = Pair::new().greeted();
    pair.capacity = 0;
    let sent = (0..100).take_while(|_| pair.open_oneway(Dialer, &long(10_000)).is_none()).count();
    assert_eq!(sent, 27, "256 KiB, and the one that exceeds them");
    let waiting = pair.open_oneway(Dialer, b"last").unwrap();
    assert_eq!(pair.outcome(Dialer, waiting), None);
    pair.capacity = usize::MAX;
    pair.drive();
    assert_eq!(pair.outcome(Dialer, waiting), value(b""));
    assert_eq!(pair[Acceptor].running_arguments()[28], b"last");
}

#[test]
fn a_oneway_call_that_waits_can_be_cancelled() {
    let mut pair = Pair::accepting(Limits::default().oneway_window(16 << 10)).greeted();
    assert_eq!(pair.open_oneway(Dialer, &long(16_000)), None);
    let waiting = pair.open_oneway(Dialer, &long(1_000)).expect("there is no credit left");
    pair[Dialer].machine.cancel(waiting);
    pair.drive();
    assert_eq!(pair[Acceptor].running.len(), 1);
    pair.echo(Acceptor);
    pair.drive();
    assert!(pair[Acceptor].running.is_empty());
    pair.check_empty();
}

#[test]
fn oneway_calls_wait_for_the_credit_of_those_whose_handlers_have_ended() {
    let mut pair = Pair::accepting(Limits::default().oneway_window(16 << 10)).greeted();
    pair.chunk = 100;
    let waiting: Vec<_> = (0..50).filter_map(|n| pair.open_oneway(Dialer, &[n; 1_000])).collect();
    pair.drive();
    // Each costs its arguments, its key and 128 bytes.
    assert_eq!(pair[Acceptor].running.len(), (16 << 10) / (1_000 + 8 + 128));
    let mut seen = Vec::new();
    while !pair[Acceptor].running.is_empty() {
        seen.push(pair[Acceptor].running[0].arguments[0]);
        pair.finish(Acceptor, CallId::NO_REPLY, b"");
        pair.drive();
    }
    assert_eq!(seen, (0..50).collect::<Vec<u8>>());
    for id in waiting {
        assert_eq!(pair.outcome(Dialer, id), value(b""));
    }
    pair.check_empty();
}

#[test]
fn oneway_calls_without_credit_hold_nothing_else_up() {
    let mut pair = Pair::accepting(Limits::default().oneway_window(16 << 10)).greeted();
    let waiting: Vec<_> = (0..20).filter_map(|n| pair.open_oneway(Dialer, &[n; 2_000])).collect();
    assert!(!waiting.is_empty());
    let call = pair.open(Dialer, b"call");
    pair.drive();
    let back = pair.open(Acceptor, b"callback");
    pair.drive();
    pair.echo(Dialer);
    pair.finish(Acceptor, call, b"done");
    pair.drive();
    assert_eq!(pair.outcome(Acceptor, back), value(b"callback"));
    assert_eq!(pair.outcome(Dialer, call), value(b"done"));
}

#[test]
fn more_oneway_calls_than_there_is_credit_for_end_the_connection() {
    let mut lone = Lone::greeted(Acceptor);
    let call = frame(Kind::Request, Flags::MINE, u32::MAX, &[7; 60_000]);
    lone.feed(&call.repeat(17));
    assert_eq!(lone.machine().error(), None, "twice the window, for those of handlers");
    lone.feed(&call.repeat(8));
    assert_eq!(lone.machine().error(), Some(&ConnectionError::OnewayWindow));
}

#[test]
fn a_large_oneway_call_travels_as_a_call_whose_reply_is_dropped() {
    let mut pair = Pair::new().greeted();
    assert_eq!(pair.open_oneway(Dialer, &long(200_000)), None);
    pair.drive();
    assert!(pair[Acceptor].running_arguments() == [&long(200_000)[..]]);
    assert_eq!(pair[Dialer].machine.open_calls(), 1);
    pair.echo(Acceptor);
    pair.drive();
    pair.check_empty();
}
