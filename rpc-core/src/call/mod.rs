//! The typed face of a call: from arguments to a future, from a payload to a value or a typed error, from a
//! stream of values to items and back.

mod channel;
mod context;
mod error;
mod evolve;
mod future;
mod reply;
mod streaming;
mod upload;

pub use channel::{Channel, ChannelState};
pub use context::Context;
pub use error::CallError;
pub use future::CallFuture;
pub use reply::{Reply, ReplyCall, ReplyFuture, ReplyMetadata};
pub use streaming::Streaming;
pub(crate) use upload::{Sent, send_all};

use std::{convert::Infallible, fmt, future::IntoFuture, pin::Pin, time::Duration};

use futures_util::Stream;
use parking_lot::Mutex;
use tokio_util::sync::WaitForCancellationFutureOwned;

use self::{evolve::Fallback, upload::Upload};
use crate::{
    codec::{CodecError, Decode, Encode},
    connection::{Connection, ItemReader},
    proto::{
        Code, Codec, Metadata, MetadataError, MethodKey, Opening, Order, Payload, Status, Streams,
    },
};

/// A call that was prepared and not sent yet: `.await` sends it, options come before.
///
/// Dropping the future of a call that was sent cancels it: the handler is dropped on the other side.
///
/// ```no_run
/// # use rpc_core::service;
/// # #[service] trait Calculator { async fn add(&self, a: i64, b: i64) -> i64; }
/// # async fn run(calculator: CalculatorClient) -> Result<(), rpc_core::CallError> {
/// use std::time::Duration;
/// let sum = calculator
///     .add(1, 2)
///     .timeout(Duration::from_secs(1))
///     .metadata("tenant", "acme")
///     .await?;
/// # Ok(()) }
/// ```
#[must_use = "a call is sent when it is awaited"]
pub struct Call<T, E = Infallible> {
    connection: Connection,
    request: Prepared,
    read: Reader<T, E>,
    stream: Option<MakeStream<T>>,
}

/// What is to be sent.
struct Prepared {
    method: Method,
    opening: Opening,
    /// The encoded arguments, or why the call cannot be made.
    arguments: Result<Payload, Status>,
    reply: bool,
    /// What most calls do not have; apart, so that the others stay small.
    options: Option<Box<Options>>,
}

#[derive(Default)]
struct Options {
    timeout: Option<Duration>,
    /// Sends the items that go with the call. The lock is never taken: it makes `Sync` what holds a stream of the
    /// caller's, which need not be.
    upload: Option<Mutex<Upload>>,
    /// Ends the call with that of whoever makes it.
    scope: Option<Context>,
    /// The call whose handler makes this one, on the same connection.
    caller: Option<Context>,
    /// Resolves when the scope is over; from when the call is open.
    cancelled: Option<ScopeEnd>,
    /// What is sent to a server with another signature.
    fallback: Option<Fallback>,
    /// Whether the caller asks what came beside the reply, and that, once it is here.
    wants_metadata: bool,
    reply_metadata: Option<Box<Metadata>>,
}

/// Resolves when the call is over that another one is part of.
type ScopeEnd = Pin<Box<WaitForCancellationFutureOwned>>;

/// Which method is called, and how to speak of it.
#[derive(Clone, Debug)]
pub(crate) enum Method {
    /// One of a trait that this program was compiled with.
    Known {
        service: &'static crate::schema::ServiceSchema,
        method: &'static crate::schema::MethodSchema,
    },
    /// One that is called by its name alone.
    Named(MethodKey),
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known { service, method } => write!(f, "{}.{}", service.name, method.name),
            Self::Named(key) => key.fmt(f),
        }
    }
}

/// How the reply is read. Function pointers, so that a call is one type for all methods with the same
/// result.
struct Reader<T, E> {
    value: Decode<T>,
    error: Option<Decode<E>>,
}

impl<T, E> Clone for Reader<T, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, E> Copy for Reader<T, E> {}

/// Makes the stream of a call that the handler has accepted.
type MakeStream<T> = Box<dyn FnOnce(Incoming) -> T + Send + Sync>;

/// A call whose items are to come; no reader if it brought none.
struct Incoming {
    reader: Option<ItemReader>,
    connection: Connection,
    method: Method,
    codec: Codec,
    scope: Option<ScopeEnd>,
    /// What came ahead of the items, and what came with the reply if that is here already.
    leading: Option<Box<Metadata>>,
    trailing: Option<Box<Metadata>>,
}

/// What is expected of a call: one value, or a stream of them.
struct Expected<T, E> {
    read: Reader<T, E>,
    stream: Option<MakeStream<T>>,
}

impl<T, E> Expected<T, E> {
    fn value(value: Decode<T>, error: Option<Decode<E>>) -> Self {
        Self { read: Reader { value, error }, stream: None }
    }
}

impl<T: 'static, E: 'static> Expected<Streaming<T, E>, E> {
    fn items(item: Decode<T>, error: Option<Decode<E>>) -> Self {
        let stream = move |incoming: Incoming| Streaming::of_call(incoming, item, error);
        // A stream is made, not read.
        let value: Decode<Streaming<T, E>> = |_, _| Err(CodecError::no_value());
        Self { read: Reader { value, error }, stream: Some(Box::new(stream)) }
    }
}

impl<T, E> Call<T, E> {
    /// For [`Channel`], which adds its own to every call.
    fn new(
        connection: Connection,
        method: Method,
        codec: Codec,
        arguments: Result<Payload, Status>,
        expected: Expected<T, E>,
    ) -> Self {
        let Expected { read, stream } = expected;
        let mut request = Prepared::new(method, codec, arguments);
        if stream.is_some() {
            request.opening.streams = Streams::DOWN;
        }
        Self { connection, request, read, stream }
    }

    /// Expects no reply: the call is done when it is on its way.
    pub(crate) fn oneway(mut self) -> Self {
        self.request.reply = false;
        self
    }

    /// Sends the items of `stream` along.
    pub(crate) fn upload<S, U>(mut self, stream: S, encode: Encode<U>) -> Self
    where
        S: Stream<Item = U> + Send + 'static,
        U: 'static,
    {
        let streams = &mut self.request.opening.streams;
        *streams = if streams.down() { Streams::BOTH } else { Streams::UP };
        self.request.options().upload = Some(Mutex::new(upload::upload(stream, encode)));
        self
    }

    /// Makes the call a part of the one that `cx` belongs to: it inherits the time that remains, the
    /// metadata, and the end: when the other call is over, this one is cancelled.
    pub fn within(mut self, cx: &Context) -> Self {
        self.request.options().scope = Some(cx.clone());
        self.with_metadata(cx.metadata())
    }

    /// The items that go with a call by name, as [`Channel::call_json`] and [`Channel::stream_json`] make it.
    pub fn upload_json(
        self,
        stream: impl Stream<Item = serde_json::Value> + Send + 'static,
    ) -> Self {
        self.upload(stream, crate::codec::encode::<serde_json::Value>)
    }

    /// Tells which call's handler makes this one, if one does.
    #[inline]
    pub(super) fn called_by(&mut self, caller: Option<&Context>) {
        if let Some(caller) = caller {
            self.request.options().caller = Some(caller.clone());
        }
    }

    /// Gives the call up when it is not answered within `timeout` of being awaited; a stream, when it has
    /// not ended by then. The time that remains
    /// travels along: the server drops the handler when nobody waits for it any more.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.request.options().timeout = Some(timeout);
        self
    }

    /// Sends a key-value pair along. A pair that cannot travel fails the call with `INVALID_ARGUMENT`:
    /// see [`Metadata`] for what can.
    pub fn metadata(mut self, key: &str, value: &str) -> Self {
        let set = self.request.metadata().set(key, value);
        self.refuse_if(set);
        self
    }

    /// Sends bytes along, under a key that ends in `-bin`; as [`Self::metadata`] does text.
    pub fn metadata_bin(mut self, key: &str, value: impl AsRef<[u8]>) -> Self {
        let set = self.request.metadata().set_bin(key, value);
        self.refuse_if(set);
        self
    }

    /// Sends all pairs of `metadata` along, for each key in the place of what was set before.
    pub fn with_metadata(mut self, metadata: &Metadata) -> Self {
        if !metadata.is_empty() {
            let set = self.request.metadata().set_all(metadata);
            self.refuse_if(set);
        }
        self
    }

    /// Gives the metadata of the reply as well: a [`Reply`] in the place of the value. Options of the call come before.
    /// That of a call which failed is with its status: [`Status::metadata`].
    pub fn with_reply_metadata(mut self) -> ReplyCall<T, E> {
        self.request.options().wants_metadata = true;
        ReplyCall(self)
    }

    fn refuse_if(&mut self, set: Result<(), MetadataError>) {
        if let Err(error) = set {
            let status = Status::not_started(Code::InvalidArgument, error.to_string());
            self.request.arguments = Err(status);
        }
    }
}

impl Prepared {
    fn new(method: Method, codec: Codec, arguments: Result<Payload, Status>) -> Self {
        let order = if method.is_ordered() { Order::Kept } else { Order::Any };
        let opening = Opening { order, ..Opening::new(method.key(), codec) };
        Self { method, opening, arguments, reply: true, options: None }
    }

    fn metadata(&mut self) -> &mut Metadata {
        self.opening.metadata.get_or_insert_default()
    }

    fn options(&mut self) -> &mut Options {
        self.options.get_or_insert_default()
    }
}

impl Method {
    const fn key(&self) -> MethodKey {
        match self {
            Self::Known { method, .. } => method.key,
            Self::Named(key) => *key,
        }
    }

    /// The key of the same method whatever its signature.
    const fn bare_key(&self) -> MethodKey {
        match self {
            Self::Known { method, .. } => MethodKey::bare(method.path.as_str()),
            Self::Named(key) => *key,
        }
    }

    const fn is_ordered(&self) -> bool {
        match self {
            Self::Known { method, .. } => method.ordered,
            Self::Named(_) => false,
        }
    }

    /// Adds to the refusal of a method what only this side knows. A handler may say `UNIMPLEMENTED` of its own.
    fn explain(&self, status: Status) -> Status {
        let refused = status.code() == Code::Unimplemented && !status.may_have_run();
        match self {
            Self::Known { service, method } if refused => {
                let message = format!(
                    "{}; this client calls {} as `{}`",
                    status.message(),
                    method.path,
                    service.signature(method)
                );
                status.with_message(message)
            }
            _ => status,
        }
    }
}

impl<T, E> IntoFuture for Call<T, E> {
    type Output = Result<T, CallError<E>>;
    type IntoFuture = CallFuture<T, E>;

    fn into_future(self) -> CallFuture<T, E> {
        CallFuture::new(self)
    }
}

impl<T, E> fmt::Debug for Call<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({}, not sent until it is awaited)", self.request.method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever they bring: a cell may not be looked at by two threads, nor a pointer be sent to one.
    #[test]
    fn what_holds_a_call_may_be_shared_between_threads() {
        const fn shared<T: Send + Sync + Unpin>() {}
        const {
            shared::<Call<*const (), std::cell::Cell<u8>>>();
            shared::<CallFuture<*const (), std::cell::Cell<u8>>>();
            shared::<Streaming<*const (), std::cell::Cell<u8>>>();
            shared::<Channel>();
            shared::<Context>();
            shared::<CallError<u8>>();
        }
    }
}
