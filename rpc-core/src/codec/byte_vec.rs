//! `Vec<u8>` as one piece: the functions that generated code uses for arguments and results of that type, and
//! the pair that serde's `with` attribute asks for.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{CodecError, Source, bytes_form};
use crate::proto::Codec;

/// Writes the bytes in one piece.
///
/// # Errors
/// The serializer's own.
pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

/// Reads the bytes in one piece.
///
/// # Errors
/// The deserializer's own.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    bytes_form::read(deserializer)
}

/// Appends the encoded form of a result.
///
/// # Errors
/// As for [`super::encode`].
#[expect(clippy::ptr_arg, reason = "it stands where a function of the result's own type does")]
pub fn encode(codec: Codec, bytes: &Vec<u8>, out: &mut Vec<u8>) -> Result<(), CodecError> {
    super::encode(codec, &Lent(bytes), out)
}

/// Reads a result.
///
/// # Errors
/// As for [`super::decode`].
pub fn decode(codec: Codec, source: Source<'_>) -> Result<Vec<u8>, CodecError> {
    super::decode(codec, source).map(|Owned(bytes)| bytes)
}

/// An argument that is sent.
#[derive(Debug)]
pub struct Lent<'a>(pub &'a [u8]);

impl Serialize for Lent<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

/// An argument that was received.
#[derive(Debug)]
pub struct Owned(pub Vec<u8>);

impl<'de> Deserialize<'de> for Owned {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize(deserializer).map(Self)
    }
}
