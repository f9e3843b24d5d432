//! The times between attempts.

use std::{
    hash::{BuildHasher as _, RandomState},
    time::Duration,
};

use super::Reconnect;

/// What each time is longer by than the one before it.
const FACTOR: f64 = 1.6;

/// The part by which a time is longer or shorter by chance.
const JITTER: f64 = 0.2;

impl Reconnect {
    /// The time between an attempt and the next, when so many have failed in a row.
    pub(super) fn delay(&self, failures: u32) -> Duration {
        self.mean_delay(failures).mul_f64(1.0 + JITTER * chance())
    }

    fn mean_delay(&self, failures: u32) -> Duration {
        let steps = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
        let (first, longest) = (self.first.as_secs_f64(), self.longest.as_secs_f64());
        Duration::from_secs_f64((first * FACTOR.powi(steps)).min(longest))
    }
}

/// A number from -1 to 1: the hash of nothing, with keys that are others each time.
fn chance() -> f64 {
    let bits = RandomState::new().hash_one(0) >> 11;
    bits as f64 / (1u64 << 52) as f64 - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_the_longest_and_no_further() {
        let reconnect = Reconnect::new();
        let millis = |failures| reconnect.mean_delay(failures).as_millis();
        assert_eq!([0, 1, 2, 3].map(millis), [50, 50, 80, 128]);
        assert_eq!([20, 1_000_000, u32::MAX].map(millis), [30_000; 3]);
    }

    #[test]
    fn chance_lies_on_both_sides_and_within_its_bounds() {
        let drawn: Vec<f64> = (0..1000).map(|_| chance()).collect();
        assert!(drawn.iter().all(|part| (-1.0..=1.0).contains(part)));
        assert!(drawn.iter().any(|part| *part < -0.5) && drawn.iter().any(|part| *part > 0.5));
    }
}
