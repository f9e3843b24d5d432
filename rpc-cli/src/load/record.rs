//! What is counted of calls as they end. Callers record into a few shards, so that they hardly meet at a
//! lock; whoever keeps the time takes everything out once an interval.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hdrhistogram::Histogram;

/// How a call ended: with so many items (one, if the reply is a value), or not well.
pub type Ended = Result<u64, Failed>;

/// Why a call failed.
#[derive(Debug)]
pub struct Failed {
    /// What failures are counted by.
    pub status: Cow<'static, str>,
    /// What one of them said, as an example.
    pub message: String,
    /// Whether the way to the server is gone, so that no further call can succeed.
    pub lost: bool,
}

/// Where callers record.
#[derive(Debug)]
pub struct Recorder {
    shards: Box<[Mutex<Tally>]>,
}

/// Calls that have ended.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Those that ended well.
    pub calls: u64,
    /// Items that they brought.
    pub items: u64,
    /// Those that failed, by status.
    pub errors: BTreeMap<Cow<'static, str>, Errors>,
    /// Those that were begun later than the clock had them.
    pub late: u64,
    /// How long those took that ended well, in nanoseconds.
    pub latency: Histogram<u64>,
}

/// Calls that failed in the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errors {
    /// How many.
    pub count: u64,
    /// What the first of them said.
    pub example: String,
}

impl Recorder {
    /// So many shards, whose latencies have so many significant digits.
    pub fn new(shards: usize, digits: u8) -> Self {
        Self { shards: (0..shards.max(1)).map(|_| Mutex::new(Tally::new(digits))).collect() }
    }

    /// The shard that the caller with this number records into.
    pub fn shard(&self, caller: usize) -> MutexGuard<'_, Tally> {
        lock(&self.shards[caller % self.shards.len()])
    }

    /// Takes out what was recorded since the last time.
    pub fn take(&self) -> Tally {
        let mut all: Option<Tally> = None;
        for shard in &self.shards {
            let mut tally = lock(shard);
            let empty = tally.empty();
            let taken = mem::replace(&mut *tally, empty);
            match &mut all {
                Some(all) => all.add(&taken),
                None => all = Some(taken),
            }
        }
        all.expect("there is a shard")
    }
}

/// A tally is whole between any two statements, so a panic elsewhere leaves nothing half done.
fn lock(shard: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tally {
    /// No calls yet; latencies are to have so many significant digits, of 1 to 5.
    pub fn new(digits: u8) -> Self {
        let latency = Histogram::new_with_bounds(LOWEST_NS, HIGHEST_NS, digits.clamp(1, 5))
            .expect("the bounds are constants that the histogram accepts");
        Self { calls: 0, items: 0, errors: BTreeMap::new(), late: 0, latency }
    }

    fn empty(&self) -> Self {
        Self::new(self.latency.sigfig())
    }

    /// Counts calls that ended well, and how long each took if that was timed.
    pub fn count(&mut self, calls: u64, took: Option<Duration>) {
        self.calls += calls;
        if let Some(took) = took {
            let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
            self.latency.saturating_record_n(nanos, calls);
        }
    }

    /// Records the end of a call.
    pub fn record(&mut self, ended: Ended, took: Duration) {
        match ended {
            Ok(items) => {
                self.items += items;
                self.count(1, Some(took));
            }
            Err(Failed { status, message, .. }) => self.fail(status, 1, message),
        }
    }

    /// Counts calls that failed.
    pub fn fail(&mut self, status: Cow<'static, str>, count: u64, example: String) {
        let errors = self.errors.entry(status).or_insert(Errors { count: 0, example });
        errors.count += count;
    }

    /// Adds what was counted elsewhere.
    pub fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.items += other.items;
        self.late += other.late;
        for (status, errors) in &other.errors {
            self.fail(status.clone(), errors.count, errors.example.clone());
        }
        self.latency.add(&other.latency).expect("all tallies have the same bounds");
    }

    /// How many of the calls that ended well and were timed took no longer than `most`.
    pub fn within(&self, most: Duration) -> u64 {
        let nanos = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
        self.latency.count_between(0, nanos.min(HIGHEST_NS))
    }

    /// How many calls failed.
    pub fn failed(&self) -> u64 {
        self.errors.values().map(|errors| errors.count).sum()
    }

    /// The latency in microseconds that this share of the calls stayed under; zero if there were none.
    pub fn micros(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64 / 1e3
    }
}

const LOWEST_NS: u64 = 100;
const HIGHEST_NS: u64 = 3_600_000_000_000;
/// Significant digits where nothing asks for fewer.
pub const DIGITS: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(status: &'static str) -> Ended {
        Err(Failed { status: status.into(), message: "why".to_owned(), lost: false })
    }

    #[test]
    fn percentiles_are_those_of_the_values_that_were_recorded() {
        let mut tally = Tally::new(DIGITS);
        for micros in 1..=10_000 {
            tally.record(Ok(1), Duration::from_micros(micros));
        }
        for (quantile, micros) in [(0.5, 5000.0), (0.9, 9000.0), (0.999, 9990.0), (1.0, 10_000.0)] {
            let found = tally.micros(quantile);
            assert!((found / micros - 1.0).abs() < 0.001, "{quantile}: {found}");
        }
        assert_eq!(Tally::new(DIGITS).micros(0.99), 0.0);
    }

    #[test]
    fn those_are_counted_that_were_quick_enough() {
        let mut tally = Tally::new(DIGITS);
        for millis in 1..=100 {
            tally.record(Ok(1), Duration::from_millis(millis));
        }
        for (most, calls) in [(0, 0), (50, 50), (1000, 100), (u64::MAX / 1_000_000, 100)] {
            assert_eq!(tally.within(Duration::from_millis(most)), calls);
        }
    }

    #[test]
    fn errors_are_counted_by_status_and_have_no_latency() {
        let recorder = Recorder::new(2, DIGITS);
        for caller in 0..6 {
            recorder.shard(caller).record(failed("UNAVAILABLE"), Duration::from_secs(1));
            recorder.shard(caller).record(Ok(3), Duration::from_millis(1));
        }
        recorder.shard(0).record(failed("INTERNAL"), Duration::ZERO);
        let tally = recorder.take();
        assert_eq!((tally.calls, tally.items, tally.failed()), (6, 18, 7));
        assert_eq!(tally.errors["UNAVAILABLE"], Errors { count: 6, example: "why".to_owned() });
        assert_eq!(tally.latency.len(), 6);
        assert_eq!(recorder.take().calls, 0);
    }

    #[test]
    fn a_call_of_days_is_counted_as_the_longest_that_there_is() {
        let mut tally = Tally::new(DIGITS);
        tally.record(Ok(1), Duration::from_secs(1_000_000));
        assert!(tally.micros(1.0) >= 3.6e9);
    }
}
