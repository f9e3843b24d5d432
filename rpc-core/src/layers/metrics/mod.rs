//! Figures of calls for the facade `metrics`, which any exporter takes; the names are those that OpenTelemetry's become in
//! Prometheus.

mod table;

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use pin_project_lite::pin_project;
use tower::{Layer, Service};

pub(super) use self::table::Figures;
use self::table::Table;
use super::{Answer, BoxError, Called, Ending, Head, failure_of, names};
use crate::{proto::Failure, time::now};

/// Records every call by the facade [`metrics`](https://docs.rs/metrics): how long it took, how it ended, and how many run.
///
/// | metric | |
/// |---|---|
/// | `rpc_server_call_duration_seconds`, `rpc_client_…` | histogram by `rpc_system_name`, `rpc_method`, `rpc_response_status_code`, and `error_type` where it failed |
/// | `rpc_server_inflight`, `rpc_client_inflight` | gauge by `rpc_method`: calls that run and were not ready at once |
///
/// A call is recorded before its reply is sent: whoever has that and scrapes sees it counted. On a server a call begins where
/// the one before it on its connection has ended, if nothing came between: see [`Trace`](super::Trace).
///
/// The recorder is that of the program when a method and an outcome first come together. [`Self::BUCKETS`] are boundaries
/// for calls that take microseconds as well as for those that take seconds.
#[derive(Clone, Default)]
pub struct Metrics {
    known: Arc<Table>,
}

impl Metrics {
    /// Boundaries of histograms, in seconds: those of OpenTelemetry, and shorter ones.
    pub const BUCKETS: [f64; 20] = [
        0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1,
        0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
    ];

    /// A layer that records calls.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What is recorded of the method that is called.
    pub(super) fn figures(&self, called: &Called<'_>) -> Arc<Figures> {
        Arc::clone(self.known.of(called.kind, called.method))
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// The service of [`Metrics`].
#[derive(Clone, Debug)]
pub struct Measured<S> {
    inner: S,
    layer: Metrics,
}

impl<S> Layer<S> for Metrics {
    type Service = Measured<S>;

    fn layer(&self, inner: S) -> Measured<S> {
        Measured { inner, layer: self.clone() }
    }
}

/// A call that is measured, as cancelled where it is dropped before its end.
struct Running {
    /// Until it has ended.
    figures: Option<Arc<Figures>>,
    began: Instant,
    /// Whether it counts among those that run.
    lasts: bool,
}

impl Running {
    /// It was not ready at once.
    fn lasts(&mut self) {
        if let Some(figures) = &self.figures
            && !std::mem::replace(&mut self.lasts, true)
        {
            figures.running.increment(1.0);
        }
    }

    fn end(&mut self, status: &'static str) {
        if let Some(figures) = self.figures.take() {
            let took = now().saturating_duration_since(self.began);
            figures.ended(status, took.as_secs_f64());
            if self.lasts {
                figures.running.decrement(1.0);
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end("CANCELLED");
    }
}

impl<R, S> Service<R> for Measured<S>
where
    R: Head,
    S: Service<R, Response: Answer, Error: Into<BoxError>, Future: Send + 'static>,
{
    type Response = S::Response;
    type Error = Failure;
    type Future = MeasuredFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.inner.poll_ready(cx).map_err(|error| failure_of(error.into()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        let figures = Some(self.layer.figures(&Called::by(&request)));
        let running = Running { figures, began: now(), lasts: false };
        MeasuredFuture { answer: self.inner.call(request), running: Some(running) }
    }
}

pin_project! {
    /// A call that is measured.
    #[must_use = "a call goes on when it is polled"]
    pub struct MeasuredFuture<F> {
        #[pin]
        answer: F,
        // Until it has ended.
        running: Option<Running>,
    }
}

impl<F, A, E> Future for MeasuredFuture<F>
where
    F: Future<Output = Result<A, E>>,
    A: Answer,
    E: Into<BoxError>,
{
    type Output = Result<A, Failure>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // Polled after its end, which futures need not allow; there is nothing to come.
        let Some(running) = this.running.as_mut() else { return Poll::Pending };
        let Poll::Ready(answer) = this.answer.poll(cx) else {
            running.lasts();
            return Poll::Pending;
        };
        let Some(mut running) = this.running.take() else { return Poll::Pending };
        Poll::Ready(match answer {
            Ok(mut answer) => {
                answer.on_end(move |ending| {
                    running.end(match ending {
                        Ending::Done => "OK",
                        Ending::Failed(failure) => names::status(Some(failure)),
                        Ending::Dropped => "CANCELLED",
                    });
                });
                Ok(answer)
            }
            Err(error) => {
                let failure = failure_of(error.into());
                running.end(names::status(Some(&failure)));
                Err(failure)
            }
        })
    }
}

impl<F> fmt::Debug for MeasuredFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MeasuredFuture").finish_non_exhaustive()
    }
}
