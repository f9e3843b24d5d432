//! The typed face of a call: from arguments to a future, from a payload to a value or a typed error, from a
//! stream of values to items and back.

mod again;
mod arguments;
mod by_name;
mod channel;
mod error;
mod evolve;
pub mod forward;
mod future;
#[cfg(feature = "fleet")]
mod hedge;
#[cfg(feature = "tower")]
mod layered;
mod outgoing;
mod reply_call;
mod scope;
mod sending;
mod state;
mod streaming;
mod target;
mod upload;

pub use arguments::Sendable;
pub use channel::Channel;
pub use error::{CallError, MethodError};
pub(crate) use evolve::Evolve;
#[cfg(feature = "fleet")]
pub use hedge::Hedge;
#[cfg(feature = "tower")]
pub use layered::{ClientFuture, ClientHandler, ClientReply, ClientRequest};
#[cfg(feature = "tower")]
pub(crate) use layered::{ClientLayer, layered};
pub use reply_call::{Reply, ReplyCall};
pub(crate) use scope::Scope;
pub(crate) use sending::{Sent, send_all};
pub use state::ChannelState;
pub use streaming::Streaming;
pub(crate) use target::{Target, Way};
pub use upload::{Fallible, Upload, fallible};

use std::{convert::Infallible, sync::Arc, time::Duration};

use parking_lot::Mutex;

use self::{
    future::State,
    outgoing::{Method, Outgoing, ScopeEnd},
};
use crate::{
    codec::{CodecError, Decode, Encode},
    proto::{Codec, IdempotencyKey, Metadata, Payload, Priority, Status, Streams, Token},
    seam::{Caller, items::ItemReader},
};

/// A call: the future of its reply. It is sent when it is first polled, as by `.await`; options come before.
///
/// Dropping a call that was sent cancels it: the handler is dropped on the other side. One that was never polled leaves
/// nothing behind.
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
///
/// As any future it can run beside others, in `tokio::join!`, `join_all`, `buffered` or a task of its own:
///
/// ```
/// # use rpc_core::{Server, service};
/// # #[service] trait Calculator { async fn add(&self, a: i64, b: i64) -> i64; }
/// # struct Pocket;
/// # impl Calculator for Pocket { async fn add(&self, a: i64, b: i64) -> i64 { a + b } }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let calculator = CalculatorClient::in_memory(Server::new().with(CalculatorServer::new(Pocket)));
/// let (three, seven) = tokio::try_join!(calculator.add(1, 2), calculator.add(3, 4))?;
/// let eleven = tokio::spawn(calculator.add(5, 6)).await??;
/// let sums = futures_util::future::try_join_all((0..3).map(|n| calculator.add(n, n))).await?;
/// assert_eq!((three, seven, eleven, sums), (3, 7, 11, vec![0, 2, 4]));
/// # Ok(()) }
/// ```
///
/// # Cancel safety
/// Dropping it cancels the call, which may have run by then.
#[must_use = "a call is sent when it is awaited"]
pub struct Call<T, E = Infallible> {
    /// What the call goes to: known from the start, or from when one was picked for it.
    caller: Option<Arc<dyn Caller>>,
    request: Outgoing,
    read: Reader<T, E>,
    /// For calls that bring a stream, until they do.
    stream: Option<MakeStream<T>>,
    state: State,
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
    method: Method,
    codec: Codec,
    scope: Option<ScopeEnd>,
    /// What came ahead of the items, and what came with the reply if that is here already.
    leading: Option<Box<Metadata>>,
    trailing: Option<Box<Metadata>>,
    /// Told of the end of the stream.
    #[cfg(feature = "tower")]
    hooks: Option<Box<crate::layers::Hooks>>,
}

/// What is expected of a call: one value, or a stream of them.
pub(crate) struct Expected<T, E> {
    read: Reader<T, E>,
    stream: Option<MakeStream<T>>,
}

impl<T, E> Expected<T, E> {
    pub(crate) fn value(value: Decode<T>, error: Option<Decode<E>>) -> Self {
        Self { read: Reader { value, error }, stream: None }
    }
}

impl<T: 'static, E: 'static> Expected<Streaming<T, E>, E> {
    pub(crate) fn items(item: Decode<T>, error: Option<Decode<E>>) -> Self {
        let stream = move |incoming: Incoming| Streaming::of_call(incoming, item, error);
        // A stream is made, not read.
        let value: Decode<Streaming<T, E>> = |_, _| Err(CodecError::no_value());
        Self { read: Reader { value, error }, stream: Some(Box::new(stream)) }
    }
}

impl<T, E> Call<T, E> {
    /// For [`Channel`], which adds its own to every call.
    #[inline]
    fn new(
        caller: Option<Arc<dyn Caller>>,
        method: Method,
        codec: Codec,
        arguments: Result<Payload, Status>,
        expected: Expected<T, E>,
    ) -> Self {
        let Expected { read, stream } = expected;
        let streams = if stream.is_some() { Streams::DOWN } else { Streams::NONE };
        let request = Outgoing::new(method, codec, arguments, streams);
        Self { caller, request, read, stream, state: State::Unsent }
    }

    /// Expects no reply: the call is done when it is on its way.
    pub(crate) fn oneway(mut self) -> Self {
        self.request.reply = outgoing::Reply::None;
        self
    }

    /// Sends the items of `stream` along.
    pub(crate) fn upload<U: 'static>(mut self, stream: impl Upload<U>, encode: Encode<U>) -> Self {
        let streams = &mut self.request.streams;
        *streams = if streams.down() { Streams::BOTH } else { Streams::UP };
        self.request.options().upload = Some(Mutex::new(sending::upload(stream, encode)));
        self
    }

    /// Ends the call with another one, whose deadline holds for this one too.
    pub(crate) fn part_of(mut self, scope: Arc<dyn Scope>) -> Self {
        self.request.options().scope = Some(scope);
        self
    }

    /// The items that go with a call by name, as [`Channel::call_json`] and [`Channel::stream_json`] make it; a stream of
    /// results by [`fallible`].
    pub fn upload_json(self, stream: impl Upload<serde_json::Value>) -> Self {
        self.upload(stream, crate::codec::encode::<serde_json::Value>)
    }

    /// The items, encoded already, that go with a call as [`Channel::call_raw`] and [`Channel::stream_raw`] make it, in the
    /// codec of the call.
    pub fn upload_raw(self, stream: impl Upload<Payload>) -> Self {
        self.upload(stream, |_, item, out| {
            out.extend_from_slice(item);
            Ok(())
        })
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
        self.request.refuse_if(set);
        self
    }

    /// Sends bytes along, under a key that ends in `-bin`; as [`Self::metadata`] does text.
    pub fn metadata_bin(mut self, key: &str, value: impl AsRef<[u8]>) -> Self {
        let set = self.request.metadata().set_bin(key, value);
        self.request.refuse_if(set);
        self
    }

    /// Sends all pairs of `metadata` along, for each key in the place of what was set before.
    pub fn with_metadata(mut self, metadata: &Metadata) -> Self {
        let set = self.request.metadata().set_all(metadata);
        self.request.refuse_if(set);
        self
    }

    /// Makes the call for whom `token` stands, in the place of whom the connection is made for: see
    /// [`Endpoint::token`](crate::Endpoint::token). The server asks its authenticator, and refuses the call with
    /// `UNAUTHENTICATED` if that does. An empty token, or one of more than 4,096 bytes, fails the call with
    /// `INVALID_ARGUMENT`.
    pub fn token(mut self, token: impl Into<Token>) -> Self {
        let token = token.into();
        self.request.refuse_if(token.check_for_call());
        self.request.options().token = Some(token);
        self
    }

    /// Names what the call is to do, for a method with `#[rpc(once)]`: its server runs it once for all calls of the same caller
    /// with the same key and arguments, and answers all of them alike, for as long as it remembers. Without this, each call
    /// has a key of its own, which its attempts share. 1 to 64 bytes; another length fails the call with `INVALID_ARGUMENT`. A
    /// server passes it over where the method is another one.
    ///
    /// Where the transport does not tell who calls, whoever knows the key is given the answer.
    pub fn idempotency_key(mut self, key: impl Into<Vec<u8>>) -> Self {
        match IdempotencyKey::new(key) {
            Ok(key) => self.request.options().idempotency = Some(key),
            Err(error) => self.request.refuse_if(Err(error)),
        }
        self
    }

    /// How much the call matters where its server has too much to do: calls of the lowest priority are refused first. A call that a
    /// handler makes within its own, by [`Self::within`] or back to the caller's side, has the priority of that unless it is given
    /// another. Default: [`Priority::Normal`].
    pub fn priority(mut self, priority: Priority) -> Self {
        self.request.options().priority = Some(priority);
        self
    }

    /// Gives the metadata of the reply as well: a [`Reply`] in the place of the value. Options of the call come before.
    /// That of a call which failed is with its status: [`Status::metadata`].
    pub fn with_reply_metadata(mut self) -> ReplyCall<T, E> {
        self.request.options().wants_metadata = true;
        ReplyCall(self)
    }
}

#[cfg(test)]
mod tests;
