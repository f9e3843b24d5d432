//! Calls that end well, and the limits under which they start.

use super::*;

#[test]
fn hello_rides_with_the_first_requests() {
    let mut pair = Pair::new();
    let id = pair.open(Dialer, b"early");
    assert!(pair.write(Dialer));
    assert!(pair.read(Acceptor));
    assert_eq!(pair[Acceptor].log, [Seen::Ready, Seen::Started(id)]);
}

#[test]
fn a_value_comes_back() {
    let mut pair = Pair::new();
    let id = pair.open(Dialer, b"ping");
    pair.drive();
    assert_eq!(pair.outcome(Dialer, id), None);
    pair.finish(Acceptor, id, b"pong");
    pair.drive();
    assert_eq!(pair.outcome(Dialer, id), value(b"pong"));
    pair.check_empty();
}

#[test]
fn an_error_of_the_application_comes_back_as_it_was() {
    let mut pair = Pair::new();
    for length in [3, 100_000] {
        let id = pair.open(Dialer, b"");
        pair.drive();
        let failure = Failure::Application(long(length).into());
        pair.finish_with(Acceptor, id, Err(failure.clone()));
        pair.drive();
        assert_eq!(pair.outcome(Dialer, id), Some(Err(failure)));
    }
    pair.check_empty();
}

#[test]
fn both_sides_call_with_the_same_ids() {
    let mut pair = Pair::new().greeted();
    let (there, back) = (pair.open(Dialer, b"there"), pair.open(Acceptor, b"back"));
    assert_eq!(there, back);
    pair.drive();
    pair.finish(Acceptor, there, b"1");
    pair.finish(Dialer, back, b"2");
    pair.drive();
    assert_eq!(pair.outcome(Dialer, there), value(b"1"));
    assert_eq!(pair.outcome(Acceptor, back), value(b"2"));
    pair.check_empty();
}

#[test]
fn replies_come_in_any_order() {
    let mut pair = Pair::new();
    let ids = [b"a", b"b", b"c"].map(|arguments| pair.open(Dialer, arguments));
    pair.drive();
    for at in [2, 0, 1] {
        pair.finish(Acceptor, ids[at], &[at as u8]);
        pair.drive();
        assert_eq!(pair.outcome(Dialer, ids[at]), value(&[at as u8]));
    }
    pair.check_empty();
}

#[test]
fn the_waker_of_a_caller_is_handed_out_when_its_call_ends() {
    let mut pair = Pair::new();
    let id = pair.open(Dialer, b"");
    assert_eq!(pair.outcome(Dialer, id), None);
    pair.drive();
    pair.echo(Acceptor);
    pair.drive();
    let mut wakes = Vec::new();
    pair[Dialer].machine.take_wakes(&mut wakes);
    assert_eq!(wakes.len(), 1);
}

#[test]
fn eight_early_calls_leave_and_the_rest_wait_for_hello() {
    let mut pair = Pair::new();
    let ids: Vec<_> = (0..12).map(|n| pair.open(Dialer, &[n])).collect();
    pair.write(Dialer);
    pair.read(Acceptor);
    assert_eq!(pair[Acceptor].running.len(), 8);
    pair.drive();
    assert_eq!(pair[Acceptor].running.len(), 12);
    pair.echo(Acceptor);
    pair.drive();
    for (n, id) in ids.into_iter().enumerate() {
        assert_eq!(pair.outcome(Dialer, id), value(&[n as u8]));
    }
    pair.check_empty();
}

#[test]
fn a_call_over_the_early_size_waits_for_hello() {
    let mut pair = Pair::new();
    let arguments = long(17_000);
    let id = pair.open(Dialer, &arguments);
    pair.write(Dialer);
    pair.read(Acceptor);
    assert_eq!(pair[Acceptor].log, [Seen::Ready]);
    pair.drive();
    pair.echo(Acceptor);
    pair.drive();
    assert_eq!(pair.outcome(Dialer, id), value(&arguments));
}

#[test]
fn the_accepting_side_says_nothing_before_the_dialling_one() {
    let mut pair = Pair::new();
    let id = pair.open(Acceptor, b"");
    assert!(!pair.write(Acceptor));
    pair.drive();
    pair.echo(Dialer);
    pair.drive();
    assert_eq!(pair.outcome(Acceptor, id), value(b""));
}

#[test]
fn calls_above_the_limit_wait_and_start_in_the_order_opened() {
    let mut pair = Pair::limited(3).greeted();
    let ids: Vec<_> = (0..9u8).map(|n| pair.open(Dialer, &[n])).collect();
    for started in 0..9 {
        pair.drive();
        assert_eq!(pair[Acceptor].running[0].arguments[..], [started]);
        assert!(pair[Acceptor].running.len() <= 3);
        let id = pair[Acceptor].running[0].id;
        pair.finish(Acceptor, id, &[]);
    }
    pair.drive();
    for id in ids {
        assert_eq!(pair.outcome(Dialer, id), value(&[]));
    }
    assert_eq!(pair[Acceptor].most_running, 3);
    pair.check_empty();
}

#[test]
fn with_a_limit_of_one_calls_run_one_by_one() {
    let mut pair = Pair::limited(1);
    // Eight leave before the limit is known; they are held, not refused.
    let ids: Vec<_> = (0..20u8).map(|n| pair.open(Dialer, &[n])).collect();
    for n in 0..20 {
        pair.drive();
        assert_eq!(pair[Acceptor].running_arguments(), [[n]]);
        pair.echo(Acceptor);
    }
    pair.drive();
    for (n, id) in ids.into_iter().enumerate() {
        assert_eq!(pair.outcome(Dialer, id), value(&[n as u8]));
    }
    pair.check_empty();
}

#[test]
fn a_request_over_the_peers_limit_is_refused_at_home() {
    let mut pair = Pair::accepting(Limits { max_message: 16 << 10, ..Limits::default() });
    // Before hello the limit is not known: the call waits, and is refused when it is.
    let early = pair.open(Dialer, &long(20_000));
    pair.drive();
    pair.expect_status(Dialer, early, Code::ResourceExhausted, Execution::NotStarted);
    let status = pair.try_open(Dialer, &long(20_000), None).unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(!status.may_have_run() && status.message().contains("16384"), "{status}");
    assert_eq!(pair[Acceptor].log, [Seen::Ready]);
    pair.check_empty();
}

#[test]
fn messages_of_exactly_the_limit_are_sent() {
    let limits = Limits { max_message: 16 << 10, ..Limits::default() };
    let config = Config { limits, ..Config::default() };
    let mut pair = Pair::with(config.clone(), config).greeted();
    let id = pair.open(Dialer, &long((16 << 10) - 8));
    let timed = pair.open_for(Dialer, &long((16 << 10) - 8 - 13), SECOND);
    assert!(pair.try_open(Dialer, &long((16 << 10) - 7), None).is_err());
    assert!(pair.try_open(Dialer, &long((16 << 10) - 20), Some(SECOND)).is_err());
    pair.drive();
    pair.finish(Acceptor, id, &long(16 << 10));
    pair.finish(Acceptor, timed, b"");
    pair.drive();
    assert!(pair.outcome(Dialer, id) == value(&long(16 << 10)));
}

#[test]
fn a_reply_over_the_callers_limit_becomes_a_status() {
    let limits = Limits { max_message: 16 << 10, ..Limits::default() };
    let mut pair = Pair::with(Config { limits, ..Config::default() }, Config::default());
    let id = pair.open(Dialer, b"");
    pair.drive();
    pair.finish(Acceptor, id, &long(20_000));
    pair.drive();
    pair.expect_status(Dialer, id, Code::ResourceExhausted, Execution::MayHaveRun);
    pair.check_empty();
}

#[test]
fn metadata_and_codec_reach_the_handler() {
    let mut pair = Pair::new();
    let mut metadata = crate::proto::Metadata::new();
    metadata.set("tenant", "acme").unwrap();
    let arguments = Payload::copy_from_slice(b"{}");
    let call =
        Opening { codec: Codec::Json, metadata: Some(Box::new(metadata.clone())), ..call(None) };
    let now = pair.now;
    pair[Dialer].machine.open(now, &call, &arguments).unwrap();
    pair.drive();
    let request = &pair[Acceptor].running[0];
    assert_eq!(request.opening.key, MethodKey::from_u64(7));
    assert_eq!(request.opening.codec, Codec::Json);
    assert_eq!(request.opening.metadata.as_deref(), Some(&metadata));
    assert_eq!(&request.arguments[..], b"{}");
}

#[test]
fn an_id_is_free_again_after_its_terminal_frame_only() {
    let mut pair = Pair::new();
    let first = pair.open(Dialer, b"1");
    pair.drive();
    pair[Dialer].machine.cancel(first);
    assert_ne!(pair.open(Dialer, b"2"), first);
    pair.drive();
    pair.finish(Acceptor, first, b"");
    pair.drive();
    assert_eq!(pair.open(Dialer, b"3"), first);
}
