//! Values without a type of Rust's: JSON ⇄ bincode by a description, for programs that know a method by its schema alone,
//! such as `rpc call`. Knows no connection; the bytes are those that a compiled client would send.
//!
//! ```text
//! JSON + Format + Registry ─▶ encode ─▶ Payload        (arguments, items of an upload)
//! Payload + Format + Registry ─▶ decode ─▶ JSON        (results, items, errors)
//! ```
//!
//! The forms in JSON are serde_json's. More is understood where that has no form, or a wasteful one: bytes may be
//! `{"base64": "AAEC"}`, floats `"NaN"`, `"Infinity"` and `"-Infinity"`, and maps whose keys are not text are arrays of pairs,
//! `[[key, value], …]`, both ways.
//!
//! ```
//! use rpc_core::{dynamic, schema::{Registry, Schema}};
//! use serde_json::json;
//!
//! let mut types = Registry::new();
//! let format = <(String, Option<u16>)>::format(&mut types);
//! let payload = dynamic::encode(&format, &types, &json!(["hi", 1000]))?;
//! assert_eq!(&*payload, [2, b'h', b'i', 1, 251, 0xe8, 0x03]);
//! assert_eq!(dynamic::decode(&format, &types, &payload).unwrap(), json!(["hi", 1000]));
//! # Ok::<(), dynamic::EncodeError>(())
//! ```

mod decode;
mod encode;
#[cfg(test)]
mod tests;
mod text;
mod time_text;

use std::collections::HashSet;

use serde_json::Value;
use thiserror::Error;

use crate::{
    codec::CodecError,
    proto::Payload,
    schema::{Format, MethodSchema, Mismatch, Registry, json},
};

/// The reason why a value in JSON has no bincode form here.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The value does not fit its description.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// The description does not say enough, in words: of a type that this crate does not know, or a default. The same value
    /// can go as JSON, which the server completes.
    #[error("{0}")]
    NeedsJson(String),
}

/// Encodes a value, which is checked first.
///
/// # Errors
/// The value does not fit, or its description does not say how it is encoded.
pub fn encode(format: &Format, types: &Registry, value: &Value) -> Result<Payload, EncodeError> {
    json::check_encodable(format, types, value)?;
    encode::value(format, types, value).map(Payload::from)
}

/// Decodes a value, all of `bytes`. NaN and infinities are `null`, as serde_json has them.
///
/// # Errors
/// The bytes are not a value of that shape, or the description does not say how it is encoded. Memory is bounded by the number
/// of bytes, whatever the description says.
pub fn decode(format: &Format, types: &Registry, bytes: &[u8]) -> Result<Value, CodecError> {
    decode::value(format, types, bytes).map_err(CodecError::bincode_decode)
}

impl MethodSchema {
    /// Encodes the arguments of a call in bincode: an object by name, or an array by position, which is checked first.
    /// `types` are those of the method's service. They go to the method's [`key`](Self::key), with
    /// [`Channel::call_raw`](crate::Channel::call_raw).
    ///
    /// # Errors
    /// The first argument that does not fit; or the description does not say how it is encoded.
    pub fn encode_arguments(
        &self,
        types: &Registry,
        arguments: &Value,
    ) -> Result<Payload, EncodeError> {
        self.check_encodable_arguments(types, arguments)?;
        encode::fields(&self.argument_fields(), types, arguments).map(Payload::from)
    }

    /// The reason, in words, why calls of the method have to go as JSON: it takes or gives a type whose bincode form is not
    /// known here. None for nearly all methods.
    #[must_use]
    pub fn needs_json(&self, types: &Registry) -> Option<String> {
        let mut met = HashSet::new();
        let mut waiting: Vec<&Format> = self.formats().collect();
        while let Some(format) = waiting.pop() {
            match format {
                Format::Text { name, wire } if !text::is_known(name, wire, types) => {
                    return Some(unknown(name));
                }
                Format::Option(content) | Format::Seq(content) | Format::Array { content, .. } => {
                    waiting.push(content);
                }
                Format::Map { key, value } => waiting.extend([&**key, value]),
                Format::Tuple(contents) => waiting.extend(contents),
                Format::Named(key) if met.insert(key) => match types.container(key) {
                    Some(container) => waiting.extend(container.kind.formats()),
                    None => return Some(undescribed(key)),
                },
                _ => {}
            }
        }
        None
    }
}

fn unknown(name: &str) -> String {
    format!("the bincode form of {name} is not known here")
}

fn undescribed(key: &str) -> String {
    format!("the type {key} is not described")
}
