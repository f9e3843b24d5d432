//! The frames as bytes. The table of kinds is [`kinds`]; what a kind carries, with its `encode` and its `decode`, has
//! a file each. Whatever may grow is written as entries.
//!
//! A frame is an 8-byte [`Head`] and a payload. Response and item have no file, for their payload is an encoded
//! value.

pub(crate) mod accept;
mod credit;
mod entries;
pub(crate) mod extension;
pub(crate) mod extra;
mod failure;
mod goaway;
mod head;
mod hello;
pub mod kinds;
mod opening;
mod ping;

pub use credit::Credit;
pub(crate) use extra::ACKNOWLEDGEMENT_LEN;
pub use extra::Extra;
pub(crate) use failure::APPLICATION;
pub use goaway::{CloseCode, GoAway};
pub use head::{Flags, HEAD_LEN, Head, HeadError};
pub use hello::{Features, Hello};
pub use kinds::Kind;
pub(crate) use opening::KEY;
pub use ping::Ping;

use thiserror::Error;

/// A frame payload that does not follow the rules of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The payload ends inside a field.
    #[error("{0} frame ends inside a field")]
    Short(Kind),
    /// The payload goes on after its last field.
    #[error("{0} frame has bytes after its last field")]
    Trailing(Kind),
    /// A field holds a value that the protocol does not know.
    #[error("{0} frame has an invalid {1}")]
    Field(Kind, &'static str),
    /// An entry that must be understood is not known.
    #[error("{0} frame has an entry with tag {1} that this side must understand and does not")]
    Critical(Kind, u8),
    /// An extension frame that must be understood is not known.
    #[error("extension frame of subtype {0} must be understood and is not")]
    Subtype(u16),
}

/// Reads fixed-size fields off the front of a payload.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    kind: Kind,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) const fn new(kind: Kind, payload: &'a [u8]) -> Self {
        Self { kind, rest: payload }
    }

    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], FrameError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(FrameError::Short(self.kind))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(FrameError::Short(self.kind))?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, FrameError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, FrameError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, FrameError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, FrameError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn text(&mut self, len: usize, name: &'static str) -> Result<&'a str, FrameError> {
        let bytes = self.take(len)?;
        std::str::from_utf8(bytes).map_err(|_| FrameError::Field(self.kind, name))
    }

    pub(crate) const fn finish(self) -> Result<(), FrameError> {
        if self.rest.is_empty() { Ok(()) } else { Err(FrameError::Trailing(self.kind)) }
    }
}

/// The longest prefix of `text` that fits in `limit` bytes and ends at a character.
pub(crate) fn clip(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}
