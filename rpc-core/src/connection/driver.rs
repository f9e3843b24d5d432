//! The task of one connection: reads, runs handlers, writes, keeps time. One turn per wake-up; all that one
//! read brings is handled under one lock and answered in one write.
//!
//! ```text
//!          ┌────────────────────────────── more to do, or Ended ─────────────────────────────┐
//!          ▼                                                                                 │
//! woken ─▶ begin_turn ─▶ read ─▶ timer ─▶ handlers ─┬─ error ───────▶ End                    │
//!             ▲                                     ├─ callers may add ▶ Yield               │
//!             │                                     └─ flush ─┬─ More, budget spent ▶ Yield  │
//!             │                                               ├─ Quiet ─▶ read ahead ─┬──────┤
//!             └── bytes, a flush asked for, the timer ◀───────┴─ Blocked, All ────────┴▶ sleep
//! ```
//!
//! The order is what makes it right. The waker is left before anything is looked at, so that nothing that happens in the
//! turn is missed. What has come is read before the timer is asked, so that nothing which is here counts as late. The
//! flush comes last: it takes `in_turn` back, and who asks for one after that wakes the driver again.

use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Instant,
};

use tokio::time::Sleep;
use tokio_util::task::TaskTracker;

use super::{
    handlers::{Handlers, StopReason},
    handshake::Handshake,
    linger,
    live::Live,
    queued::{self, LONG_ARGUMENTS},
    resuming::Tie,
    scratch::{self, Scratch},
    served::{Served, serves_nothing},
    turn::{Budget, Flushed, TurnStart},
};
use crate::{
    figures::{self, Connected},
    overload::Shedder,
    proto::{
        Decoder, Failure, Payload, Side,
        connection::{Config, ConnectionError, Event, Request},
    },
    seam::{HandlerSlot, IncomingCall, Serve, panicked},
    time::now,
    transport::{Link, ReadHalf},
};

/// Drives one connection to its end.
pub(crate) struct Driver {
    pub(super) live: Arc<Live>,
    pub(super) read: ReadHalf,
    pub(super) decoder: Decoder,
    /// Who takes the peer's calls; nobody on connections that serve nothing.
    pub(super) serve: Option<Arc<dyn Serve>>,
    /// Has calls that take long wait for their turn, where there is one.
    pub(super) shedder: Option<Arc<Shedder>>,
    pub(super) handlers: Handlers,
    timer: Option<Pin<Box<Sleep>>>,
    /// Why the connection has ended, until the turn is over.
    pub(super) error: Option<ConnectionError>,
    /// How often the callers who asked for a flush were given time to add to it.
    yields: u8,
    /// The bytes that waited for it when they were last given time.
    unsent: usize,
    /// The connection's place among those whose peers have not said hello, while it is one of them and they are
    /// counted. In a box, for it is seldom there.
    handshake: Option<Box<Handshake>>,
    /// What brings another link when this one is cut, if the connection outlives its links.
    pub(super) tie: Option<Box<Tie>>,
    /// Its place in the count of a server's connections.
    _counted: Option<Connected>,
}

/// Most yields before one write.
const MAX_YIELDS: u8 = 3;

/// Bytes of replies after which it is asked whether further handlers may start.
const LONG_REPLIES: usize = 64 << 10;

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
        serve: Option<Arc<dyn Serve>>,
    ) -> Self {
        let decoder = Decoder::new(config.limits.max_frame);
        let live = Arc::new(Live::new(side, config, link.write, link.peer));
        let handlers = Handlers::default();
        Self {
            live,
            read: link.read,
            decoder,
            serve,
            shedder: None,
            handlers,
            timer: None,
            error: None,
            yields: 0,
            unsent: 0,
            handshake: None,
            tie: None,
            _counted: (side == Side::Acceptor).then(Connected::begin),
        }
    }

    /// Counts handlers that are spawned among `tasks`: they may outlive the connection by one poll.
    pub(crate) fn track_handlers(&mut self, tasks: TaskTracker) {
        self.handlers.track(tasks);
    }

    /// The handshake began before there was a machine. The connection counts among those whose peers have not said
    /// hello, if they are counted, until this one has.
    pub(crate) fn begin_handshake(&mut self, began: Instant, handshake: Option<Handshake>) {
        self.handshake = handshake.map(Box::new);
        self.live.with(|state| state.machine.begin_handshake(began));
    }

    pub(crate) const fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// Runs until the connection is over; gives the reason, once `ended` has been told.
    ///
    /// A block and not an `async fn`, which would keep room for the driver twice: as what it was called with, and as
    /// what it works on. The last bytes are in a box, so that a connection has no room for its end while it lasts.
    #[expect(clippy::manual_async_fn, reason = "an async fn is larger")]
    pub(crate) fn run<F>(
        mut self,
        ended: F,
    ) -> impl Future<Output = ConnectionError> + Send + use<F>
    where
        F: FnOnce(&Live, &ConnectionError) + Send,
    {
        async move {
            let error = loop {
                match poll_fn(|cx| self.poll_turn(cx)).await {
                    Turn::Yield => tokio::task::yield_now().await,
                    Turn::End(error) => break error,
                }
            };
            Box::pin(self.end(&error)).await;
            if let Some(kind) = error.violation() {
                figures::count(figures::Event::Violation(kind));
            }
            ended(&self.live, &error);
            error
        }
    }

    /// What is left to do once the reason of the end is known.
    async fn end(&mut self, error: &ConnectionError) {
        self.live.tell_phase();
        self.handlers = Handlers::default();
        self.live.leave();
        self.live.uncount();
        if self.handshake.is_some() && *error == ConnectionError::HandshakeTimeout {
            // Others may wait for its place: it is told, and not waited for.
            poll_fn(|cx| Poll::Ready(self.live.flush(cx))).await;
        } else {
            linger::close(&self.live, &mut self.read, error).await;
        }
    }

    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Turn> {
        scratch::with(|scratch| {
            self.live.park(cx);
            let mut ahead = false;
            let mut budget = Budget::default();
            loop {
                let mut start = self.live.with(|state| state.begin_turn(scratch));
                if start.relink {
                    self.relink();
                    continue;
                }
                self.error = start.error.take();
                if start.disarm {
                    self.timer = None;
                }
                let may_read = start.may_read && self.error.is_none();
                let read = ahead || (may_read && self.poll_read(cx, start.short_read, scratch));
                // What has come is read before anything is judged to be late.
                if self.error.is_none() {
                    self.poll_timer(cx, start.due, scratch);
                }
                let (replied, woken) = self.run_handlers(cx, scratch, &mut budget);
                if self.handshake.as_ref().is_some_and(|handshake| handshake.is_given_up(cx)) {
                    self.error = self.give_up_handshake();
                }
                if let Some(error) = self.error.take() {
                    return Poll::Ready(Turn::End(error));
                }
                // Replies of one read leave at once: they are all here. Callers are given time, and those who have
                // just got their replies are likely to call again.
                if !replied && (self.expects(woken) || start.flush && self.waits_for_more(&start)) {
                    return Poll::Ready(Turn::Yield);
                }
                self.yields = 0;
                let flushed = self.live.flush(cx);
                if flushed == Flushed::More || budget.is_spent() {
                    return Poll::Ready(Turn::Yield);
                }
                // Most often nothing more has come meanwhile, and the turn is over.
                ahead = read
                    && flushed == Flushed::Quiet
                    && self.poll_read(cx, start.short_read, scratch);
                if read && flushed == Flushed::Quiet && !ahead {
                    return Poll::Pending;
                }
                // Whoever noted something for this task in its turn has not woken it; and a peer that does not
                // read is given up some time after.
                let goes_on = || self.live.with(|state| state.has_more());
                if !(read || flushed == Flushed::Ended || goes_on()) {
                    return Poll::Pending;
                }
                // Others on this thread wait while bytes keep coming.
                budget.look();
            }
        })
    }

    /// Ends a connection that has to make room for another before its peer has said hello.
    fn give_up_handshake(&self) -> Option<ConnectionError> {
        self.live.with(|state| {
            state.machine.fail(ConnectionError::HandshakeTimeout);
            state.machine.error().cloned()
        })
    }

    /// Whether to wait for the calls of those who were woken: then none of them needs to wake this task. One that is
    /// alone writes for itself.
    fn expects(&mut self, woken: usize) -> bool {
        if woken < 2 || self.yields > 0 {
            return false;
        }
        self.yields = 1;
        self.unsent = self.live.with(|state| state.expect_calls(woken));
        true
    }

    /// Whether callers are to be given time, or more of it because other threads are still adding.
    fn waits_for_more(&mut self, start: &TurnStart) -> bool {
        let grows = self.yields < MAX_YIELDS && start.unsent > self.unsent;
        let waits = self.yields == 0 || (grows && !start.all_called);
        self.yields += 1;
        self.unsent = start.unsent;
        waits
    }

    /// Starts and polls handlers until none has started since it was last polled: one that ends may let
    /// a held call start, which must be polled with the driver's waker before the driver sleeps. Tells
    /// whether a handler ended, and how many tasks were woken.
    fn run_handlers(
        &mut self,
        cx: &mut Context<'_>,
        scratch: &mut Scratch,
        budget: &mut Budget,
    ) -> (bool, usize) {
        let (mut replied, woken) = (false, scratch.wakes.len());
        loop {
            self.handlers.poll(&self.live, cx, &mut scratch.done, budget);
            replied |= self.settle(scratch, budget);
            if !self.handlers.take_unpolled() || budget.is_spent() {
                return (replied, woken);
            }
        }
    }

    /// Acts on all events and ended handlers, until there are none: an end may let a held call start. Stops when
    /// `budget` is spent. Tells whether a handler ended.
    fn settle(&mut self, scratch: &mut Scratch, budget: &mut Budget) -> bool {
        let mut replied = false;
        loop {
            scratch.wakes.drain(..).for_each(Waker::wake);
            self.act(scratch, budget);
            #[cfg(feature = "tower")]
            scratch.slot.rest();
            if scratch.done.is_empty() && scratch.events.is_empty() {
                return replied;
            }
            replied |= !scratch.done.is_empty();
            self.live.with(|state| {
                state.machine.give_buffer(scratch::take_buffer);
                scratch.done.iter().for_each(|end| state.finish(end));
                // Handlers that have not started may have to wait until replies are read, or for their turn.
                state.machine.hold_back(&mut scratch.events);
                if budget.is_spent() {
                    state.machine.put_back(&mut scratch.events);
                } else {
                    state.collect(&mut scratch.events, &mut scratch.wakes);
                }
            });
            for end in scratch.done.drain(..) {
                self.handlers.forget(end.id);
            }
            if budget.is_spent() {
                scratch.wakes.drain(..).for_each(Waker::wake);
                return replied;
            }
        }
    }

    /// Acts on events, until there are none, or `budget` is spent, or replies are so long that it matters whether they
    /// are read.
    fn act(&mut self, scratch: &mut Scratch, budget: &mut Budget) {
        let mut replies = 0;
        while replies < LONG_REPLIES && !budget.is_spent() {
            let Some(event) = scratch.events.pop_front() else { return };
            match event {
                Event::Request(request) => {
                    // What waits for its turn costs this one nothing, and is to be known as soon as it is here.
                    if self.goes_apart(&request) {
                        replies += self.start_apart(request, scratch);
                    } else {
                        replies += self.start(request, scratch);
                        budget.spend();
                    }
                }
                Event::Cancelled(id) => self.handlers.stop(id, StopReason::Cancelled),
                Event::Expired(id) => self.handlers.stop(id, StopReason::Expired),
                Event::Ready => {
                    self.handshake = None;
                    self.live.tell_phase();
                    if self.announce().is_err() {
                        // What came with the hello is not served any more.
                        scratch.events.clear();
                    }
                }
                Event::Load(load) => self.live.note_load(load),
                Event::PeerDraining => self.live.note_draining(),
                Event::Closed(_) => self.live.tell_phase(),
            }
        }
    }

    /// Starts the handler of a call: polls it once where it stands, unless its method is known to be slow. Gives the
    /// bytes of the reply that it has brought, or is likely to bring.
    fn start(&mut self, request: Request, scratch: &mut Scratch) -> usize {
        let call = Served::of(&request);
        let Some(serve) = &self.serve else {
            scratch.done.push(call.ended(Err(Failure::Status(serves_nothing()))));
            return 0;
        };
        let (deadline, arguments) = (request.opening.deadline, request.arguments.len());
        let origin = Arc::clone(&self.live);
        let slot = &mut scratch.slot;
        // Arguments are read by code of the user's.
        let serve = || serve.serve(IncomingCall { request, origin }, slot);
        let reading = (arguments >= LONG_ARGUMENTS).then(now);
        let schedule = match catch_unwind(AssertUnwindSafe(serve)) {
            Ok(schedule) => schedule,
            Err(panic) => {
                scratch.slot = HandlerSlot::for_many();
                scratch.done.push(call.ended(Err(Failure::Status(panicked(&*panic)))));
                return 0;
            }
        };
        let order = schedule.as_ref().and_then(|schedule| schedule.order);
        let guard = schedule.map(|schedule| schedule.guard);
        if let (Some(began), Some(guard)) = (reading, guard) {
            guard.read(arguments, now().saturating_duration_since(began));
        }
        if let Some(order) = order.filter(|&order| self.handlers.is_busy(order)) {
            if let Some(reply) = scratch.slot.take() {
                let facts = self.live.facts(guard, None, deadline, arguments);
                self.handlers.wait(call, reply, guard, order, facts);
            }
            return 0;
        }
        // An ordered handler stays here: what is spawned ends in any order.
        if let Some(guard) = guard.filter(|guard| order.is_none() && guard.is_slow()) {
            self.shedder.as_ref().inspect(|shedder| shedder.look_on());
            if let Some(reply) = scratch.slot.take() {
                let facts = self.live.facts(Some(guard), None, deadline, arguments);
                self.handlers.spawn(&self.live, call, reply, guard, facts);
            }
            return queued::expect_reply(&self.live, call.id, guard);
        }
        let (polled, timed) = scratch.slot.poll_first(guard.map(|guard| &**guard));
        match polled {
            Poll::Ready(outcome) => {
                let length = outcome.as_ref().map_or(0, Payload::len);
                if let Some(guard) = guard {
                    guard.record_reply(length);
                    let took = timed.map(|(_, took)| took);
                    guard.count(scratch.thread, arguments, length, &outcome, took);
                }
                scratch.done.push(call.ended(outcome));
                length
            }
            Poll::Pending => {
                if let Some(reply) = scratch.slot.take() {
                    let began = timed.map(|(began, _)| began);
                    let facts = self.live.facts(guard, began, deadline, arguments);
                    self.handlers.keep(call, reply, guard, order, facts);
                }
                // Ordered ones run one after the other, and none may start before another.
                let guard = guard.filter(|_| order.is_none());
                guard.map_or(0, |guard| queued::expect_reply(&self.live, call.id, guard))
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
            let start = self.live.with(|state| {
                state.armed = None;
                state.machine.handle_timeout(now());
                state.begin_turn(scratch)
            });
            due = start.due;
            self.error = start.error;
        }
    }
}
