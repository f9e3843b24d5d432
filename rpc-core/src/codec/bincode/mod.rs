//! The format of `bincode 2.0.1` with `config::standard()`: written by that crate, read by our own reader,
//! because the crate's allocates what a length claims and recurses as deep as the input says. All use of
//! the crate is in this folder; `docs/protocol.md` §16 specifies the format.

mod access;
mod deserializer;
mod error;
mod limits;
mod reader;
mod writer;

pub(super) use deserializer::Deserializer;
pub use error::{DecodeError, DecodeErrorKind};
pub(crate) use limits::{EMPTY_ELEMENTS, MAX_DEPTH};
pub(crate) use reader::{Reader, unzigzag, unzigzag_128};
pub(crate) use writer::Writer;

use bincode::{config, enc::write, error::EncodeError};
use serde::{Serialize, de::DeserializeOwned};

use super::by_reference;

/// Appends the form of `value`.
pub(super) fn encode<T: Serialize + ?Sized>(
    value: &T,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    bincode::serde::encode_into_writer(value, Append(out), config::standard())
}

/// Reads a value from all of `bytes`.
///
/// # Errors
/// The bytes are not a value of the type. Memory use is bounded by their number, and no input panics.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    let mut deserializer = Deserializer::new(bytes);
    let value = match T::deserialize(&mut deserializer) {
        Ok(value) => value,
        Err(error) => return Err(deserializer.place(error)),
    };
    deserializer.finish()?;
    Ok(value)
}

/// Writes to the end of a vector.
struct Append<'a>(&'a mut Vec<u8>);

impl write::Writer for Append<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        if !by_reference::leave_gap(self.0, bytes) {
            self.0.extend_from_slice(bytes);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
