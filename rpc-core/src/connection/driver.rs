//! The task of one connection: reads, runs handlers, writes, keeps time. One turn per wake-up; all that one
//! read brings is handled under one lock and answered in one write.

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Instant,
};

use tokio::{
    io::{AsyncRead, ReadBuf},
    time::Sleep,
};
use tokio_util::io::poll_read_buf;

use super::{
    handlers::{Handlers, StopReason},
    linger,
    scratch::{self, Scratch},
    shared::Shared,
    slot::{Accept, HandlerSlot, IncomingCall, panicked},
    turn::{Flushed, Standing},
};
use crate::{
    proto::{
        Connection, Decoder, Side,
        connection::{Config, ConnectionError, Event, Lent, Request, SHORT_READ},
        frame::Failure,
    },
    time::now,
    transport::Link,
};

/// Drives one connection to its end.
pub(crate) struct Driver {
    shared: Arc<Shared>,
    read: Box<dyn AsyncRead + Send + Unpin>,
    decoder: Decoder,
    /// Who takes the peer's calls; nobody on connections that serve nothing.
    accept: Option<Arc<dyn Accept>>,
    handlers: Handlers,
    timer: Option<Pin<Box<Sleep>>>,
    /// Why the connection has ended, until the turn is over.
    error: Option<ConnectionError>,
    /// How often the callers who asked for a flush were given time to add to it.
    yields: u8,
    /// The bytes that waited for it when they were last given time.
    unsent: usize,
}

/// Most yields before one write.
const MAX_YIELDS: u8 = 3;

/// What the driver does after a turn.
enum Turn {
    /// Lets every ready task run, then takes the next turn.
    Yield,
    /// The connection is over.
    End(ConnectionError),
}

impl Driver {
    pub(crate) fn new(
        link: Link,
        side: Side,
        config: Arc<Config>,
        accept: Option<Arc<dyn Accept>>,
    ) -> Self {
        let decoder = Decoder::new(config.limits.max_frame);
        let shared = Arc::new(Shared::new(side, config, link.write, link.peer));
        let handlers = Handlers::default();
        Self {
            shared,
            read: link.read,
            decoder,
            accept,
            handlers,
            timer: None,
            error: None,
            yields: 0,
            unsent: 0,
        }
    }

    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Runs until the connection is over; gives the reason.
    pub(crate) async fn run(mut self) -> ConnectionError {
        let error = loop {
            match poll_fn(|cx| self.poll_turn(cx)).await {
                Turn::Yield => tokio::task::yield_now().await,
                Turn::End(error) => break error,
            }
        };
        self.handlers = Handlers::default();
        linger::close(&self.shared, &mut self.read, &error).await;
        error
    }

    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Turn> {
        scratch::with(|scratch| {
            self.shared.park(cx);
            let mut ahead = false;
            loop {
                let mut standing = self.shared.with(|state| state.begin_turn(scratch));
                self.error = standing.error.take();
                if standing.disarm {
                    self.timer = None;
                }
                self.poll_timer(cx, standing.due, scratch);
                let may_read = standing.may_read && self.error.is_none();
                let read = ahead || (may_read && self.poll_read(cx, standing.short_read, scratch));
                let (replied, woken) = self.run_handlers(cx, scratch);
                if let Some(error) = self.error.take() {
                    return Poll::Ready(Turn::End(error));
                }
                // Replies of one read leave at once: they are all here. Callers are given time, and those who have
                // just got their replies are likely to call again.
                if !replied
                    && (self.expects(woken) || standing.flush && self.waits_for_more(&standing))
                {
                    return Poll::Ready(Turn::Yield);
                }
                self.yields = 0;
                let flushed = self.shared.flush(cx);
                if flushed == Flushed::More {
                    return Poll::Ready(Turn::Yield);
                }
                // Most often nothing more has come meanwhile, and the turn is over.
                ahead = read
                    && flushed == Flushed::Quiet
                    && self.poll_read(cx, standing.short_read, scratch);
                if read && flushed == Flushed::Quiet && !ahead {
                    return Poll::Pending;
                }
                let unblocked =
                    || !standing.may_read && self.shared.with(|state| state.machine.wants_read());
                // Whoever noted something for this task in its turn has not woken it; and a peer that does not
                // read is given up some time after.
                let goes_on = || self.shared.with(|state| state.has_more());
                if !(read || flushed == Flushed::Ended || unblocked() || goes_on()) {
                    return Poll::Pending;
                }
            }
        })
    }

    /// Whether to wait for the calls of those who were woken: then none of them needs to wake this task. One that is
    /// alone writes for itself.
    fn expects(&mut self, woken: usize) -> bool {
        if woken < 2 || self.yields > 0 {
            return false;
        }
        self.yields = 1;
        self.unsent = self.shared.with(|state| state.expect_calls(woken));
        true
    }

    /// Whether callers are to be given time, or more of it because other threads are still adding.
    fn waits_for_more(&mut self, standing: &Standing) -> bool {
        let grows = self.yields < MAX_YIELDS && standing.unsent > self.unsent;
        let waits = self.yields == 0 || (grows && !standing.all_called);
        self.yields += 1;
        self.unsent = standing.unsent;
        waits
    }

    /// Starts and polls handlers until none has started since it was last polled: one that ends may let
    /// a held call start, which must be polled with the driver's waker before the driver sleeps. Tells
    /// whether a handler ended, and how many tasks were woken.
    fn run_handlers(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch) -> (bool, usize) {
        let (mut replied, woken) = (false, scratch.wakes.len());
        loop {
            self.handlers.poll(cx, &mut scratch.done);
            replied |= self.settle(scratch);
            if !self.handlers.take_unpolled() {
                return (replied, woken);
            }
        }
    }

    /// Reads once and handles what came; whether anything did. While a long message arrives, its bytes are read
    /// where they stay, and of what is between them not much at a time.
    fn poll_read(&mut self, cx: &mut Context<'_>, short: bool, scratch: &mut Scratch) -> bool {
        if short
            && let Some(lent) = self.shared.with(|state| state.machine.lend_message(&self.decoder))
        {
            return self.poll_read_lent(cx, lent, scratch);
        }
        let Scratch { read: buffer, events, wakes, .. } = scratch;
        let length = if short { SHORT_READ } else { buffer.len() };
        let mut buffer = ReadBuf::new(&mut buffer[..length]);
        let read = match Pin::new(&mut self.read).poll_read(cx, &mut buffer) {
            Poll::Pending => return false,
            Poll::Ready(read) => read,
        };
        self.handle(events, wakes, |machine, decoder| match read {
            Ok(()) if buffer.filled().is_empty() => machine.handle_eof(),
            Ok(()) => machine.handle_input(now(), decoder, buffer.filled()),
            Err(error) => machine.fail(ConnectionError::Transport(error.to_string())),
        });
        true
    }

    /// Reads once to the end of a message that is to be given back.
    fn poll_read_lent(
        &mut self,
        cx: &mut Context<'_>,
        mut lent: Lent,
        scratch: &mut Scratch,
    ) -> bool {
        let Poll::Ready(read) = poll_read_buf(Pin::new(&mut self.read), cx, &mut lent.buffer())
        else {
            // What others have noted meanwhile stays where it is: this turn may end here.
            let decoder = &mut self.decoder;
            self.shared.with(|state| state.machine.handle_lent(now(), decoder, lent));
            return false;
        };
        self.handle(&mut scratch.events, &mut scratch.wakes, |machine, decoder| {
            machine.handle_lent(now(), decoder, lent);
            match read {
                Ok(0) => machine.handle_eof(),
                Err(error) => machine.fail(ConnectionError::Transport(error.to_string())),
                Ok(_) => {}
            }
        });
        true
    }

    /// Has the machine handle what a read brought, under one lock.
    fn handle(
        &mut self,
        events: &mut VecDeque<Event>,
        wakes: &mut Vec<Waker>,
        input: impl FnOnce(&mut Connection, &mut Decoder),
    ) {
        let decoder = &mut self.decoder;
        self.error = self.shared.with(|state| {
            state.machine.lend(events, wakes);
            input(&mut state.machine, decoder);
            state.machine.reclaim(events, wakes);
            state.collect(events, wakes);
            state.machine.error().cloned()
        });
    }

    /// Acts on all events and ended handlers, until there are none: an end may let a held call start.
    /// Tells whether a handler ended.
    fn settle(&mut self, scratch: &mut Scratch) -> bool {
        let mut replied = false;
        loop {
            scratch.wakes.drain(..).for_each(Waker::wake);
            while let Some(event) = scratch.events.pop_front() {
                match event {
                    Event::Request(request) => self.start(request, scratch),
                    Event::Cancelled(id) => self.handlers.stop(id, StopReason::Cancelled),
                    Event::Expired(id) => self.handlers.stop(id, StopReason::Expired),
                    Event::Ready | Event::PeerDraining | Event::Closed(_) => {}
                }
            }
            if scratch.done.is_empty() {
                return replied;
            }
            replied = true;
            self.shared.with(|state| {
                state.machine.give_buffer(scratch::take_buffer);
                for (id, codec, outcome) in &scratch.done {
                    state.machine.finish(*id, *codec, outcome);
                }
                state.collect(&mut scratch.events, &mut scratch.wakes);
            });
            for (id, _, _) in scratch.done.drain(..) {
                self.handlers.forget(id);
            }
        }
    }

    /// Starts the handler of a call: polls it once where it stands, unless its method is known to be slow.
    fn start(&mut self, request: Request, scratch: &mut Scratch) {
        let (id, codec) = (request.id, request.codec);
        let Some(accept) = &self.accept else {
            scratch.done.push((id, codec, Err(super::slot::serves_nothing())));
            return;
        };
        let call = IncomingCall { request, shared: &self.shared };
        let slot = &mut scratch.slot;
        // Arguments are read by code of the user's.
        let accepted = match catch_unwind(AssertUnwindSafe(|| accept.accept(call, slot))) {
            Ok(accepted) => accepted,
            Err(panic) => {
                scratch.slot = HandlerSlot::default();
                scratch.done.push((id, codec, Err(Failure::Status(panicked(&*panic)))));
                return;
            }
        };
        let order = accepted.as_ref().and_then(|accepted| accepted.order);
        if let Some(order) = order.filter(|&order| self.handlers.is_busy(order)) {
            if let Some((handler, token)) = scratch.slot.take() {
                self.handlers.wait(id, codec, handler, token, order);
            }
            return;
        }
        let guard = accepted.map(|accepted| accepted.guard);
        // An ordered handler stays here: what is spawned ends in any order.
        if let Some(guard) = guard.filter(|guard| order.is_none() && guard.is_slow()) {
            if let Some((handler, token)) = scratch.slot.take() {
                self.handlers.spawn(&self.shared, guard, id, codec, handler, token);
            }
            return;
        }
        let timed = guard.filter(|guard| guard.wants_sample()).map(|guard| (guard, now()));
        let polled = scratch.slot.poll(&mut Context::from_waker(Waker::noop()));
        if let Some((guard, started)) = timed {
            guard.record(now().saturating_duration_since(started));
        }
        match polled {
            Poll::Ready(outcome) => scratch.done.push((id, codec, outcome)),
            Poll::Pending => {
                if let Some((handler, token)) = scratch.slot.take() {
                    self.handlers.keep(id, codec, handler, token, order);
                }
            }
        }
    }

    /// Lets the machine do what is due, and sets the timer for what is due next. A timer that fires too
    /// early is cheaper than one that is set anew with every call.
    fn poll_timer(
        &mut self,
        cx: &mut Context<'_>,
        mut due: Option<Instant>,
        scratch: &mut Scratch,
    ) {
        loop {
            let due_at = due.map(tokio::time::Instant::from_std);
            let timer = match (&mut self.timer, due_at) {
                (None, None) => return,
                (None, Some(due)) => self.timer.insert(Box::pin(tokio::time::sleep_until(due))),
                (Some(timer), due) => {
                    if let Some(due) = due.filter(|&due| due < timer.deadline()) {
                        timer.as_mut().reset(due);
                    }
                    timer
                }
            };
            if timer.as_mut().poll(cx).is_pending() {
                return;
            }
            self.timer = None;
            let standing = self.shared.with(|state| {
                state.armed = None;
                state.machine.handle_timeout(now());
                state.begin_turn(scratch)
            });
            due = standing.due;
            self.error = standing.error;
        }
    }
}

impl Drop for Driver {
    /// Its runtime has ended or it has panicked, unless it is done: nobody else would end the calls.
    fn drop(&mut self) {
        let (mut events, mut wakes) = (VecDeque::new(), Vec::new());
        self.shared.with(|state| {
            state.machine.fail(ConnectionError::Undriven);
            state.collect(&mut events, &mut wakes);
        });
        self.shared.close();
        wakes.into_iter().for_each(Waker::wake);
    }
}
