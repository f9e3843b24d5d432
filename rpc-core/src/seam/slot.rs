//! Where a handler is put so that it can be polled, and what is taken out of there: a reply. The box is used again from
//! call to call, so that a handler that is ready at once costs no allocation.

use std::{
    any::Any,
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use tokio_util::sync::{CancellationToken, ReusableBoxFuture};

use super::{SlowGuard, ledger};
use crate::{
    proto::{Code, Failure, Outcome, Status},
    time::now,
};

/// The future of a handler, in a box that can be used again.
type HandlerBox = ReusableBoxFuture<'static, Outcome>;

/// Takes the future of one handler.
#[derive(Default)]
pub struct HandlerSlot {
    handler: Option<HandlerBox>,
    /// Cancelled when the call is over, however it ends.
    cancellation: Option<CancellationToken>,
}

impl HandlerSlot {
    /// Puts a handler in.
    pub(crate) fn run(&mut self, handler: impl Future<Output = Outcome> + Send + 'static) {
        match &mut self.handler {
            Some(slot) => slot.set(handler),
            None => self.handler = Some(ReusableBoxFuture::new(handler)),
        }
    }

    /// Has `token` cancelled when the call is over.
    pub(crate) fn cancel_after(&mut self, token: CancellationToken) {
        self.cancellation = Some(token);
    }

    /// Polls the handler once where it stands.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Outcome> {
        let Some(handler) = &mut self.handler else { return Poll::Pending };
        let outcome = poll_caught(handler, cx);
        if outcome.is_ready()
            && let Some(token) = self.cancellation.take()
        {
            token.cancel();
        }
        outcome
    }

    /// Polls the handler for the first time, with a waker of nobody's; gives when that began and how long it took, if it is
    /// one of those that are measured.
    #[inline]
    pub(crate) fn poll_first(
        &mut self,
        guard: Option<&SlowGuard>,
    ) -> (Poll<Outcome>, Option<(Instant, Duration)>) {
        let measured = guard.filter(|guard| guard.wants_sample()).map(|guard| (guard, now()));
        if guard.is_some_and(|guard| guard.figures().is_some()) {
            ledger::clear();
        }
        let polled = self.poll(&mut Context::from_waker(Waker::noop()));
        let timed = measured.map(|(guard, began)| {
            let took = now().saturating_duration_since(began);
            guard.record(took);
            (began, took)
        });
        (polled, timed)
    }

    /// Takes the handler out, to be polled elsewhere.
    pub(crate) fn take(&mut self) -> Option<Reply> {
        Some(Reply { handler: Some(self.handler.take()?), cancellation: self.cancellation.take() })
    }
}

/// The future of a reply: payload or failure. Its life is that of the handler, and so of the handler's stream; dropping
/// it ends both.
pub(crate) struct Reply {
    /// `None` once it has ended.
    handler: Option<HandlerBox>,
    cancellation: Option<CancellationToken>,
}

impl Reply {
    /// Ends the handler; a panic in a destructor of it stays here.
    pub(crate) fn end(&mut self) {
        let handler = self.handler.take();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(handler))) {
            panicked(&*panic);
        }
        if let Some(token) = self.cancellation.take() {
            token.cancel();
        }
    }
}

impl Future for Reply {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        // Polled after its end, which futures need not allow; there is nothing to come.
        let Some(handler) = &mut self.handler else { return Poll::Pending };
        let outcome = std::task::ready!(poll_caught(handler, cx));
        self.end();
        Poll::Ready(outcome)
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").finish_non_exhaustive()
    }
}

/// Polls a handler. A panic of it ends its call with `INTERNAL`, and nothing else.
fn poll_caught(handler: &mut HandlerBox, cx: &mut Context<'_>) -> Poll<Outcome> {
    catch_unwind(AssertUnwindSafe(|| handler.poll(cx)))
        .unwrap_or_else(|panic| Poll::Ready(Err(Failure::Status(panicked(&*panic)))))
}

impl fmt::Debug for HandlerSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerSlot").finish_non_exhaustive()
    }
}

/// The status of a call whose handler panicked. The panic's words stay in the server's log: they may
/// hold what callers must not see.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Status {
    let words = panic.downcast_ref::<&str>().copied();
    let words = words.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = words.unwrap_or("not text"), "handler panicked");
    Status::new(Code::Internal, "handler panicked")
}
