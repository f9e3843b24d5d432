//! What callers, handlers and the driver of one connection share: the machine in one short lock, and the
//! writing half of the transport.
//!
//! The lock is never held across a write, a wake or user code.

use std::{
    collections::VecDeque,
    fmt,
    io::IoSlice,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Instant,
};

use futures_util::task::AtomicWaker;
use parking_lot::{Mutex, MutexGuard};

use super::{
    scratch::{self, Scratch},
    turn::{Flushed, Standing},
};
use crate::{
    proto::{
        self, CallId, Codec, Side, Status,
        connection::{
            Config, ConnectionError, Event, MAX_SLICES, NewCall, Outcome, StreamId, Transmit,
        },
    },
    time::now,
    transport::{PeerAddress, WriteHalf},
};

pub(crate) struct Shared {
    pub(super) state: Mutex<State>,
    driver: AtomicWaker,
    peer: PeerAddress,
}

/// What the lock guards.
pub(super) struct State {
    pub(super) machine: proto::Connection,
    transmit: Transmit,
    /// The writing half of the transport, unless it is closed or somebody is writing.
    write: Option<Box<dyn WriteHalf>>,
    /// Whether somebody is writing, with `transmit` and `write` in hand.
    writing: bool,
    /// Whether the transport is closed, however many still hold this.
    closed: bool,
    /// Whether the driver was asked to flush and has not done so yet.
    flush: bool,
    /// Whether the driver is in a turn that ends with a flush: it need not be woken for one.
    in_turn: bool,
    /// How many calls are in flight once all have called again for whom the driver waits; 0 if it does not wait.
    expected: usize,
    /// When the driver's timer fires.
    pub(super) armed: Option<Instant>,
    /// Whether the peer's hello has come: until then the timer is set for it.
    greeted: bool,
    /// Tasks that wait for the peer's hello.
    ready: Vec<Waker>,
}

impl Shared {
    pub(super) fn new(
        side: Side,
        config: Arc<Config>,
        write: Box<dyn WriteHalf>,
        peer: PeerAddress,
    ) -> Self {
        let state = State {
            machine: proto::Connection::new(side, config, now()),
            transmit: Transmit::default(),
            write: Some(write),
            writing: false,
            closed: false,
            flush: side == Side::Dialer,
            in_turn: false,
            expected: 0,
            armed: None,
            greeted: false,
            ready: Vec::new(),
        };
        Self { state: Mutex::new(state), driver: AtomicWaker::new(), peer }
    }

    pub(crate) const fn peer(&self) -> PeerAddress {
        self.peer
    }

    /// What the peer calls itself in its hello; empty before that.
    pub(super) fn peer_name(&self) -> String {
        let state = self.state.lock();
        state.machine.peer().map(|hello| hello.name.clone()).unwrap_or_default()
    }

    /// Opens a call, leaves the waker of `cx` with it, and sees to it that it is sent.
    pub(crate) fn open(&self, call: &NewCall<'_>, cx: &Context<'_>) -> Result<CallId, Status> {
        let mut state = self.state.lock();
        state.machine.give_buffer(scratch::take_buffer);
        let present = state.present_for(call);
        let id = state.machine.open(present, call)?;
        let pending = match call.streams.down() {
            true => state.machine.poll_accepted(id, cx).is_pending(),
            false => state.machine.poll_outcome(id, cx).is_pending(),
        };
        debug_assert!(pending, "a call that was just opened has not ended");
        let rearm = state.must_rearm(call);
        if state.machine.open_calls() == 1 && state.may_write_inline() {
            self.write_inline(state);
        } else {
            self.request_flush(state);
        }
        if rearm {
            self.driver.wake();
        }
        Ok(id)
    }

    /// Opens a call that expects no reply; `None` if it is on its way.
    pub(crate) fn open_oneway(
        &self,
        call: &NewCall<'_>,
        cx: &Context<'_>,
    ) -> Result<Option<CallId>, Status> {
        let mut state = self.state.lock();
        state.machine.give_buffer(scratch::take_buffer);
        let present = state.present_for(call);
        let id = state.machine.open_oneway(present, call)?;
        if let Some(id) = id {
            let pending = state.machine.poll_outcome(id, cx).is_pending();
            debug_assert!(pending, "a call that was just queued has not ended");
        }
        let rearm = state.must_rearm(call);
        self.request_flush(state);
        if rearm {
            self.driver.wake();
        }
        Ok(id)
    }

    pub(crate) fn poll_outcome(&self, id: CallId, cx: &Context<'_>) -> Poll<Outcome> {
        self.state.lock().machine.poll_outcome(id, cx)
    }

    pub(crate) fn cancel(&self, id: CallId) {
        let mut state = self.state.lock();
        state.machine.cancel(id);
        self.request_flush(state);
    }

    /// Ends a call of the peer whose handler ran outside the driver's task.
    pub(super) fn finish(&self, id: CallId, codec: Codec, outcome: &Outcome) {
        let mut state = self.state.lock();
        state.machine.give_buffer(scratch::take_buffer);
        state.machine.finish(id, codec, outcome);
        self.request_flush(state);
    }

    /// Ends a call of this side with a status of its own, if the stream that it sends goes on.
    pub(crate) fn give_up(&self, stream: StreamId, status: Status) {
        let mut state = self.state.lock();
        state.machine.give_up(stream, status);
        self.request_flush(state);
    }

    pub(crate) fn poll_accepted(&self, id: CallId, cx: &Context<'_>) -> Poll<Result<(), Outcome>> {
        self.state.lock().machine.poll_accepted(id, cx)
    }

    pub(crate) fn drain(&self, reason: &str) {
        let mut state = self.state.lock();
        state.machine.drain(reason);
        self.request_flush(state);
    }

    /// Ends the connection at once.
    pub(crate) fn abort(&self) {
        let mut state = self.state.lock();
        state.machine.fail(ConnectionError::Aborted);
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
        self.state.lock().machine.poll_pong(token, cx)
    }

    pub(super) fn poll_ready(&self, cx: &Context<'_>) -> Poll<Result<(), ConnectionError>> {
        let mut state = self.state.lock();
        if let Some(error) = state.machine.error() {
            return Poll::Ready(Err(error.clone()));
        }
        if state.machine.peer().is_some() {
            return Poll::Ready(Ok(()));
        }
        state.ready.push(cx.waker().clone());
        Poll::Pending
    }

    /// Has the driver flush soon. It is woken once for all who ask meanwhile, and outside the lock.
    pub(super) fn request_flush(&self, mut state: MutexGuard<'_, State>) {
        let asked = std::mem::replace(&mut state.flush, true) || state.in_turn;
        drop(state);
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

    /// Writes once, for the driver: all small frames and a bounded number of chunks.
    pub(super) fn flush(&self, cx: &mut Context<'_>) -> Flushed {
        let mut state = self.state.lock();
        state.in_turn = false;
        state.expected = 0;
        if state.writing {
            return Flushed::All;
        }
        state.begin_write();
        if state.transmit.is_empty() {
            return if state.machine.is_held_up() { Flushed::Blocked } else { state.all_written() };
        }
        self.write(state, Some(cx))
    }

    /// Writes for the caller that is alone; if that does not do, the driver goes on.
    fn write_inline(&self, mut state: MutexGuard<'_, State>) {
        state.begin_write();
        if !matches!(self.write(state, None), Flushed::All | Flushed::Quiet) {
            // Whoever asked for a flush meanwhile found somebody writing: the driver must be told again.
            self.state.lock().flush = true;
            self.driver.wake();
        }
    }

    fn write(&self, mut state: MutexGuard<'_, State>, cx: Option<&mut Context<'_>>) -> Flushed {
        let inline = cx.is_none();
        let Some(half) = state.write.take() else { return Flushed::All };
        state.writing = true;
        let mut transmit = std::mem::take(&mut state.transmit);
        drop(state);
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        let count = transmit.slices(&mut slices);
        let written = match cx {
            Some(cx) => half.poll_write(cx, &slices[..count]),
            None => match half.try_write(&slices[..count]) {
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Poll::Pending,
                written => Poll::Ready(written),
            },
        };
        let mut state = self.state.lock();
        state.writing = false;
        state.write = (!state.closed).then_some(half);
        let flushed = match written {
            Poll::Ready(Ok(count)) => {
                transmit.advance(count);
                let present = if state.machine.queues() { now() } else { state.machine.received() };
                state.machine.handle_sent(present, count);
                // A driver that finds somebody writing leaves what it was asked for to that one.
                let asked = inline && state.flush;
                if !transmit.is_empty() || state.machine.wants_write() || asked {
                    Flushed::More
                } else if state.machine.is_held_up() {
                    Flushed::Blocked
                } else {
                    state.all_written()
                }
            }
            Poll::Ready(Err(error)) => {
                transmit = Transmit::default();
                state.machine.fail(ConnectionError::Transport(error.to_string()));
                Flushed::More
            }
            Poll::Pending => {
                state.machine.handle_blocked(now());
                Flushed::Blocked
            }
        };
        if let Some(spare) = transmit.take_spare() {
            scratch::return_buffer(spare);
        }
        state.transmit = transmit;
        if state.machine.has_wakes() {
            let mut wakes = Vec::new();
            state.machine.take_wakes(&mut wakes);
            drop(state);
            wakes.into_iter().for_each(Waker::wake);
        }
        flushed
    }

    pub(super) fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let Some(half) = self.with(|state| state.write.take()) else { return Poll::Ready(Ok(())) };
        let polled = half.poll_shutdown(cx);
        self.with(|state| state.write = (!state.closed).then_some(half));
        polled
    }

    /// Closes the writing half of the transport: clients of a connection that is over may be kept.
    pub(super) fn close(&self) {
        let half = self.with(|state| {
            state.closed = true;
            state.write.take()
        });
        drop(half);
    }
}

impl State {
    fn may_write_inline(&self) -> bool {
        !self.writing && !self.flush && self.expected == 0 && self.transmit.is_empty()
    }

    /// The driver waits, in its turn, for the calls of so many tasks; gives the bytes that wait to be written.
    pub(super) const fn expect_calls(&mut self, count: usize) -> usize {
        self.expected = self.machine.calls_in_flight() + count;
        self.machine.unsent()
    }

    fn begin_write(&mut self) {
        self.flush = false;
        let Self { machine, transmit, .. } = self;
        machine.fill(transmit, now);
    }

    /// The time at which a call is opened. Where no deadline depends on it, that is when bytes last came:
    /// reading the clock costs as much as all else that is done here.
    fn present_for(&self, call: &NewCall<'_>) -> Instant {
        if call.deadline.is_some() { now() } else { self.machine.received() }
    }

    /// Whether the driver is to set its timer anew: something is due before it fires.
    fn must_rearm(&self, call: &NewCall<'_>) -> bool {
        let rings_in_time = |armed| self.machine.pings_after(armed);
        if call.deadline.is_none() && self.armed.is_some_and(rings_in_time) {
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
        self.machine.take_events(events);
        self.machine.take_wakes(wakes);
        self.take_ready(wakes);
    }

    /// Moves the tasks that wait for the peer's hello to `wakes`, once it is here or cannot come.
    fn take_ready(&mut self, wakes: &mut Vec<Waker>) {
        if !self.ready.is_empty()
            && (self.machine.peer().is_some() || self.machine.error().is_some())
        {
            wakes.append(&mut self.ready);
        }
    }

    /// All that was to be written is written: ends the connection if it is draining and done.
    fn all_written(&mut self) -> Flushed {
        self.machine.end_if_drained();
        if self.machine.error().is_some() {
            return Flushed::Ended;
        }
        let quiet = self.machine.wants_read() && !self.has_more();
        if quiet { Flushed::Quiet } else { Flushed::All }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("peer", &self.peer).finish_non_exhaustive()
    }
}
