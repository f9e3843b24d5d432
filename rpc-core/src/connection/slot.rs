//! Where a handler is put so that it can be polled: the boundary between a connection and the services on
//! it. The box is reused from call to call, so that a handler that is ready at once costs no allocation.

use std::{
    any::Any,
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::{Context, Poll},
};

use tokio_util::sync::{CancellationToken, ReusableBoxFuture};

use super::{guard::SlowGuard, shared::Shared};
use crate::proto::{Code, Failure, Outcome, Status, connection::Request};

/// A call that the peer opened, on its way to a handler.
#[derive(Debug)]
pub(crate) struct IncomingCall<'a> {
    pub(crate) request: Request,
    /// The connection that it came on.
    pub(crate) shared: &'a Arc<Shared>,
}

/// How the handler of a call is to be run.
#[derive(Debug)]
pub(crate) struct Accepted<'a> {
    /// What watches the method.
    pub(crate) guard: &'a Arc<SlowGuard>,
    /// Handlers of one connection with the same number run one after the other.
    pub(crate) order: Option<u32>,
}

/// Takes the calls of a connection.
pub(crate) trait Accept: Send + Sync + 'static {
    /// Puts the handler of `call` into `slot`; says how to run it, if its method is known.
    fn accept(&self, call: IncomingCall<'_>, slot: &mut HandlerSlot) -> Option<Accepted<'_>>;
}

/// The future of a handler, in a box that can be used again.
pub(super) type HandlerBox = ReusableBoxFuture<'static, Outcome>;

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
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Outcome> {
        let Some(handler) = &mut self.handler else { return Poll::Pending };
        let outcome = poll_caught(handler, cx);
        if outcome.is_ready()
            && let Some(token) = self.cancellation.take()
        {
            token.cancel();
        }
        outcome
    }

    /// Takes the handler out, to be polled elsewhere.
    pub(super) fn take(&mut self) -> Option<(HandlerBox, Option<CancellationToken>)> {
        Some((self.handler.take()?, self.cancellation.take()))
    }
}

/// Polls a handler. A panic of it ends its call with `INTERNAL`, and nothing else.
pub(super) fn poll_caught(handler: &mut HandlerBox, cx: &mut Context<'_>) -> Poll<Outcome> {
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
pub(super) fn panicked(panic: &(dyn Any + Send)) -> Status {
    let words = panic.downcast_ref::<&str>().copied();
    let words = words.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = words.unwrap_or("not text"), "handler panicked");
    Status::new(Code::Internal, "handler panicked")
}

/// The end of a call to a side that has no services.
pub(super) fn serves_nothing() -> Failure {
    Failure::Status(Status::not_started(
        Code::Unimplemented,
        "this side of the connection serves nothing",
    ))
}
