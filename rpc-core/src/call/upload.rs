//! What a caller sends for an argument `Streaming<T>`: a stream of items, or one that may break off.

use futures_util::Stream;

use crate::proto::Status;

/// What a client's method takes for an argument `Streaming<T>`: any stream of `T`, or a [`Fallible`] one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a stream of `{T}` that can be sent with a call",
    label = "this is to be a `Stream<Item = {T}> + Send + 'static`",
    note = "a stream of results, which may break off, is sent by `rpc_core::fallible(stream)`"
)]
pub trait Upload<T> {
    /// The stream that is sent.
    type Stream: Stream + Send + 'static;

    /// The stream that is sent.
    fn into_stream(self) -> Self::Stream;

    /// An item of the stream, or why there are no more.
    ///
    /// # Errors
    /// The status that the call is to end with.
    fn split(item: <Self::Stream as Stream>::Item) -> Result<T, Status>;
}

impl<S: Stream<Item = T> + Send + 'static, T> Upload<T> for S {
    type Stream = S;

    fn into_stream(self) -> S {
        self
    }

    fn split(item: T) -> Result<T, Status> {
        Ok(item)
    }
}

/// A stream of results that is sent with a call; from [`fallible`].
#[derive(Clone, Debug)]
pub struct Fallible<S>(S);

/// Sends a stream of results with a call: the items up to the first error, which ends the call. Its handler does not take
/// for whole what broke off: its stream ends with `CANCELLED`, and the caller gets the status.
///
/// ```
/// use futures_util::{StreamExt, stream};
/// use rpc_core::{Code, Status, Streaming, service};
///
/// #[service]
/// trait Archive {
///     async fn store(&self, lines: Streaming<String>) -> u64;
/// }
///
/// # struct Shelf;
/// # impl Archive for Shelf {
/// #     async fn store(&self, lines: Streaming<String>) -> u64 { lines.count().await as u64 }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # let archive = ArchiveClient::in_memory(ArchiveServer::new(Shelf));
/// let lines = stream::iter([Ok("first".to_owned()), Err("the disk is gone")]);
/// let lines = lines.map(|line| line.map_err(|error| Status::new(Code::DataLoss, error)));
/// let error = archive.store(rpc_core::fallible(lines)).await.unwrap_err();
/// assert_eq!(error.to_string(), "DATA_LOSS: the disk is gone");
/// # }
/// ```
pub const fn fallible<S, T, E>(stream: S) -> Fallible<S>
where
    S: Stream<Item = Result<T, E>> + Send + 'static,
    E: Into<Status>,
{
    Fallible(stream)
}

impl<S, T, E> Upload<T> for Fallible<S>
where
    S: Stream<Item = Result<T, E>> + Send + 'static,
    E: Into<Status>,
{
    type Stream = S;

    fn into_stream(self) -> S {
        self.0
    }

    fn split(item: Result<T, E>) -> Result<T, Status> {
        item.map_err(Into::into)
    }
}
