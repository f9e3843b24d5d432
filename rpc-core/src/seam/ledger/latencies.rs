//! The times of calls, counted in buckets.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use crate::seam::buckets::{BUCKETS, bucket};

pub(super) struct Latencies(Box<[AtomicU64]>);

impl Latencies {
    pub(super) fn new() -> Self {
        Self((0..BUCKETS).map(|_| AtomicU64::new(0)).collect())
    }

    pub(super) fn record(&self, took: Duration, weight: u32) {
        self.0[bucket(took)].fetch_add(weight.into(), Relaxed);
    }

    /// The buckets that are not empty.
    pub(super) fn buckets(&self) -> Vec<(u16, u64)> {
        let counts = self.0.iter().map(|count| count.load(Relaxed));
        (0..).zip(counts).filter(|(_, count)| *count > 0).collect()
    }
}
