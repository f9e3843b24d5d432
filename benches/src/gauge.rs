//! What benches judge by: CPU time of both processes, latencies, medians, verdicts.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use rpc_cli::load::{cpu, statistics::Spread};

/// How CPU times are read, for reports.
pub const METHOD: &str =
    "process CPU clock of each process (clock_getcpuclockid: user + system, all threads, ns)";

/// CPU time that a process has used since it began.
///
/// # Errors
///
/// When there is no such process or its clock may not be read.
pub fn time_of(pid: u32) -> Result<Duration> {
    cpu::time_of(pid).with_context(|| format!("no CPU clock of process {pid} can be read"))
}

/// Time and CPU time of both processes, at an instant or over a window.
#[derive(Debug, Clone, Copy)]
pub struct Usage<At = Instant> {
    /// The instant, or how long the window was.
    pub at: At,
    /// CPU time of this process.
    pub client: Duration,
    /// CPU time of the server's process.
    pub server: Duration,
}

impl Usage {
    /// Reads the clocks.
    ///
    /// # Errors
    ///
    /// When a process is gone, or its clock may not be read.
    pub fn read(server: u32) -> Result<Self> {
        let at = Instant::now();
        let client = time_of(std::process::id())?;
        Ok(Self { at, client, server: time_of(server)? })
    }

    /// What has passed and was used since.
    #[must_use]
    pub fn since(self, before: Self) -> Usage<Duration> {
        Usage {
            at: self.at - before.at,
            client: self.client.saturating_sub(before.client),
            server: self.server.saturating_sub(before.server),
        }
    }
}

/// A stretch over which the CPU time of both processes is counted.
pub(crate) struct Clock {
    server: u32,
    began: Usage,
}

impl Clock {
    pub(crate) fn start(server: u32) -> Result<Self> {
        Ok(Self { server, began: Usage::read(server)? })
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.began.at.elapsed()
    }

    /// Seconds, and seconds of CPU.
    pub(crate) fn stop(&self) -> Result<(f64, f64)> {
        let used = Usage::read(self.server)?.since(self.began);
        Ok((used.at.as_secs_f64(), (used.client + used.server).as_secs_f64()))
    }
}

/// Latencies in microseconds.
pub(crate) struct Latencies(Histogram<u64>);

impl Latencies {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(Histogram::new_with_bounds(1, LONGEST_US, 3)?))
    }

    pub(crate) fn add(&mut self, time: Duration) {
        self.0.saturating_record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    pub(crate) fn merge(&mut self, other: &Self) -> Result<()> {
        Ok(self.0.add(&other.0)?)
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// At least one microsecond, so that it can be divided by.
    pub(crate) fn at(&self, quantile: f64) -> u64 {
        self.0.value_at_quantile(quantile).max(1)
    }
}

/// A minute: what takes longer counts as that.
const LONGEST_US: u64 = 60_000_000;

pub(crate) fn median(figures: Vec<f64>) -> f64 {
    Spread::of(figures).median
}

pub(crate) fn verdict(holds: bool) -> &'static str {
    if holds { "held" } else { "NOT held" }
}
