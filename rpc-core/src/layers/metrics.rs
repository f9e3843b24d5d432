//! Figures of calls for the facade `metrics`, which any exporter takes; the names are those that OpenTelemetry's become in
//! Prometheus.

use std::{
    collections::HashMap,
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use metrics::{Gauge, Histogram};
use parking_lot::RwLock;
use tower::{Layer, Service};

use super::{Answer, BoxError, Ending, Head, Kind, LayerFuture, failure_of, names};
use crate::{proto::Failure, time::now};

/// Records every call by the facade [`metrics`](https://docs.rs/metrics): how long it took, how it ended, and how many run.
///
/// | metric | |
/// |---|---|
/// | `rpc_server_call_duration_seconds`, `rpc_client_…` | histogram by `rpc_system_name`, `rpc_method`, `rpc_response_status_code`, and `error_type` where it failed |
/// | `rpc_server_inflight`, `rpc_client_inflight` | gauge by `rpc_method` |
///
/// The recorder is that of the program when a method and an outcome first come together. [`Self::BUCKETS`] are boundaries
/// for calls that take microseconds as well as for those that take seconds.
#[derive(Clone, Default)]
pub struct Metrics {
    known: Arc<Known>,
}

#[derive(Default)]
struct Known {
    /// Bounded by: methods times codes.
    durations: RwLock<HashMap<(Kind, &'static str, &'static str), Histogram>>,
    running: RwLock<HashMap<(Kind, &'static str), Gauge>>,
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
}

impl Known {
    fn duration(&self, kind: Kind, method: &'static str, status: &'static str) -> Histogram {
        let key = (kind, method, status);
        if let Some(known) = self.durations.read().get(&key) {
            return known.clone();
        }
        let name = match kind {
            Kind::Client => "rpc_client_call_duration_seconds",
            Kind::Server => "rpc_server_call_duration_seconds",
        };
        let mut labels = vec![
            ("rpc_system_name", names::SYSTEM),
            ("rpc_method", method),
            ("rpc_response_status_code", status),
        ];
        if status != "OK" {
            labels.push(("error_type", status));
        }
        metrics::describe_histogram!(name, metrics::Unit::Seconds, "How long calls took.");
        let made = metrics::histogram!(name, &labels);
        self.durations.write().entry(key).or_insert(made).clone()
    }

    fn running(&self, kind: Kind, method: &'static str) -> Gauge {
        let key = (kind, method);
        if let Some(known) = self.running.read().get(&key) {
            return known.clone();
        }
        let name = match kind {
            Kind::Client => "rpc_client_inflight",
            Kind::Server => "rpc_server_inflight",
        };
        metrics::describe_gauge!(name, "Calls that run.");
        let made = metrics::gauge!(name, "rpc_method" => method);
        self.running.write().entry(key).or_insert(made).clone()
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

/// A call that runs: counted down when it ends, as cancelled where it is dropped before.
struct Running {
    known: Arc<Known>,
    gauge: Gauge,
    kind: Kind,
    method: &'static str,
    began: std::time::Instant,
    ended: bool,
}

impl Running {
    fn end(&mut self, status: &'static str) {
        self.ended = true;
        let took = now().saturating_duration_since(self.began);
        self.known.duration(self.kind, self.method, status).record(took.as_secs_f64());
        self.gauge.decrement(1.0);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            self.end("CANCELLED");
        }
    }
}

impl<R, S> Service<R> for Measured<S>
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
        let (kind, method, known) = (R::KIND, request.method(), Arc::clone(&self.layer.known));
        let gauge = known.running(kind, method);
        gauge.increment(1.0);
        let mut running = Running { known, gauge, kind, method, began: now(), ended: false };
        let answer = self.inner.call(request);
        Box::pin(async move {
            match answer.await {
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
            }
        })
    }
}
