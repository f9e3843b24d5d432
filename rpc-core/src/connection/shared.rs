//! What callers, handlers and the driver of one connection share: the machine in one short lock, and the
//! writing half of the transport.
//!
//! The lock is never held across a write, a wake or user code.

use std::{
    fmt,
    io::IoSlice,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Instant,
};

use parking_lot::Mutex;

use super::scratch;
use crate::{
    proto::{
        self, CallId, Codec, Side, Status,
        connection::{Config, ConnectionError, MAX_SLICES, NewCall, Outcome, Transmit},
    },
    time::now,
    transport::{PeerAddress, WriteHalf},
};

pub(crate) struct Shared {
    state: Mutex<State>,
    write: Box<dyn WriteHalf>,
    peer: PeerAddress,
}

/// What the lock guards.
pub(super) struct State {
    pub(super) machine: proto::Connection,
    transmit: Transmit,
    /// Whether somebody is writing, with `transmit` in hand.
    writing: bool,
    /// Whether the driver was asked to flush and has not done so yet.
    flush: bool,
    /// When the driver's timer fires.
    pub(super) armed: Option<Instant>,
    driver: Option<Waker>,
    /// Tasks that wait for the peer's hello.
    ready: Vec<Waker>,
}

/// What became of a flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flushed {
    /// Nothing is left to write, or somebody else is at it.
    All,
    /// Something was written and there is more to do, or the connection has failed.
    More,
    /// The transport takes no more; the waker was left with it if there was one.
    Blocked,
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
            writing: false,
            flush: side == Side::Dialer,
            armed: None,
            driver: None,
            ready: Vec::new(),
        };
        Self { state: Mutex::new(state), write, peer }
    }

    pub(crate) const fn peer(&self) -> PeerAddress {
        self.peer
    }

    /// Opens a call, leaves the waker of `cx` with it, and sees to it that it is sent.
    pub(crate) fn open(&self, call: &NewCall<'_>, cx: &Context<'_>) -> Result<CallId, Status> {
        let mut state = self.state.lock();
        state.machine.give_buffer(scratch::take_buffer);
        let present = state.present_for(call);
        let id = state.machine.open(present, call)?;
        let pending = state.machine.poll_outcome(id, cx).is_pending();
        debug_assert!(pending, "a call that was just opened has not ended");
        state.rearm(call);
        if state.machine.open_calls() == 1 && state.may_write_inline() {
            self.write_inline(state);
        } else {
            state.request_flush();
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
        state.rearm(call);
        state.request_flush();
        Ok(id)
    }

    pub(crate) fn poll_outcome(&self, id: CallId, cx: &Context<'_>) -> Poll<Outcome> {
        self.state.lock().machine.poll_outcome(id, cx)
    }

    pub(crate) fn cancel(&self, id: CallId) {
        let mut state = self.state.lock();
        state.machine.cancel(id);
        state.request_flush();
    }

    /// Ends a call of the peer whose handler ran outside the driver's task.
    pub(super) fn finish(&self, id: CallId, codec: Codec, outcome: &Outcome) {
        let mut state = self.state.lock();
        state.machine.give_buffer(scratch::take_buffer);
        state.machine.finish(id, codec, outcome);
        state.request_flush();
    }

    pub(crate) fn drain(&self, reason: &str) {
        let mut state = self.state.lock();
        state.machine.drain(reason);
        state.request_flush();
    }

    /// Ends the connection at once.
    pub(crate) fn abort(&self) {
        let mut state = self.state.lock();
        state.machine.fail(ConnectionError::Aborted);
        state.request_flush();
    }

    pub(super) fn ping(&self) -> u64 {
        let mut state = self.state.lock();
        let token = state.machine.ping();
        state.request_flush();
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
        if state.machine.peer().is_some() {
            return Poll::Ready(Ok(()));
        }
        if let Some(error) = state.machine.error() {
            return Poll::Ready(Err(error.clone()));
        }
        state.ready.push(cx.waker().clone());
        Poll::Pending
    }

    /// Runs `with` on what the lock guards. For the driver, which takes it once per batch.
    pub(super) fn with<R>(&self, with: impl FnOnce(&mut State) -> R) -> R {
        with(&mut self.state.lock())
    }

    /// Writes once: all small frames and a bounded number of chunks.
    pub(super) fn flush(&self, cx: Option<&mut Context<'_>>) -> Flushed {
        let mut state = self.state.lock();
        if state.writing {
            return Flushed::All;
        }
        state.begin_write();
        if state.transmit.is_empty() {
            return Flushed::All;
        }
        self.write(state, cx)
    }

    /// Writes for the caller that is alone; if that does not do, the driver goes on.
    fn write_inline(&self, mut state: parking_lot::MutexGuard<'_, State>) {
        state.begin_write();
        if self.write(state, None) != Flushed::All {
            // Whoever asked for a flush meanwhile found somebody writing: the driver must be told again.
            let mut state = self.state.lock();
            state.flush = true;
            state.wake_driver();
        }
    }

    fn write(
        &self,
        mut state: parking_lot::MutexGuard<'_, State>,
        cx: Option<&mut Context<'_>>,
    ) -> Flushed {
        state.writing = true;
        let mut transmit = std::mem::take(&mut state.transmit);
        drop(state);
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        let count = transmit.slices(&mut slices);
        let written = match cx {
            Some(cx) => self.write.poll_write(cx, &slices[..count]),
            None => match self.write.try_write(&slices[..count]) {
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Poll::Pending,
                written => Poll::Ready(written),
            },
        };
        let mut state = self.state.lock();
        state.writing = false;
        let flushed = match written {
            Poll::Ready(Ok(count)) => {
                transmit.advance(count);
                state.machine.handle_sent(now(), count);
                if transmit.is_empty() && !state.machine.wants_write() {
                    Flushed::All
                } else {
                    Flushed::More
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
        flushed
    }

    pub(super) fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.write.poll_shutdown(cx)
    }
}

impl State {
    fn may_write_inline(&self) -> bool {
        !self.writing && !self.flush && self.transmit.is_empty()
    }

    fn begin_write(&mut self) {
        self.flush = false;
        let Self { machine, transmit, .. } = self;
        machine.fill(transmit);
    }

    /// Has the driver flush soon. It is woken once for all who ask meanwhile.
    fn request_flush(&mut self) {
        if !self.flush {
            self.flush = true;
            self.wake_driver();
        }
    }

    /// The time at which a call is opened. Where no deadline depends on it, that is when bytes last came:
    /// reading the clock costs as much as all else that is done here.
    fn present_for(&self, call: &NewCall<'_>) -> Instant {
        if call.deadline.is_some() { now() } else { self.machine.received() }
    }

    /// Has the driver set its timer anew if something is due before it fires.
    fn rearm(&self, call: &NewCall<'_>) {
        if call.deadline.is_none() && self.armed.is_some() {
            return;
        }
        let due = self.machine.poll_timeout();
        if due.is_some_and(|due| self.armed.is_none_or(|armed| due < armed)) {
            self.wake_driver();
        }
    }

    fn wake_driver(&self) {
        if let Some(driver) = &self.driver {
            driver.wake_by_ref();
        }
    }

    /// Leaves the driver's waker, and tells whether somebody asked for a flush.
    pub(super) fn park(&mut self, cx: &Context<'_>) -> bool {
        match &mut self.driver {
            Some(waker) => waker.clone_from(cx.waker()),
            None => self.driver = Some(cx.waker().clone()),
        }
        self.flush
    }

    /// Moves the tasks that wait for the peer's hello to `wakes`, once it is here or cannot come.
    pub(super) fn take_ready(&mut self, wakes: &mut Vec<Waker>) {
        if !self.ready.is_empty()
            && (self.machine.peer().is_some() || self.machine.error().is_some())
        {
            wakes.append(&mut self.ready);
        }
    }

    /// Whether all that was to be written is written.
    pub(super) fn all_written(&self) -> bool {
        !self.writing && self.transmit.is_empty() && !self.machine.wants_write()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("peer", &self.peer).finish_non_exhaustive()
    }
}
