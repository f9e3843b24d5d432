//! Writing: whoever holds the writing half writes for all, without the lock.

use std::{
    io::IoSlice,
    task::{Context, Poll, Waker},
};

use parking_lot::MutexGuard;

use super::{
    live::{Live, State, Writer},
    scratch,
    turn::Flushed,
};
use crate::{
    proto::connection::{ConnectionError, MAX_SLICES},
    time::now,
    transport::{Flush, Written},
};

impl Live {
    /// Writes once, for the driver: all small frames and a bounded number of chunks.
    pub(super) fn flush(&self, cx: &mut Context<'_>) -> Flushed {
        let mut state = self.state.lock();
        state.in_turn = false;
        state.expected = 0;
        if let Some(gauge) = self.gauge.get() {
            state.measure(gauge);
        }
        if !matches!(state.writer, Writer::Idle(_)) || state.machine.is_cut() {
            return state.flush_nothing();
        }
        state.begin_write();
        if !state.machine.has_unwritten() && state.unflushed == Flush::Done {
            return if state.machine.is_held_up() { Flushed::Blocked } else { state.all_written() };
        }
        self.write(state, Some(cx))
    }

    /// Writes for the caller that is alone; if that does not do, the driver goes on.
    pub(super) fn write_inline(&self, mut state: MutexGuard<'_, State>) {
        state.begin_write();
        if !matches!(self.write(state, None), Flushed::All | Flushed::Quiet) {
            // Whoever asked for a flush meanwhile found somebody writing: the driver must be told again.
            self.state.lock().flush = true;
            self.driver.wake();
        }
    }

    fn write(&self, mut state: MutexGuard<'_, State>, cx: Option<&mut Context<'_>>) -> Flushed {
        let inline = cx.is_none();
        let Some(half) = state.writer.take() else { return Flushed::All };
        let mut transmit = state.machine.take_unwritten();
        drop(state);
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        let count = transmit.slices(&mut slices);
        let written = match cx {
            Some(cx) if count == 0 => half.poll_flush(cx).map_ok(|()| Written::sent(0)),
            Some(cx) => half.poll_write(cx, &slices[..count]),
            None => match half.try_write(&slices[..count]) {
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Poll::Pending,
                written => Poll::Ready(written),
            },
        };
        let mut state = self.state.lock();
        state.writer.give_back(half);
        let flushed = match written {
            Poll::Ready(Ok(Written { bytes, flush })) => {
                let sent = state.machine.advance(&mut transmit, bytes);
                let unwritten = !transmit.is_empty();
                state.machine.end_write(transmit);
                let present = if state.machine.queues() { now() } else { state.machine.received() };
                state.machine.handle_sent(present, sent);
                state.unflushed = flush;
                // A driver that finds somebody writing leaves what it was asked for to that one.
                let asked = inline && state.flush;
                if unwritten || state.machine.wants_write() || asked || state.wants_relink() {
                    Flushed::More
                } else if flush == Flush::Pending {
                    // What the transport keeps is not under way: the connection is not done with it.
                    state.machine.handle_blocked(now());
                    Flushed::Blocked
                } else if state.machine.is_held_up() {
                    Flushed::Blocked
                } else {
                    state.all_written()
                }
            }
            Poll::Ready(Err(error)) => {
                // The transport has taken nothing of it.
                state.machine.end_write(transmit);
                state.unflushed = Flush::Done;
                state.machine.lose(ConnectionError::Transport(error.to_string()));
                if !state.machine.is_cut() {
                    drop(state.machine.take_unwritten());
                }
                Flushed::More
            }
            Poll::Pending => {
                state.machine.end_write(transmit);
                state.machine.handle_blocked(now());
                Flushed::Blocked
            }
        };
        let unsent = state.machine.unsent();
        state.buffered.set(unsent);
        State::release(state);
        flushed
    }

    pub(super) fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let Some(half) = self.with(|state| state.writer.take()) else { return Poll::Ready(Ok(())) };
        let polled = half.poll_shutdown(cx);
        self.with(|state| state.writer.give_back(half));
        polled
    }

    /// Closes the writing half of the transport: clients of a connection that is over may be kept.
    pub(super) fn close(&self) {
        let half = self.with(|state| state.writer.close());
        drop(half);
        self.tell_phase();
    }
}

impl State {
    /// Gives the thread its buffer back, and wakes, without the lock, who is to be woken after a write.
    #[inline]
    fn release(mut this: MutexGuard<'_, Self>) {
        if let Some(spare) = this.machine.take_spare() {
            scratch::return_buffer(spare);
        }
        if this.machine.has_wakes() {
            let mut wakes = Vec::new();
            this.machine.take_wakes(&mut wakes);
            drop(this);
            wakes.into_iter().for_each(Waker::wake);
        }
    }

    pub(super) fn begin_write(&mut self) {
        self.flush = false;
        self.machine.fill(now);
    }

    /// All that was to be written is written: ends the connection if it is draining and done.
    fn all_written(&mut self) -> Flushed {
        if self.machine.end_if_drained() {
            return Flushed::More;
        }
        if self.machine.error().is_some() {
            return Flushed::Ended;
        }
        let quiet = self.machine.wants_read() && !self.has_more();
        if quiet { Flushed::Quiet } else { Flushed::All }
    }
}
