//! Handlers that were not ready at once. The connection's own task polls them; those of slow methods are
//! spawned. Either way a handler can be stopped, and reports its end exactly once.

use std::{
    collections::{HashMap, VecDeque},
    future::Future,
    hash::BuildHasherDefault,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
};

use futures_util::{StreamExt as _, stream::FuturesUnordered, task::AtomicWaker};
use tokio::task::coop::has_budget_remaining;
use tokio_util::sync::CancellationToken;

use super::{
    guard::SlowGuard,
    shared::Shared,
    slot::{HandlerBox, panicked, poll_caught},
};
use crate::{
    proto::{CallId, Code, Codec, IdHasher, Status, connection::Outcome, frame::Failure},
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
}

/// Why a handler is to end before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum StopReason {
    Cancelled = 1,
    Expired = 2,
    ConnectionLost = 3,
}

/// How a handler is told to end.
#[derive(Debug, Default)]
struct Stop {
    /// Zero, or a [`StopReason`].
    reason: AtomicU8,
    waker: AtomicWaker,
}

/// A handler that is pending, until it or its caller ends it.
struct Running {
    id: CallId,
    codec: Codec,
    handler: Option<HandlerBox>,
    cancellation: Option<CancellationToken>,
    stop: Arc<Stop>,
    /// The order that it runs in, and holds until it ends.
    order: Option<u32>,
}

/// Handlers that are not worth looking through.
const FEW: usize = 64;

/// The end of a handler.
pub(super) type End = (CallId, Codec, Outcome);

impl Handlers {
    /// Has the connection's task poll a handler from here on.
    pub(super) fn keep(
        &mut self,
        id: CallId,
        codec: Codec,
        handler: HandlerBox,
        token: Option<CancellationToken>,
        order: Option<u32>,
    ) {
        let running = Running { order, ..self.running(id, codec, handler, token) };
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
        id: CallId,
        codec: Codec,
        handler: HandlerBox,
        token: Option<CancellationToken>,
        order: u32,
    ) {
        let running = Running { order: Some(order), ..self.running(id, codec, handler, token) };
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
        shared: &Arc<Shared>,
        guard: &Arc<SlowGuard>,
        id: CallId,
        codec: Codec,
        handler: HandlerBox,
        token: Option<CancellationToken>,
    ) {
        let mut running = self.running(id, codec, handler, token);
        if !id.expects_reply() {
            self.oneway.push(Arc::clone(&running.stop));
        }
        self.prune();
        let (shared, guard) = (Arc::clone(shared), Arc::clone(guard));
        tokio::spawn(async move {
            let started = now();
            let first = std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut running).poll(cx)));
            let first = first.await;
            guard.record(now().saturating_duration_since(started));
            let ((id, codec, outcome), _) = match first {
                Poll::Ready(end) => end,
                Poll::Pending => running.await,
            };
            shared.finish(id, codec, &outcome);
        });
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
        id: CallId,
        codec: Codec,
        handler: HandlerBox,
        cancellation: Option<CancellationToken>,
    ) -> Running {
        let stop = Arc::new(Stop::default());
        if id.expects_reply() {
            self.stops.insert(id, Arc::clone(&stop));
        }
        Running { id, codec, handler: Some(handler), cancellation, stop, order: None }
    }

    /// Ends a handler early; its end is reported as any other. One that has ended is left alone.
    pub(super) fn stop(&mut self, id: CallId, reason: StopReason) {
        let Some(stop) = self.stops.get(&id) else { return };
        stop.fire(reason);
        // One that waits its turn is polled for its end only: it holds no order.
        let waiting = self.orders.values_mut().find_map(|waiting| {
            let at = waiting.iter().position(|running| running.id == id)?;
            waiting.remove(at)
        });
        if let Some(running) = waiting {
            self.push(Running { order: None, ..running });
        }
    }

    /// Polls the pending handlers and moves the ends of those that are ready to `done`.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, done: &mut Vec<End>) {
        while let Some(pending) = &mut self.pending {
            let Poll::Ready(Some((end, order))) = pending.poll_next_unpin(cx) else { break };
            done.push(end);
            if let Some(order) = order {
                self.release(order);
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
            pending.iter_mut().for_each(Running::drop_handler);
        }
        self.orders.values_mut().flatten().for_each(Running::drop_handler);
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
            _ => Status::new(Code::Unavailable, "connection lost"),
        })
    }
}

impl Running {
    /// Drops the handler's future; a panic in a destructor of it stays here.
    fn drop_handler(&mut self) {
        let handler = self.handler.take();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(handler))) {
            panicked(&*panic);
        }
        if let Some(token) = self.cancellation.take() {
            token.cancel();
        }
    }
}

impl Future for Running {
    type Output = (End, Option<u32>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        // Polled in vain it would be woken later, and so would all others: each is to be polled when it can go on.
        if !has_budget_remaining() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        this.stop.waker.register(cx.waker());
        let outcome = match (this.stop.status(), &mut this.handler) {
            (None, Some(handler)) => std::task::ready!(poll_caught(handler, cx)),
            (Some(status), _) => Err(Failure::Status(status)),
            (None, None) => return Poll::Pending,
        };
        this.drop_handler();
        Poll::Ready(((this.id, this.codec, outcome), this.order))
    }
}
