//! Calls that give the metadata which came beside their replies.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context as Task, Poll, ready},
};

use super::{Call, CallError};
use crate::proto::Metadata;

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

/// A [`Call`] that gives the metadata of its reply as well; from [`Call::with_reply_metadata`]. Sent and cancelled as that.
#[must_use = "a call is sent when it is awaited"]
pub struct ReplyCall<T, E>(pub(super) Call<T, E>);

impl<T, E> Future for ReplyCall<T, E> {
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
