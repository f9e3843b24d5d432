//! JSON: for the command line, other languages, and signatures that differ. Nesting is limited to 128
//! levels by serde_json, and nothing may follow the value.

use serde::{Serialize, de::DeserializeOwned};

use super::floats::{self, Refused};

pub(super) fn encode<T: Serialize + ?Sized>(
    value: &T,
    out: &mut Vec<u8>,
    refused: Refused,
) -> Result<(), serde_json::Error> {
    floats::serialize(value, &mut serde_json::Serializer::new(out), refused)
}

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(bytes)
}
