//! Values one behind the other in one message, each of a type of its own: the arguments of a call in bincode.

use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::{CodecError, Source, bincode, bytes_form};

/// What is left of a message of several values.
pub(crate) struct Values<'a> {
    deserializer: bincode::Deserializer<'a>,
    shared: Option<&'a Bytes>,
}

impl<'a> Values<'a> {
    /// All values of a message, which are as deep as the fields of a struct.
    pub(crate) const fn new(source: Source<'a>) -> Self {
        let Source { bytes, shared } = source;
        Self { deserializer: bincode::Deserializer::of_fields(bytes), shared }
    }

    /// Reads the next value.
    ///
    /// # Errors
    /// The next bytes are no form of `T`.
    pub(crate) fn next<T: DeserializeOwned>(&mut self) -> Result<T, CodecError> {
        let Self { deserializer, shared } = self;
        bytes_form::with_source(*shared, || T::deserialize(&mut *deserializer))
            .map_err(|error| CodecError::bincode_decode(deserializer.place(error)))
    }

    /// The end of the message.
    ///
    /// # Errors
    /// Bytes are left.
    pub(crate) fn finish(self) -> Result<(), CodecError> {
        self.deserializer.finish().map_err(CodecError::bincode_decode)
    }
}
