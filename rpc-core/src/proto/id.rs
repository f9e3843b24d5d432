//! The key of a method on the wire: which method, and which signature of it (PROTOCOL §15).
//!
//! Bincode does not describe itself: a client built against another signature must be told so, not
//! misread. The two halves are hashed apart, so that a server can tell a method that it does not have
//! from one whose signature differs, and show its own.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Names a method and its signature. In JSON it is the text of its 16 hex digits, for not every reader of JSON
/// has integers of 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MethodKey(u64);

impl MethodKey {
    /// The key of the method `path`, as `Service.method`, with a canonical signature.
    #[must_use]
    pub const fn new(path: &str, signature: &str) -> Self {
        let signature = fold(fnv1a(signature.as_bytes()));
        // Zero says that there is no signature.
        let signature = if signature == 0 { 1 } else { signature };
        Self(Self::bare(path).0 | signature as u64)
    }

    /// The key of the method `path` whatever its signature: for JSON, which describes itself.
    #[must_use]
    pub const fn bare(path: &str) -> Self {
        Self((fold(fnv1a(path.as_bytes())) as u64) << 32)
    }

    /// The key with this value on the wire.
    #[must_use]
    pub const fn from_u64(value: u64) -> Self {
        Self(value)
    }

    /// The value on the wire.
    #[must_use]
    pub const fn to_u64(self) -> u64 {
        self.0
    }

    /// The half that names the method.
    #[must_use]
    pub const fn name_hash(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The half that names the signature; zero if there is none.
    #[must_use]
    pub const fn signature_hash(self) -> u32 {
        self.0 as u32
    }

    /// Whether the key says nothing about the signature.
    #[must_use]
    pub const fn is_bare(self) -> bool {
        self.signature_hash() == 0
    }
}

impl fmt::Display for MethodKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for MethodKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.collect_str(self);
        }
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for MethodKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return u64::deserialize(deserializer).map(Self);
        }
        let text = String::deserialize(deserializer)?;
        let digits = text.len() == 16 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        let value = u64::from_str_radix(&text, 16).ok().filter(|_| digits);
        let wrong =
            || D::Error::custom(format_args!("{text:?} is not a method key: 16 hex digits"));
        value.map(Self).ok_or_else(wrong)
    }
}

/// FNV-1a, 64 bits: <http://www.isthe.com/chongo/tech/comp/fnv/>.
const fn fnv1a(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    let mut index = 0;
    while index < bytes.len() {
        hash = (hash ^ bytes[index] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        index += 1;
    }
    hash
}

/// The two halves of a hash folded into one, as its authors advise for shorter hashes.
const fn fold(hash: u64) -> u32 {
    (hash >> 32) as u32 ^ hash as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fnv1a_matches_its_published_vectors() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn the_halves_tell_name_and_signature_apart() {
        let key = MethodKey::new("Calculator.add", "(a:i64,b:i64)->i64");
        let other = MethodKey::new("Calculator.add", "(a:i32,b:i64)->i64");
        assert_eq!(key.name_hash(), other.name_hash());
        assert_ne!(key.signature_hash(), other.signature_hash());
        assert_eq!(MethodKey::bare("Calculator.add").name_hash(), key.name_hash());
        assert!(MethodKey::bare("Calculator.add").is_bare() && !key.is_bare());
        assert_eq!(MethodKey::from_u64(key.to_u64()), key);
    }
}
