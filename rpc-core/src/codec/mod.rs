//! Value ⇄ payload: bincode and JSON, chosen call by call. Any bytes of a peer come in, and a value or an error
//! in words goes out. Knows no frames and no types of its own.

pub mod bincode;
mod by_reference;
pub mod byte_vec;
mod bytes_form;
mod error;
mod floats;
mod json;
pub mod shared_bytes;
mod values;

pub use error::{CodecError, CodecErrorKind};
use floats::Refused;
pub(crate) use values::Values;

use std::cell::Cell;

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use crate::proto::{Codec, Gap, Payload};

/// Appends the encoded form of a value.
pub type Encode<T> = fn(Codec, &T, &mut Vec<u8>) -> Result<(), CodecError>;

/// Reads a value from its encoded form, all of it.
pub type Decode<T> = fn(Codec, Source<'_>) -> Result<T, CodecError>;

/// The encoded form of a value: bytes, and the message that they are part of, if the value may keep slices of it.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    bytes: &'a [u8],
    shared: Option<&'a Bytes>,
}

impl<'a> From<&'a Payload> for Source<'a> {
    fn from(payload: &'a Payload) -> Self {
        Self { bytes: payload, shared: payload.shared() }
    }
}

impl<'a> From<&'a Bytes> for Source<'a> {
    fn from(bytes: &'a Bytes) -> Self {
        Self { bytes, shared: Some(bytes) }
    }
}

impl Source<'_> {
    /// The bytes as they are, without a copy where the message is shared.
    pub(crate) fn to_payload(self) -> Payload {
        match self.shared {
            Some(shared) if shared.len() == self.bytes.len() => Payload::from(shared.clone()),
            _ => Payload::copy_from_slice(self.bytes),
        }
    }
}

/// Bytes of which nothing is kept.
impl<'a> From<&'a [u8]> for Source<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self { bytes, shared: None }
    }
}

/// Appends the form of `value` to `out`, which is left as it was on errors. JSON has no NaN and no infinity: it has `null` for
/// them, and none where that would be nothing, in an `Option`.
///
/// # Errors
/// The codec cannot express the value.
pub fn encode<T: Serialize + ?Sized>(
    codec: Codec,
    value: &T,
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    let before = out.len();
    let encoded = match codec {
        Codec::Bincode => bincode::encode(value, out).map_err(CodecError::bincode_encode),
        Codec::Json => append_json(value, out, Refused::InOptions),
    };
    if encoded.is_err() {
        out.truncate(before);
    }
    encoded
}

/// Appends the form of an argument in JSON; on errors a part of it may stand there. NaN is none: whoever reads it may have
/// an option there.
///
/// # Errors
/// The codec cannot express the value.
pub(crate) fn append_json_argument<T: Serialize>(
    value: &T,
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    append_json(value, out, Refused::Everywhere)
}

fn append_json<T: Serialize + ?Sized>(
    value: &T,
    out: &mut Vec<u8>,
    refused: Refused,
) -> Result<(), CodecError> {
    json::encode(value, out, refused).map_err(CodecError::json_encode)
}

/// Appends the form of `value` in bincode; on errors a part of it may stand there.
///
/// # Errors
/// The codec cannot express the value.
#[inline]
pub(crate) fn append_bincode<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
    bincode::encode(value, out).map_err(CodecError::bincode_encode)
}

/// Reads a value from all bytes of `source`.
///
/// ```
/// use rpc_core::{codec, proto::{Codec, Payload}};
///
/// let payload = Payload::copy_from_slice(b"[1, 2]");
/// let pair: (u8, u8) = codec::decode(Codec::Json, (&payload).into())?;
/// assert_eq!(pair, (1, 2));
/// # Ok::<(), rpc_core::CodecError>(())
/// ```
///
/// # Errors
/// The bytes are not a form of `T`; the message says where and why.
pub fn decode<T: DeserializeOwned>(codec: Codec, source: Source<'_>) -> Result<T, CodecError> {
    let Source { bytes, shared } = source;
    bytes_form::with_source(shared, || match codec {
        Codec::Bincode => bincode::decode(bytes).map_err(CodecError::bincode_decode),
        Codec::Json => json::decode(bytes).map_err(CodecError::json_decode),
    })
}

/// Encoded values above this length keep the buffer they were encoded in; shorter ones are copied, and
/// the buffer is used again.
const KEEP: usize = 4 << 10;

thread_local! {
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Appends a value to `out`, but for long bytes that need not be copied.
///
/// # Errors
/// Those of `encode`.
pub(crate) fn encode_with_gaps<T>(
    codec: Codec,
    value: &T,
    encode: Encode<T>,
    out: &mut Vec<u8>,
) -> Result<Option<Vec<Gap>>, CodecError> {
    let (encoded, gaps) = by_reference::with_gaps(out, |out| encode(codec, value, out));
    encoded.map(|()| gaps)
}

/// Encodes a value to a payload: without an allocation if it is small.
///
/// # Errors
/// Those of `encode`.
pub(crate) fn to_payload<T>(
    codec: Codec,
    value: &T,
    encode: Encode<T>,
) -> Result<Payload, CodecError> {
    payload_of(|out| encode(codec, value, out))
}

/// What `encode` appends, as a payload: without an allocation if it is small.
///
/// # Errors
/// Those of `encode`.
#[inline]
pub(crate) fn payload_of(
    encode: impl FnOnce(&mut Vec<u8>) -> Result<(), CodecError>,
) -> Result<Payload, CodecError> {
    // Taken, not borrowed: the value's own code runs meanwhile, and may encode other values.
    let mut buffer = SCRATCH.take();
    buffer.clear();
    let (encoded, gaps) = by_reference::with_gaps(&mut buffer, encode);
    // Dropped on errors: it may have grown large before.
    encoded?;
    if gaps.is_some() || buffer.len() > KEEP {
        return Ok(long(buffer, gaps));
    }
    let payload = Payload::copy_from_buffer(&mut buffer);
    SCRATCH.set(buffer);
    Ok(payload)
}

/// The payload of a value that keeps its buffer, or leaves with bytes by reference.
#[cold]
fn long(buffer: Vec<u8>, gaps: Option<Vec<Gap>>) -> Payload {
    let Some(gaps) = gaps else { return Payload::from(buffer) };
    let bytes = if buffer.len() > KEEP {
        buffer.into()
    } else {
        let bytes = Bytes::copy_from_slice(&buffer);
        SCRATCH.set(buffer);
        bytes
    };
    Payload::with_gaps(&bytes, gaps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_codecs_bring_a_value_back() {
        for codec in [Codec::Bincode, Codec::Json] {
            let value = (1_i64, "two".to_owned(), vec![Some(3_u8), None]);
            let payload = to_payload(codec, &value, encode).unwrap();
            assert_eq!(
                decode::<(i64, String, Vec<Option<u8>>)>(codec, (&payload).into()).unwrap(),
                value
            );
        }
    }

    #[test]
    fn json_has_no_nan_where_null_is_nothing() {
        #[derive(serde::Serialize)]
        struct Celsius(f32);

        #[derive(serde::Serialize)]
        enum Reading {
            At { place: u8, value: Option<Celsius> },
            Bare(f64),
        }

        #[derive(serde::Serialize)]
        struct Log {
            readings: Vec<Option<Reading>>,
            #[serde(flatten)]
            more: std::collections::BTreeMap<&'static str, Option<f64>>,
        }

        let log = |value, more| Log {
            readings: vec![
                None,
                Some(Reading::At { place: 7, value: Some(Celsius(value)) }),
                // Here `null` is no number, which is seen by whoever reads it.
                Some(Reading::Bare(f64::NAN)),
            ],
            more: [("a", None), ("b", Some(more))].into(),
        };
        let mut out = Vec::new();
        encode(Codec::Json, &log(1.5, 2.0), &mut out).unwrap();
        let fine =
            r#"{"readings":[null,{"At":{"place":7,"value":1.5}},{"Bare":null}],"a":null,"b":2.0}"#;
        assert_eq!(String::from_utf8(out).unwrap(), fine);
        for (value, more, what) in [
            (f32::NAN, 2.0, "NaN"),
            (1.5, f64::NEG_INFINITY, "infinity"),
            (f32::INFINITY, 2.0, "infinity"),
        ] {
            let error = encode(Codec::Json, &log(value, more), &mut Vec::new()).unwrap_err();
            let expected = format!("JSON has no {what}: it would arrive as null");
            assert_eq!(error.to_string(), expected);
            encode(Codec::Bincode, &(value, more), &mut Vec::new()).unwrap();
        }
        assert!(append_json_argument(&f64::NAN, &mut Vec::new()).is_err());
        assert!(append_json_argument(&[Some(1.0), None], &mut Vec::new()).is_ok());
    }

    #[test]
    fn the_buffer_of_a_value_that_cannot_be_encoded_is_given_back() {
        // The second element has no JSON form, and comes behind a megabyte.
        let keys = std::collections::HashMap::from([((1, 2), 3)]);
        assert!(to_payload(Codec::Json, &("x".repeat(1 << 20), keys), encode).is_err());
        let small = to_payload(Codec::Json, &1, encode).unwrap();
        assert_eq!(&*small, b"1");
        assert!(SCRATCH.take().capacity() <= KEEP);
    }

    #[test]
    fn long_bytes_of_a_value_are_not_copied() {
        #[derive(serde::Serialize)]
        struct Put(&'static str, #[serde(with = "shared_bytes")] Bytes, u8);

        #[derive(Debug, PartialEq, serde::Deserialize)]
        struct Taken(String, #[serde(with = "shared_bytes")] Bytes, u8);

        let value = Put("key", Bytes::from(vec![9; 1 << 20]), 7);
        let payload = to_payload(Codec::Bincode, &value, encode).unwrap();
        let parts = payload.to_parts();
        assert_eq!(parts.iter().map(Bytes::len).collect::<Vec<_>>(), [9, 1 << 20, 1]);
        assert_eq!(parts[1].as_ptr(), value.1.as_ptr());
        let mut copied = Vec::new();
        encode(Codec::Bincode, &value, &mut copied).unwrap();
        assert_eq!(*payload, *copied);
        let taken: Taken = decode(Codec::Bincode, (&payload).into()).unwrap();
        assert_eq!(taken, Taken("key".to_owned(), value.1, 7));
    }

    #[test]
    fn json_is_limited_in_depth_and_ends_with_the_value() {
        #[derive(Debug, serde::Deserialize)]
        struct Deep(#[allow(dead_code)] Vec<Self>);

        let deep = Payload::from("[".repeat(1 << 20).into_bytes());
        let error = decode::<Deep>(Codec::Json, (&deep).into()).unwrap_err().to_string();
        assert_eq!(error, "recursion limit exceeded at line 1 column 128");
        let trailing = Payload::copy_from_slice(b"1 2");
        let error = decode::<u8>(Codec::Json, (&trailing).into()).unwrap_err().to_string();
        assert_eq!(error, "trailing characters at line 1 column 3");
    }

    #[test]
    fn a_value_that_cannot_be_encoded_leaves_nothing_behind() {
        let keys = std::collections::HashMap::from([((1, 2), 3)]);
        let mut out = b"before".to_vec();
        assert!(encode(Codec::Json, &keys, &mut out).is_err());
        assert_eq!(out, b"before");
    }
}
