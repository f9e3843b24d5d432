//! Orderly ends: goaway says which calls were accepted, what runs is finished.

use super::*;

#[test]
fn an_idle_connection_ends_at_once_on_both_sides() {
    let mut pair = Pair::new().greeted();
    pair.drain(Acceptor);
    pair.drive();
    for side in [Dialer, Acceptor] {
        assert_eq!(pair[side].machine.error(), Some(&ConnectionError::Closed));
    }
    assert_eq!(
        pair[Dialer].log,
        [Seen::Ready, Seen::PeerDraining, Seen::Closed(ConnectionError::Closed)]
    );
}

#[test]
fn what_runs_is_finished_on_both_sides() {
    let mut pair = Pair::new().greeted();
    let (there, back) = (pair.open(Dialer, b""), pair.open(Acceptor, b""));
    pair.drive();
    pair.drain(Acceptor);
    pair.drive();
    assert_eq!(pair[Acceptor].machine.error(), None);
    pair.finish(Acceptor, there, b"1");
    pair.drive();
    assert_eq!(pair[Dialer].machine.error(), None);
    pair.finish(Dialer, back, b"2");
    pair.drive();
    assert_eq!(pair.outcome(Dialer, there), value(b"1"));
    assert_eq!(pair.outcome(Acceptor, back), value(b"2"));
    for side in [Dialer, Acceptor] {
        assert_eq!(pair[side].machine.error(), Some(&ConnectionError::Closed));
    }
    pair.check_empty();
}

#[test]
fn calls_that_cross_the_goaway_are_told_that_they_were_not_started() {
    let mut pair = Pair::new().greeted();
    let before = pair.open(Dialer, b"before");
    pair.drive();
    pair.drain(Acceptor);
    pair.write(Acceptor);
    let crossing = pair.open(Dialer, b"crossing");
    let cancelled = pair.open_for(Dialer, b"crossing", SECOND);
    pair[Dialer].machine.cancel(cancelled);
    let expired = pair.open_for(Dialer, b"crossing", SECOND);
    pair.advance(SECOND);
    pair.drive();
    pair.expect_status(Dialer, crossing, Code::Unavailable, Execution::NotStarted);
    pair.expect_status(Dialer, expired, Code::DeadlineExceeded, Execution::MayHaveRun);
    assert_eq!(pair.outcome(Dialer, before), None);
    assert_eq!(pair[Acceptor].running_arguments(), [b"before"]);
    assert_eq!(pair[Dialer].machine.open_calls(), 1, "calls not accepted are owed no reply");
    pair.finish(Acceptor, before, b"");
    pair.drive();
    assert_eq!(pair.outcome(Dialer, before), value(b""));
    pair.check_empty();
}

#[test]
fn queued_calls_are_not_started_and_new_ones_refused() {
    for side in [Dialer, Acceptor] {
        let mut pair = Pair::limited(1).greeted();
        let (first, second) = (pair.open(Dialer, b"1"), pair.open(Dialer, b"2"));
        pair.drive();
        pair.drain(side);
        pair.drive();
        pair.expect_status(Dialer, second, Code::Unavailable, Execution::NotStarted);
        let status = pair.try_open(Dialer, b"3", None).unwrap_err();
        assert!(status.is_safe_to_retry(), "{status}");
        pair.finish(Acceptor, first, b"");
        pair.drive();
        assert_eq!(pair.outcome(Dialer, first), value(b""));
        pair.check_empty();
    }
}

#[test]
fn held_calls_are_accepted_and_finished() {
    let mut pair = Pair::limited(1);
    let (first, second) = (pair.open(Dialer, b"1"), pair.open(Dialer, b"2"));
    pair.drive();
    pair.drain(Acceptor);
    pair.drive();
    pair.finish(Acceptor, first, b"1");
    pair.finish(Acceptor, second, b"2");
    pair.drive();
    assert_eq!(pair.outcome(Dialer, second), value(b"2"));
}

#[test]
fn an_upload_that_has_begun_is_finished_and_one_that_has_not_is_taken_back() {
    for side in [Dialer, Acceptor] {
        let mut pair = Pair::new().greeted();
        pair.chunk = 100_000;
        let begun = pair.open(Dialer, &long(1_000_000));
        let waiting = pair.open(Dialer, &long(1_000_000));
        pair.step();
        pair.drain(side);
        pair.drive();
        pair.expect_status(Dialer, waiting, Code::Unavailable, Execution::NotStarted);
        assert_eq!(pair[Acceptor].running.len(), 1);
        pair.finish(Acceptor, begun, b"done");
        pair.drive();
        assert_eq!(pair.outcome(Dialer, begun), value(b"done"));
        pair.check_empty();
    }
}

/// The goaway of the caller itself must not overtake the upload, or the other side, idle as far as it
/// knows, would close.
#[test]
fn a_goaway_follows_the_uploads_that_have_left_the_queue() {
    for steps in 0..20 {
        let mut pair = Pair::new().greeted();
        pair.chunk = 20_000;
        let small = pair.open(Dialer, &long(60_000));
        let large = pair.open(Dialer, &long(100_000));
        pair.open_oneway(Dialer, &long(100_000));
        pair.steps(steps);
        pair.drain(Dialer);
        pair.drive();
        let started = pair[Acceptor].running.len();
        pair.echo(Acceptor);
        pair.drive();
        assert_eq!(pair.outcome(Dialer, small), value(&long(60_000)));
        match pair.outcome(Dialer, large) {
            Some(Ok(_)) => assert_eq!(started, 3, "after {steps} steps"),
            Some(Err(Failure::Status(status))) => {
                assert_eq!((started, status.may_have_run()), (2, false), "after {steps} steps");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(pair[Dialer].machine.error(), Some(&ConnectionError::Closed));
        pair.check_empty();
    }
}

#[test]
fn small_requests_beside_an_upload_are_counted_in_the_order_in_which_they_arrive() {
    for steps in 0..40 {
        let mut pair = Pair::new().greeted();
        pair.chunk = 10_000;
        let mut ids = Vec::new();
        for n in 0..20u8 {
            let arguments = if n % 4 == 0 { vec![n; 150_000] } else { vec![n] };
            ids.push((n, pair.open(Dialer, &arguments)));
            pair.step();
        }
        pair.steps(steps);
        pair.drain(Acceptor);
        pair.drive();
        let started: Vec<u8> =
            pair[Acceptor].running_arguments().iter().map(|arguments| arguments[0]).collect();
        for (n, id) in ids {
            let ended = pair.outcome(Dialer, id);
            assert_eq!(ended.is_none(), started.contains(&n), "call {n}: {ended:?}");
        }
    }
}

#[test]
fn a_oneway_handler_outlives_the_drain_of_its_side() {
    let mut pair = Pair::new().greeted();
    pair.open_oneway(Dialer, b"note");
    pair.drive();
    pair.drain(Acceptor);
    pair.drive();
    assert_eq!(pair[Acceptor].machine.error(), None, "the handler still runs");
    pair.finish(Acceptor, CallId::NO_REPLY, b"");
    pair.drive();
    assert_eq!(pair[Acceptor].machine.error(), Some(&ConnectionError::Closed));
}

#[test]
fn draining_twice_says_goaway_once() {
    let mut pair = Pair::new().greeted();
    let id = pair.open(Dialer, b"");
    pair.drive();
    pair.drain(Acceptor);
    pair.drain(Acceptor);
    pair.drain(Dialer);
    pair.drive();
    assert_eq!(pair[Dialer].log.iter().filter(|seen| **seen == Seen::PeerDraining).count(), 1);
    pair.finish(Acceptor, id, b"");
    pair.drive();
    assert_eq!(pair.outcome(Dialer, id), value(b""));
    pair.check_empty();
}

#[test]
fn an_acceptor_that_drains_before_hello_says_that_early_calls_were_not_started() {
    let mut pair = Pair::new();
    let (early, large) = (pair.open(Dialer, b"early"), pair.open(Dialer, &long(20_000)));
    pair.drain(Acceptor);
    pair.drive();
    pair.expect_status(Dialer, early, Code::Unavailable, Execution::NotStarted);
    pair.expect_status(Dialer, large, Code::Unavailable, Execution::NotStarted);
    for side in [Dialer, Acceptor] {
        assert_eq!(pair[side].machine.error(), Some(&ConnectionError::Closed));
    }
    pair.check_empty();
}

#[test]
fn a_dialer_that_drains_before_hello_finishes_its_early_calls() {
    let mut pair = Pair::new();
    let early = pair.open(Dialer, b"early");
    let waiting = pair.open(Dialer, &long(20_000));
    pair.drain(Dialer);
    pair.drive();
    pair.expect_status(Dialer, waiting, Code::Unavailable, Execution::NotStarted);
    pair.echo(Acceptor);
    pair.drive();
    assert_eq!(pair.outcome(Dialer, early), value(b"early"));
    assert_eq!(pair[Dialer].machine.error(), Some(&ConnectionError::Closed));
}

/// It waited for pongs that could not come.
#[test]
fn a_long_reply_is_not_held_up_for_a_peer_that_has_closed_its_half() {
    let mut pair = Pair::new().greeted();
    let long_one = pair.open(Dialer, b"long");
    let small = pair.open(Dialer, b"small");
    pair.drive();
    pair.drain(Dialer);
    pair.drive();
    pair[Acceptor].machine.handle_eof();
    pair.finish(Acceptor, small, b"small");
    pair.finish(Acceptor, long_one, &long(2_000_000));
    for _ in 0..100 {
        pair.write(Acceptor);
    }
    assert_eq!(pair[Acceptor].machine.unsent(), 0);
}
