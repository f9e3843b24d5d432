//! What has become of calls.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What has become of the calls of methods that are kept, since the cache was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheFigures {
    /// Calls that were answered with what was fresh.
    pub hits: u64,
    /// Calls that were answered with what was out of date, while it was refreshed.
    pub stale: u64,
    /// Calls that were made, to fill the cache; those that refresh it are among them.
    pub misses: u64,
    /// Calls that waited for one of those, and got its answer.
    pub waited: u64,
    /// Calls that were made without the cache: Redis was gone, or it cannot be told whose the answer is.
    pub passed: u64,
    /// Times that something was forgotten.
    pub forgotten: u64,
    /// Answers in memory; those included that are out of date and not thrown away yet.
    pub entries: u64,
    /// Bytes of them.
    pub bytes: u64,
}

impl CacheFigures {
    /// The part of calls that were answered without their handler, 0 to 1; `None` before the first.
    #[must_use]
    pub fn hit_rate(&self) -> Option<f64> {
        let without = self.hits + self.stale + self.waited;
        let all = without + self.misses + self.passed;
        (all > 0).then(|| without as f64 / all as f64)
    }
}

#[derive(Default)]
pub(super) struct Counters {
    pub(super) hits: AtomicU64,
    pub(super) stale: AtomicU64,
    pub(super) misses: AtomicU64,
    pub(super) waited: AtomicU64,
    pub(super) passed: AtomicU64,
    pub(super) forgotten: AtomicU64,
}

/// Counts one more.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

impl Counters {
    pub(super) fn read(&self, entries: u64, bytes: u64) -> CacheFigures {
        CacheFigures {
            hits: self.hits.load(Relaxed),
            stale: self.stale.load(Relaxed),
            misses: self.misses.load(Relaxed),
            waited: self.waited.load(Relaxed),
            passed: self.passed.load(Relaxed),
            forgotten: self.forgotten.load(Relaxed),
            entries,
            bytes,
        }
    }
}
