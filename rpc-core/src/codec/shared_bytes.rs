//! `Bytes` as one piece: the functions that generated code uses for arguments and results of that type, and
//! the pair that serde's `with` attribute asks for.

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{CodecError, Source, by_reference, bytes_form};
use crate::proto::Codec;

/// Writes the bytes in one piece; long ones that are to be sent leave without a copy.
///
/// # Errors
/// The serializer's own.
pub fn serialize<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    by_reference::offer(bytes, || serializer.serialize_bytes(bytes))
}

/// Reads the bytes in one piece.
///
/// # Errors
/// The deserializer's own.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    bytes_form::read(deserializer)
}

/// Appends the encoded form of a result.
///
/// # Errors
/// As for [`super::encode`].
pub fn encode(codec: Codec, bytes: &Bytes, out: &mut Vec<u8>) -> Result<(), CodecError> {
    super::encode(codec, &Lent(bytes), out)
}

/// Reads a result.
///
/// # Errors
/// As for [`super::decode`].
pub fn decode(codec: Codec, source: Source<'_>) -> Result<Bytes, CodecError> {
    super::decode(codec, source).map(|Owned(bytes)| bytes)
}

/// An argument that is sent.
#[derive(Debug)]
pub struct Lent<'a>(pub &'a Bytes);

impl Serialize for Lent<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(self.0, serializer)
    }
}

/// An argument that was received.
#[derive(Debug)]
pub struct Owned(pub Bytes);

impl<'de> Deserialize<'de> for Owned {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize(deserializer).map(Self)
    }
}
