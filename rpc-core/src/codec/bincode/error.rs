//! What is wrong with bytes that are no value: which rule they break, and where.

use std::fmt;

use thiserror::Error;

/// Bytes that are no value of the expected type.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{kind} at byte {offset}")]
pub struct DecodeError {
    /// How far the reader had come.
    pub offset: usize,
    /// The rule that is broken.
    pub kind: DecodeErrorKind,
}

/// The rules that a bincode value follows.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The bytes end inside the value.
    #[error("the bytes end inside a value")]
    End,
    /// Bytes follow the value.
    #[error("{0} bytes follow the value")]
    Trailing(usize),
    /// A length or number of elements is more than the bytes that are left.
    #[error("a length of {0} is more than the bytes that are left")]
    Length(u64),
    /// A number does not fit the type.
    #[error("a number does not fit its type")]
    Range,
    /// The first byte of a number has no meaning.
    #[error("byte {0} begins no number")]
    Number(u8),
    /// A bool that is neither 0 nor 1.
    #[error("byte {0} is no bool")]
    Bool(u8),
    /// An option's tag that is neither 0 nor 1.
    #[error("byte {0} is no option")]
    Option(u8),
    /// Text that is not UTF-8.
    #[error("text is not UTF-8")]
    Utf8,
    /// A number that is no Unicode character.
    #[error("bytes are no character")]
    Char,
    /// Values within values, deeper than allowed.
    #[error("values are nested more than {} deep", super::deserializer::MAX_DEPTH)]
    Depth,
    /// Elements that take no bytes, more than allowed in one message.
    #[error("more than {} elements without content", super::deserializer::EMPTY_ELEMENTS)]
    EmptyElements,
    /// The type asks the bytes what they are, which bincode cannot tell.
    #[error("the type needs a format that describes itself, which bincode is not")]
    SelfDescribing,
    /// The type itself refuses the value.
    #[error("{0}")]
    Custom(String),
}

impl serde::de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { offset: 0, kind: DecodeErrorKind::Custom(message.to_string()) }
    }
}
