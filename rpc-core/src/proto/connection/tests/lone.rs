//! One machine whose peer is a script: what it is fed is written by hand, what it says is read as frames.

use super::{Config, Connection, ConnectionError, End, Instant, Side};
use crate::proto::{
    CallId, Decoder, Limits, Piece, encode_preface,
    wire::{Flags, GoAway, Head, Hello, Kind},
};

/// A machine with a scripted peer.
pub(super) struct Lone {
    pub(super) end: End,
    pub(super) now: Instant,
    output: Decoder,
}

/// A frame that the machine sent.
#[derive(Debug, PartialEq)]
pub(super) struct Sent {
    pub(super) head: Head,
    pub(super) payload: Vec<u8>,
}

impl Lone {
    pub(super) fn new(side: Side) -> Self {
        Self::with(side, Config::default())
    }

    pub(super) fn with(side: Side, config: Config) -> Self {
        let now = Instant::now();
        Self { end: End::new(side, config, now), now, output: Decoder::new((1 << 24) - 1) }
    }

    /// With preface and hello of the peer fed.
    pub(super) fn greeted(side: Side) -> Self {
        Self::greeted_with(side, Config::default())
    }

    pub(super) fn greeted_with(side: Side, config: Config) -> Self {
        let mut lone = Self::with(side, config);
        lone.feed(&greeting());
        lone.sent();
        lone
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) {
        let End { machine, decoder, .. } = &mut self.end;
        machine.handle_input(self.now, decoder, bytes);
        self.end.collect();
    }

    pub(super) const fn machine(&mut self) -> &mut Connection {
        &mut self.end.machine
    }

    /// The frames that the machine has to say, all written.
    pub(super) fn sent(&mut self) -> Vec<Sent> {
        let mut frames = Vec::new();
        loop {
            self.end.fill(self.now);
            let bytes = self.end.waiting(usize::MAX);
            if bytes.is_empty() {
                return frames;
            }
            self.end.transmit.advance(bytes.len());
            self.end.give_back();
            self.end.machine.handle_sent(self.now, bytes.len());
            let mut input = &bytes[..];
            while let Some(Piece { head, payload, .. }) = self.output.next(&mut input).unwrap() {
                frames.push(Sent { head, payload: payload.to_vec() });
            }
        }
    }

    /// Feeds `bytes` and asserts that they end the connection so, and that the peer is told so.
    #[track_caller]
    pub(super) fn expect_error(&mut self, bytes: &[u8], error: &ConnectionError) {
        self.feed(bytes);
        assert_eq!(self.end.machine.error(), Some(error));
        let sent = self.sent();
        let last = sent.last().expect("the peer is told nothing");
        assert_eq!(last.head.kind, Kind::GoAway);
        let goaway = GoAway::decode(&last.payload).unwrap();
        assert_eq!(goaway.message, error.to_string());
        assert_eq!(Some(goaway.code), error.close_code());
    }
}

/// Preface and a hello with default limits.
pub(super) fn greeting() -> Vec<u8> {
    let mut out = Vec::new();
    encode_preface(&mut out);
    Hello::default().encode(&mut out);
    out
}

/// A frame made by hand.
pub(super) fn frame(kind: Kind, flags: Flags, id: u32, payload: &[u8]) -> Vec<u8> {
    let head = Head { kind, flags, id: CallId::new(id), length: payload.len() as u32 };
    [&head.encode()[..], payload].concat()
}

/// A request with method key 7 and these arguments.
pub(super) fn request(id: u32, arguments: &[u8]) -> Vec<u8> {
    let payload = [&7u64.to_le_bytes()[..], arguments].concat();
    frame(Kind::Request, Flags::MINE, id, &payload)
}

/// A machine that dialled and has sent call 0 to a peer that has said hello.
pub(super) fn waiting_for_reply() -> Lone {
    let mut lone = Lone::greeted(Side::Dialer);
    let (now, arguments) = (lone.now, crate::proto::Payload::new());
    let id = lone.machine().open(now, &super::call(None), &arguments).unwrap();
    assert_eq!(id, CallId::new(0));
    lone.sent();
    lone
}

/// The configuration with these limits.
pub(super) fn limited(limits: Limits) -> Config {
    limits.check().expect("the limits of a test can be announced");
    Config { limits, ..Config::default() }
}
