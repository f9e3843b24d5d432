//! What callers, handlers and the driver of one connection share: the machine in one short lock, and the
//! writing half of the transport.
//!
//! The lock is never held across a write, a wake or user code.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, OnceLock},
    task::{Context, Poll, Waker},
    time::Instant,
};

use futures_util::task::AtomicWaker;
use parking_lot::{Mutex, MutexGuard};
use tokio::{runtime::Handle, sync::watch};

use super::{
    resuming::NextLink,
    scratch::{self, Scratch},
    served::End,
    turn::TurnStart,
};
use crate::{
    figures::Buffered,
    proto::{
        self, Opening, Side,
        connection::{Config, ConnectionError, Event, Waiter},
    },
    seam::{Gauge, LoadCell, Phase, Place},
    time::now,
    transport::{Flush, Peer, WriteHalf},
};

pub(crate) struct Live {
    pub(super) state: Mutex<State>,
    pub(super) driver: AtomicWaker,
    pub(super) peer: Peer,
    /// What the program keeps with the connection.
    pub(super) place: Place,
    /// How much the peer has to do.
    pub(super) load: LoadCell,
    /// How much this side has to do, which the peer is told; nothing on connections that serve nothing.
    pub(super) gauge: OnceLock<Arc<Gauge>>,
    /// Where the connection runs, for what callers elsewhere need a task for.
    pub(super) runtime: Option<Handle>,
}

/// What the lock guards.
pub(super) struct State {
    pub(super) machine: proto::Connection,
    pub(super) writer: Writer,
    /// Whether the transport has taken bytes that it keeps until it is flushed.
    pub(super) unflushed: Flush,
    /// Whether either side has said that it starts no more calls.
    pub(super) draining: bool,
    /// Tells those who wait for a phase; made when somebody first does, so that other connections carry nothing.
    pub(super) watch: Option<watch::Sender<Phase>>,
    /// Whether the driver was asked to flush and has not done so yet.
    pub(super) flush: bool,
    /// Whether the driver is in a turn that ends with a flush: it need not be woken for one.
    pub(super) in_turn: bool,
    /// How many calls are in flight once all have called again for whom the driver waits; 0 if it does not wait.
    pub(super) expected: usize,
    /// When the driver's timer fires.
    pub(super) armed: Option<Instant>,
    /// Whether the peer's hello has come: until then the timer is set for it.
    greeted: bool,
    /// Handlers that were counted as running when the driver last looked.
    pub(super) counted: u32,
    /// Bytes that are unwritten, as figures have it.
    pub(super) buffered: Buffered,
    /// A link for the driver to go on over.
    pub(super) next: Option<Box<NextLink>>,
}

/// The writing half of the transport.
///
/// ```text
/// Idle ──take──▶ Busy ──give_back──▶ Idle
///  ├─────close─────┼─▶ Closed, however many still hold the connection
///  └──────cut──────┴─▶ Cut, with somebody at it or not ──next link──▶ Idle
/// ```
pub(super) enum Writer {
    /// Whoever takes it writes for all.
    Idle(Box<dyn WriteHalf>),
    /// Somebody is writing, with the half and what the machine gave in hand.
    Busy,
    /// The link is gone. Somebody may still be writing to it.
    Cut(Hands),
    Closed,
}

/// Whether somebody has the writing half of a link that is gone, and what the machine gave, in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hands {
    Empty,
    Full,
}

impl Writer {
    /// The half, unless it is in use or closed.
    pub(super) fn take(&mut self) -> Option<Box<dyn WriteHalf>> {
        match std::mem::replace(self, Self::Busy) {
            Self::Idle(half) => Some(half),
            other => {
                *self = other;
                None
            }
        }
    }

    /// Takes the half back, unless the transport was closed or cut meanwhile.
    pub(super) fn give_back(&mut self, half: Box<dyn WriteHalf>) {
        match self {
            Self::Busy => *self = Self::Idle(half),
            Self::Cut(hands) => *hands = Hands::Empty,
            Self::Idle(_) | Self::Closed => {}
        }
    }

    /// Takes the half away for good; what this gives is to be dropped without the lock.
    pub(super) fn cut(&mut self) -> Self {
        let hands = if let Self::Busy = self { Hands::Full } else { Hands::Empty };
        std::mem::replace(self, Self::Cut(hands))
    }

    pub(super) const fn is_cut(&self) -> bool {
        matches!(self, Self::Cut(_))
    }

    /// Whether nobody else is at it: another half may take its place.
    pub(super) const fn is_at_hand(&self) -> bool {
        matches!(self, Self::Idle(_) | Self::Cut(Hands::Empty))
    }

    /// Closes it; what this gives is to be dropped without the lock.
    pub(super) const fn close(&mut self) -> Self {
        std::mem::replace(self, Self::Closed)
    }
}

impl Live {
    pub(super) fn new(
        side: Side,
        config: Arc<Config>,
        write: Box<dyn WriteHalf>,
        peer: Peer,
    ) -> Self {
        let state = State {
            machine: proto::Connection::new(side, config, now()),
            writer: Writer::Idle(write),
            unflushed: Flush::Done,
            draining: false,
            watch: None,
            flush: side == Side::Dialer,
            in_turn: false,
            expected: 0,
            armed: None,
            greeted: false,
            counted: 0,
            buffered: Buffered::default(),
            next: None,
        };
        let runtime = Handle::try_current().ok();
        let (driver, place, load, gauge) = Default::default();
        Self { state: Mutex::new(state), driver, peer, place, load, gauge, runtime }
    }

    /// Looks at the machine, under the lock.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&proto::Connection) -> R) -> R {
        self.with(|state| look(&state.machine))
    }

    /// Sees to it that a call is sent which was opened.
    #[inline]
    pub(super) fn send_opened(&self, state: MutexGuard<'_, State>, opening: &Opening) {
        let rearm = state.must_rearm(opening);
        if state.machine.open_calls() == 1 && state.may_write_inline() {
            self.write_inline(state);
        } else {
            self.request_flush(state);
        }
        if rearm {
            self.driver.wake();
        }
    }

    /// Polls what may have to wait. The waker is cloned, and what it takes the place of dropped, without the lock.
    pub(super) fn poll_waiting<R>(
        &self,
        cx: &Context<'_>,
        mut poll: impl FnMut(&mut State, &mut Waiter<'_>) -> Poll<R>,
    ) -> Poll<R> {
        let mut waiter = Waiter::new(cx.waker());
        loop {
            let polled = poll(&mut self.state.lock(), &mut waiter);
            if polled.is_ready() || !waiter.lacks_waker() {
                return polled;
            }
            waiter.supply();
        }
    }

    /// Ends a call of the peer whose handler ran outside the driver's task.
    pub(super) fn finish(&self, end: &End) {
        let mut state = self.state.lock();
        state.machine.give_buffer(scratch::take_buffer);
        state.finish(end);
        self.request_flush(state);
    }

    pub(crate) fn drain(&self, reason: &str) {
        let mut state = self.state.lock();
        state.machine.drain(reason);
        self.request_flush(state);
        self.note_draining();
    }

    /// Ends the connection at once, for this reason.
    pub(crate) fn fail(&self, error: ConnectionError) {
        let mut state = self.state.lock();
        state.machine.fail(error);
        self.request_flush(state);
    }

    pub(super) fn ping(&self) -> u64 {
        let mut state = self.state.lock();
        let token = state.machine.ping();
        self.request_flush(state);
        token
    }

    pub(super) fn poll_pong(
        &self,
        token: u64,
        cx: &Context<'_>,
    ) -> Poll<Result<(), ConnectionError>> {
        self.poll_waiting(cx, |state, waiter| state.machine.poll_pong(token, waiter))
    }

    /// Nobody waits for the pong of this token any more.
    pub(super) fn forget_pong(&self, token: u64) {
        let mut retired = Vec::new();
        let mut state = self.state.lock();
        state.machine.forget_pong(token);
        state.machine.take_retired(&mut retired);
        drop(state);
    }

    /// Has the driver flush soon. It is woken once for all who ask meanwhile, and outside the lock.
    pub(super) fn request_flush(&self, mut state: MutexGuard<'_, State>) {
        let asked = std::mem::replace(&mut state.flush, true) || state.in_turn;
        if state.machine.has_retired() {
            let mut retired = Vec::new();
            state.machine.take_retired(&mut retired);
            drop(state);
            drop(retired);
        } else {
            drop(state);
        }
        if !asked {
            self.driver.wake();
        }
    }

    /// Leaves the driver's waker. To be done before it looks at what it was woken for.
    pub(super) fn park(&self, cx: &Context<'_>) {
        self.driver.register(cx.waker());
    }

    /// Runs `with` on what the lock guards. For the driver, which takes it once per batch.
    pub(super) fn with<R>(&self, with: impl FnOnce(&mut State) -> R) -> R {
        with(&mut self.state.lock())
    }
}

impl State {
    fn may_write_inline(&self) -> bool {
        matches!(self.writer, Writer::Idle(_))
            && !self.flush
            && self.expected == 0
            && !self.machine.has_unwritten()
    }

    /// Ends a call of the peer.
    pub(super) fn finish(&mut self, end: &End) {
        if end.id.expects_reply() {
            self.machine.finish(end.id, end.codec, &end.outcome);
        } else {
            self.machine.finish_oneway(end.cost);
        }
    }

    /// The driver waits, in its turn, for the calls of so many tasks; gives the bytes that wait to be written.
    pub(super) const fn expect_calls(&mut self, count: usize) -> usize {
        self.expected = self.machine.calls_in_flight() + count;
        self.machine.unsent()
    }

    /// The time at which a call is opened. Where no deadline depends on it, that is when bytes last came:
    /// reading the clock costs as much as all else that is done here.
    pub(super) fn present_for(&self, opening: &Opening) -> Instant {
        if opening.deadline.is_some() { now() } else { self.machine.received() }
    }

    /// Whether the driver is to set its timer anew: something is due before it fires.
    pub(super) fn must_rearm(&self, opening: &Opening) -> bool {
        let rings_in_time = |armed| self.machine.pings_after(armed);
        if opening.deadline.is_none() && self.armed.is_some_and(rings_in_time) {
            return false;
        }
        self.is_due_earlier()
    }

    /// Whether there is something for the driver to do, whoever noted it.
    pub(super) fn has_more(&self) -> bool {
        self.machine.has_events()
            || self.machine.has_wakes()
            || self.is_due_earlier()
            || self.wants_relink()
    }

    /// Whether something is due before the driver's timer fires.
    pub(super) fn is_due_earlier(&self) -> bool {
        let due = self.machine.poll_timeout();
        due.is_some_and(|due| self.armed.is_none_or(|armed| due < armed))
    }

    /// Begins a turn of the driver: gives it what happened since the last one.
    pub(super) fn begin_turn(&mut self, scratch: &mut Scratch) -> TurnStart {
        self.in_turn = true;
        self.collect(&mut scratch.events, &mut scratch.wakes);
        let due = self.machine.poll_timeout();
        // A runtime with a timer pays for it whenever it sleeps; few connections need one after their hello.
        let disarm = !self.greeted && self.machine.peer().is_some();
        if disarm {
            self.greeted = true;
            self.armed = None;
        }
        self.armed = self.armed.into_iter().chain(due).min();
        TurnStart {
            flush: self.flush,
            unsent: self.machine.unsent(),
            all_called: (1..=self.machine.calls_in_flight()).contains(&self.expected),
            may_read: self.machine.wants_read(),
            short_read: self.machine.wants_short_reads(),
            due,
            disarm,
            relink: self.wants_relink(),
            error: self.machine.error().cloned(),
        }
    }

    /// Moves events to the driver, and the tasks that it is to wake.
    #[inline]
    pub(super) fn collect(&mut self, events: &mut VecDeque<Event>, wakes: &mut Vec<Waker>) {
        // What came with a read is there already: most often there is nothing.
        if self.machine.has_events() || self.machine.has_wakes() {
            self.machine.lend(events, wakes);
            self.machine.reclaim(events, wakes);
        }
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("peer", &self.peer).finish_non_exhaustive()
    }
}
