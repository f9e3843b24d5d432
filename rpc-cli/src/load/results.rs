//! What a run found, as it is written to files and read back: times in seconds, latencies in microseconds.

use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::machine::Machine;
use crate::exit::Failure;

/// A run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Results {
    /// The form of the file; only this one is read.
    pub format: u32,
    pub machine: Machine,
    pub target: Target,
    pub load: LoadRecord,
    pub summary: Summary,
    pub latency_us: Latency,
    pub errors: Vec<ErrorRecord>,
    pub cpu: Cpu,
    /// What makes the figures doubtful.
    pub warnings: Vec<String>,
    /// The steps of `--find-max`, of which the other figures are the best one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// One each interval.
    pub samples: Vec<SampleRecord>,
    /// Latency by percentile, for plots.
    pub curve: Vec<Point>,
    /// True if the user had enough before the end.
    #[serde(default)]
    pub interrupted: bool,
}

/// What was called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Target {
    pub address: String,
    pub method: String,
    /// What was called with: the arguments, or how they were drawn.
    pub arguments: String,
    pub protocol: String,
}

/// The load, as it was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LoadRecord {
    pub connections: usize,
    /// Over all connections.
    pub in_flight: usize,
    /// Calls a second of an open loop.
    pub rate: Option<f64>,
    pub seconds: Option<f64>,
    pub count: Option<u64>,
    /// Of an open loop: what comes later is no goodput.
    #[serde(default)]
    pub within_seconds: f64,
    pub warm_up_seconds: f64,
    pub interval_seconds: f64,
    pub threads: usize,
}

/// The main figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub seconds: f64,
    /// Calls that ended well.
    pub calls: u64,
    pub errors: u64,
    pub calls_per_second: f64,
    /// Items that streams brought.
    pub items: u64,
    pub items_per_second: f64,
    /// Of an open loop: begun more than a millisecond after their time.
    pub late: u64,
    /// Of an open loop: never begun.
    pub dropped: u64,
    /// Of an open loop: calls a second that were to begin.
    #[serde(default)]
    pub offered_per_second: f64,
    /// Of an open loop: calls a second that were answered soon enough after their time to be of use.
    #[serde(default)]
    pub goodput_per_second: f64,
    /// Calls that the server refused, since it had too much to do.
    #[serde(default)]
    pub refused: u64,
}

/// Latency of calls that ended well.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub(crate) struct Latency {
    pub min: f64,
    pub mean: f64,
    pub p50: f64,
    pub p75: f64,
    pub p90: f64,
    pub p95: f64,
    pub p99: f64,
    pub p99_9: f64,
    pub p99_99: f64,
    pub max: f64,
}

/// Failed calls of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ErrorRecord {
    pub status: String,
    pub count: u64,
    /// What one of them said.
    pub example: String,
}

/// CPU time over the window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cpu {
    pub generator: Option<Share>,
    pub server: Option<Share>,
    pub server_pid: Option<u32>,
    /// Why there is no figure for the server.
    pub server_unknown: Option<String>,
    /// Cores that all other processes of this machine used, where that can be told from the server's.
    #[serde(default)]
    pub others: Option<f64>,
}

/// CPU time of one side.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Share {
    /// CPUs that were kept busy.
    pub cores: f64,
    pub us_per_call: f64,
}

/// One step of a ramp.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Step {
    /// Calls a second that were asked for.
    pub rate: f64,
    pub calls_per_second: f64,
    pub p99_us: f64,
    /// Why it did not hold; nothing if it did.
    pub broke: Option<String>,
}

/// What happened in one interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SampleRecord {
    /// When it ended, from the start of the window.
    pub at: f64,
    pub seconds: f64,
    pub calls: u64,
    pub errors: u64,
    pub calls_per_second: f64,
    pub p50_us: f64,
    pub p99_us: f64,
}

/// This share of the calls took no longer than this.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Point {
    pub quantile: f64,
    pub us: f64,
}

/// The form that this program writes.
pub(super) const FORMAT: u32 = 1;

impl Results {
    /// Reads a file that `--json` wrote.
    ///
    /// # Errors
    /// There is none, or it is of another form.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let text = std::fs::read(path)
            .map_err(|error| Failure::usage(format!("cannot read {shown}: {error}")))?;
        let results: Self = serde_json::from_slice(&text).map_err(|error| {
            Failure::usage(format!("{shown} is not a result of rpc bench --json: {error}"))
        })?;
        if results.format != FORMAT {
            let message = format!(
                "{shown} has the form {}, and this program reads {FORMAT}: measure again",
                results.format
            );
            return Err(Failure::usage(message).into());
        }
        Ok(results)
    }

    /// Whether calls answer with streams of items.
    pub(crate) const fn has_items(&self) -> bool {
        self.summary.items != self.summary.calls
    }

    /// The samples over whole intervals: the last one may be of any length.
    pub(crate) fn whole(&self) -> impl Iterator<Item = &SampleRecord> {
        let least = self.load.interval_seconds * 0.9;
        self.samples.iter().filter(move |sample| sample.seconds >= least)
    }
}

impl Latency {
    /// Every figure with its name, in order.
    pub(crate) const fn rows(&self) -> [(&'static str, f64); 10] {
        [
            ("min", self.min),
            ("mean", self.mean),
            ("p50", self.p50),
            ("p75", self.p75),
            ("p90", self.p90),
            ("p95", self.p95),
            ("p99", self.p99),
            ("p99.9", self.p99_9),
            ("p99.99", self.p99_99),
            ("max", self.max),
        ]
    }
}
