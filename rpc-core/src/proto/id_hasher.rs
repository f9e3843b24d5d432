//! A hasher for tables whose keys are numbers.

use std::hash::Hasher;

/// Hashes ids and hashes, by one multiplication: enough for numbers that are small and dense or random by
/// nature, and for hostile ones in tables of bounded size.
#[derive(Debug, Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u32(u32::from(byte));
        }
    }

    fn write_u32(&mut self, id: u32) {
        // The odd constant of Fibonacci hashing, 2^64 divided by the golden ratio.
        self.0 = (self.0 ^ u64::from(id)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}
