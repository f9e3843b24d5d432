//! Key-value pairs that travel beside arguments, values and statuses, in header extensions.

use std::fmt;

use thiserror::Error;

/// Key-value pairs beside a call's arguments or its reply: who asks, which trace, which tenant.
///
/// Keys are 1 to 64 characters of `a-z`, `0-9`, `-`, `_`, `.`. Values are text; under keys that end in `-bin` they are
/// any bytes, which have methods of their own. A key may have several values: [`Self::append`] adds one, [`Self::set`]
/// takes the place of all that there were. All pairs of one call together are at most 128 and hold at most 60,000 bytes: with
/// a token and all else that travels with a call they fit the 64 KiB of its head.
///
/// ```
/// use rpc_core::Metadata;
///
/// let mut metadata = Metadata::new();
/// metadata.set("tenant", "acme")?;
/// metadata.append("via", "gateway")?;
/// metadata.append("via", "cache")?;
/// metadata.set_bin("trace-bin", [0x4b, 0xf9])?;
/// assert_eq!(metadata.value("tenant"), Some("acme"));
/// assert!(metadata.values("via").eq(["gateway", "cache"]));
/// assert_eq!(metadata.value_bin("trace-bin"), Some(&[0x4b, 0xf9][..]));
/// # Ok::<(), rpc_core::MetadataError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    // Bounded by: MAX_PAIRS and MAX_SIZE, checked wherever a pair is added.
    pairs: Vec<(Box<str>, Value)>,
    size: usize,
}

#[derive(Clone, PartialEq, Eq)]
enum Value {
    Text(Box<str>),
    Binary(Box<[u8]>),
}

/// A value of [`Metadata`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MetadataValue<'a> {
    /// Text.
    Text(&'a str),
    /// Bytes, under a key that ends in `-bin`.
    Binary(&'a [u8]),
}

/// Longest key, in bytes.
const MAX_KEY: usize = 64;

/// What a pair costs against `MAX_SIZE` beside its bytes, so that empty values are not free.
const PAIR_COST: usize = 8;

/// How the keys end whose values are bytes.
const BINARY: &str = "-bin";

/// A pair that metadata cannot carry.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// The key is empty, longer than 64 bytes, or has a character outside `a-z 0-9 - _ .`.
    #[error("metadata key {0:?} must be 1 to 64 characters of a-z, 0-9, '-', '_' and '.'")]
    Key(String),
    /// The value is text and the key ends in `-bin`, or the other way round.
    #[error(
        "metadata under keys that end in \"-bin\" is bytes, and all other is text: {0:?} has the wrong kind of value"
    )]
    Kind(String),
    /// All pairs together would exceed 60,000 bytes.
    #[error("metadata of one call is limited to 60000 bytes, and {0:?} does not fit any more")]
    Size(String),
    /// What it would travel with has left, or the call has no reply.
    #[error(
        "it is too late for metadata {0:?}: what it would travel with has been sent, or the call has no reply"
    )]
    Late(String),
    /// There would be more than 128 pairs.
    #[error("metadata of one call is limited to 128 pairs, and {0:?} would be one more")]
    Pairs(String),
}

impl Metadata {
    /// Most pairs that one call may carry each way.
    pub const MAX_PAIRS: usize = 128;

    /// Most bytes of keys and values that one call may carry each way, 8 more for each pair.
    pub const MAX_SIZE: usize = 60_000;

    /// No pairs.
    #[must_use]
    pub const fn new() -> Self {
        Self { pairs: Vec::new(), size: 0 }
    }

    /// Sets the value of a key, in the place of all that it had.
    ///
    /// # Errors
    /// A key outside the allowed characters or for bytes, more than 60,000 bytes or 128 pairs in all. Nothing is changed then.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), MetadataError> {
        self.replace(key, Value::Text(value.into()))
    }

    /// Adds a value to those that a key has.
    ///
    /// # Errors
    /// As for [`Self::set`].
    pub fn append(&mut self, key: &str, value: &str) -> Result<(), MetadataError> {
        self.add(key, Value::Text(value.into()))
    }

    /// Sets the bytes of a key that ends in `-bin`, in the place of all that it had.
    ///
    /// # Errors
    /// As for [`Self::set`], but the key is not for bytes.
    pub fn set_bin(&mut self, key: &str, value: impl AsRef<[u8]>) -> Result<(), MetadataError> {
        self.replace(key, Value::Binary(value.as_ref().into()))
    }

    /// Adds bytes to those that a key which ends in `-bin` has.
    ///
    /// # Errors
    /// As for [`Self::set_bin`].
    pub fn append_bin(&mut self, key: &str, value: impl AsRef<[u8]>) -> Result<(), MetadataError> {
        self.add(key, Value::Binary(value.as_ref().into()))
    }

    /// Adds all pairs of `other`, behind those that there are.
    ///
    /// # Errors
    /// More than 60,000 bytes or 128 pairs in all; those that fitted have been added.
    pub fn append_all(&mut self, other: &Self) -> Result<(), MetadataError> {
        other.pairs.iter().try_for_each(|(key, value)| self.add(key, value.clone()))
    }

    /// Sets the values of all keys in `other`, each in the place of those that the key had.
    ///
    /// # Errors
    /// As for [`Self::append_all`]; the keys of `other` may have lost values.
    pub fn set_all(&mut self, other: &Self) -> Result<(), MetadataError> {
        for (key, _) in &other.pairs {
            self.remove(key);
        }
        self.append_all(other)
    }

    /// Removes all values of a key; says how many there were.
    pub fn remove(&mut self, key: &str) -> usize {
        let before = self.pairs.len();
        let size = &mut self.size;
        self.pairs.retain(|(known, value)| {
            let stays = **known != *key;
            if !stays {
                *size -= pair_size(known, value);
            }
            stays
        });
        before - self.pairs.len()
    }

    /// The text of a key, the first if it has several.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&str> {
        self.values(key).next()
    }

    /// All texts of a key, in the order in which they were added.
    pub fn values(&self, key: &str) -> impl Iterator<Item = &str> {
        self.iter().filter(move |(known, _)| *known == key).map(|(_, value)| value)
    }

    /// The bytes of a key that ends in `-bin`, the first if it has several.
    #[must_use]
    pub fn value_bin(&self, key: &str) -> Option<&[u8]> {
        self.values_bin(key).next()
    }

    /// All bytes of a key that ends in `-bin`, in the order in which they were added.
    pub fn values_bin(&self, key: &str) -> impl Iterator<Item = &[u8]> {
        self.iter_all().filter(move |(known, _)| *known == key).filter_map(|(_, value)| match value
        {
            MetadataValue::Text(_) => None,
            MetadataValue::Binary(bytes) => Some(bytes),
        })
    }

    /// All pairs whose values are text, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.iter_all().filter_map(|(key, value)| match value {
            MetadataValue::Text(text) => Some((key, text)),
            MetadataValue::Binary(_) => None,
        })
    }

    /// All pairs in the order in which they were added.
    pub fn iter_all(&self) -> impl ExactSizeIterator<Item = (&str, MetadataValue<'_>)> {
        self.pairs.iter().map(|(key, value)| (&**key, value.view()))
    }

    /// Whether the values of this key are bytes.
    #[must_use]
    pub fn is_binary(key: &str) -> bool {
        key.ends_with(BINARY)
    }

    /// How many pairs there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there is no pair.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Adds a pair. Looks at no other, so that reading many costs what they are long.
    fn add(&mut self, key: &str, value: Value) -> Result<(), MetadataError> {
        check(key, &value)?;
        let size = self.size + pair_size(key, &value);
        fits(key, self.pairs.len() + 1, size)?;
        self.size = size;
        self.pairs.push((key.into(), value));
        Ok(())
    }

    /// Puts a value in the place of the first that the key has, and drops the others.
    fn replace(&mut self, key: &str, value: Value) -> Result<(), MetadataError> {
        check(key, &value)?;
        let of_key = |(known, _): &(Box<str>, Value)| **known == *key;
        let Some(first) = self.pairs.iter().position(of_key) else { return self.add(key, value) };
        let freed: usize = self
            .pairs
            .iter()
            .filter(|pair| of_key(pair))
            .map(|(key, old)| pair_size(key, old))
            .sum();
        let size = self.size - freed + pair_size(key, &value);
        fits(key, 1, size)?;
        self.size = size;
        self.pairs[first].1 = value;
        let mut at = 0;
        self.pairs.retain(|pair| {
            at += 1;
            at <= first + 1 || !of_key(pair)
        });
        Ok(())
    }
}

impl Value {
    fn view(&self) -> MetadataValue<'_> {
        match self {
            Self::Text(text) => MetadataValue::Text(text),
            Self::Binary(bytes) => MetadataValue::Binary(bytes),
        }
    }
}

impl<'a> MetadataValue<'a> {
    /// The value as bytes, whichever kind it is.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

/// Checks a key, and that the value is of its kind.
fn check(key: &str, value: &Value) -> Result<(), MetadataError> {
    let valid = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
    if key.is_empty() || key.len() > MAX_KEY || !key.bytes().all(valid) {
        return Err(MetadataError::Key(key.chars().take(MAX_KEY).collect()));
    }
    if Metadata::is_binary(key) != matches!(value, Value::Binary(_)) {
        return Err(MetadataError::Kind(key.to_owned()));
    }
    Ok(())
}

fn fits(key: &str, pairs: usize, size: usize) -> Result<(), MetadataError> {
    if pairs > Metadata::MAX_PAIRS {
        return Err(MetadataError::Pairs(key.to_owned()));
    }
    if size > Metadata::MAX_SIZE {
        return Err(MetadataError::Size(key.to_owned()));
    }
    Ok(())
}

fn pair_size(key: &str, value: &Value) -> usize {
    key.len() + value.view().as_bytes().len() + PAIR_COST
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.pairs.iter().map(|(key, value)| (key, value));
        f.debug_map().entries(entries).finish()
    }
}

/// As what it holds.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => text.fmt(f),
            Self::Binary(bytes) => bytes.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_a_key_again_takes_the_place_of_all_its_values() {
        let mut metadata = Metadata::new();
        for (key, value) in [("a", "1"), ("b", "2"), ("a", "3"), ("a", "4"), ("c", "5")] {
            metadata.append(key, value).unwrap();
        }
        assert_eq!(metadata.values("a").collect::<Vec<_>>(), ["1", "3", "4"]);
        assert_eq!(metadata.value("a"), Some("1"));
        metadata.set("a", "6").unwrap();
        let pairs = [("a", "6"), ("b", "2"), ("c", "5")];
        assert_eq!(metadata.iter().collect::<Vec<_>>(), pairs);
        assert_eq!(metadata.size, 3 * (2 + PAIR_COST));
        assert_eq!((metadata.remove("b"), metadata.remove("b")), (1, 0));
        assert_eq!(metadata.size, 2 * (2 + PAIR_COST));
    }

    #[test]
    fn bytes_have_keys_of_their_own() {
        let mut metadata = Metadata::new();
        metadata.append_bin("k-bin", b"\xff").unwrap();
        metadata.append_bin("k-bin", b"").unwrap();
        metadata.append("k", "text").unwrap();
        assert_eq!(metadata.values_bin("k-bin").collect::<Vec<_>>(), [&b"\xff"[..], b""]);
        assert_eq!((metadata.value("k-bin"), metadata.value_bin("k")), (None, None));
        let all: Vec<_> = metadata.iter_all().map(|(key, value)| (key, value.as_bytes())).collect();
        assert_eq!(all, [("k-bin", &b"\xff"[..]), ("k-bin", b""), ("k", b"text")]);
        metadata.set_bin("k-bin", b"new").unwrap();
        assert_eq!(metadata.len(), 2);
        assert_eq!(metadata.set("k-bin", "text"), Err(MetadataError::Kind("k-bin".into())));
        assert_eq!(metadata.append_bin("k", b""), Err(MetadataError::Kind("k".into())));
    }

    #[test]
    fn all_of_others_is_added_or_takes_their_place() {
        let (mut own, mut other) = (Metadata::new(), Metadata::new());
        for (key, value) in [("a", "1"), ("b", "2")] {
            own.append(key, value).unwrap();
        }
        for (key, value) in [("a", "3"), ("a", "4")] {
            other.append(key, value).unwrap();
        }
        let mut both = own.clone();
        both.append_all(&other).unwrap();
        assert!(both.values("a").eq(["1", "3", "4"]));
        own.set_all(&other).unwrap();
        assert_eq!(own.iter().collect::<Vec<_>>(), [("b", "2"), ("a", "3"), ("a", "4")]);
    }

    #[test]
    fn bad_keys_and_too_much_are_refused() {
        let mut metadata = Metadata::new();
        for key in ["", "Upper", "with space", "ü", &"x".repeat(65)] {
            assert!(matches!(metadata.set(key, ""), Err(MetadataError::Key(_))), "{key}");
        }
        metadata.set("big", &"x".repeat(Metadata::MAX_SIZE - 200)).unwrap();
        let too_much = Err(MetadataError::Size("more".into()));
        assert_eq!(metadata.set("more", &"x".repeat(200)), too_much);
        assert_eq!(metadata.append("more", &"x".repeat(200)), too_much);
        metadata.set("big", "small").unwrap();
        metadata.set("more", &"x".repeat(200)).unwrap();
    }

    #[test]
    fn pairs_are_counted_however_small_they_are() {
        let mut metadata = Metadata::new();
        for _ in 0..Metadata::MAX_PAIRS {
            metadata.append("k", "").unwrap();
        }
        assert_eq!(metadata.append("k", ""), Err(MetadataError::Pairs("k".into())));
        assert_eq!(metadata.set("other", ""), Err(MetadataError::Pairs("other".into())));
        metadata.set("k", "one").unwrap();
        assert_eq!(metadata.len(), 1);
    }
}
