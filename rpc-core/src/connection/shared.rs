//! What callers, handlers and the driver of one connection share: the machine in one short lock, and the
//! writing half of the transport.
//!
//! The lock is never held across a write, a wake or user code.

use std::{
    collections::VecDeque,
    fmt,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Instant,
};

use futures_util::task::AtomicWaker;
use parking_lot::{Mutex, MutexGuard};
use tokio::runtime::Handle;

use super::{
    handlers::End,
    lifecycle::Lifecycle,
    scratch::{self, Scratch},
    turn::Standing,
};
use crate::{
    proto::{
        self, CallId, Ended, Metadata, Opening, Outcome, Payload, Side, Status,
        connection::{Config, ConnectionError, Event, StreamId, Waiter},
    },
    time::now,
    transport::{Flush, Peer, WriteHalf},
};

pub(crate) struct Shared {
    pub(super) state: Mutex<State>,
    pub(super) driver: AtomicWaker,
    peer: Peer,
    /// Where the connection runs, for what callers elsewhere need a task for.
    runtime: Option<Handle>,
}

/// What the lock guards.
pub(super) struct State {
    pub(super) machine: proto::Connection,
    /// The writing half of the transport, unless it is closed or somebody is writing.
    pub(super) write: Option<Box<dyn WriteHalf>>,
    /// Whether somebody is writing, with `write` and what the machine gave in hand.
    pub(super) writing: bool,
    /// Whether the transport has taken bytes that it keeps until it is flushed.
    pub(super) unflushed: Flush,
    /// Whether the transport is closed, however many still hold this.
    pub(super) closed: bool,
    pub(super) lifecycle: Lifecycle,
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
    /// Tasks that wait for the peer's hello, by number. Bounded by: the futures that do, each of which is here once.
    ready: Vec<(u64, Option<Waker>)>,
    /// The number of the last one.
    last_ready: u64,
}

impl Shared {
    pub(super) fn new(
        side: Side,
        config: Arc<Config>,
        write: Box<dyn WriteHalf>,
        peer: Peer,
    ) -> Self {
        let state = State {
            machine: proto::Connection::new(side, config, now()),
            write: Some(write),
            writing: false,
            unflushed: Flush::Done,
            closed: false,
            lifecycle: Lifecycle::default(),
            flush: side == Side::Dialer,
            in_turn: false,
            expected: 0,
            armed: None,
            greeted: false,
            ready: Vec::new(),
            last_ready: 0,
        };
        let runtime = Handle::try_current().ok();
        Self { state: Mutex::new(state), driver: AtomicWaker::new(), peer, runtime }
    }

    /// Spawns a task where the connection runs, wherever the caller does.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        match &self.runtime {
            Some(runtime) => drop(runtime.spawn(task)),
            None => drop(tokio::spawn(task)),
        }
    }

    pub(crate) const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// What the peer calls itself in its hello; empty before that.
    pub(super) fn peer_name(&self) -> String {
        let state = self.state.lock();
        state.machine.peer().map(|hello| hello.name.clone()).unwrap_or_default()
    }

    /// Opens a call, leaves the waker of `cx` with it, and sees to it that it is sent.
    pub(crate) fn open(
        &self,
        opening: &Opening,
        arguments: &Payload,
        cx: &Context<'_>,
    ) -> Result<CallId, Status> {
        if opening.streams.down() {
            return self.open_stream(opening, arguments, cx);
        }
        let waker = cx.waker().clone();
        let mut state = self.state.lock();
        state.machine.give_buffer(scratch::take_buffer);
        let present = state.present_for(opening);
        let id = state.machine.open(present, opening, arguments)?;
        state.machine.wait(id, waker);
        self.send_opened(state, opening);
        Ok(id)
    }

    /// The same for a call that brings items.
    fn open_stream(
        &self,
        opening: &Opening,
        arguments: &Payload,
        cx: &Context<'_>,
    ) -> Result<CallId, Status> {
        let mut waiter = Waiter::new(cx.waker());
        // It waits in two places, for its start and for its end, and both may come once the lock is released.
        waiter.supply();
        let mut state = self.state.lock();
        state.machine.give_buffer(scratch::take_buffer);
        let present = state.present_for(opening);
        let id = state.machine.open(present, opening, arguments)?;
        let pending = state.machine.poll_accepted(id, &mut waiter).is_pending();
        debug_assert!(pending, "a call that was just opened has not ended");
        self.send_opened(state, opening);
        Ok(id)
    }

    /// Sees to it that a call is sent which was opened.
    #[inline]
    fn send_opened(&self, state: MutexGuard<'_, State>, opening: &Opening) {
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

    /// Opens a call that expects no reply; `None` if it is on its way.
    pub(crate) fn open_oneway(
        &self,
        opening: &Opening,
        arguments: &Payload,
        cx: &Context<'_>,
    ) -> Result<Option<CallId>, Status> {
        let mut waiter = Waiter::supplied(cx.waker());
        let mut state = self.state.lock();
        state.machine.give_buffer(scratch::take_buffer);
        let present = state.present_for(opening);
        let id = state.machine.open_oneway(present, opening, arguments)?;
        if let Some(id) = id {
            let pending = state.machine.poll_outcome(id, &mut waiter).is_pending();
            debug_assert!(pending, "a call that was just queued has not ended");
        }
        let rearm = state.must_rearm(opening);
        self.request_flush(state);
        if rearm {
            self.driver.wake();
        }
        Ok(id)
    }

    /// Polls what may have to wait. The waker is cloned, and what it takes the place of dropped, without the lock.
    fn poll_waiting<R>(
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

    /// The end of a call, if it has come and nothing beside it.
    #[inline]
    pub(crate) fn take_outcome(&self, id: CallId) -> Option<Outcome> {
        self.state.lock().machine.take_outcome(id)
    }

    /// The end of a call, with what came beside it.
    pub(crate) fn poll_outcome(&self, id: CallId, cx: &Context<'_>) -> Poll<Ended> {
        self.poll_waiting(cx, |state, waiter| state.machine.poll_outcome(id, waiter))
    }

    pub(crate) fn cancel(&self, id: CallId) {
        let mut state = self.state.lock();
        state.machine.cancel(id);
        self.request_flush(state);
    }

    /// Ends a call of the peer whose handler ran outside the driver's task.
    pub(super) fn finish(&self, end: &End) {
        let mut state = self.state.lock();
        state.machine.give_buffer(scratch::take_buffer);
        state.finish(end);
        self.request_flush(state);
    }

    /// Ends a call of this side with a status of its own, if the stream that it sends goes on.
    pub(crate) fn give_up(&self, stream: StreamId, status: Status) {
        let mut state = self.state.lock();
        state.machine.give_up(stream, status);
        self.request_flush(state);
    }

    pub(crate) fn poll_accepted(&self, id: CallId, cx: &Context<'_>) -> Poll<Result<(), Ended>> {
        self.poll_waiting(cx, |state, waiter| state.machine.poll_accepted(id, waiter))
    }

    /// What came ahead of the items of a call.
    pub(crate) fn take_leading_metadata(&self, id: CallId) -> Option<Box<Metadata>> {
        self.state.lock().machine.take_leading_metadata(id)
    }

    /// Sends metadata beside the reply of a call of the peer, or ahead of its items.
    pub(crate) fn set_reply_metadata(&self, id: CallId, metadata: Metadata) {
        self.state.lock().machine.set_reply_metadata(id, metadata);
    }

    /// The metadata that goes ahead of the items of a call of the peer.
    pub(super) fn take_reply_metadata(&self, id: CallId) -> Option<Box<Metadata>> {
        self.state.lock().machine.take_reply_metadata(id)
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

    /// A number for a future that waits for the peer's hello.
    pub(super) fn number_ready(&self) -> u64 {
        let mut state = self.state.lock();
        state.last_ready += 1;
        state.last_ready
    }

    pub(super) fn poll_ready(
        &self,
        number: u64,
        cx: &Context<'_>,
    ) -> Poll<Result<(), ConnectionError>> {
        self.poll_waiting(cx, |state, waiter| {
            if let Some(error) = state.machine.error() {
                return Poll::Ready(Err(error.clone()));
            }
            if state.machine.peer().is_some() {
                return Poll::Ready(Ok(()));
            }
            let at = state.ready.iter().position(|(own, _)| *own == number).unwrap_or_else(|| {
                state.ready.push((number, None));
                state.ready.len() - 1
            });
            waiter.wait_in(&mut state.ready[at].1);
            Poll::Pending
        })
    }

    /// This future waits for the peer's hello no longer.
    pub(super) fn forget_ready(&self, number: u64) {
        let mut state = self.state.lock();
        let at = state.ready.iter().position(|(own, _)| *own == number);
        let retired = at.map(|at| state.ready.swap_remove(at));
        drop(state);
        drop(retired);
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
        !self.writing && !self.flush && self.expected == 0 && !self.machine.has_unwritten()
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
    fn present_for(&self, opening: &Opening) -> Instant {
        if opening.deadline.is_some() { now() } else { self.machine.received() }
    }

    /// Whether the driver is to set its timer anew: something is due before it fires.
    fn must_rearm(&self, opening: &Opening) -> bool {
        let rings_in_time = |armed| self.machine.pings_after(armed);
        if opening.deadline.is_none() && self.armed.is_some_and(rings_in_time) {
            return false;
        }
        self.is_due_earlier()
    }

    /// Whether there is something for the driver to do, whoever noted it.
    pub(super) fn has_more(&self) -> bool {
        self.machine.has_events() || self.machine.has_wakes() || self.is_due_earlier()
    }

    /// Whether something is due before the driver's timer fires.
    pub(super) fn is_due_earlier(&self) -> bool {
        let due = self.machine.poll_timeout();
        due.is_some_and(|due| self.armed.is_none_or(|armed| due < armed))
    }

    /// Begins a turn of the driver: gives it what happened since the last one.
    pub(super) fn begin_turn(&mut self, scratch: &mut Scratch) -> Standing {
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
        Standing {
            flush: self.flush,
            unsent: self.machine.unsent(),
            all_called: (1..=self.machine.calls_in_flight()).contains(&self.expected),
            may_read: self.machine.wants_read(),
            short_read: self.machine.wants_short_reads(),
            due,
            disarm,
            error: self.machine.error().cloned(),
        }
    }

    /// Moves events to the driver, and the tasks that it is to wake.
    pub(super) fn collect(&mut self, events: &mut VecDeque<Event>, wakes: &mut Vec<Waker>) {
        self.machine.lend(events, wakes);
        self.machine.reclaim(events, wakes);
        self.take_ready(wakes);
    }

    /// Moves the tasks that wait for the peer's hello to `wakes`, once it is here or cannot come.
    fn take_ready(&mut self, wakes: &mut Vec<Waker>) {
        if !self.ready.is_empty()
            && (self.machine.peer().is_some() || self.machine.error().is_some())
        {
            wakes.extend(self.ready.drain(..).filter_map(|(_, waker)| waker));
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("peer", &self.peer).finish_non_exhaustive()
    }
}
