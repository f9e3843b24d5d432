//! The longest time that calls may take, whatever their callers say.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use tower::{Layer, Service};

use super::{BoxError, Head, LayerFuture, failure_of};
use crate::proto::{Code, Failure, Status};

/// Ends calls that take longer than a time with `DEADLINE_EXCEEDED`: on a server their handlers are dropped, streams
/// included; on a client what counts is the first word of the server.
#[derive(Clone, Copy, Debug)]
pub struct Timeout(Duration);

impl Timeout {
    /// Ends calls after `limit`.
    #[must_use]
    pub const fn new(limit: Duration) -> Self {
        Self(limit)
    }
}

/// The service of [`Timeout`].
#[derive(Clone, Debug)]
pub struct Timed<S> {
    inner: S,
    limit: Duration,
}

impl<S> Layer<S> for Timeout {
    type Service = Timed<S>;

    fn layer(&self, inner: S) -> Timed<S> {
        Timed { inner, limit: self.0 }
    }
}

impl<R, S> Service<R> for Timed<S>
where
    R: Head,
    S: Service<R, Error: Into<BoxError>, Future: Send + 'static>,
{
    type Response = S::Response;
    type Error = Failure;
    type Future = LayerFuture<S::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.inner.poll_ready(cx).map_err(|error| failure_of(error.into()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        let (limit, method) = (self.limit, request.method());
        let answer = tokio::time::timeout(limit, self.inner.call(request));
        Box::pin(async move {
            match answer.await {
                Ok(answer) => answer.map_err(|error| failure_of(error.into())),
                Err(_) => {
                    let message = format!("{method} took longer than the {limit:?} that it may");
                    Err(Failure::Status(Status::new(Code::DeadlineExceeded, message)))
                }
            }
        })
    }
}
