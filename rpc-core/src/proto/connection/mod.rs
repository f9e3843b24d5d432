//! The state machine of one connection, symmetric but for who speaks first.
//!
//! ```text
//!   bytes ─▶ handle_input ─▶ inbound ─▶ poll_event ─▶ (driver runs handlers) ─▶ finish ─▶ outbox ─▶ fill
//!   open ─▶ outbound ─▶ outbox ─▶ fill                       replies ─▶ outbound ─▶ poll_outcome
//! ```
//!
//! **Loop of a driver: feed what came (`handle_input`, `handle_timeout`), drain `poll_event` and
//! `take_wakes`, write what `fill` gives, then sleep until bytes, `poll_timeout`, or a caller.**
//! Whoever calls a method that takes `now` passes the present: there is no clock in here.

mod calls;
mod close;
mod error;
mod event;
mod inbound;
mod lent;
mod outbound;
mod outbox;
mod pace;
mod partial;
mod ping;
mod receive;
mod requests;
mod streams;
mod timers;
mod transmit;

pub use error::ConnectionError;
pub use event::{Event, Request};
pub use lent::{Lent, SHORT_READ};
pub use outbound::{NewCall, Outcome};
pub(crate) use streams::{ITEM_OVERHEAD, SMALL_ITEM};
pub use streams::{Items, Room, Segment, Stopped, StreamId};
pub(crate) use transmit::MAX_SLICES;
pub use transmit::Transmit;

use std::{
    collections::VecDeque,
    sync::Arc,
    task::Waker,
    time::{Duration, Instant},
};

use crate::proto::{Limits, Side, encode_preface, frame::Hello, limits::EARLY_CALLS};
use inbound::Inbound;
use outbound::Outbound;
use outbox::Outbox;
use partial::Partials;
use ping::Pings;
use streams::StreamTable;

/// What a connection is told once, at its start.
#[derive(Clone, Debug)]
pub struct Config {
    /// What this side accepts; announced in hello.
    pub limits: Limits,
    /// What this side calls itself in hello, for the peer's logs.
    pub name: String,
    /// How long the peer may take until its hello is complete.
    pub handshake_timeout: Duration,
    /// While calls are in flight: silence after which the peer is pinged, and the time it then has to
    /// answer. `None` never pings.
    pub keepalive: Option<Duration>,
    /// How long a write may make no progress at all.
    pub write_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            name: String::new(),
            handshake_timeout: Duration::from_secs(5),
            keepalive: Some(Duration::from_secs(20)),
            write_timeout: Duration::from_secs(30),
        }
    }
}

/// The state machine of one connection.
#[derive(Debug)]
pub struct Connection {
    side: Side,
    config: Arc<Config>,
    created: Instant,
    /// What the peer announced; `None` until its hello is here.
    peer: Option<Hello>,
    inbound: Inbound,
    outbound: Outbound,
    partials: Partials,
    streams: StreamTable,
    outbox: Outbox,
    pings: Pings,
    /// Bounded by: one read, then the driver drains it.
    events: VecDeque<Event>,
    /// Tasks to wake once the lock around this is released.
    wakes: Vec<Waker>,
    closing: Closing,
    timers: timers::Timers,
}

/// How far the end of the connection has come.
#[derive(Debug, Default)]
struct Closing {
    /// Whether preface and hello of this side are in the outbox.
    greeted: bool,
    /// This side has sent goaway: it accepts no further request.
    local: bool,
    /// The peer has sent goaway: it accepts no further request of ours.
    remote: bool,
    /// The peer has closed its half of the transport, after a goaway of either side.
    read_closed: bool,
    /// The connection is over.
    error: Option<ConnectionError>,
}

impl Closing {
    /// Whether both sides still accept requests.
    const fn is_open(&self) -> bool {
        self.error.is_none() && !self.remote && !self.local
    }
}

impl Connection {
    /// A connection over a transport that was just opened.
    #[must_use]
    pub fn new(side: Side, config: Arc<Config>, now: Instant) -> Self {
        let mut connection = Self {
            side,
            timers: timers::Timers::new(now),
            config,
            created: now,
            peer: None,
            inbound: Inbound::default(),
            outbound: Outbound::default(),
            partials: Partials::default(),
            streams: StreamTable::default(),
            outbox: Outbox::new(),
            pings: Pings::default(),
            events: VecDeque::new(),
            wakes: Vec::new(),
            closing: Closing::default(),
        };
        if side == Side::Dialer {
            connection.greet();
        }
        connection
    }

    /// Which end of the connection this is.
    #[must_use]
    pub const fn side(&self) -> Side {
        self.side
    }

    /// The peer's hello, once it is here.
    #[must_use]
    pub const fn peer(&self) -> Option<&Hello> {
        self.peer.as_ref()
    }

    /// When bytes last came; when the connection began, if none have.
    #[must_use]
    pub const fn received(&self) -> Instant {
        self.timers.received
    }

    /// Why the connection ended, if it has.
    #[must_use]
    pub const fn error(&self) -> Option<&ConnectionError> {
        self.closing.error.as_ref()
    }

    /// Calls that this side opened and that are not finished, waiting ones included.
    #[must_use]
    pub fn open_calls(&self) -> usize {
        self.outbound.slots.len()
    }

    /// Calls of this side that the peer has not ended.
    #[must_use]
    pub const fn calls_in_flight(&self) -> usize {
        self.outbound.in_flight as usize
    }

    /// Whether calls of this side wait to be sent.
    #[must_use]
    pub fn queues(&self) -> bool {
        !self.outbound.queue.is_empty()
    }

    /// Handlers of the peer's calls that have not ended.
    #[must_use]
    pub const fn running_handlers(&self) -> u32 {
        self.inbound.running
    }

    /// What happened since, oldest first.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Borrows a driver's queues of events and wakers, with their memory, for the time of an input:
    /// an idle connection then holds none. What was queued before stays in front.
    pub fn lend(&mut self, events: &mut VecDeque<Event>, wakes: &mut Vec<Waker>) {
        events.append(&mut self.events);
        wakes.append(&mut self.wakes);
        self.reclaim(events, wakes);
    }

    /// Gives the borrowed queues back, with what has happened meanwhile.
    pub const fn reclaim(&mut self, events: &mut VecDeque<Event>, wakes: &mut Vec<Waker>) {
        std::mem::swap(&mut self.events, events);
        std::mem::swap(&mut self.wakes, wakes);
    }

    /// Whether there are events.
    #[must_use]
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// Moves all events to the end of `into`.
    pub fn take_events(&mut self, into: &mut VecDeque<Event>) {
        into.append(&mut self.events);
    }

    /// Whether tasks are to be woken.
    #[must_use]
    pub const fn has_wakes(&self) -> bool {
        !self.wakes.is_empty()
    }

    /// Moves the wakers of the tasks whose calls have ended to the end of `into`. They are to be woken
    /// when no lock is held.
    pub fn take_wakes(&mut self, into: &mut Vec<Waker>) {
        into.append(&mut self.wakes);
    }

    /// Moves the bytes to be written next into `transmit`; `now` gives the present.
    pub fn fill(&mut self, transmit: &mut Transmit, now: impl Fn() -> Instant) {
        self.write_pong();
        let gives_way = self.outbox.gives_way() && self.wants_read();
        let Self { outbound, outbox, pings, .. } = self;
        let mark = gives_way.then_some(|| (pings.next_token(), now()));
        outbox.fill(transmit, |id| outbound.begin(id), mark);
    }

    /// Whether there are bytes to be written.
    #[must_use]
    pub fn wants_write(&self) -> bool {
        self.pings.owes_pong() || (!self.outbox.is_empty() && !self.is_held_up())
    }

    /// Whether all that waits to be written has to wait until the peer has read more. A side that does not read
    /// cannot learn of that: it holds nothing up.
    #[must_use]
    pub fn is_held_up(&self) -> bool {
        self.outbox.is_held_up() && self.wants_read()
    }

    /// Bytes that wait to be written.
    #[must_use]
    pub const fn unsent(&self) -> usize {
        self.outbox.unsent()
    }

    /// Whether bytes of the peer may be fed. False while the peer leaves too many replies unread, or
    /// one-way calls wait for the handlers of former ones: TCP then holds the peer up.
    ///
    /// A side that waits for replies itself is more patient. If it stopped as early, two sides that
    /// answer each other at length would each wait for the other to read.
    #[must_use]
    pub fn wants_read(&self) -> bool {
        let (unsent, held) = match self.outbound.in_flight {
            0 => (MAX_UNSENT_REPLIES, EARLY_CALLS as usize),
            _ => (MAX_UNSENT_WAITING, MAX_HELD_WAITING),
        };
        self.closing.error.is_none()
            && !self.closing.read_closed
            && self.outbox.unsent_replies() <= unsent
            && self.inbound.held.len() <= held
    }

    /// Takes note that `count` bytes of what `fill` gave are written.
    pub fn handle_sent(&mut self, now: Instant, count: usize) {
        self.outbox.sent(count);
        self.timers.write_blocked = None;
        self.wake_waiting();
        self.promote(now);
    }

    /// Takes note that the transport takes no more bytes for the time being.
    pub fn handle_blocked(&mut self, now: Instant) {
        self.timers.write_blocked.get_or_insert(now);
    }

    /// Provides the buffer for small frames when the next one is appended to none.
    pub fn give_buffer(&mut self, provide: impl FnOnce() -> Vec<u8>) {
        self.outbox.give_buffer(provide);
    }

    /// Appends preface and hello.
    fn greet(&mut self) {
        self.closing.greeted = true;
        let hello = Hello { limits: self.config.limits, name: self.config.name.clone() };
        self.outbox.append(|out| {
            encode_preface(out);
            hello.encode(out);
        });
        self.write_ping();
    }
}

/// Bytes of replies that the peer may leave unread before its requests are no longer read.
const MAX_UNSENT_REPLIES: usize = 1 << 20;

/// The same while this side waits for replies of the peer.
const MAX_UNSENT_WAITING: usize = 64 << 20;

/// Calls that may be held back while this side waits for replies of the peer: the handlers that they
/// wait for may be the ones that need these replies.
const MAX_HELD_WAITING: usize = 1024;

#[cfg(test)]
mod tests;
