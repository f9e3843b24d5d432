//! What a run found, as it is written to files and read back: times in seconds, latencies in microseconds.

use std::{path::Path, time::Duration};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::{
    doubts,
    generator::{Measured, Sample},
    machine::Machine,
    measure::Tally,
    plan::{Bound, Load, Pace},
};
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
const FORMAT: u32 = 1;

impl Results {
    /// Puts the figures of a run together.
    pub(crate) fn new(target: Target, load: &Load, threads: usize, measured: &Measured) -> Self {
        let Measured { total, elapsed, .. } = measured;
        let per_second = |count: u64| count as f64 / elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
        let errors = total.errors.iter().map(|(status, errors)| ErrorRecord {
            status: status.to_string(),
            count: errors.count,
            example: errors.example.clone(),
        });
        let mut errors: Vec<_> = errors.collect();
        errors.sort_by_key(|error| std::cmp::Reverse(error.count));
        let mut results = Self {
            format: FORMAT,
            machine: Machine::describe(),
            target,
            load: LoadRecord::new(load, threads),
            summary: Summary {
                seconds: elapsed.as_secs_f64(),
                calls: total.calls,
                errors: total.failed(),
                calls_per_second: per_second(total.calls),
                items: total.items,
                items_per_second: per_second(total.items),
                late: total.late,
                dropped: measured.dropped,
            },
            latency_us: Latency::of(total),
            errors,
            cpu: Cpu::new(measured),
            warnings: Vec::new(),
            steps: Vec::new(),
            samples: measured.samples.iter().map(SampleRecord::from).collect(),
            curve: curve(total),
        };
        results.warnings = doubts::of(&results, measured);
        results
    }

    /// Reads a file that `--json` wrote.
    ///
    /// # Errors
    /// There is none, or it is of another form.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let text = std::fs::read(path)
            .map_err(|error| Failure::usage(format!("cannot read {shown}: {error}")))?;
        let results: Self = serde_json::from_slice(&text).map_err(|error| {
            Failure::usage(format!("{shown} is no result of rpc bench --json: {error}"))
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

impl LoadRecord {
    fn new(load: &Load, threads: usize) -> Self {
        let (seconds, count) = match load.bound {
            Bound::Time(time) => (Some(time.as_secs_f64()), None),
            Bound::Count(count) => (None, Some(count)),
        };
        let rate = match load.pace {
            Pace::Closed => None,
            Pace::Open { rate } => Some(rate),
        };
        Self {
            connections: load.connections,
            in_flight: load.callers,
            rate,
            seconds,
            count,
            warm_up_seconds: load.warm_up.as_secs_f64(),
            interval_seconds: load.interval.as_secs_f64(),
            threads,
        }
    }
}

impl Latency {
    fn of(tally: &Tally) -> Self {
        let empty = tally.latency.is_empty();
        Self {
            min: if empty { 0.0 } else { tally.latency.min() as f64 / 1e3 },
            mean: if empty { 0.0 } else { tally.latency.mean() / 1e3 },
            p50: tally.micros(0.5),
            p75: tally.micros(0.75),
            p90: tally.micros(0.9),
            p95: tally.micros(0.95),
            p99: tally.micros(0.99),
            p99_9: tally.micros(0.999),
            p99_99: tally.micros(0.9999),
            max: tally.micros(1.0),
        }
    }

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

impl Cpu {
    fn new(measured: &Measured) -> Self {
        let (used, calls) = (&measured.used, measured.total.calls + measured.total.failed());
        let share = |time: Duration| Share {
            cores: time.as_secs_f64() / used.window.as_secs_f64().max(f64::MIN_POSITIVE),
            us_per_call: time.as_secs_f64() * 1e6 / calls.max(1) as f64,
        };
        let server = used.server.as_ref();
        Self {
            generator: used.generator.map(share),
            server: server.ok().map(|(_, time)| share(*time)),
            server_pid: server.ok().map(|(pid, _)| *pid),
            server_unknown: server.err().cloned(),
        }
    }
}

impl From<&Sample> for SampleRecord {
    fn from(sample: &Sample) -> Self {
        let seconds = sample.length.as_secs_f64();
        Self {
            at: sample.end.as_secs_f64(),
            seconds,
            calls: sample.calls,
            errors: sample.errors,
            calls_per_second: sample.calls as f64 / seconds.max(f64::MIN_POSITIVE),
            p50_us: sample.p50_us,
            p99_us: sample.p99_us,
        }
    }
}

/// Latency at quantiles that come closer to 1 in equal steps of nines, as far as there are calls.
fn curve(tally: &Tally) -> Vec<Point> {
    let calls = tally.latency.len() as f64;
    let steps = (calls.max(1.0).log10().min(MOST_NINES) * STEPS_PER_NINE).floor() as u32;
    (0..=steps)
        .map(|step| {
            let quantile = 1.0 - 10_f64.powf(-f64::from(step) / STEPS_PER_NINE);
            Point { quantile, us: tally.micros(quantile) }
        })
        .collect()
}

const STEPS_PER_NINE: f64 = 12.0;
const MOST_NINES: f64 = 5.0;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A run of a second at a thousand calls each.
    pub(crate) fn example() -> Results {
        let mut total = Tally::new();
        for micros in 1..=10_000 {
            total.record(Ok(1), Duration::from_micros(micros));
        }
        let load = Load {
            connections: 1,
            callers: 8,
            pace: Pace::Closed,
            bound: Bound::Time(Duration::from_secs(2)),
            warm_up: Duration::ZERO,
            interval: Duration::from_millis(100),
            grace: Duration::ZERO,
        };
        let sample = |number: u32| Sample {
            end: load.interval * (number + 1),
            length: load.interval,
            calls: 500,
            errors: 0,
            p50_us: 50.0 + f64::from(number),
            p99_us: 90.0,
        };
        let window = Duration::from_secs(2);
        let server = Err("a test".to_owned());
        let used = crate::bench::cpu::Used { window, generator: None, server };
        let measured = Measured {
            total,
            elapsed: window,
            samples: (0..20).map(sample).collect(),
            used,
            dropped: 0,
            interrupted: false,
            lost: false,
        };
        let target = Target {
            address: "127.0.0.1:7000".to_owned(),
            method: "Calculator.add".to_owned(),
            arguments: "{}".to_owned(),
            protocol: "rpc over TCP".to_owned(),
        };
        Results::new(target, &load, 1, &measured)
    }

    #[test]
    fn figures_come_back_from_their_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.json");
        let written = example();
        std::fs::write(&path, serde_json::to_string(&written).unwrap()).unwrap();
        let read = Results::read(&path).unwrap();
        assert_eq!((&read.summary, &read.latency_us), (&written.summary, &written.latency_us));
        assert_eq!(read.whole().count(), 20);
        std::fs::write(&path, "{}").unwrap();
        let error = Results::read(&path).unwrap_err().to_string();
        assert!(error.contains("is no result of rpc bench --json"), "{error}");
    }

    #[test]
    fn a_curve_rises_and_goes_as_far_as_there_are_calls() {
        let mut tally = Tally::new();
        for micros in 1..=1000 {
            tally.record(Ok(1), Duration::from_micros(micros));
        }
        let curve = curve(&tally);
        let last = curve.last().unwrap();
        assert!((last.quantile - 0.999).abs() < 1e-9, "{last:?}");
        assert!(curve.windows(2).all(|pair| pair[0].us <= pair[1].us));
        assert_eq!(super::curve(&Tally::new()).len(), 1);
    }
}
