//! What a server has told, and the figures of the time between two answers.

use std::time::{Duration, Instant};

use rpc_core::inspect::{CallList, ConnectionFigures, MethodFigures, Overview};

/// One answer of a server.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) at: Instant,
    pub(super) overview: Overview,
    /// Where that was asked for.
    pub(super) calls: Option<CallList>,
    pub(super) connections: Option<Vec<ConnectionFigures>>,
}

/// The last answer and the one before it.
#[derive(Clone, Debug, Default)]
pub(super) struct Samples {
    before: Option<Sample>,
    last: Option<Sample>,
}

/// A method between two answers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MethodRow {
    pub(super) method: String,
    /// Calls a second.
    pub(super) rate: f64,
    pub(super) in_flight: u64,
    pub(super) p50: Option<Duration>,
    pub(super) p99: Option<Duration>,
    /// Failed calls a second.
    pub(super) errors: f64,
    /// Bytes a second.
    pub(super) received: f64,
    pub(super) sent: f64,
    /// Calls since the server began.
    pub(super) calls: u64,
}

impl Samples {
    /// Keeps an answer. One from a server that was started anew is compared with nothing before it.
    pub(super) fn add(&mut self, sample: Sample) {
        let same = |before: &Sample| {
            before.overview.process == sample.overview.process
                && before.overview.uptime <= sample.overview.uptime
        };
        self.before = self.last.take().filter(same);
        self.last = Some(sample);
    }

    pub(super) const fn last(&self) -> Option<&Sample> {
        self.last.as_ref()
    }

    /// The methods that were ever called, in the order of the server.
    pub(super) fn methods(&self) -> Vec<MethodRow> {
        let Some(last) = &self.last else { return Vec::new() };
        let seconds = match &self.before {
            Some(before) => last.at.saturating_duration_since(before.at),
            None => last.overview.uptime,
        };
        let seconds = seconds.as_secs_f64().max(1e-3);
        let before = |method: &str| {
            let methods = self.before.iter().flat_map(|sample| &sample.overview.methods);
            methods.into_iter().find(|figures| figures.method == method)
        };
        let called = |figures: &&MethodFigures| figures.calls > 0 || figures.in_flight > 0;
        let methods = last.overview.methods.iter().filter(called);
        methods.map(|figures| row(figures, before(&figures.method), seconds)).collect()
    }
}

fn row(figures: &MethodFigures, before: Option<&MethodFigures>, seconds: f64) -> MethodRow {
    let rate = |count: fn(&MethodFigures) -> u64| {
        count(figures).saturating_sub(before.map_or(0, count)) as f64 / seconds
    };
    let latencies = match before {
        Some(before) => figures.latencies.since(&before.latencies),
        None => figures.latencies.clone(),
    };
    MethodRow {
        method: figures.method.clone(),
        rate: rate(|figures| figures.calls),
        in_flight: figures.in_flight,
        p50: latencies.quantile(0.5),
        p99: latencies.quantile(0.99),
        errors: rate(MethodFigures::failed),
        received: rate(|figures| figures.received),
        sent: rate(|figures| figures.sent),
        calls: figures.calls,
    }
}
