//! Connections that end without a word, or by a word: what becomes of the calls.

use super::{
    lone::{Lone, frame, greeting},
    *,
};
use crate::proto::wire::{CloseCode, Flags, GoAway, Kind};

#[test]
fn a_cut_link_ends_every_call_and_says_what_may_have_run() {
    let mut pair = Pair::limited(2).greeted();
    let (sent, upload) = (pair.open(Dialer, b"sent"), pair.open(Dialer, &long(1_000_000)));
    let queued = pair.open(Dialer, b"queued");
    pair.write(Dialer);
    pair.cut();
    pair.drive();
    pair.expect_status(Dialer, sent, Code::Unavailable, Execution::MayHaveRun);
    pair.expect_status(Dialer, upload, Code::Unavailable, Execution::MayHaveRun);
    pair.expect_status(Dialer, queued, Code::Unavailable, Execution::NotStarted);
    for side in [Dialer, Acceptor] {
        let error = pair[side].machine.error();
        assert!(matches!(error, Some(ConnectionError::Lost | ConnectionError::Transport(_))));
    }
    let status = pair.try_open(Dialer, b"", None).unwrap_err();
    assert!(status.is_safe_to_retry(), "{status}");
    pair.check_empty();
}

#[test]
fn a_finish_after_the_end_says_nothing() {
    let mut pair = Pair::new().greeted();
    let id = pair.open(Dialer, b"");
    pair.drive();
    pair.cut();
    pair.drive();
    pair.finish(Acceptor, id, &long(1_000_000));
    assert!(!pair[Acceptor].machine.wants_write());
    assert!(pair.outcome(Dialer, id).is_some());
    pair.check_empty();
}

#[test]
fn an_end_in_mid_frame_is_lost() {
    let mut lone = Lone::greeted(Acceptor);
    lone.feed(&lone::request(1, b"cut")[..9]);
    lone.machine().handle_eof();
    assert_eq!(lone.machine().error(), Some(&ConnectionError::Lost));
    assert!(!lone.machine().wants_write());
}

#[test]
fn an_end_before_hello_is_lost() {
    let mut lone = Lone::new(Acceptor);
    lone.feed(&greeting()[..11]);
    lone.machine().handle_eof();
    assert_eq!(lone.machine().error(), Some(&ConnectionError::Lost));
}

#[test]
fn a_peer_that_said_goaway_and_closed_its_half_still_gets_its_replies() {
    let mut lone = Lone::greeted(Acceptor);
    let (now, arguments) = (lone.now, Payload::new());
    let ours = lone.machine().open(now, &call(None), &arguments).unwrap();
    lone.feed(&lone::request(1, b""));
    lone.sent();
    lone.feed(&goaway(CloseCode::Drain, 1));
    lone.machine().handle_eof();
    lone.end.collect();
    assert_eq!(lone.machine().error(), None);
    assert!(!lone.machine().wants_read());
    let outcome = lone.machine().poll_outcome(ours, &mut idle());
    let Poll::Ready((Err(Failure::Status(status)), _)) = outcome else { panic!("{outcome:?}") };
    assert!(status.may_have_run(), "{status}");
    let id = lone.end.running.remove(0).id;
    lone.machine().finish(id, Codec::Bincode, &Ok(Payload::new()));
    let sent = lone.sent();
    assert_eq!(sent.last().map(|sent| sent.head.kind), Some(Kind::Response));
    lone.machine().end_if_drained();
    assert_eq!(lone.machine().error(), Some(&ConnectionError::Closed));
}

#[test]
fn a_goaway_other_than_drain_ends_the_connection_and_tells_the_calls_apart() {
    for code in [CloseCode::Protocol, CloseCode::Limit, CloseCode::Timeout, CloseCode::Abort] {
        let mut lone = Lone::greeted(Dialer);
        let (now, arguments) = (lone.now, Payload::new());
        let ids = [0, 1].map(|_| lone.machine().open(now, &call(None), &arguments).unwrap());
        lone.sent();
        lone.feed(&goaway(code, 1));
        let error = lone.machine().error().unwrap().clone();
        assert_eq!(error.to_string(), format!("peer closed the connection: {code}: because"));
        for (id, may_have_run) in ids.into_iter().zip([true, false]) {
            let outcome = lone.machine().poll_outcome(id, &mut idle());
            let Poll::Ready((Err(Failure::Status(status)), _)) = outcome else {
                panic!("{outcome:?}")
            };
            assert_eq!(status.may_have_run(), may_have_run);
        }
        assert!(lone.sent().is_empty(), "a goaway that ends the connection is not answered");
    }
}

#[test]
fn requests_in_the_read_that_ends_the_connection_are_not_started() {
    let mut lone = Lone::greeted(Acceptor);
    let bytes = [lone::request(1, b""), frame(Kind::Hello, Flags::NONE, 0, b"")].concat();
    lone.feed(&bytes);
    assert!(lone.end.running.is_empty());
    assert_eq!(lone.machine().running_handlers(), 0);
    assert!(matches!(lone.end.log[..], [Seen::Ready, Seen::Closed(ConnectionError::SecondHello)]));
}

fn goaway(code: CloseCode, accepted: u64) -> Vec<u8> {
    let mut out = Vec::new();
    GoAway { code, accepted, message: "because".into() }.encode(&mut out);
    out
}

#[test]
fn a_peer_of_another_protocol_has_run_nothing() {
    let mut pair = Pair::new();
    let id = pair.open(Dialer, b"early");
    pair.write(Dialer);
    pair[Dialer].machine.fail(ConnectionError::Foreign("HTTP"));
    let Some(Err(Failure::Status(status))) = pair.outcome(Dialer, id) else { panic!("no status") };
    assert!(!status.may_have_run() && status.message().contains("HTTP"), "{status}");
}
