//! Calls that are given up, wherever they are at that time.

use super::{
    lone::{Lone, frame, request},
    *,
};
use crate::proto::wire::{Flags, Kind};

#[test]
fn a_queued_call_is_cancelled_without_a_word() {
    let mut pair = Pair::limited(1).greeted();
    let (first, second) = (pair.open(Dialer, b"1"), pair.open(Dialer, b"2"));
    pair.drive();
    pair[Dialer].machine.cancel(second);
    pair.echo(Acceptor);
    pair.drive();
    assert_eq!(pair.outcome(Dialer, first), value(b"1"));
    assert_eq!(pair[Acceptor].log, [Seen::Ready, Seen::Started(first)]);
    pair.check_empty();
}

#[test]
fn a_running_handler_is_told_and_its_share_is_free_when_it_has_ended() {
    let mut pair = Pair::limited(1).greeted();
    let first = pair.open(Dialer, b"1");
    pair.drive();
    pair[Dialer].machine.cancel(first);
    let second = pair.open(Dialer, b"2");
    pair.drive();
    assert!(pair[Acceptor].saw(&Seen::Cancelled(first)));
    assert!(!pair[Acceptor].saw(&Seen::Started(second)));
    pair.finish(Acceptor, first, b"");
    pair.drive();
    assert!(pair[Acceptor].saw(&Seen::Started(second)));
    pair.echo(Acceptor);
    pair.drive();
    assert_eq!(pair.outcome(Dialer, second), value(b"2"));
    pair.check_empty();
}

#[test]
fn a_call_on_its_way_is_started_and_then_told() {
    let mut pair = Pair::new().greeted();
    let id = pair.open(Dialer, b"");
    pair[Dialer].machine.cancel(id);
    pair[Dialer].machine.cancel(id);
    pair.drive();
    assert_eq!(pair[Acceptor].log, [Seen::Ready, Seen::Started(id), Seen::Cancelled(id)]);
    pair.echo(Acceptor);
    pair.drive();
    pair.check_empty();
}

#[test]
fn a_half_sent_request_is_cancelled_and_never_started() {
    let mut pair = Pair::new().greeted();
    pair.chunk = 100_000;
    let id = pair.open(Dialer, &long(2_000_000));
    pair.step();
    pair.step();
    assert!(!pair[Acceptor].machine.partials.is_empty());
    pair[Dialer].machine.cancel(id);
    pair.drive();
    assert_eq!(pair[Acceptor].log, [Seen::Ready]);
    pair.check_empty();
}

/// Every moment of a large upload: the cancel never overtakes the chunks that have left the queue, so
/// that none of them is taken for the start of another request.
#[test]
fn a_cancel_follows_the_chunks_that_have_left() {
    for steps in 0..40 {
        let mut pair = Pair::new().greeted();
        pair.chunk = 30_000;
        let id = pair.open(Dialer, &long(1_000_000));
        pair.steps(steps);
        pair[Dialer].machine.cancel(id);
        pair.drive();
        assert_eq!(pair[Acceptor].running.len(), usize::from(pair[Acceptor].log.len() > 1));
        assert!(pair[Acceptor].log.len() != 2, "started but not told: {:?}", pair[Acceptor].log);
        pair.echo(Acceptor);
        pair.drive();
        assert!(pair[Acceptor].machine.inbound.accepted() <= 1, "after {steps} steps");
        pair.check_empty();
    }
}

#[test]
fn the_next_call_with_the_id_of_a_cancelled_upload_is_whole() {
    for steps in 0..20 {
        let mut pair = Pair::new().greeted();
        pair.chunk = 50_000;
        let first = pair.open(Dialer, &long(900_000));
        pair.steps(steps);
        pair[Dialer].machine.cancel(first);
        pair.drive();
        pair.echo(Acceptor);
        pair.drive();
        let second = pair.open(Dialer, b"small");
        assert_eq!(first, second);
        pair.drive();
        assert!(pair[Acceptor].running_arguments() == [b"small"], "after {steps} steps");
    }
}

#[test]
fn a_reply_that_is_arriving_is_received_and_dropped() {
    let mut pair = Pair::new().greeted();
    let id = pair.open(Dialer, b"");
    pair.drive();
    pair.finish(Acceptor, id, &long(1_000_000));
    pair.chunk = 100_000;
    pair.step();
    pair.step();
    pair[Dialer].machine.cancel(id);
    assert_eq!(pair[Dialer].machine.open_calls(), 1);
    pair.drive();
    assert_eq!(pair[Dialer].machine.open_calls(), 0);
    assert!(!pair[Acceptor].saw(&Seen::Cancelled(id)));
    pair.check_empty();
}

#[test]
fn a_cancel_after_the_response_is_ignored() {
    let mut pair = Pair::new().greeted();
    let id = pair.open(Dialer, b"");
    pair.drive();
    pair.finish(Acceptor, id, b"1");
    pair[Dialer].machine.cancel(id);
    pair.drive();
    assert!(!pair[Acceptor].saw(&Seen::Cancelled(id)));
    pair.check_empty();
}

#[test]
fn an_outcome_that_nobody_fetched_is_dropped_by_a_cancel() {
    let mut pair = Pair::new().greeted();
    let id = pair.open(Dialer, b"");
    pair.drive();
    pair.echo(Acceptor);
    pair.drive();
    pair[Dialer].machine.cancel(id);
    assert!(!pair[Dialer].machine.wants_write());
    pair.check_empty();
}

#[test]
fn a_cancel_of_an_unknown_call_is_ignored() {
    let mut lone = Lone::greeted(Acceptor);
    lone.feed(&frame(Kind::Cancel, Flags::MINE, 9, b""));
    lone.feed(&request(9, b""));
    assert_eq!(lone.end.log, [Seen::Ready, Seen::Started(CallId::new(9))]);
}

#[test]
fn a_share_freed_by_taking_an_upload_back_goes_to_the_next_call() {
    let mut pair = Pair::limited(1).greeted();
    let upload = pair.open(Dialer, &long(1_000_000));
    let next = pair.open(Dialer, b"next");
    pair[Dialer].machine.cancel(upload);
    pair.drive();
    assert_eq!(pair[Acceptor].log, [Seen::Ready, Seen::Started(next)]);
}

#[test]
fn cancelled_calls_do_not_pile_up_behind_a_blocked_one() {
    let mut pair = Pair::limited(1).greeted();
    pair.open(Dialer, b"runs");
    pair.open(Dialer, b"waits");
    for _ in 0..10_000 {
        let id = pair.open(Dialer, b"given up");
        pair[Dialer].machine.cancel(id);
    }
    assert!(pair[Dialer].machine.open_calls() < 10, "{}", pair[Dialer].machine.open_calls());
    assert!(pair[Dialer].machine.outbound.queues().len() < 10);
}

#[test]
fn opening_and_cancelling_in_a_loop_never_exceeds_the_limit() {
    let mut pair = Pair::limited(4).greeted();
    for _ in 0..2_000 {
        let id = pair.open(Dialer, b"");
        pair[Dialer].machine.cancel(id);
        pair.step();
        pair.check();
    }
    assert_eq!(pair[Acceptor].most_running, 4);
    assert_eq!(pair[Acceptor].machine.inbound.count_refused(), 1, "the first");
}
