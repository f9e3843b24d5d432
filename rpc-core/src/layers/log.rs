//! Calls that fail or take long, in the log; and what panics, caught.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Context, Poll},
    time::Duration,
};

use futures_util::FutureExt as _;
use tower::{Layer, Service};

use super::{Answer, BoxError, Ending, Head, LayerFuture, failure_of};
use crate::{
    proto::{Code, Failure},
    seam::panicked,
    time::now,
};

/// Tells the log of each call that fails, and of each that takes long: its method, how it ended, who called and how long it
/// took. A panic of a layer within ends its call with `INTERNAL`, and nothing else; one of a handler does so without this.
///
/// Events have the target `rpc_core::call`: a warning for what is the server's own fault (`INTERNAL`, `UNKNOWN`, `DATA_LOSS`) and
/// for calls that take long, and the level `DEBUG` for all other failures.
#[derive(Clone, Copy, Debug, Default)]
pub struct Log {
    slow: Option<Duration>,
}

impl Log {
    /// Tells of failures.
    #[must_use]
    pub const fn new() -> Self {
        Self { slow: None }
    }

    /// Tells of calls that take longer than `limit` as well.
    #[must_use]
    pub const fn slower_than(mut self, limit: Duration) -> Self {
        self.slow = Some(limit);
        self
    }
}

/// The service of [`Log`].
#[derive(Clone, Debug)]
pub struct Logged<S> {
    inner: S,
    options: Log,
}

impl<S> Layer<S> for Log {
    type Service = Logged<S>;

    fn layer(&self, inner: S) -> Logged<S> {
        Logged { inner, options: *self }
    }
}

impl<R, S> Service<R> for Logged<S>
where
    R: Head,
    S: Service<R, Response: Answer, Error: Into<BoxError>, Future: Send + 'static>,
{
    type Response = S::Response;
    type Error = Failure;
    type Future = LayerFuture<S::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.inner.poll_ready(cx).map_err(|error| failure_of(error.into()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        let (method, peer) = (request.method(), request.peer().cloned());
        let (began, slow) = (now(), self.options.slow);
        let tell = move |ending: Ending<'_>| {
            let took = now().saturating_duration_since(began);
            let slow = slow.is_some_and(|slow| took > slow);
            if matches!(ending, Ending::Done | Ending::Dropped) && !slow {
                return;
            }
            let peer = peer.as_ref().map(|peer| peer.address().to_string()).unwrap_or_default();
            match ending {
                Ending::Failed(Failure::Status(status)) => {
                    let (code, message) = (status.code().name(), status.message());
                    if matches!(status.code(), Code::Internal | Code::Unknown | Code::DataLoss) {
                        tracing::warn!(target: "rpc_core::call", method, %peer, ?took, code, message, "a call failed");
                    } else {
                        tracing::debug!(target: "rpc_core::call", method, %peer, ?took, code, message, "a call failed");
                    }
                }
                Ending::Failed(Failure::Application(_)) => {
                    tracing::debug!(target: "rpc_core::call", method, %peer, ?took, "a call ended with the error of its method");
                }
                Ending::Done | Ending::Dropped => {}
            }
            if slow {
                tracing::warn!(target: "rpc_core::call", method, %peer, ?took, "a call took long");
            }
        };
        let caught = AssertUnwindSafe(|| self.inner.call(request));
        let answer = catch_unwind(caught).map(|answer| AssertUnwindSafe(answer).catch_unwind());
        Box::pin(async move {
            let answer = match answer {
                Ok(answer) => answer.await,
                Err(panic) => Err(panic),
            };
            let answer = match answer {
                Ok(answer) => answer.map_err(|error| failure_of(error.into())),
                Err(panic) => Err(Failure::Status(panicked(&*panic))),
            };
            match answer {
                Ok(mut answer) => {
                    answer.on_end(tell);
                    Ok(answer)
                }
                Err(failure) => {
                    tell(Ending::Failed(&failure));
                    Err(failure)
                }
            }
        })
    }
}
