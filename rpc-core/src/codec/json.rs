//! JSON: for the command line, other languages, and signatures that differ. Nesting is limited to 128
//! levels by serde_json, and nothing may follow the value.

use serde::{Serialize, de::DeserializeOwned};

pub(super) fn encode<T: Serialize + ?Sized>(
    value: &T,
    out: &mut Vec<u8>,
) -> Result<(), serde_json::Error> {
    serde_json::to_writer(out, value)
}

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(bytes)
}
