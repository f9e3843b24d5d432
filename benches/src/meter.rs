//! The clock that callers share, and what each of them counts.
//!
//! A caller asks the meter before each call whether to go on, and after it whether it counts; its
//! tally goes back to `run`. Reading the phase is one relaxed load, so it costs a call nothing.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;

/// What is happening to the calls that end at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// They warm caches up and are not counted.
    WarmUp,
    /// They are counted.
    Counting,
    /// No further call is begun.
    Closed,
}

/// Tells all callers of one cell the phase they are in and how many calls each may make.
#[derive(Debug)]
pub struct Meter {
    phase: AtomicU8,
    calls_per_caller: u64,
}

impl Meter {
    /// Makes a meter for a window of time: warming up until [`Meter::open`], counting until
    /// [`Meter::close`].
    pub fn for_window() -> Arc<Self> {
        Arc::new(Self { phase: AtomicU8::new(WARM_UP), calls_per_caller: MAX_CALLS_PER_CALLER })
    }

    /// Makes a meter for a number of calls: counting from the start, and each caller stops by
    /// itself.
    pub fn for_calls(calls_per_caller: u64) -> Arc<Self> {
        let calls_per_caller = calls_per_caller.min(MAX_CALLS_PER_CALLER);
        Arc::new(Self { phase: AtomicU8::new(COUNTING), calls_per_caller })
    }

    /// Begins to count.
    pub fn open(&self) {
        self.phase.store(COUNTING, Ordering::Relaxed);
    }

    /// Ends the window: callers finish the call they are in and return.
    pub fn close(&self) {
        self.phase.store(CLOSED, Ordering::Relaxed);
    }

    /// Says what happens to a call that ends at this moment.
    pub fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            WARM_UP => Phase::WarmUp,
            COUNTING => Phase::Counting,
            _ => Phase::Closed,
        }
    }

    /// The most calls that one caller makes, whatever the phase.
    pub fn calls_per_caller(&self) -> u64 {
        self.calls_per_caller
    }
}

/// The calls that were counted and how long the timed ones took.
#[derive(Debug, Clone)]
pub struct Tally {
    calls: u64,
    latency: Histogram<u32>,
}

impl Tally {
    /// Makes an empty tally.
    pub fn new() -> Self {
        let latency = Histogram::new_with_bounds(LOWEST_NS, HIGHEST_NS, SIGNIFICANT_DIGITS)
            .expect("the bounds are constants that the histogram accepts");
        Self { calls: 0, latency }
    }

    /// Counts calls that ended, and what each of them took if it was timed.
    pub fn count(&mut self, calls: u64, took: Option<Duration>) {
        self.calls += calls;
        if let Some(took) = took {
            let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
            self.latency.saturating_record_n(ns, u32::try_from(calls).unwrap_or(u32::MAX));
        }
    }

    /// Adds what another caller counted.
    pub fn merge(&mut self, other: &Self) {
        self.calls += other.calls;
        self.latency.add(&other.latency).expect("all tallies have the same bounds");
    }

    /// The number of calls counted.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// The latency that this share of the timed calls stayed under, in microseconds.
    pub fn latency_us(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64 / 1000.0
    }
}

/// What many callers count together. With a histogram for each, a thousand callers would push what is measured out
/// of the cache.
#[derive(Debug)]
pub struct SharedTally {
    shards: [Mutex<Tally>; SHARDS],
}

impl SharedTally {
    /// Makes an empty tally.
    pub fn new() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::new(Tally::new())) }
    }

    /// Counts calls of the caller with this number.
    pub fn count(&self, caller: u64, calls: u64, took: Option<Duration>) {
        let shard = &self.shards[(caller % SHARDS as u64) as usize];
        shard.lock().unwrap_or_else(PoisonError::into_inner).count(calls, took);
    }

    /// What all callers have counted.
    pub fn sum(&self) -> Tally {
        let mut sum = Tally::new();
        for shard in &self.shards {
            sum.merge(&shard.lock().unwrap_or_else(PoisonError::into_inner));
        }
        sum
    }
}

impl Default for SharedTally {
    fn default() -> Self {
        Self::new()
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self::new()
    }
}

/// Starts a stopwatch for the calls that a lane times.
pub fn stopwatch(call: u64, timed_every: u64) -> Option<Instant> {
    call.is_multiple_of(timed_every).then(Instant::now)
}

const WARM_UP: u8 = 0;
const COUNTING: u8 = 1;
const CLOSED: u8 = 2;

/// Bounds every caller's loop in count; a window of seconds stays far below it.
const MAX_CALLS_PER_CALLER: u64 = 1_000_000_000;

const LOWEST_NS: u64 = 100;
const HIGHEST_NS: u64 = 60_000_000_000;
/// Two digits keep a histogram at some 15 KB.
const SIGNIFICANT_DIGITS: u8 = 2;

/// Enough that callers on two threads seldom want the same.
const SHARDS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_tallies_have_the_calls_and_latencies_of_both() {
        let mut fast = Tally::new();
        fast.count(99, Some(Duration::from_micros(10)));
        let mut slow = Tally::new();
        slow.count(1, Some(Duration::from_micros(900)));
        fast.merge(&slow);
        assert_eq!(fast.calls(), 100);
        assert!((fast.latency_us(0.5) - 10.0).abs() < 0.2, "{}", fast.latency_us(0.5));
        assert!((fast.latency_us(1.0) - 900.0).abs() < 9.0, "{}", fast.latency_us(1.0));
    }

    #[test]
    fn callers_that_count_together_lose_no_call() {
        let tally = SharedTally::new();
        for caller in 0..10 {
            tally.count(caller, 7, None);
            tally.count(caller, 1, Some(Duration::from_micros(10)));
        }
        let sum = tally.sum();
        assert_eq!(sum.calls(), 80);
        assert!((sum.latency_us(1.0) - 10.0).abs() < 0.2, "{}", sum.latency_us(1.0));
    }

    #[test]
    fn a_meter_for_a_window_counts_only_while_it_is_open() {
        let meter = Meter::for_window();
        assert_eq!(meter.phase(), Phase::WarmUp);
        meter.open();
        assert_eq!(meter.phase(), Phase::Counting);
        meter.close();
        assert_eq!(meter.phase(), Phase::Closed);
    }

    #[test]
    fn only_the_timed_calls_start_a_stopwatch() {
        let timed: Vec<u64> = (0..20).filter(|call| stopwatch(*call, 8).is_some()).collect();
        assert_eq!(timed, [0, 8, 16]);
    }
}
