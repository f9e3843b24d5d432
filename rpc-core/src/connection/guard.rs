//! Which methods hold their connection up: a handler is polled where its request was read, so one that
//! computes for long delays the calls behind it. Such methods are noticed, and spawned from then on.

use std::{
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};

/// A first poll that takes longer than this is slow.
const SLOW: Duration = Duration::from_micros(50);

/// What a slow poll adds to the score, and a fast one takes off. A single slow poll may be the
/// scheduler's doing; two within a few samples are the method's.
const PENALTY: u32 = 8;

/// From this score on a method is spawned, until it is back at zero.
const SPAWN_AT: u32 = 16;

/// After the first calls, one in so many is timed.
const SAMPLE: u32 = 16;

/// Watches how long the first polls of one method's handlers take. Races between threads lose a sample
/// at worst.
#[derive(Debug, Default)]
pub(crate) struct SlowGuard {
    calls: AtomicU32,
    score: AtomicU32,
    spawned: AtomicU32,
}

impl SlowGuard {
    /// Whether handlers of this method are to be spawned.
    pub(super) fn is_slow(&self) -> bool {
        self.spawned.load(Relaxed) != 0
    }

    /// Whether the next poll is to be timed.
    pub(super) fn wants_sample(&self) -> bool {
        let calls = self.calls.load(Relaxed);
        self.calls.store(calls.wrapping_add(1), Relaxed);
        calls < SAMPLE || calls.is_multiple_of(SAMPLE) || self.score.load(Relaxed) > 0
    }

    /// Takes note of how long a first poll took.
    pub(super) fn record(&self, took: Duration) {
        let score = self.score.load(Relaxed);
        let score = if took > SLOW { score + PENALTY } else { score.saturating_sub(1) };
        let score = score.min(2 * SPAWN_AT);
        self.score.store(score, Relaxed);
        if score >= SPAWN_AT {
            self.spawned.store(1, Relaxed);
        } else if score == 0 {
            self.spawned.store(0, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAST: Duration = Duration::from_micros(1);

    #[test]
    fn one_hiccup_is_forgiven_and_two_are_not() {
        let guard = SlowGuard::default();
        guard.record(SLOW * 2);
        assert!(!guard.is_slow());
        (0..PENALTY).for_each(|_| guard.record(FAST));
        guard.record(SLOW * 2);
        assert!(!guard.is_slow());
        guard.record(SLOW * 2);
        assert!(guard.is_slow());
    }

    #[test]
    fn a_method_that_became_fast_runs_in_place_again() {
        let guard = SlowGuard::default();
        (0..10).for_each(|_| guard.record(SLOW * 2));
        assert!(guard.is_slow());
        (0..2 * SPAWN_AT).for_each(|_| guard.record(FAST));
        assert!(!guard.is_slow());
    }

    #[test]
    fn early_calls_are_all_timed_and_later_ones_seldom() {
        let guard = SlowGuard::default();
        assert!((0..SAMPLE).all(|_| guard.wants_sample()));
        let sampled = (0..10 * SAMPLE).filter(|_| guard.wants_sample()).count();
        assert_eq!(sampled, 10);
    }
}
