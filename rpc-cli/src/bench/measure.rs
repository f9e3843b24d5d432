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

use super::caller::{Ended, Failed};

/// Where callers record.
#[derive(Debug)]
pub(crate) struct Recorder {
    shards: Box<[Mutex<Tally>]>,
}

/// Calls that have ended.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
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
pub(crate) struct Errors {
    pub count: u64,
    /// What the first of them said.
    pub example: String,
}

impl Recorder {
    /// So many shards.
    pub(crate) fn new(shards: usize) -> Self {
        Self { shards: (0..shards.max(1)).map(|_| Mutex::new(Tally::new())).collect() }
    }

    /// The shard that the caller with this number records into.
    pub(crate) fn shard(&self, caller: usize) -> MutexGuard<'_, Tally> {
        lock(&self.shards[caller % self.shards.len()])
    }

    /// Takes out what was recorded since the last time.
    pub(crate) fn take(&self) -> Tally {
        let mut all = Tally::new();
        for shard in &self.shards {
            let empty = Tally::new();
            let taken = mem::replace(&mut *lock(shard), empty);
            all.add(&taken);
        }
        all
    }
}

/// A tally is whole between any two statements, so a panic elsewhere leaves nothing half done.
fn lock(shard: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tally {
    pub(crate) fn new() -> Self {
        let latency = Histogram::new_with_bounds(LOWEST_NS, HIGHEST_NS, DIGITS)
            .expect("the bounds are constants that the histogram accepts");
        Self { calls: 0, items: 0, errors: BTreeMap::new(), late: 0, latency }
    }

    /// Records the end of a call.
    pub(crate) fn record(&mut self, ended: Ended, took: Duration) {
        match ended {
            Ok(items) => {
                self.calls += 1;
                self.items += items;
                let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
                self.latency.saturating_record(nanos);
            }
            Err(Failed { status, message, .. }) => self.fail(status, 1, message),
        }
    }

    /// Counts calls that failed.
    pub(crate) fn fail(&mut self, status: Cow<'static, str>, count: u64, example: String) {
        let errors = self.errors.entry(status).or_insert(Errors { count: 0, example });
        errors.count += count;
    }

    /// Adds what was counted elsewhere.
    pub(crate) fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.items += other.items;
        self.late += other.late;
        for (status, errors) in &other.errors {
            self.fail(status.clone(), errors.count, errors.example.clone());
        }
        self.latency.add(&other.latency).expect("all tallies have the same bounds");
    }

    /// How many calls failed.
    pub(crate) fn failed(&self) -> u64 {
        self.errors.values().map(|errors| errors.count).sum()
    }

    /// The latency in microseconds that this share of the calls stayed under; zero if there were none.
    pub(crate) fn micros(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64 / 1e3
    }
}

const LOWEST_NS: u64 = 100;
const HIGHEST_NS: u64 = 3_600_000_000_000;
const DIGITS: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(status: &'static str) -> Ended {
        Err(Failed { status: status.into(), message: "why".to_owned(), lost: false })
    }

    #[test]
    fn percentiles_are_those_of_the_values_that_were_recorded() {
        let mut tally = Tally::new();
        for micros in 1..=10_000 {
            tally.record(Ok(1), Duration::from_micros(micros));
        }
        for (quantile, micros) in [(0.5, 5000.0), (0.9, 9000.0), (0.999, 9990.0), (1.0, 10_000.0)] {
            let found = tally.micros(quantile);
            assert!((found / micros - 1.0).abs() < 0.001, "{quantile}: {found}");
        }
        assert_eq!(Tally::new().micros(0.99), 0.0);
    }

    #[test]
    fn errors_are_counted_by_status_and_have_no_latency() {
        let recorder = Recorder::new(2);
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
        let mut tally = Tally::new();
        tally.record(Ok(1), Duration::from_secs(1_000_000));
        assert!(tally.micros(1.0) >= 3.6e9);
    }
}
