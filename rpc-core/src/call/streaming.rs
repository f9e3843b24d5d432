//! The receiving end of a stream, for clients and handlers alike.

use std::{
    convert::Infallible,
    fmt,
    future::{Future as _, poll_fn},
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};

use futures_util::Stream;

use super::{
    CallError, Incoming, Method, ScopeEnd,
    future::{scope_is_over, with_metadata},
};
use crate::{
    codec::{CodecError, Decode},
    proto::{Code, Codec, Failure, Metadata, Status},
    seam::items::{ItemReader, Next},
};

/// Items that the other side sends: a [`Stream`] of results.
///
/// A client gets it from a method that returns `impl Stream`; a handler, as an argument of a method that
/// takes one. It ends after its first error: the trait's own, or a status. What is not polled stops the
/// sender once its window is full, and nothing else on the connection. Dropping it early cancels the other
/// side.
///
/// ```
/// use rpc_core::{Server, Streaming, service};
/// use futures_util::{Stream, stream};
///
/// #[service]
/// trait Numbers {
///     fn count(&self, up_to: u64) -> impl Stream<Item = u64>;
///     async fn sum(&self, numbers: Streaming<u64>) -> u64;
/// }
///
/// struct Fingers;
///
/// impl Numbers for Fingers {
///     fn count(&self, up_to: u64) -> impl Stream<Item = u64> {
///         stream::iter(1..=up_to)
///     }
///
///     async fn sum(&self, mut numbers: Streaming<u64>) -> u64 {
///         let mut sum = 0;
///         while let Some(Ok(number)) = numbers.next().await {
///             sum += number;
///         }
///         sum
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let numbers = NumbersClient::in_memory(Server::new().with(NumbersServer::new(Fingers)));
/// let mut count = numbers.count(3).await?;
/// while let Some(number) = count.next().await {
///     println!("{}", number?);
/// }
/// assert_eq!(numbers.sum(stream::iter([1, 2, 3])).await?, 6);
/// # Ok(()) }
/// ```
#[must_use = "a stream that is dropped cancels its call"]
pub struct Streaming<T, E = Infallible> {
    /// `None` once the stream has ended. It keeps a dialled connection open.
    reader: Option<ItemReader>,
    method: Option<Method>,
    codec: Codec,
    item: Decode<T>,
    error: Option<Decode<E>>,
    /// Ends the stream with the call that it is part of.
    scope: Option<ScopeEnd>,
    /// What came ahead of the items, and what came behind them.
    leading: Option<Box<Metadata>>,
    trailing: Option<Box<Metadata>>,
    /// How the stream ended, behind an item that was given in the place of those before it.
    end: Option<Box<Failure>>,
    /// Told of the end; dropped with the stream, they know that too.
    #[cfg(feature = "tower")]
    hooks: Option<Box<crate::layers::Hooks>>,
}

/// The most items that [`Streaming::newest`] passes over at once.
const PASSED_OVER: usize = 16 << 10;

const NONE: &Metadata = &Metadata::new();

impl<T, E> Streaming<T, E> {
    pub(super) fn of_call(incoming: Incoming, item: Decode<T>, error: Option<Decode<E>>) -> Self {
        Self {
            reader: incoming.reader,
            method: Some(incoming.method),
            codec: incoming.codec,
            item,
            error,
            scope: incoming.scope,
            leading: incoming.leading,
            trailing: incoming.trailing,
            end: None,
            #[cfg(feature = "tower")]
            hooks: incoming.hooks,
        }
    }

    /// What the peer sends with a call of its own.
    pub(crate) const fn of_upload(
        reader: Option<ItemReader>,
        codec: Codec,
        item: Decode<T>,
    ) -> Self {
        Self {
            reader,
            method: None,
            codec,
            item,
            error: None,
            scope: None,
            leading: None,
            trailing: None,
            end: None,
            #[cfg(feature = "tower")]
            hooks: None,
        }
    }

    /// What the handler sent ahead of the items; see
    /// [`Context::leading_metadata`](crate::Context::leading_metadata). Nothing comes with items that a caller sends.
    #[must_use]
    pub fn leading_metadata(&self) -> &Metadata {
        self.leading.as_deref().unwrap_or(NONE)
    }

    /// What the handler sent behind the items; nothing before the stream has ended. See
    /// [`Context::trailing_metadata`](crate::Context::trailing_metadata).
    #[must_use]
    pub fn trailing_metadata(&self) -> &Metadata {
        self.trailing.as_deref().unwrap_or(NONE)
    }

    /// The next item; `None` after the last one.
    ///
    /// # Errors
    /// How the stream ended, if not in good order; nothing follows.
    ///
    /// # Cancel safety
    /// Safe: no item is lost.
    pub async fn next(&mut self) -> Option<Result<T, CallError<E>>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// The newest of the items that have come, past all before it; waits for one if none has come. For readers to whom the
    /// present matters and not how it came about, as it does of a [`Watch`](crate::Watch). `None` after the last item.
    ///
    /// # Errors
    /// How the stream ended, if not in good order; nothing follows. Items that came before the end come before it here.
    ///
    /// # Cancel safety
    /// Safe: nothing is passed over by a future that is dropped.
    pub async fn newest(&mut self) -> Option<Result<T, CallError<E>>> {
        let mut newest = match self.next().await? {
            Ok(item) => item,
            failure => return Some(failure),
        };
        let mut cx = Context::from_waker(Waker::noop());
        // Others have their turn even if items come faster than they are passed over.
        for _ in 0..PASSED_OVER {
            match self.poll_item(&mut cx) {
                Poll::Ready(Some(Ok(item))) => newest = item,
                Poll::Ready(Some(Err(end))) => {
                    self.end = Some(Box::new(end));
                    break;
                }
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        Some(Ok(newest))
    }

    #[cold]
    fn unreadable(&mut self, error: &CodecError) -> Failure {
        self.reader = None;
        let code = if self.method.is_some() { Code::Internal } else { Code::InvalidArgument };
        let failure = Failure::Status(Status::new(code, format!("cannot read an item: {error}")));
        self.tell(Some(&failure));
        failure
    }

    fn failure(&self, failure: Failure) -> CallError<E> {
        super::future::failure(failure, self.codec, self.error, self.method.as_ref())
    }
}

impl<T, E> Stream for Streaming<T, E> {
    type Item = Result<T, CallError<E>>;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        // As most come; what follows is apart from it, so that nothing but the item is moved.
        match this.next_short() {
            Some(Ok(item)) => return Poll::Ready(Some(Ok(item))),
            Some(Err(error)) => {
                let failure = this.unreadable(&error);
                return Poll::Ready(Some(Err(this.failure(failure))));
            }
            None => {}
        }
        this.poll_more(cx).map(|item| Some(item?.map_err(|failure| this.failure(failure))))
    }
}

impl<T, E> Streaming<T, E> {
    /// The next item if it is a short one that was fetched already.
    #[inline]
    fn next_short(&mut self) -> Option<Result<T, CodecError>> {
        let item = self.reader.as_mut()?.next_small()?;
        Some((self.item)(self.codec, item.into()))
    }

    /// The next item, or how the stream ended, unread, where [`Self::next_short`] has none.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, Failure>>> {
        loop {
            if self.reader.is_none() {
                return Poll::Ready(self.end.take().map(|end| Err(*end)));
            }
            if let Poll::Ready(over) = self.poll_scope(cx) {
                return Poll::Ready(over);
            }
            let Some(reader) = &mut self.reader else { return Poll::Ready(None) };
            let item = match ready!(reader.poll_next(cx)) {
                Next::Small => self.next_short(),
                Next::Large(item) => Some((self.item)(self.codec, (&item).into())),
                Next::End((outcome, metadata)) => {
                    self.reader = None;
                    self.trailing.clone_from(&metadata);
                    let failure = outcome.err().map(|failure| with_metadata(failure, metadata));
                    self.tell(failure.as_ref());
                    return Poll::Ready(failure.map(Err));
                }
            };
            if let Some(item) = item {
                return Poll::Ready(Some(item.map_err(|error| self.unreadable(&error))));
            }
        }
    }

    /// The next item, or how the stream ended, unread.
    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, Failure>>> {
        match self.next_short() {
            Some(item) => Poll::Ready(Some(item.map_err(|error| self.unreadable(&error)))),
            None => self.poll_more(cx),
        }
    }

    /// Between what comes: that is the end if the call which this one is part of has ended.
    fn poll_scope(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, Failure>>> {
        let Some(scope) = &mut self.scope else { return Poll::Pending };
        ready!(scope.as_mut().poll(cx));
        self.reader = None;
        let failure = Failure::Status(scope_is_over());
        self.tell(Some(&failure));
        Poll::Ready(Some(Err(failure)))
    }

    /// Tells those who want to know of the end of the stream.
    #[inline]
    #[cfg_attr(
        not(feature = "tower"),
        expect(clippy::needless_pass_by_ref_mut, reason = "layers are told once")
    )]
    fn tell(&mut self, failure: Option<&Failure>) {
        #[cfg(feature = "tower")]
        if let Some(mut hooks) = self.hooks.take() {
            hooks.tell(failure.map_or(crate::layers::Ending::Done, crate::layers::Ending::Failed));
        }
        #[cfg(not(feature = "tower"))]
        let _ = failure;
    }
}

impl<T, E> fmt::Debug for Streaming<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streaming").field("reader", &self.reader).finish_non_exhaustive()
    }
}
