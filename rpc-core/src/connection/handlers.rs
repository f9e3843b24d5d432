//! Handlers that were not ready at once. The connection's own task polls them; those of slow methods are
//! spawned. Either way a handler can be stopped, and reports its end exactly once.

use std::{
    collections::{HashMap, VecDeque},
    future::Future,
    hash::BuildHasherDefault,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
};

use futures_util::{StreamExt as _, stream::FuturesUnordered, task::AtomicWaker};
use tokio::task::coop::has_budget_remaining;
use tokio_util::task::TaskTracker;

use super::{
    live::Live,
    served::{End, Served},
    turn::Budget,
};
use crate::{
    figures,
    proto::{CallId, Code, Failure, IdHasher, Outcome, Status, connection::Request},
    seam::{
        Reply, SlowGuard,
        ledger::{Called, Facts, Kill},
    },
    time::now,
};

/// The handlers of one connection that are pending.
#[derive(Default)]
pub(super) struct Handlers {
    /// Made when the first handler is pending: most connections never need it.
    pending: Option<Box<FuturesUnordered<Running>>>,
    /// How to stop each whose call has an id.
    stops: HashMap<CallId, Arc<Stop>, BuildHasherDefault<IdHasher>>,
    /// How to stop one-way handlers that are tasks of their own.
    oneway: Vec<Arc<Stop>>,
    /// How many of both were of handlers that had not ended when that was last looked at. Those of tasks end unseen.
    alive: usize,
    /// Handlers that wait for an earlier one of their order; an order is here while one of it runs.
    /// Bounded by: as `stops`.
    orders: HashMap<u32, VecDeque<Running>, BuildHasherDefault<IdHasher>>,
    /// Whether a handler was added to `pending` that has not been polled there.
    unpolled: bool,
    /// Who waits for the end of those that are tasks of their own, if anybody does.
    tasks: Option<TaskTracker>,
}

/// Why a handler is to end before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum StopReason {
    Cancelled = 1,
    Expired = 2,
    ConnectionLost = 3,
    Killed = 4,
}

/// How a handler is told to end.
#[derive(Debug, Default)]
struct Stop {
    /// Zero, or a [`StopReason`].
    reason: AtomicU8,
    waker: AtomicWaker,
}

/// A handler that is pending, until it or its caller ends it.
pub(super) struct Running {
    call: Served,
    /// `None` once it has ended, or is polled elsewhere.
    reply: Option<Reply>,
    stop: Arc<Stop>,
    /// The order that it runs in, and holds until it ends.
    order: Option<u32>,
    /// What watches its method.
    guard: Option<Arc<SlowGuard>>,
    task: Task,
    /// Its place on the list of calls, where there is one. In a box, for it is seldom there.
    called: Option<Box<Called>>,
}

/// Whose task polls a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    /// That of the connection.
    Connection,
    /// One of its own.
    Own,
}

/// What became of a handler that was polled.
pub(super) enum Polled {
    Ended(End, Option<u32>),
    /// It computes for long: it is to be polled by a task of its own.
    Slow(Running),
}

/// Handlers that are not worth looking through.
const FEW: usize = 64;

impl Handlers {
    /// Counts handlers that are tasks of their own among `tasks`.
    pub(super) fn track(&mut self, tasks: TaskTracker) {
        self.tasks = Some(tasks);
    }

    /// Has the connection's task poll a handler from here on.
    pub(super) fn keep(
        &mut self,
        call: Served,
        reply: Reply,
        guard: Option<&Arc<SlowGuard>>,
        order: Option<u32>,
        facts: Option<Facts>,
    ) {
        let running = Running { order, ..self.running(call, Some(reply), guard, facts) };
        if let Some(order) = order {
            self.orders.entry(order).or_default();
        }
        self.push(running);
    }

    fn push(&mut self, running: Running) {
        self.pending.get_or_insert_default().push(running);
        self.unpolled = true;
    }

    /// Whether a handler of this order runs: the next one has to wait.
    pub(super) fn is_busy(&self, order: u32) -> bool {
        self.orders.contains_key(&order)
    }

    /// Starts a handler when those of its order that came before have ended.
    pub(super) fn wait(
        &mut self,
        call: Served,
        reply: Reply,
        guard: Option<&Arc<SlowGuard>>,
        order: u32,
        facts: Option<Facts>,
    ) {
        let running = self.running(call, Some(reply), guard, facts);
        let running = Running { order: Some(order), ..running };
        if let Some(called) = &running.called {
            called.waits_for_turn();
        }
        self.orders.entry(order).or_default().push_back(running);
    }

    /// A handler of this order has ended: the next one starts.
    fn release(&mut self, order: u32) {
        let Some(waiting) = self.orders.get_mut(&order) else { return };
        match waiting.pop_front() {
            Some(next) => self.push(next),
            None => drop(self.orders.remove(&order)),
        }
    }

    /// Has a task of its own poll a handler, for the sake of the other calls on the connection.
    pub(super) fn spawn(
        &mut self,
        live: &Arc<Live>,
        call: Served,
        reply: Reply,
        guard: &Arc<SlowGuard>,
        facts: Option<Facts>,
    ) {
        let running = self.running(call, Some(reply), Some(guard), facts);
        self.spawn_running(live, running);
    }

    fn spawn_running(&mut self, live: &Arc<Live>, running: Running) {
        self.note_own(&running);
        let live = Arc::clone(live);
        let running = Running { task: Task::Own, ..running };
        self.launch(async move {
            if let Polled::Ended(end, _) = running.await {
                live.finish(&end);
            }
        });
    }

    /// Runs a handler as a task of its own.
    pub(super) fn launch(&self, task: impl Future<Output = ()> + Send + 'static) {
        match &self.tasks {
            Some(tasks) => tasks.spawn(task),
            None => tokio::spawn(task),
        };
    }

    /// What stands for the handler of a call that waits for its turn, in a task of its own.
    pub(super) fn waiting(
        &mut self,
        live: &Arc<Live>,
        request: &Request,
        guard: &Arc<SlowGuard>,
    ) -> Running {
        let (deadline, arguments) = (request.opening.deadline, request.arguments.len());
        let facts = live.facts(Some(guard), None, deadline, arguments);
        let running = self.running(Served::of(request), None, Some(guard), facts);
        if let Some(called) = &running.called {
            called.waits_for_turn();
        }
        self.note_own(&running);
        Running { task: Task::Own, ..running }
    }

    /// Keeps how to stop a handler that is a task of its own.
    fn note_own(&mut self, running: &Running) {
        if !running.call.id.expects_reply() {
            self.oneway.push(Arc::clone(&running.stop));
        }
        self.prune();
    }

    /// Forgets handlers that have ended as tasks of their own, once there may be as many of them as of others.
    /// So both tables are bounded by twice the calls that the machine lets run.
    fn prune(&mut self) {
        if self.stops.len() + self.oneway.len() <= 2 * self.alive + FEW {
            return;
        }
        let runs = |stop: &Arc<Stop>| Arc::strong_count(stop) > 1;
        self.stops.retain(|_, stop| runs(stop));
        self.oneway.retain(runs);
        self.alive = self.stops.len() + self.oneway.len();
    }

    /// How many handlers could be stopped, as far as is known.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.stops.len() + self.oneway.len()
    }

    fn running(
        &mut self,
        call: Served,
        reply: Option<Reply>,
        guard: Option<&Arc<SlowGuard>>,
        facts: Option<Facts>,
    ) -> Running {
        let stop = Arc::new(Stop::default());
        let called = facts.and_then(|facts| {
            let figures = guard?.figures()?;
            let called = figures.ledger()?.enter(figures, facts, Arc::clone(&stop) as _);
            Some(Box::new(called))
        });
        if call.id.expects_reply() {
            self.stops.insert(call.id, Arc::clone(&stop));
        }
        Running {
            call,
            reply,
            stop,
            order: None,
            guard: guard.cloned(),
            task: Task::Connection,
            called,
        }
    }

    /// Ends a handler early; its end is reported as any other. One that has ended is left alone.
    pub(super) fn stop(&mut self, id: CallId, reason: StopReason) {
        let Some(stop) = self.stops.get(&id) else { return };
        stop.fire(reason);
        if reason == StopReason::Cancelled {
            figures::count(figures::Event::Cancelled);
        }
        // One that waits its turn is polled for its end only: it holds no order.
        let waiting = self.orders.values_mut().find_map(|waiting| {
            let at = waiting.iter().position(|running| running.call.id == id)?;
            waiting.remove(at)
        });
        if let Some(running) = waiting {
            self.push(Running { order: None, ..running });
        }
    }

    /// Polls the pending handlers and moves the ends of those that are ready to `done`, until `budget` is spent; then
    /// the task of the waker is woken again.
    pub(super) fn poll(
        &mut self,
        live: &Arc<Live>,
        cx: &mut Context<'_>,
        done: &mut Vec<End>,
        budget: &mut Budget,
    ) {
        while let Some(pending) = &mut self.pending {
            if budget.is_spent() {
                self.unpolled = false;
                cx.waker().wake_by_ref();
                return;
            }
            let Poll::Ready(Some(polled)) = pending.poll_next_unpin(cx) else { break };
            budget.spend();
            match polled {
                Polled::Ended(end, order) => {
                    done.push(end);
                    if let Some(order) = order {
                        self.release(order);
                    }
                }
                Polled::Slow(running) => self.spawn_running(live, running),
            }
        }
        if self.pending.as_ref().is_some_and(|pending| pending.is_empty()) {
            self.pending = None;
        }
    }

    /// Whether a handler was added since this was last asked.
    pub(super) const fn take_unpolled(&mut self) -> bool {
        std::mem::replace(&mut self.unpolled, false)
    }

    /// Forgets how to stop a handler that has ended.
    pub(super) fn forget(&mut self, id: CallId) {
        if !self.stops.is_empty() {
            self.stops.remove(&id);
        }
    }
}

impl Drop for Handlers {
    fn drop(&mut self) {
        for stop in self.stops.values().chain(&self.oneway) {
            stop.fire(StopReason::ConnectionLost);
        }
        if let Some(pending) = &mut self.pending {
            pending.iter_mut().for_each(|running| running.reply = None);
        }
        self.orders.values_mut().flatten().for_each(|running| running.reply = None);
    }
}

impl Stop {
    fn fire(&self, reason: StopReason) {
        self.reason.store(reason as u8, Ordering::Release);
        self.waker.wake();
    }

    fn status(&self) -> Option<Status> {
        Some(match self.reason.load(Ordering::Acquire) {
            0 => return None,
            1 => Status::new(Code::Cancelled, "the caller cancelled the call"),
            2 => Status::new(Code::DeadlineExceeded, "the deadline passed while the handler ran"),
            4 => Status::new(Code::Cancelled, "an operator of the server ended the call"),
            _ => Status::new(Code::Unavailable, "connection lost"),
        })
    }
}

impl Kill for Stop {
    fn kill(&self) {
        self.fire(StopReason::Killed);
    }
}

impl Future for Running {
    type Output = Polled;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Polled> {
        let this = &mut *self;
        // Polled in vain it would be woken later, and so would all others: each is to be polled when it can go on.
        if !has_budget_remaining() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        this.stop.waker.register(cx.waker());
        if let Some(status) = this.stop.status() {
            return Poll::Ready(this.end(Err(Failure::Status(status))));
        }
        let guard = this.guard.as_deref();
        // An ordered handler stays where it is: tasks of their own end in any order.
        let may_move = this.task == Task::Connection && this.order.is_none();
        if may_move && guard.is_some_and(SlowGuard::is_slow) && this.reply.is_some() {
            return Poll::Ready(Polled::Slow(this.take()));
        }
        let Some(reply) = &mut this.reply else { return Poll::Pending };
        let timed = guard.filter(|guard| guard.wants_sample()).map(|guard| (guard, now()));
        if let Some(called) = &this.called {
            called.runs();
        }
        let polled = Pin::new(reply).poll(cx);
        if let (Some(called), Poll::Pending) = (&this.called, &polled) {
            called.pends();
        }
        if let Some((guard, started)) = timed {
            guard.record(now().saturating_duration_since(started));
        }
        let outcome = std::task::ready!(polled);
        if let (Some(guard), Ok(reply)) = (guard, &outcome) {
            guard.record_reply(reply.len());
        }
        Poll::Ready(this.end(outcome))
    }
}

impl Running {
    /// The handler of a call whose turn it is.
    pub(super) fn begin(&mut self, reply: Option<Reply>) {
        self.reply = reply;
    }

    /// The end of a call whose handler is not started.
    pub(super) fn refuse(&mut self, status: Status) -> End {
        if let Some(mut called) = self.called.take() {
            called.ends(&Err(Failure::Status(status.clone())));
        }
        self.call.ended(Err(Failure::Status(status)))
    }

    /// Why the handler is to end, if it is.
    pub(super) fn stopped(&self) -> Option<Status> {
        self.stop.status()
    }

    fn end(&mut self, outcome: Outcome) -> Polled {
        self.reply = None;
        if let Some(mut called) = self.called.take() {
            called.ends(&outcome);
        }
        Polled::Ended(self.call.ended(outcome), self.order)
    }

    /// Takes the handler out, to be polled elsewhere.
    fn take(&mut self) -> Self {
        Self {
            call: self.call,
            reply: self.reply.take(),
            stop: Arc::clone(&self.stop),
            order: self.order,
            guard: self.guard.take(),
            task: self.task,
            called: self.called.take(),
        }
    }
}
