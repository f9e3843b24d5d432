//! Values one behind the other in one message, each of a type of its own: the arguments of a call in bincode.

use std::fmt;

use serde::de::DeserializeOwned;

use super::{CodecError, Source, bincode, bytes_form};

/// What is left of a message of several values.
pub struct Values<'a>(bincode::Deserializer<'a>);

impl Values<'_> {
    /// Has `read` read all values of a message, which are as deep as the fields of a struct.
    ///
    /// # Errors
    /// Those of `read`, or bytes are left.
    #[inline]
    pub(crate) fn read<R>(
        source: Source<'_>,
        read: impl FnOnce(&mut Values<'_>) -> Result<R, CodecError>,
    ) -> Result<R, CodecError> {
        let Source { bytes, shared } = source;
        bytes_form::with_source(shared, || {
            let mut values = Values(bincode::Deserializer::of_fields(bytes));
            let values_read = read(&mut values)?;
            values.0.finish().map_err(CodecError::bincode_decode)?;
            Ok(values_read)
        })
    }

    /// Reads the next value.
    ///
    /// # Errors
    /// The next bytes are not a form of `T`.
    #[inline]
    pub(crate) fn next<T: DeserializeOwned>(&mut self) -> Result<T, CodecError> {
        T::deserialize(&mut self.0).map_err(|error| CodecError::bincode_decode(self.0.place(error)))
    }
}

impl fmt::Debug for Values<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Values").finish_non_exhaustive()
    }
}
