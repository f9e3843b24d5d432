//! Handlers that were not ready at once. The connection's own task polls them; those of slow methods are
//! spawned. Either way a handler can be stopped, and reports its end exactly once.

use std::{
    collections::HashMap,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
};

use futures_util::{StreamExt as _, stream::FuturesUnordered, task::AtomicWaker};
use tokio_util::sync::CancellationToken;

use super::{
    guard::SlowGuard,
    shared::Shared,
    slot::{HandlerBox, panicked, poll_caught},
};
use crate::{
    proto::{CallId, Code, Codec, Status, connection::Outcome, frame::Failure},
    time::now,
};

/// The handlers of one connection that are pending.
#[derive(Default)]
pub(super) struct Handlers {
    /// Made when the first handler is pending: most connections never need it.
    pending: Option<Box<FuturesUnordered<Running>>>,
    /// How to stop each. Bounded by: the calls that the machine lets run.
    stops: HashMap<CallId, Arc<Stop>>,
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
}

impl Handlers {
    /// Has the connection's task poll a handler from here on.
    pub(super) fn keep(
        &mut self,
        id: CallId,
        codec: Codec,
        handler: HandlerBox,
        token: Option<CancellationToken>,
    ) {
        let running = self.running(id, codec, handler, token);
        self.pending.get_or_insert_default().push(running);
        self.unpolled = true;
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
        let (shared, guard) = (Arc::clone(shared), Arc::clone(guard));
        tokio::spawn(async move {
            let started = now();
            let first = std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut running).poll(cx)));
            let first = first.await;
            guard.record(now().saturating_duration_since(started));
            let (id, codec, outcome) = match first {
                Poll::Ready(end) => end,
                Poll::Pending => running.await,
            };
            shared.finish(id, codec, &outcome);
        });
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
        Running { id, codec, handler: Some(handler), cancellation, stop }
    }

    /// Ends a handler early; its end is reported as any other. One that has ended is left alone.
    pub(super) fn stop(&self, id: CallId, reason: StopReason) {
        if let Some(stop) = self.stops.get(&id) {
            stop.fire(reason);
        }
    }

    /// Polls the pending handlers and moves the ends of those that are ready to `done`.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, done: &mut Vec<(CallId, Codec, Outcome)>) {
        let Some(pending) = &mut self.pending else { return };
        while let Poll::Ready(Some(end)) = pending.poll_next_unpin(cx) {
            done.push(end);
        }
        if pending.is_empty() {
            self.pending = None;
        }
    }

    /// Whether a handler was added since this was last asked.
    pub(super) const fn take_unpolled(&mut self) -> bool {
        std::mem::replace(&mut self.unpolled, false)
    }

    /// Forgets how to stop a handler that has ended.
    pub(super) fn forget(&mut self, id: CallId) {
        self.stops.remove(&id);
    }
}

impl Drop for Handlers {
    fn drop(&mut self) {
        for stop in self.stops.values() {
            stop.fire(StopReason::ConnectionLost);
        }
        if let Some(pending) = &mut self.pending {
            pending.iter_mut().for_each(Running::drop_handler);
        }
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
    type Output = (CallId, Codec, Outcome);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.stop.waker.register(cx.waker());
        let outcome = match (this.stop.status(), &mut this.handler) {
            (None, Some(handler)) => std::task::ready!(poll_caught(handler, cx)),
            (Some(status), _) => Err(Failure::Status(status)),
            (None, None) => return Poll::Pending,
        };
        this.drop_handler();
        Poll::Ready((this.id, this.codec, outcome))
    }
}
