//! Times in buckets of which each is at most an eighth wider than the one before it: any quantile is right to 6 %.

use std::time::Duration;

/// Buckets of an octave, as a power of two.
const STEPS: u32 = 3;

/// The highest octave, of nanoseconds: two days.
const OCTAVES: u32 = 47;

/// How many buckets there are.
pub(super) const BUCKETS: usize = ((OCTAVES - STEPS + 2) << STEPS) as usize;

/// The bucket that a time belongs to.
pub(super) fn bucket(took: Duration) -> usize {
    let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX).min((1 << OCTAVES) - 1);
    let first = 1 << STEPS;
    if nanos < first {
        return nanos as usize;
    }
    let octave = nanos.ilog2();
    let step = (nanos >> (octave - STEPS)) - first;
    ((u64::from(octave - STEPS + 1) << STEPS) + step) as usize
}

/// The first time that is longer than those of a bucket.
pub(crate) fn ends_at(bucket: u16) -> Duration {
    let (octave, step) = (u64::from(bucket >> STEPS), u64::from(bucket) & ((1 << STEPS) - 1));
    let nanos = match octave {
        0 => step + 1,
        octave => ((1 << STEPS) + step + 1) << (octave - 1).min(62),
    };
    Duration::from_nanos(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_is_in_a_bucket_that_ends_a_little_later() {
        let mut nanos = 0_u64;
        while nanos < 1 << OCTAVES {
            let took = Duration::from_nanos(nanos);
            let bucket = bucket(took);
            let end = ends_at(bucket as u16);
            assert!(end > took, "{took:?} is in a bucket that ends at {end:?}");
            assert!(end.as_nanos() as f64 <= nanos as f64 * 1.126 + 1.0, "{took:?} {end:?}");
            if bucket > 0 {
                assert!(ends_at(bucket as u16 - 1) <= took, "{took:?}");
            }
            nanos += 1 + nanos / 37;
        }
        assert!(bucket(Duration::MAX) < BUCKETS);
    }
}
