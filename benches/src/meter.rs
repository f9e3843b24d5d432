//! The clock that callers share.
//!
//! A caller asks the meter before each call whether to go on, and after it whether it counts. Reading the phase is one
//! relaxed load, so it costs a call nothing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Instant,
};

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

/// Starts a stopwatch for the calls that a lane times.
pub fn stopwatch(call: u64, timed_every: u64) -> Option<Instant> {
    call.is_multiple_of(timed_every).then(Instant::now)
}

const WARM_UP: u8 = 0;
const COUNTING: u8 = 1;
const CLOSED: u8 = 2;

/// Bounds every caller's loop in count; a window of seconds stays far below it.
const MAX_CALLS_PER_CALLER: u64 = 1_000_000_000;

/// Significant digits of latencies: two keep a histogram small, so that it does not push what is measured out of the
/// cache.
pub const DIGITS: u8 = 2;

/// The shards that callers count into: with a histogram for each, a thousand callers would push what is measured out
/// of the cache; these are enough that callers on two threads seldom want the same.
pub const SHARDS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

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
