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

mod admission;
mod calls;
mod close;
mod config;
mod error;
mod event;
mod held;
mod inbound;
mod large;
mod lent;
mod load;
mod outbound;
mod outbox;
mod pace;
mod partial;
mod ping;
mod queue;
mod receive;
mod requests;
mod resume;
mod session;
mod shares;
mod slot;
mod streams;
mod timers;
mod transmit;
mod waiter;

pub use config::Config;
pub use error::ConnectionError;
pub use event::{Event, Request};
pub use lent::{Lent, SHORT_READ};
pub(crate) use outbound::{Left, LeftCall};
pub use session::Keep;
pub use streams::{Batch, Items, Pushed, Rest, Room, Segment, Stopped, StreamId};
pub(crate) use streams::{ITEM_OVERHEAD, SMALL_ITEM};
pub(crate) use transmit::MAX_SLICES;
pub use transmit::Transmit;
pub use waiter::Waiter;

use std::{collections::VecDeque, sync::Arc, task::Waker, time::Instant};

use crate::proto::{Side, encode_preface, wire::Hello};
use inbound::Inbound;
use outbound::Outbound;
use outbox::Outbox;
use partial::Partials;
use ping::Pings;
use session::Session;
use streams::StreamTable;
use waiter::Wakers;

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
    wakers: Wakers,
    /// What was given out to be written and is not, while nobody is writing.
    transmit: Transmit,
    closing: Closing,
    timers: timers::Timers,
    /// When the peer was last told how much there is to do.
    told: load::Told,
    /// What lets the connection go on over another transport, if it can.
    session: Option<Box<Session>>,
}

/// How far the end of the connection has come.
///
/// ```text
/// Open ─goaway of either side─▶ Draining ─the peer closed its half─▶ HalfClosed
///   └────────── error ─────────────┴────────────── error ───────────────┴─▶ Over
/// ```
#[derive(Debug, Default)]
struct Closing {
    stage: Stage,
    /// Whether preface and hello of this side are in the outbox.
    greeted: bool,
    /// This side has sent goaway: it accepts no further request.
    local: bool,
    /// The peer has sent goaway: it accepts no further request of ours.
    remote: bool,
    /// The connection is over.
    error: Option<Box<ConnectionError>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Open,
    Draining,
    HalfClosed,
    Over,
}

impl Closing {
    /// Whether both sides still accept requests.
    const fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open)
    }

    /// Whether one of the sides has said goaway.
    const fn is_draining(&self) -> bool {
        self.local || self.remote
    }

    /// Whether the peer has closed its half of the transport, after a goaway of either side.
    const fn is_half_closed(&self) -> bool {
        matches!(self.stage, Stage::HalfClosed)
    }
}

impl Connection {
    /// A connection over a transport that was just opened.
    #[must_use]
    pub fn new(side: Side, config: Arc<Config>, now: Instant) -> Self {
        let mut connection = Self {
            side,
            timers: timers::Timers::new(now, config.keepalive),
            streams: StreamTable::new(config.limits.shared_window),
            config,
            created: now,
            peer: None,
            inbound: Inbound::default(),
            outbound: Outbound::default(),
            partials: Partials::default(),
            outbox: Outbox::new(side),
            pings: Pings::default(),
            events: VecDeque::new(),
            wakers: Wakers::default(),
            transmit: Transmit::default(),
            closing: Closing::default(),
            told: load::Told::new(now),
            session: None,
        };
        if side == Side::Dialer {
            let keep = connection.config.keep;
            connection.session = keep.map(|keep| Box::new(Session::new(keep, None)));
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
    pub fn error(&self) -> Option<&ConnectionError> {
        self.closing.error.as_deref()
    }

    /// Calls that this side opened and that are not finished, waiting ones included.
    #[must_use]
    pub fn open_calls(&self) -> usize {
        self.outbound.len()
    }

    /// Whether either side starts no more calls.
    #[must_use]
    pub const fn is_draining(&self) -> bool {
        self.closing.is_draining()
    }

    /// Requests that this side has sent, one-way calls included.
    #[must_use]
    pub const fn sent_calls(&self) -> u64 {
        self.outbound.sent()
    }

    /// Calls of this side that the peer has not ended.
    #[must_use]
    pub const fn calls_in_flight(&self) -> usize {
        self.outbound.shares().open() as usize
    }

    /// Whether calls of this side wait to be sent.
    #[must_use]
    pub fn queues(&self) -> bool {
        !self.outbound.queues().is_empty()
    }

    /// Handlers of the peer's calls that have not ended.
    #[must_use]
    pub const fn running_handlers(&self) -> u32 {
        self.inbound.running()
    }

    /// Whether a call of either side has not ended.
    fn has_calls(&self) -> bool {
        self.outbound.shares().open() > 0 || self.outbound.oneway() > 0 || self.inbound.has_calls()
    }

    /// What happened since, oldest first.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Borrows a driver's queues of events and wakers, with their memory, for the time of an input:
    /// an idle connection then holds none. What was queued before stays in front.
    pub fn lend(&mut self, events: &mut VecDeque<Event>, wakes: &mut Vec<Waker>) {
        self.put_back(events);
        wakes.append(&mut self.wakers.due);
        std::mem::swap(&mut self.wakers.due, wakes);
    }

    /// Gives the borrowed queues back, with what has happened meanwhile.
    pub const fn reclaim(&mut self, events: &mut VecDeque<Event>, wakes: &mut Vec<Waker>) {
        std::mem::swap(&mut self.events, events);
        std::mem::swap(&mut self.wakers.due, wakes);
    }

    /// Whether there are events.
    #[must_use]
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// Whether tasks are to be woken.
    #[must_use]
    pub const fn has_wakes(&self) -> bool {
        !self.wakers.due.is_empty()
    }

    /// Moves the wakers of the tasks whose calls have ended to the end of `into`. They are to be woken
    /// when no lock is held.
    pub fn take_wakes(&mut self, into: &mut Vec<Waker>) {
        into.append(&mut self.wakers.due);
    }

    /// Moves the wakers to the end of `into` of tasks that wait no longer: code of others, to be dropped when no lock is
    /// held.
    pub fn take_retired(&mut self, into: &mut Vec<Waker>) {
        into.append(&mut self.wakers.retired);
    }

    /// Whether there are wakers to be dropped.
    #[must_use]
    pub const fn has_retired(&self) -> bool {
        !self.wakers.retired.is_empty()
    }

    /// Adds the bytes to be written next to what was not written of the former ones; `now` gives the present.
    pub fn fill(&mut self, now: impl Fn() -> Instant) {
        self.write_pong();
        if self.session.is_some() && self.look_at_journal(&now) {
            return self.write_acknowledgement();
        }
        // A peer that has closed its half answers nothing: nothing is to wait for it.
        let may_ping = self.peer.is_some() && !self.closing.is_half_closed();
        let Self { outbound, outbox, pings, transmit, .. } = self;
        let mark = may_ping.then_some(|| (pings.next_token(), now()));
        outbox.fill(transmit, |id| outbound.begin(id), mark);
        self.write_acknowledgement();
    }

    /// Takes what is to be written, to be given back to [`Self::end_write`], less what was. Requests in it count as
    /// handed to the transport meanwhile.
    pub fn take_unwritten(&mut self) -> Transmit {
        let mut transmit = std::mem::take(&mut self.transmit);
        self.lend_replay(&mut transmit);
        transmit
    }

    /// Takes back what the transport has not taken.
    pub fn end_write(&mut self, mut transmit: Transmit) {
        self.reclaim_replay(&mut transmit);
        self.transmit = transmit;
        if self.closing.error.is_some() {
            // It ended meanwhile: what it had not begun is not to follow.
            let dropped = self.transmit.abandon();
            self.outbox.sent(dropped);
        }
    }

    /// The buffer of what was written, if it is empty: so that idle connections hold none.
    pub fn take_spare(&mut self) -> Option<Vec<u8>> {
        self.transmit.take_spare()
    }

    /// Whether something was given out that the transport has not taken.
    #[must_use]
    pub fn has_unwritten(&self) -> bool {
        !self.transmit.is_empty() || self.has_replay()
    }

    /// How many of the requests that this side sent have been handed to the transport, as far as is known.
    fn handed_over(&self) -> u64 {
        let waiting = self.outbox.waiting_requests() + self.transmit.waiting_requests();
        self.outbound.sent() - waiting as u64
    }

    /// Whether there are bytes to be written.
    #[must_use]
    pub fn wants_write(&self) -> bool {
        if self.is_cut() {
            return false;
        }
        self.pings.owes_pong()
            || self.owes_acknowledgement()
            || (!self.outbox.is_empty() && !self.is_held_up())
    }

    /// Whether all that waits to be written has to wait until the peer has read more.
    #[must_use]
    pub fn is_held_up(&self) -> bool {
        self.is_dammed() || (self.outbox.is_held_up() && !self.closing.is_half_closed())
    }

    /// Bytes that wait to be written.
    #[must_use]
    pub const fn unsent(&self) -> usize {
        self.outbox.unsent()
    }

    /// Whether bytes of the peer may be fed: until the connection is over. Nothing that the peer does or leaves undone
    /// stops the reading, or two sides could each wait for the other to read.
    #[must_use]
    pub fn wants_read(&self) -> bool {
        self.closing.error.is_none() && !self.closing.is_half_closed() && !self.is_cut()
    }

    /// Takes note that `count` bytes of what `fill` gave are written.
    pub fn handle_sent(&mut self, now: Instant, count: usize) {
        self.outbox.sent(count);
        self.timers.write_blocked = None;
        self.wake_waiting();
        self.release_held();
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
        let hello = self.own_hello();
        let mut length = 0;
        self.outbox.append(|out| {
            encode_preface(out);
            hello.encode(out);
            length = out.len();
        });
        if let Some(session) = &mut self.session {
            session.journal.pass_over(length);
        }
        self.write_ping();
    }
}

#[cfg(test)]
mod tests;
