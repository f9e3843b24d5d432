//! Metadata that travels with a reply: set by handlers, read by callers who ask for it.

use std::{
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
    task::{Context as Task, Poll, ready},
};

use super::{Call, CallError, CallFuture, Context, context::Place};
use crate::proto::{Metadata, MetadataError};

/// What a handler sends beside its reply; from [`Context::leading_metadata`] and [`Context::trailing_metadata`]. Keys
/// and values are those of [`Metadata`].
#[derive(Clone, Copy, Debug)]
pub struct ReplyMetadata<'a> {
    pub(super) cx: &'a Context,
    pub(super) place: Place,
}

impl ReplyMetadata<'_> {
    /// Sets the value of a key, in the place of all that it had.
    ///
    /// # Errors
    /// What [`Metadata`] cannot carry, and [`MetadataError::Late`] if what it would travel with has left.
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

/// A value, and the metadata that came with it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reply<T> {
    /// What the method returned.
    pub value: T,
    /// What its handler sent beside it. For a stream, what came ahead of the items; see
    /// [`Streaming::trailing_metadata`](crate::Streaming::trailing_metadata) for the rest.
    pub metadata: Metadata,
}

/// A [`Call`] that gives the metadata of its reply as well; from [`Call::with_reply_metadata`].
#[must_use = "a call is sent when it is awaited"]
pub struct ReplyCall<T, E>(pub(super) Call<T, E>);

/// The future of a [`ReplyCall`]. Sent at the first poll; cancelled when dropped before its end.
#[must_use = "futures do nothing unless polled"]
pub struct ReplyFuture<T, E>(CallFuture<T, E>);

impl<T, E> IntoFuture for ReplyCall<T, E> {
    type Output = Result<Reply<T>, CallError<E>>;
    type IntoFuture = ReplyFuture<T, E>;

    fn into_future(self) -> ReplyFuture<T, E> {
        ReplyFuture(self.0.into_future())
    }
}

impl<T, E> Future for ReplyFuture<T, E> {
    type Output = Result<Reply<T>, CallError<E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<Self::Output> {
        let value = ready!(Pin::new(&mut self.0).poll(cx))?;
        let metadata = self.0.take_reply_metadata();
        Poll::Ready(Ok(Reply { value, metadata }))
    }
}

impl<T, E> fmt::Debug for ReplyCall<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReplyCall").field(&self.0).finish()
    }
}

impl<T, E> fmt::Debug for ReplyFuture<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReplyFuture").field(&self.0).finish()
    }
}
