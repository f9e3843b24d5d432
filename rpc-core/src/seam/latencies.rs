//! How long calls took lately, by method: the time within which a part of them was answered.

use std::{collections::HashMap, time::Duration};

use parking_lot::Mutex;

/// The methods of which times are kept; those beyond are not hedged by percentile.
const METHODS: usize = 1000;

/// After so many calls the older ones are forgotten, of which there are as many.
const TURN: u32 = 1000;

/// Fewer calls tell nothing.
const FEWEST: u32 = 100;

/// Each doubling of a time is cut into so many steps.
const STEPS: u64 = 8;

/// Steps from 1 µs to an hour and more.
const BUCKETS: usize = 33 * STEPS as usize;

/// How long calls took lately. Bounded by: [`METHODS`], each of about 2 KB.
#[derive(Debug, Default)]
pub(crate) struct Latencies(Mutex<HashMap<u64, Histogram>>);

impl Latencies {
    /// Notes the time of a call of a method, given by its key.
    pub(crate) fn note(&self, method: u64, took: Duration) {
        let mut known = self.0.lock();
        if known.len() >= METHODS && !known.contains_key(&method) {
            return;
        }
        known.entry(method).or_default().note(took);
    }

    /// The time within which this part of the latest calls was answered, if enough is known.
    pub(crate) fn quantile(&self, method: u64, part: f32) -> Option<Duration> {
        self.0.lock().get(&method)?.quantile(part)
    }
}

/// Times in steps of about a twelfth: those of the present turn, and of the one before.
#[derive(Debug)]
struct Histogram {
    present: Box<[u32; BUCKETS]>,
    before: Box<[u32; BUCKETS]>,
    count: u32,
    all: u32,
}

impl Default for Histogram {
    fn default() -> Self {
        let empty = || Box::new([0; BUCKETS]);
        Self { present: empty(), before: empty(), count: 0, all: 0 }
    }
}

impl Histogram {
    fn note(&mut self, took: Duration) {
        if self.count == TURN {
            std::mem::swap(&mut self.present, &mut self.before);
            self.present.fill(0);
            (self.count, self.all) = (0, TURN);
        }
        self.present[bucket(took)] += 1;
        self.count += 1;
        self.all += 1;
    }

    fn quantile(&self, part: f32) -> Option<Duration> {
        if self.all < FEWEST {
            return None;
        }
        let mut left = (f64::from(part) * f64::from(self.all)).ceil();
        let counts = self.present.iter().zip(self.before.iter());
        let index = counts.map(|(one, other)| f64::from(one + other)).position(|count| {
            left -= count;
            left <= 0.0
        });
        Some(end_of(index.unwrap_or(BUCKETS - 1)))
    }
}

fn bucket(took: Duration) -> usize {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
    let doublings = u64::from(micros.ilog2());
    let within = ((u128::from(micros) * u128::from(STEPS)) >> doublings) as u64 - STEPS;
    usize::try_from(doublings * STEPS + within).unwrap_or(BUCKETS).min(BUCKETS - 1)
}

/// The longest time of a bucket.
fn end_of(index: usize) -> Duration {
    let (doublings, within) = (index as u64 / STEPS, index as u64 % STEPS);
    Duration::from_nanos(((STEPS + within + 1) * 1000 << doublings) / STEPS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_part_of_the_latest_calls_is_told_and_older_ones_are_forgotten() {
        let known = Latencies::default();
        for call in 1..=99 {
            known.note(1, Duration::from_millis(call));
        }
        assert_eq!(known.quantile(1, 0.5), None, "too few");
        known.note(1, Duration::from_millis(100));
        for (part, millis) in [(0.5, 50), (0.9, 90), (0.99, 99)] {
            let told = known.quantile(1, part).unwrap().as_millis();
            assert!((millis..=millis * 9 / 8 + 1).contains(&told), "{told} for {part}");
        }
        for _ in 0..2 * TURN {
            known.note(1, Duration::from_millis(1));
        }
        assert!(known.quantile(1, 0.9999).unwrap() < Duration::from_millis(2));
        assert_eq!(known.quantile(2, 0.5), None, "another method");
    }

    proptest! {
        #[test]
        fn a_time_is_not_above_the_end_of_its_bucket_nor_far_below(micros in 1u64..3_600_000_000) {
            let took = Duration::from_micros(micros);
            let end = end_of(bucket(took));
            prop_assert!(took <= end && end <= took + took / 4 + Duration::from_micros(1), "{took:?} {end:?}");
        }
    }
}
