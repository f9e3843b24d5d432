//! Deadlines on both sides.

use super::{
    lone::{Lone, frame, waiting_for_reply},
    *,
};
use crate::proto::wire::{Flags, Kind};

#[test]
fn a_deadline_ends_the_call_on_both_sides() {
    let mut pair = Pair::new().greeted();
    let id = pair.open_for(Dialer, b"", SECOND);
    pair.drive();
    assert_eq!(pair[Acceptor].running[0].opening.deadline, Some(pair.now + SECOND));
    pair.advance(SECOND / 2);
    assert_eq!(pair.outcome(Dialer, id), None);
    pair.advance(SECOND / 2);
    assert!(pair[Acceptor].saw(&Seen::Expired(id)));
    pair.expect_status(Dialer, id, Code::DeadlineExceeded, Execution::MayHaveRun);
    pair.drive();
    // The cancel that follows tells the handler nothing that it does not know.
    assert!(!pair[Acceptor].saw(&Seen::Cancelled(id)));
    // The id is not free before the handler has ended.
    assert_ne!(pair.open(Dialer, b""), id);
    pair.drive();
    pair.echo(Acceptor);
    pair.drive();
    assert_eq!(pair[Dialer].machine.open_calls(), 1);
}

#[test]
fn an_outcome_not_fetched_when_the_deadline_passes_is_kept() {
    let mut pair = Pair::new().greeted();
    let id = pair.open_for(Dialer, b"", SECOND);
    pair.drive();
    pair.finish(Acceptor, id, b"in time");
    pair.drive();
    pair.advance(2 * SECOND);
    assert_eq!(pair.outcome(Dialer, id), value(b"in time"));
    pair.check_empty();
}

#[test]
fn a_reply_after_the_deadline_is_dropped() {
    let mut pair = Pair::new().greeted();
    let id = pair.open_for(Dialer, b"", SECOND);
    pair.drive();
    pair.finish(Acceptor, id, b"late");
    pair.advance(SECOND);
    pair.drive();
    pair.expect_status(Dialer, id, Code::DeadlineExceeded, Execution::MayHaveRun);
    pair.check_empty();
}

#[test]
fn a_deadline_that_has_passed_sends_nothing() {
    let mut pair = Pair::new().greeted();
    let status = pair.try_open(Dialer, b"", Some(Duration::ZERO)).unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(!status.may_have_run());
    assert!(!pair[Dialer].machine.wants_write());
}

#[test]
fn a_call_whose_deadline_passes_in_the_queue_was_not_started() {
    let mut pair = Pair::limited(1).greeted();
    let first = pair.open(Dialer, b"1");
    let second = pair.open_for(Dialer, b"2", SECOND);
    let third = pair.open(Dialer, b"3");
    pair.drive();
    pair.advance(SECOND);
    let Some(Err(Failure::Status(status))) = pair.outcome(Dialer, second) else {
        panic!("no status")
    };
    assert_eq!((status.code(), status.may_have_run()), (Code::DeadlineExceeded, false));
    assert_eq!(
        status.message(),
        "the deadline passed before the call was sent: as many calls are open as the peer allows at \
         once, 1 (its limit `max_calls`)"
    );
    pair.finish(Acceptor, first, b"");
    pair.drive();
    assert_eq!(pair[Acceptor].running_arguments(), [b"3"]);
    assert_eq!(pair.outcome(Dialer, third), None);
}

#[test]
fn an_upload_whose_deadline_passes_before_its_first_frame_was_not_started() {
    let mut pair = Pair::limited(1).greeted();
    let upload = pair.open_for(Dialer, &long(1_000_000), SECOND);
    let next = pair.open(Dialer, b"next");
    pair.advance(SECOND);
    pair.expect_status(Dialer, upload, Code::DeadlineExceeded, Execution::NotStarted);
    pair.drive();
    assert_eq!(pair[Acceptor].log, [Seen::Ready, Seen::Started(next)]);
}

#[test]
fn an_upload_whose_deadline_passes_midway_is_withdrawn() {
    let mut pair = Pair::new().greeted();
    pair.chunk = 50_000;
    let upload = pair.open_for(Dialer, &long(1_000_000), SECOND);
    pair.step();
    pair.advance(SECOND);
    pair.expect_status(Dialer, upload, Code::DeadlineExceeded, Execution::MayHaveRun);
    pair.drive();
    assert_eq!(pair[Acceptor].log, [Seen::Ready]);
    pair.check_empty();
}

#[test]
fn a_held_call_whose_deadline_passes_is_answered_and_never_started() {
    let mut pair = Pair::limited(1);
    let first = pair.open(Dialer, b"1");
    let second = pair.open_for(Dialer, b"2", SECOND);
    pair.drive();
    pair.advance(SECOND);
    pair.drive();
    // The caller gave up at the same time, without knowing where the call was.
    pair.expect_status(Dialer, second, Code::DeadlineExceeded, Execution::MayHaveRun);
    pair.finish(Acceptor, first, b"");
    pair.drive();
    assert_eq!(pair[Acceptor].log, [Seen::Ready, Seen::Started(first)]);
    assert!(pair.outcome(Dialer, first).is_some());
    pair.check_empty();
}

#[test]
fn a_request_without_time_left_is_answered_and_never_started() {
    let mut lone = Lone::greeted(Acceptor);
    let mut payload = 7u64.to_le_bytes().to_vec();
    payload.extend_from_slice(&[11, 0, 1, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    lone.feed(&frame(Kind::Request, Flags::MINE.with(Flags::EXT), 3, &payload));
    assert_eq!(lone.end.log, [Seen::Ready]);
    let sent = lone.sent();
    assert_eq!(sent[0].head.kind, Kind::Error);
    assert_eq!(sent[0].payload[..3], [1, Code::DeadlineExceeded.value(), 0]);
}

#[test]
fn the_longest_timeout_is_no_deadline() {
    let mut lone = Lone::greeted(Acceptor);
    let mut payload = 7u64.to_le_bytes().to_vec();
    payload.extend_from_slice(&[11, 0, 1, 8, 0]);
    payload.extend_from_slice(&u64::MAX.to_le_bytes());
    lone.feed(&frame(Kind::Request, Flags::MINE.with(Flags::EXT), 3, &payload));
    assert_eq!(lone.end.running.len(), 1);
}

#[test]
fn what_the_peer_owes_after_a_deadline_is_not_a_violation() {
    let mut lone = waiting_for_reply();
    let (now, arguments) = (lone.now, Payload::new());
    let id = lone.machine().open(now, &call(Some(now + SECOND)), &arguments).unwrap();
    lone.machine().handle_timeout(now + SECOND);
    lone.feed(&frame(Kind::Response, Flags::NONE, id.value(), b"late"));
    assert_eq!(lone.machine().error(), None);
}
