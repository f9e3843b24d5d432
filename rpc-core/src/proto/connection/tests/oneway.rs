//! Calls that expect no reply.

use super::*;

#[test]
fn a_oneway_call_is_run_and_not_answered() {
    let mut pair = Pair::new().greeted();
    assert_eq!(pair.open_oneway(Dialer, b"note"), None);
    pair.drive();
    assert_eq!(pair[Acceptor].running_arguments(), [b"note"]);
    pair.finish(Acceptor, CallId::NO_REPLY, b"ignored");
    assert!(!pair[Acceptor].machine.wants_write());
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
    let mut pair = Pair::limited(1).greeted();
    let id = pair.open(Dialer, b"");
    pair.open_oneway(Dialer, b"").into_iter().for_each(|waiting| {
        pair[Dialer].machine.cancel(waiting);
    });
    pair.drive();
    pair.finish(Acceptor, id, b"");
    pair.drive();
    assert!(pair.outcome(Dialer, id).is_some());
    pair.check_empty();
}

#[test]
fn oneway_calls_above_the_limit_are_held_and_stop_the_reading() {
    let mut pair = Pair::limited(2).greeted();
    pair.chunk = 100;
    for n in 0..50 {
        assert_eq!(pair.open_oneway(Dialer, &[n; 50]), None);
    }
    pair.drive();
    assert_eq!(pair[Acceptor].running.len(), 2);
    assert!(!pair[Acceptor].machine.wants_read());
    assert!(pair[Acceptor].machine.inbound.held.len() <= 10, "one read more than the early calls");
    let mut seen = Vec::new();
    while !pair[Acceptor].running.is_empty() {
        let request = &pair[Acceptor].running[0];
        seen.push(request.arguments[0]);
        pair.finish(Acceptor, CallId::NO_REPLY, b"");
        pair.drive();
    }
    assert_eq!(seen, (0..50).collect::<Vec<u8>>());
    assert_eq!(pair[Acceptor].most_running, 2);
    pair.check_empty();
}

/// Handlers that call back need their replies read, however many one-way calls are held.
#[test]
fn held_oneway_calls_do_not_stop_the_reading_of_replies() {
    let mut pair = Pair::limited(1).greeted();
    pair.chunk = 100;
    for n in 0..20 {
        pair.open_oneway(Dialer, &[n; 50]);
    }
    pair.step();
    let back = pair.open(Acceptor, b"callback");
    pair.drive();
    pair.echo(Dialer);
    pair.drive();
    assert_eq!(pair.outcome(Acceptor, back), value(b"callback"));
}

#[test]
fn calls_behind_held_oneway_calls_wait_their_turn() {
    let mut pair = Pair::limited(2).greeted();
    for _ in 0..4 {
        pair.open_oneway(Dialer, b"note");
    }
    let id = pair.open(Dialer, b"call");
    pair.drive();
    assert_eq!(pair[Acceptor].running.len(), 2);
    while pair[Acceptor].running.iter().all(|request| request.id != id) {
        pair.finish(Acceptor, CallId::NO_REPLY, b"");
    }
    pair.finish(Acceptor, id, b"done");
    pair.drive();
    assert_eq!(pair.outcome(Dialer, id), value(b"done"));
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
