//! The error of bytes that are not a value: the rule that they break, and the place. Its text is short,
//! however long the bytes are.

use std::fmt::{self, Write as _};

use thiserror::Error;

/// Bytes that are not a value of the expected type.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{kind}, at offset {offset}")]
#[non_exhaustive]
pub struct DecodeError {
    /// The start of the part that breaks the rule; for a value that the type itself refuses, the end of what was read.
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
    #[error("{0} bytes follow the value, which must end where they begin")]
    Trailing(usize),
    /// A length or number of elements is more than the bytes that are left.
    #[error("a length of {0} is more than the bytes that are left")]
    Length(u64),
    /// A number does not fit the type.
    #[error("a number is wider than its type")]
    Range,
    /// The first byte of a number has no meaning.
    #[error("a number cannot begin with byte {0}")]
    Number(u8),
    /// A bool that is neither 0 nor 1.
    #[error("a bool must be 0 or 1, not {0}")]
    Bool(u8),
    /// An option's tag that is neither 0 nor 1.
    #[error("the tag of an option must be 0 or 1, not {0}")]
    Option(u8),
    /// Text that is not UTF-8.
    #[error("text is not UTF-8")]
    Utf8,
    /// Bytes that are not the UTF-8 form of one character.
    #[error("a character is not UTF-8")]
    Char,
    /// Values within values, deeper than allowed.
    #[error("values are nested more than {} deep", super::limits::MAX_DEPTH)]
    Depth,
    /// Elements that take no bytes, more than allowed in one message.
    #[error("more than {} elements without content", super::limits::EMPTY_ELEMENTS)]
    EmptyElements,
    /// The type asks the bytes what they are, which bincode cannot tell.
    #[error("the type needs a format that describes itself, which bincode is not: use JSON for it")]
    SelfDescribing,
    /// The type itself refuses the value.
    #[error("{0}")]
    Custom(String),
}

impl serde::de::Error for DecodeError {
    /// The message of a type, cut because such messages often quote the value.
    fn custom<T: fmt::Display>(message: T) -> Self {
        let mut text = Clipped(String::new());
        if write!(text, "{message}").is_err() {
            text.0.push('…');
        }
        Self { offset: 0, kind: DecodeErrorKind::Custom(text.0) }
    }
}

/// The most bytes of a type's own message.
const MAX_CUSTOM: usize = 256;

/// Text up to a limit. Writing more is an error, so that the rest is not even formatted.
struct Clipped(String);

impl fmt::Write for Clipped {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = text.floor_char_boundary(MAX_CUSTOM - self.0.len());
        self.0.push_str(&text[..end]);
        if end == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}
