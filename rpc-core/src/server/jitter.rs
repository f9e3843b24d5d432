//! Times that differ by chance, so that what is begun together does not end together.

use std::{
    hash::{BuildHasher as _, RandomState},
    time::Duration,
};

/// A time that is longer or shorter by chance, by up to this part of it.
pub(super) fn jittered(time: Duration, part: f64) -> Duration {
    let bits = RandomState::new().hash_one(0) >> 11;
    let chance = bits as f64 / (1u64 << 52) as f64 - 1.0;
    // A time that no clock reaches stays as it is.
    Duration::try_from_secs_f64(time.as_secs_f64() * (1.0 + part * chance)).unwrap_or(time)
}
