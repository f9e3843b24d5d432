//! How fast calls start that had to wait.

use std::time::{Duration, Instant};

/// The time from one start to the next while calls wait: what one more in the line costs those behind it.
#[derive(Debug)]
pub(super) struct Pace {
    /// Zero while nothing is known.
    gap: Duration,
    last: Option<Instant>,
    /// Gaps that the mean is of, more or less: where there are many threads, several may come to the next call at once.
    weight: u32,
}

/// The same for one thread.
const WEIGHT: u32 = 8;

impl Pace {
    pub(super) fn new(threads: u32) -> Self {
        Self { gap: Duration::ZERO, last: None, weight: threads.saturating_mul(WEIGHT) }
    }

    /// A call has started that did not wait: the time before it says nothing.
    pub(super) const fn begin(&mut self, now: Instant) {
        self.last = Some(now);
    }

    /// A call has started that had to wait.
    pub(super) fn start(&mut self, now: Instant) {
        if let Some(last) = self.last {
            let gap = now.saturating_duration_since(last);
            self.gap = match self.gap {
                Duration::ZERO => gap,
                mean => mean - mean / self.weight + gap / self.weight,
            };
        }
        self.last = Some(now);
    }

    /// The gap as far as it is known. One that goes on for longer than all before counts.
    pub(super) fn gap(&self, now: Instant) -> Duration {
        let present = self.last.map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        if present > 4 * self.gap { present } else { self.gap }
    }
}
