//! The errors of all codecs: a message in words, and the direction in which a value could not go.

use std::fmt;

use super::bincode::DecodeError;

/// A value that cannot be encoded, or bytes that are not a value of the type. The message says why; the types of
/// errors behind it are private, because the libraries behind the codecs may change.
///
/// ```
/// use rpc_core::codec::{self, CodecErrorKind};
/// use rpc_core::proto::{Codec, Payload};
///
/// let payload = Payload::copy_from_slice(b"[1, 2");
/// let error = codec::decode::<Vec<u8>>(Codec::Json, (&payload).into()).unwrap_err();
/// assert_eq!(error.kind(), CodecErrorKind::Decode);
/// assert_eq!(error.to_string(), "EOF while parsing a list at line 1 column 5");
/// ```
pub struct CodecError(Box<Cause>);

/// The direction in which a value could not go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CodecErrorKind {
    /// The codec cannot express the value.
    Encode,
    /// The bytes are not a form of the type.
    Decode,
}

/// The reason, which is put into words only when they are asked for.
enum Cause {
    BincodeEncode(::bincode::error::EncodeError),
    BincodeDecode(DecodeError),
    JsonEncode(serde_json::Error),
    JsonDecode(serde_json::Error),
    /// An argument that is not of its type, with its place in the message.
    Argument(String),
    /// The message of an earlier attempt to encode the same value.
    Repeated(String),
    /// A value was asked for where a call returns a stream.
    NoValue,
}

impl CodecError {
    /// The direction in which the value could not go.
    #[must_use]
    pub const fn kind(&self) -> CodecErrorKind {
        match &*self.0 {
            Cause::BincodeEncode(_) | Cause::JsonEncode(_) | Cause::Repeated(_) => {
                CodecErrorKind::Encode
            }
            Cause::BincodeDecode(_)
            | Cause::JsonDecode(_)
            | Cause::Argument(_)
            | Cause::NoValue => CodecErrorKind::Decode,
        }
    }

    pub(super) fn bincode_encode(error: ::bincode::error::EncodeError) -> Self {
        Self(Box::new(Cause::BincodeEncode(error)))
    }

    pub(crate) fn bincode_decode(error: DecodeError) -> Self {
        Self(Box::new(Cause::BincodeDecode(error)))
    }

    pub(super) fn json_encode(error: serde_json::Error) -> Self {
        Self(Box::new(Cause::JsonEncode(error)))
    }

    /// An argument that is not of its type, in words.
    pub(crate) fn argument(words: String) -> Self {
        Self(Box::new(Cause::Argument(words)))
    }

    pub(crate) fn json_decode(error: serde_json::Error) -> Self {
        Self(Box::new(Cause::JsonDecode(error)))
    }

    /// A value that could not be encoded before, for the reason given then.
    pub(crate) fn repeated(words: &str) -> Self {
        Self(Box::new(Cause::Repeated(words.to_owned())))
    }

    /// An attempt to read a stream as a value.
    pub(crate) fn no_value() -> Self {
        Self(Box::new(Cause::NoValue))
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Cause::BincodeEncode(error) => write!(f, "the value has no bincode form: {error}"),
            Cause::BincodeDecode(error) => error.fmt(f),
            Cause::JsonEncode(error) | Cause::JsonDecode(error) => error.fmt(f),
            Cause::Argument(words) | Cause::Repeated(words) => f.write_str(words),
            Cause::NoValue => f.write_str("a stream is not a value"),
        }
    }
}

impl fmt::Debug for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodecError")
            .field("kind", &self.kind())
            .field("message", &format_args!("{self}"))
            .finish()
    }
}

/// Without a `source`: the libraries' errors are no part of the API.
impl std::error::Error for CodecError {}
