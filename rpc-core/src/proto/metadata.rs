//! Key-value pairs that travel beside a call's arguments, in the request's header extension.

use std::fmt;

use thiserror::Error;

/// Key-value pairs beside a call's arguments: who asks, which trace, which tenant.
///
/// Keys are 1 to 64 characters of `a-z`, `0-9`, `-`, `_`, `.`; values are text. All pairs of one call
/// together hold at most 8 KiB. Setting a key again replaces its value.
///
/// ```
/// let mut metadata = rpc_core::Metadata::new();
/// metadata.set("tenant", "acme")?;
/// assert_eq!(metadata.value("tenant"), Some("acme"));
/// # Ok::<(), rpc_core::MetadataError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    // Bounded by: MAX_SIZE, checked by `set`.
    pairs: Vec<(Box<str>, Box<str>)>,
    size: usize,
}

/// Most bytes of keys and values that one call may carry.
const MAX_SIZE: usize = 8 << 10;

/// Longest key, in bytes.
const MAX_KEY: usize = 64;

/// What a pair costs against `MAX_SIZE` beside its bytes, so that empty values are not free.
const PAIR_COST: usize = 8;

/// A pair that metadata cannot carry.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// The key is empty, longer than 64 bytes, or has a character outside `a-z 0-9 - _ .`.
    #[error("metadata key {0:?} must be 1 to 64 characters of a-z, 0-9, '-', '_' and '.'")]
    Key(String),
    /// All pairs together would exceed 8 KiB.
    #[error("metadata of one call is limited to 8192 bytes, and {0:?} does not fit any more")]
    Size(String),
}

impl Metadata {
    /// No pairs.
    #[must_use]
    pub const fn new() -> Self {
        Self { pairs: Vec::new(), size: 0 }
    }

    /// Sets a pair, replacing the value that the key had.
    ///
    /// # Errors
    /// A key outside the allowed characters, or more than 8 KiB in all.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), MetadataError> {
        let valid = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
        if key.is_empty() || key.len() > MAX_KEY || !key.bytes().all(valid) {
            return Err(MetadataError::Key(key.chars().take(MAX_KEY).collect()));
        }
        let found = self.pairs.iter().position(|(existing, _)| **existing == *key);
        let freed = found.map_or(0, |at| pair_size(key, &self.pairs[at].1));
        let size = self.size - freed + pair_size(key, value);
        if size > MAX_SIZE {
            return Err(MetadataError::Size(key.to_owned()));
        }
        self.size = size;
        match found {
            Some(at) => self.pairs[at].1 = value.into(),
            None => self.pairs.push((key.into(), value.into())),
        }
        Ok(())
    }

    /// The value of a key.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&str> {
        self.iter().find(|(existing, _)| *existing == key).map(|(_, value)| value)
    }

    /// All pairs in the order they were first set.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(key, value)| (&**key, &**value))
    }

    /// A bound for the bytes that the pairs take on the wire.
    pub(crate) const fn size(&self) -> usize {
        self.size
    }

    /// Whether there is no pair.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }
}

fn pair_size(key: &str, value: &str) -> usize {
    key.len() + value.len() + PAIR_COST
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_a_key_again_replaces_its_value() {
        let mut metadata = Metadata::new();
        metadata.set("a", "1").unwrap();
        metadata.set("b", "2").unwrap();
        metadata.set("a", "3").unwrap();
        assert_eq!(metadata.iter().collect::<Vec<_>>(), [("a", "3"), ("b", "2")]);
    }

    #[test]
    fn bad_keys_and_too_much_are_refused() {
        let mut metadata = Metadata::new();
        for key in ["", "Upper", "with space", "ü", &"x".repeat(65)] {
            assert!(matches!(metadata.set(key, ""), Err(MetadataError::Key(_))), "{key}");
        }
        metadata.set("big", &"x".repeat(8000)).unwrap();
        assert_eq!(metadata.set("more", &"x".repeat(200)), Err(MetadataError::Size("more".into())));
        metadata.set("big", "small").unwrap();
        metadata.set("more", &"x".repeat(200)).unwrap();
    }

    #[test]
    fn ten_thousand_keys_do_not_fit() {
        let mut metadata = Metadata::new();
        let refused = (0..10_000).find(|n| metadata.set(&n.to_string(), "").is_err());
        assert!(refused.is_some_and(|n| n < 1000));
    }
}
