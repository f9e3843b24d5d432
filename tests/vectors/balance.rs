//! Windows, credit and lanes: what one call takes, and what gives it back.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rpc_core::proto::{
    CallId, Code, Codec, Connection, Decoder, Failure, Limits, MethodKey, Opening, Payload, Side,
    Status,
    connection::{Config, Event},
    encode_preface,
    wire::{Credit, Flags, HEAD_LEN, Head, Hello, Kind},
};
use tests::{RawPeer, wire};

use crate::machine::{greeted, greeting, written};

const KEY: MethodKey = MethodKey::from_u64(7);
const MORE: Flags = Flags::MINE.with(Flags::MORE);

const fn call(parent: Option<CallId>) -> Opening {
    let mut opening = Opening::new(KEY, Codec::Bincode);
    opening.parent = parent;
    opening
}

/// PROTOCOL §9: the sender's window would shrink for good with each of them.
#[test]
fn oneway_calls_that_are_not_started_give_their_credit_back() {
    let broken = [wire::entry(2, b"x"), wire::entry(0xe0, b""), wire::entry(1, &[0; 8])];
    for entry in broken {
        let (mut machine, mut decoder, now) = greeted(Side::Acceptor);
        let request = wire::request_with(u32::MAX, KEY, std::slice::from_ref(&entry), b"args");
        machine.handle_input(now, &mut decoder, &request);
        assert_eq!(machine.error(), None);
        let cost = (request.len() - HEAD_LEN + 128) as u32;
        let mut expected = Vec::new();
        Credit { bytes: cost }.encode(CallId::NO_REPLY, Flags::NONE, &mut expected);
        assert_eq!(written(&mut machine, now), expected, "{entry:?}");
    }
}

/// PROTOCOL §13: three windows and the early calls; whole requests beside those of which parts have come make it six.
#[test]
fn requests_in_part_and_whole_ones_are_bounded_together() {
    let limits = Limits::default().max_message(16 << 10).request_window(16 << 10).max_partial(100);
    let now = Instant::now();
    let mut decoder = Decoder::new(limits.max_frame);
    let config = Config { limits, ..Config::default() };
    let mut machine = Connection::new(Side::Acceptor, Arc::new(config), now);
    machine.handle_input(now, &mut decoder, &greeting());
    let bytes = vec![7; 16_000];
    // 176,000 of 180,224 bytes.
    for id in 0..11 {
        machine.handle_input(now, &mut decoder, &RawPeer::frame(Kind::Request, MORE, id, &bytes));
    }
    assert_eq!(machine.error(), None);
    let whole = RawPeer::frame(Kind::Request, Flags::MINE, 99, &bytes);
    machine.handle_input(now, &mut decoder, &whole);
    let error = machine.error().map(ToString::to_string);
    let words = "peer sent more bytes of requests at once than this side allows";
    assert_eq!(error.as_deref(), Some(words));
}

/// PROTOCOL §13, §14: a nested call has room of its own, whatever calls that are not nested wait.
#[test]
fn a_nested_call_is_not_held_up_by_calls_that_wait_for_less_room() {
    let now = Instant::now();
    let mut decoder = Decoder::new(64 << 10);
    let mut machine = Connection::new(Side::Dialer, Arc::new(Config::default()), now);
    let mut hello = Vec::new();
    encode_preface(&mut hello);
    Hello { limits: Limits::default().max_calls(1), ..Hello::default() }.encode(&mut hello);
    machine.handle_input(now, &mut decoder, &hello);
    let arguments = Payload::new();
    let first = machine.open(now, &call(None), &arguments).unwrap();
    machine.open(now, &call(None), &arguments).unwrap();
    written(&mut machine, now);
    // The handler of the first call calls back, and that call's handler calls again.
    let within = wire::entry(4, &first.value().to_le_bytes());
    machine.handle_input(now, &mut decoder, &wire::request_with(5, KEY, &[within], b""));
    let nested = machine.open(now, &call(Some(CallId::new(5))), &arguments);
    let nested = nested.expect("there is room for one that is nested");
    let bytes = written(&mut machine, now);
    let head = Head::decode(*bytes.first_chunk().expect("it is sent")).unwrap();
    assert_eq!((head.kind, head.id), (Kind::Request, nested));
}

/// PROTOCOL §7.
#[test]
fn retry_after_and_details_travel_with_a_status() {
    let status = Status::new(Code::ResourceExhausted, "later")
        .with_retry_after(Duration::from_secs(2))
        .with_detail("shop.Quota", b"\x07");
    let mut payload = Vec::new();
    Failure::encode_status(&status, &mut payload);
    let after = wire::entry(1, &2_000_000_000_u64.to_le_bytes());
    let detail = wire::entry(2, b"\x0ashop.Quota\x07");
    let expected = [&[1, 8, 1, 5, 0][..], b"later", &after, &detail].concat();
    assert_eq!(Failure::decode(&expected), Ok(Failure::Status(status)));
    assert_eq!(payload, expected);
}

/// PROTOCOL §11: whoever waits for credit of one-way calls is to learn that nobody gives it any more.
#[test]
fn a_side_that_waits_for_credit_of_oneway_calls_pings() {
    let (mut machine, _, now) = greeted(Side::Dialer);
    while machine.poll_event().is_some_and(|event| !matches!(event, Event::Closed(_))) {}
    let arguments = Payload::from(vec![7; 60_000]);
    while machine.open_oneway(now, &call(None), &arguments).unwrap().is_none() {
        written(&mut machine, now);
    }
    let later = now + Duration::from_secs(21);
    machine.handle_timeout(later);
    let due = machine.poll_timeout();
    let bytes = written(&mut machine, later);
    let ping = bytes.first_chunk().map(|head| Head::decode(*head).unwrap().kind);
    assert_eq!(ping, Some(Kind::Ping), "{due:?}");
}

/// PROTOCOL §9, §13: a receiver gives credit for each one-way call that has ended before the next one comes. What pays
/// for a call that was made is not a flood.
#[test]
fn credit_for_oneway_calls_one_by_one_is_no_flood() {
    let (mut machine, mut decoder, now) = greeted(Side::Dialer);
    let arguments = Payload::copy_from_slice(b"hi!");
    for sent in 0..20_000 {
        assert_eq!(machine.open_oneway(now, &call(None), &arguments).unwrap(), None);
        written(&mut machine, now);
        let mut credit = Vec::new();
        Credit { bytes: 3 + 8 + 128 }.encode(CallId::NO_REPLY, Flags::NONE, &mut credit);
        machine.handle_input(now, &mut decoder, &credit);
        assert_eq!(machine.error(), None, "after {sent} calls");
    }
}
