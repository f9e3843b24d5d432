//! An idempotency key: the name of what a call is to do (PROTOCOL §8).

use std::{
    fmt,
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use thiserror::Error;

/// The name of what a call is to do, 1 to 64 bytes: its server does it once for all calls of one method that carry the same
/// one; see [`Call::idempotency_key`](crate::Call::idempotency_key).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
// A thin pointer: the head of every call has room for one.
pub struct IdempotencyKey(Arc<Box<[u8]>>);

/// Bytes that are not an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an idempotency key is 1 to {most} bytes long, and this one has {length}", most = IdempotencyKey::MAX)]
pub struct IdempotencyKeyError {
    length: usize,
}

impl IdempotencyKey {
    /// Most bytes of a key.
    pub const MAX: usize = 64;

    /// A key of these bytes.
    ///
    /// # Errors
    /// There are none, or more than 64.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, IdempotencyKeyError> {
        let bytes = bytes.into();
        match bytes.len() {
            1..=Self::MAX => Ok(Self(Arc::new(bytes.into_boxed_slice()))),
            length => Err(IdempotencyKeyError { length }),
        }
    }

    /// A key that no other call has: 16 bytes that this process drew by chance, and a number.
    #[must_use]
    pub(crate) fn unique() -> Self {
        static PROCESS: OnceLock<[u64; 2]> = OnceLock::new();
        static NEXT: AtomicU64 = AtomicU64::new(0);
        // Whoever guesses a key of another caller is given its answer: the keys of the hash are from the system.
        let [first, second] = *PROCESS.get_or_init(|| {
            let chance = RandomState::new();
            [chance.hash_one(0), chance.hash_one(1)]
        });
        let mut bytes = Vec::with_capacity(24);
        for part in [first, second, NEXT.fetch_add(1, Ordering::Relaxed)] {
            bytes.extend_from_slice(&part.to_le_bytes());
        }
        Self(Arc::new(bytes.into_boxed_slice()))
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What names the memory of a server that remembers which calls it has run once: 16 bytes, drawn by chance (PROTOCOL §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryId(pub [u8; 16]);

impl MemoryId {
    /// One that no other memory has.
    pub(crate) fn unique() -> Self {
        let chance = RandomState::new();
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&chance.hash_one(0).to_le_bytes());
        bytes[8..].copy_from_slice(&chance.hash_one(1).to_le_bytes());
        Self(bytes)
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdempotencyKey({})", self.0.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_1_to_64_bytes_long() {
        assert_eq!(IdempotencyKey::new([]).unwrap_err().length, 0);
        assert_eq!(IdempotencyKey::new([7; 65]).unwrap_err().length, 65);
        assert_eq!(IdempotencyKey::new([7; 64]).unwrap().as_bytes(), [7; 64]);
    }

    #[test]
    fn no_two_calls_have_the_same_key() {
        let keys: std::collections::HashSet<_> =
            (0..1000).map(|_| IdempotencyKey::unique()).collect();
        assert_eq!(keys.len(), 1000);
    }
}
