//! What benches that print one table with bars share: CPU time over a stretch, medians, latencies, verdicts.

use std::time::{Duration, Instant};

use anyhow::Result;
use hdrhistogram::Histogram;

use crate::cpu;

/// CPU time of both processes since the start, and the time that has passed.
pub(crate) struct Clock {
    pub(crate) began: Instant,
    server: u32,
    used: Duration,
}

impl Clock {
    pub(crate) fn start(server: u32) -> Result<Self> {
        let used = cpu::time_of(std::process::id())? + cpu::time_of(server)?;
        Ok(Self { began: Instant::now(), server, used })
    }

    /// Seconds, and seconds of CPU.
    pub(crate) fn stop(&self) -> Result<(f64, f64)> {
        let used = cpu::time_of(std::process::id())? + cpu::time_of(self.server)?;
        let seconds = self.began.elapsed().as_secs_f64();
        Ok((seconds, (used - self.used).as_secs_f64()))
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

pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

pub(crate) fn verdict(holds: bool) -> &'static str {
    if holds { "held" } else { "NOT held" }
}
