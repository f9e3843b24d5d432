//! A whole session of two machines, frame by frame as in `session.txt`: the same calls give the same bytes.

use std::{
    sync::Arc,
    task::{Poll, Waker},
    time::{Duration, Instant},
};

use rpc_core::proto::{
    CallId, Codec, Connection, Decoder, Failure, Limits, Metadata, MethodKey, Opening, Outcome,
    Payload, Side, Status,
    connection::{Config, ConnectionError, Event, Waiter},
    wire::{HEAD_LEN, Head},
};

use crate::{
    machine::written,
    words::{describe, hex, parse},
};

/// One side, and what it has been fed and has seen.
struct End {
    machine: Connection,
    decoder: Decoder,
    events: Vec<Event>,
}

struct Session {
    now: Instant,
    dialer: End,
    acceptor: End,
    /// The frames with their senders, in order.
    frames: Vec<(&'static str, Vec<u8>)>,
}

impl End {
    fn new(side: Side, name: &str, limits: Limits, now: Instant) -> Self {
        let config = Config { limits, name: name.to_owned(), ..Config::default() };
        let decoder = Decoder::new(limits.max_frame);
        let machine = Connection::new(side, Arc::new(config), now);
        Self { machine, decoder, events: Vec::new() }
    }

    fn written(&mut self, now: Instant) -> Vec<u8> {
        written(&mut self.machine, now)
    }

    fn fed(&mut self, now: Instant, bytes: &[u8]) {
        self.machine.handle_input(now, &mut self.decoder, bytes);
        self.events.extend(std::iter::from_fn(|| self.machine.poll_event()));
    }

    fn outcome(&mut self, id: CallId) -> Outcome {
        match self.machine.poll_outcome(id, &mut Waiter::supplied(Waker::noop())) {
            Poll::Ready((outcome, _)) => outcome,
            Poll::Pending => panic!("call {id} has not ended"),
        }
    }
}

impl Session {
    fn new() -> Self {
        let now = Instant::now();
        let narrow = Limits::default().max_frame(16 << 10).max_calls(100);
        let dialer = End::new(Side::Dialer, "client", Limits::default(), now);
        let acceptor = End::new(Side::Acceptor, "server", narrow, now);
        Self { now, dialer, acceptor, frames: Vec::new() }
    }

    fn dialer_speaks(&mut self) {
        let bytes = self.dialer.written(self.now);
        note(&mut self.frames, "dialer", &bytes);
        self.acceptor.fed(self.now, &bytes);
    }

    fn acceptor_speaks(&mut self) {
        let bytes = self.acceptor.written(self.now);
        note(&mut self.frames, "acceptor", &bytes);
        self.dialer.fed(self.now, &bytes);
    }
}

/// Cuts bytes into preface and frames.
fn note(frames: &mut Vec<(&'static str, Vec<u8>)>, from: &'static str, mut bytes: &[u8]) {
    if !frames.iter().any(|(side, _)| *side == from) {
        let (preface, rest) = bytes.split_at(HEAD_LEN);
        frames.push((from, preface.to_vec()));
        bytes = rest;
    }
    while let Some(head) = bytes.first_chunk::<HEAD_LEN>() {
        let length = HEAD_LEN + Head::decode(*head).unwrap().length as usize;
        let (frame, rest) = bytes.split_at(length);
        frames.push((from, frame.to_vec()));
        bytes = rest;
    }
    assert!(bytes.is_empty());
}

const ADD: MethodKey = MethodKey::from_u64(0x193f_a158_d506_08e3);
const BARE_ADD: MethodKey = MethodKey::from_u64(0x193f_a158_0000_0000);

/// Calls of every shape, both ways, then an orderly end.
fn played() -> Session {
    let mut session = Session::new();
    let now = session.now;
    let bincode = Codec::Bincode;

    // Three early calls ride with the hello.
    let numbers = Payload::copy_from_slice(&[2, 4]);
    let text = Payload::copy_from_slice(br#"{"a":1,"b":"two"}"#);
    let line = Payload::copy_from_slice(b"\x02hi");
    let dialer = &mut session.dialer.machine;
    let add = dialer.open(now, &Opening::new(ADD, bincode), &numbers).unwrap();
    let wrong = dialer.open(now, &Opening::new(BARE_ADD, Codec::Json), &text).unwrap();
    let log = Opening::new(MethodKey::from_u64(0x193f_a158_3b61_33b8), bincode);
    assert_eq!(dialer.open_oneway(now, &log, &line).unwrap(), None);
    session.dialer_speaks();

    let acceptor = &mut session.acceptor.machine;
    acceptor.finish(add, bincode, &Ok(Payload::copy_from_slice(&[6])));
    let refusal = Payload::copy_from_slice(br#""NotANumber""#);
    acceptor.finish(wrong, Codec::Json, &Err(Failure::Application(refusal)));
    // Its arguments, its key, and 128 bytes.
    acceptor.finish_oneway(3 + 8 + 128);
    session.acceptor_speaks();
    assert_eq!(session.dialer.outcome(add), Ok(Payload::copy_from_slice(&[6])));
    assert!(session.dialer.outcome(wrong).is_err());

    // A call with a deadline and metadata, and one that needs two frames.
    let mut metadata = Metadata::new();
    metadata.set("tenant", "acme").unwrap();
    let dialer = &mut session.dialer.machine;
    let timed = Opening {
        deadline: Some(now + Duration::from_millis(250)),
        metadata: Some(Box::new(metadata)),
        ..Opening::new(ADD, bincode)
    };
    let timed = dialer.open(now, &timed, &numbers).unwrap();
    let long = Payload::from(vec![0x5a; 20_000]);
    let upload = dialer.open(now, &Opening::new(MethodKey::from_u64(1), bincode), &long).unwrap();
    session.dialer_speaks();

    // The other side calls back, and asks whether this one is alive.
    let acceptor = &mut session.acceptor.machine;
    let back =
        acceptor.open(now, &Opening::new(MethodKey::from_u64(2), bincode), &numbers).unwrap();
    acceptor.ping();
    session.acceptor_speaks();
    let dialer = &mut session.dialer.machine;
    dialer.finish(back, bincode, &Ok(Payload::new()));
    dialer.cancel(timed);
    session.dialer_speaks();
    assert_eq!(session.acceptor.outcome(back), Ok(Payload::new()));

    let acceptor = &mut session.acceptor.machine;
    let status = Status::new(rpc_core::proto::Code::Cancelled, "cancelled by the caller");
    acceptor.finish(timed, bincode, &Err(Failure::Status(status)));
    acceptor.finish(upload, bincode, &Ok(Payload::from(vec![0x5a; 20_000])));
    acceptor.drain("maintenance");
    session.acceptor_speaks();
    session.dialer_speaks();
    assert!(session.dialer.outcome(upload).is_ok());
    session
}

#[test]
fn two_machines_say_what_the_golden_session_says() {
    let expected = parse(include_str!("session.txt"));
    let session = played();
    for end in [&session.dialer, &session.acceptor] {
        assert_eq!(end.machine.error(), Some(&ConnectionError::Closed));
    }
    let parts: Vec<bool> = expected.iter().map(|vector| vector.means.contains(" part=")).collect();
    for (at, (from, bytes)) in session.frames.iter().enumerate() {
        let part = parts.get(at).copied().unwrap_or_default();
        let said = format!("from: {from}\nhex: {}\nmeans: {}\n", hex(bytes), describe(bytes, part));
        let Some(vector) = expected.get(at) else { panic!("one frame more:\n{said}") };
        assert!(vector.from == *from && vector.bytes == *bytes, "frame {at} is\n{said}");
    }
    assert_eq!(session.frames.len(), expected.len());
}

#[test]
fn the_golden_session_byte_by_byte_starts_the_same_handlers() {
    let vectors = parse(include_str!("session.txt"));
    let started = |chunk: usize| {
        let Session { now, mut acceptor, .. } = Session::new();
        // The dialer's answers need questions.
        let numbers = Payload::copy_from_slice(&[2, 4]);
        let back = Opening::new(MethodKey::from_u64(2), Codec::Bincode);
        acceptor.machine.open(now, &back, &numbers).unwrap();
        acceptor.machine.ping();
        let mut seen = Vec::new();
        for vector in vectors.iter().filter(|vector| vector.from == "dialer") {
            for piece in vector.bytes.chunks(chunk) {
                acceptor.fed(now, piece);
            }
            acceptor.written(now);
            for event in std::mem::take(&mut acceptor.events) {
                if let Event::Request(request) = event {
                    match request.id.expects_reply() {
                        true => acceptor.machine.finish(
                            request.id,
                            request.opening.codec,
                            &Ok(Payload::new()),
                        ),
                        false => acceptor.machine.finish_oneway(request.cost),
                    }
                    seen.push((request.id, request.opening.key, request.arguments));
                }
            }
        }
        assert_eq!(acceptor.outcome(CallId::new(0)), Ok(Payload::new()));
        assert_eq!(acceptor.machine.error(), None, "in chunks of {chunk}");
        seen
    };
    let whole = started(usize::MAX);
    assert_eq!(whole.len(), 5);
    for chunk in [1, 2, 7, 100, 5_000] {
        assert!(started(chunk) == whole, "in chunks of {chunk}");
    }
}
