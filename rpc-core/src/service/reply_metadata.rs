//! What handlers send beside their replies.

use super::{Context, context::Place};
use crate::proto::MetadataError;

/// What a handler sends beside its reply; from [`Context::leading_metadata`] and [`Context::trailing_metadata`]. Keys
/// and values are those of [`Metadata`](crate::Metadata).
#[derive(Clone, Copy, Debug)]
pub struct ReplyMetadata<'a> {
    pub(super) cx: &'a Context,
    pub(super) place: Place,
}

impl ReplyMetadata<'_> {
    /// Sets the value of a key, in the place of all that it had.
    ///
    /// # Errors
    /// Pairs that [`Metadata`](crate::Metadata) cannot carry, and [`MetadataError::Late`] if what it would travel with has left.
    pub fn set(self, key: &str, value: &str) -> Result<(), MetadataError> {
        self.cx.change(self.place, key, |metadata| metadata.set(key, value))
    }

    /// Adds a value to those that a key has.
    ///
    /// # Errors
    /// As for [`Self::set`].
    pub fn append(self, key: &str, value: &str) -> Result<(), MetadataError> {
        self.cx.change(self.place, key, |metadata| metadata.append(key, value))
    }

    /// Sets the bytes of a key that ends in `-bin`, in the place of all that it had.
    ///
    /// # Errors
    /// As for [`Self::set`].
    pub fn set_bin(self, key: &str, value: impl AsRef<[u8]>) -> Result<(), MetadataError> {
        self.cx.change(self.place, key, |metadata| metadata.set_bin(key, value))
    }

    /// Adds bytes to those that a key which ends in `-bin` has.
    ///
    /// # Errors
    /// As for [`Self::set`].
    pub fn append_bin(self, key: &str, value: impl AsRef<[u8]>) -> Result<(), MetadataError> {
        self.cx.change(self.place, key, |metadata| metadata.append_bin(key, value))
    }
}
