//! The door through which calls leave.

use std::{sync::Arc, time::Duration};

use serde::Serialize;

use super::{Call, Expected, Method, Scope, Streaming, Target, evolve::Fallback};
use crate::{
    codec::{self, CodecError, Decode, Source},
    proto::{Code, Codec, Limits, MethodKey, Payload, Status, connection::ConnectionError},
    schema::ServiceSchema,
    seam::{Caller, Phase},
    transport::Peer,
};

/// A connection to a server, from which clients of any of its services are made. Clones are cheap and
/// share the connection; it drains and closes when the last one, and the last call, is gone.
///
/// ```no_run
/// # use rpc_core::{service, Channel};
/// # #[service] trait Calculator { async fn add(&self, a: i64, b: i64) -> i64; }
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let channel = Channel::connect("127.0.0.1:7000").await?;
/// let calculator = CalculatorClient::new(channel.clone());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Channel {
    target: Target,
    codec: Codec,
    timeout: Option<Duration>,
    /// The call whose handler was given this channel.
    parent: Option<Arc<dyn Scope>>,
}

/// How far the connection of a [`Channel`] is; see [`Channel::state`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChannelState {
    /// The server has not said hello yet. Calls may be made: the first ones ride with the handshake.
    Connecting,
    /// Calls are made.
    Ready,
    /// One side has said that it starts no more calls. What runs is finished.
    Draining,
    /// The connection is over.
    Closed,
}

impl Channel {
    pub(crate) const fn new(target: Target, codec: Codec, timeout: Option<Duration>) -> Self {
        Self { target, codec, timeout, parent: None }
    }

    /// A channel for calls that are part of no other.
    pub(crate) fn of(caller: Arc<dyn Caller>) -> Self {
        Self::new(Target::Caller(caller), Codec::default(), None)
    }

    /// A channel back to whoever made a call that is served here.
    pub(crate) fn back(caller: Arc<dyn Caller>, parent: Arc<dyn Scope>) -> Self {
        let (target, codec) = (Target::Caller(caller), Codec::default());
        Self { target, codec, timeout: None, parent: Some(parent) }
    }

    /// Waits until the server has said hello.
    ///
    /// # Errors
    /// `UNAVAILABLE`: the connection was lost, or what listens there is no server of this protocol; the
    /// message says which.
    ///
    /// # Cancel safety
    /// Safe: dropping the future changes nothing.
    pub async fn ready(&self) -> Result<(), Status> {
        self.target.current().ready().await.map_err(unavailable)
    }

    /// Sends a ping and gives the time until its answer.
    ///
    /// # Errors
    /// `UNAVAILABLE`: the connection was lost.
    ///
    /// # Cancel safety
    /// Safe: dropping the future forgets the answer.
    pub async fn ping(&self) -> Result<Duration, Status> {
        self.target.current().ping().await.map_err(unavailable)
    }

    /// Closes the connection in good order, for all clones: no further call is made, what runs is finished, one-way
    /// calls that were sent are written, and then the transport is closed. Resolves when all that is done.
    ///
    /// There is no limit of time to it. Where one is wanted, put `tokio::time::timeout` around it.
    ///
    /// ```
    /// # use rpc_core::{Channel, Server, service};
    /// # #[service] trait Log { #[rpc(oneway)] async fn line(&self, line: String); }
    /// # struct Lines;
    /// # impl Log for Lines { async fn line(&self, _line: String) {} }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = Server::new().with(LogServer::new(Lines)).start("127.0.0.1:0").await?;
    /// let log = LogClient::connect(server.address()).await?;
    /// log.line("the last one").await?;
    /// // Without it the program might end before the line has left.
    /// log.channel().close().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `UNAVAILABLE`: the connection was lost before all was done, or had been; the message says how.
    ///
    /// # Cancel safety
    /// Safe: once begun, it goes on by itself.
    pub async fn close(&self) -> Result<(), Status> {
        self.target.current().drain();
        self.closed().await
    }

    /// Resolves when the connection is over, whoever ended it.
    ///
    /// # Errors
    /// `UNAVAILABLE`: it did not end in good order; the message says why.
    ///
    /// # Cancel safety
    /// Safe: dropping the future changes nothing.
    pub async fn closed(&self) -> Result<(), Status> {
        match self.target.current().closed().await {
            ConnectionError::Closed => Ok(()),
            error => Err(unavailable(error)),
        }
    }

    /// Resolves when one side has said that it starts no more calls, or the connection is over. What runs is finished;
    /// a call that is made after this fails.
    ///
    /// # Cancel safety
    /// Safe: dropping the future changes nothing. It does not keep the connection open.
    pub fn draining(&self) -> impl Future<Output = ()> + Send + use<> {
        self.target.current().phases().reach(Phase::Draining)
    }

    /// How far the connection is: whether a call that is made now has a chance.
    #[must_use]
    pub fn state(&self) -> ChannelState {
        self.target.current().phase().into()
    }

    /// Resolves when the state is another than `last`, and gives it. A state that lasts for less time than it takes to
    /// look again may be passed over.
    ///
    /// ```no_run
    /// # async fn run(channel: rpc_core::Channel) {
    /// use rpc_core::ChannelState;
    /// let mut state = channel.state();
    /// while state != ChannelState::Closed {
    ///     state = channel.state_change(state).await;
    ///     println!("{state:?}");
    /// }
    /// # }
    /// ```
    ///
    /// # Cancel safety
    /// Safe: dropping the future changes nothing.
    pub async fn state_change(&self, last: ChannelState) -> ChannelState {
        let caller = self.target.current();
        let mut phases = caller.phases();
        loop {
            let state = caller.phase().into();
            if state != last {
                return state;
            }
            phases.changed().await;
        }
    }

    /// Whether the connection is over: every call that is made fails.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state() == ChannelState::Closed
    }

    /// How many calls of this side have not ended, those that still wait to be sent included, on all clones. A call waits
    /// while the server's limits leave no room for it: see [`Self::peer_limits`].
    #[must_use]
    pub fn open_calls(&self) -> usize {
        self.target.current().open_calls()
    }

    /// What the server accepts at once, as it said in its hello; `None` before that (see [`Self::ready`]). Calls beyond
    /// [`Limits::max_calls`] wait on this side until others have ended, and so do streams beyond [`Limits::max_streams`].
    ///
    /// ```no_run
    /// # async fn run(channel: rpc_core::Channel) {
    /// let allowed = channel.peer_limits().map_or(0, |limits| limits.max_calls as usize);
    /// if channel.open_calls() >= allowed {
    ///     println!("further calls wait for their turn");
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn peer_limits(&self) -> Option<Limits> {
        self.target.current().peer_limits()
    }

    /// Who is at the other end.
    #[must_use]
    pub fn peer(&self) -> Peer {
        self.target.current().peer().clone()
    }

    /// What the server calls itself ([`Server::name`](crate::Server::name)): empty if it has no name, or has not
    /// said hello yet (see [`Self::ready`]).
    #[must_use]
    pub fn peer_name(&self) -> String {
        self.target.current().peer_name()
    }

    /// Prepares a call by the method's bare name, `Service.method`, with JSON both ways: no trait is
    /// needed. `arguments` is an object by name or an array by position; the error is the service's own,
    /// as JSON.
    pub fn call_json(
        &self,
        method: &str,
        arguments: &serde_json::Value,
    ) -> Call<serde_json::Value, serde_json::Value> {
        let arguments = encode(Codec::Json, arguments);
        let decode: Decode<serde_json::Value> = codec::decode::<serde_json::Value>;
        let expected = Expected::value(decode, Some(decode));
        self.prepare(Method::Named(MethodKey::bare(method)), Codec::Json, arguments, expected)
    }

    /// Prepares a call whose arguments are encoded already, and whose reply, or the method's own error, is
    /// given as it came: for those who make one call very often, or hand calls on without reading them.
    /// `method` is [`MethodKey::bare`] of `Service.method`, made once, or the key of a description.
    ///
    /// ```
    /// # use rpc_core::{Channel, Server, service};
    /// # #[service] trait Calculator { async fn add(&self, a: i64, b: i64) -> i64; }
    /// # struct Pocket;
    /// # impl Calculator for Pocket { async fn add(&self, a: i64, b: i64) -> i64 { a + b } }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = Server::new().with(CalculatorServer::new(Pocket)).start("127.0.0.1:0").await?;
    /// use rpc_core::{Codec, MethodKey, proto::Payload};
    ///
    /// let channel = Channel::connect(server.address()).await?;
    /// let (add, arguments) = (MethodKey::bare("Calculator.add"), Payload::copy_from_slice(b"[1, 2]"));
    /// for _ in 0..3 {
    ///     let sum = channel.call_raw(add, Codec::Json, &arguments).await;
    ///     assert_eq!(sum.as_deref(), Ok(&b"3"[..]));
    /// }
    /// # Ok(()) }
    /// ```
    pub fn call_raw(
        &self,
        method: MethodKey,
        codec: Codec,
        arguments: &Payload,
    ) -> Call<Payload, Payload> {
        let expected = Expected::value(as_it_is, Some(as_it_is));
        self.prepare(Method::Named(method), codec, Ok(arguments.clone()), expected)
    }

    /// The same as [`Self::call_raw`] for a method that answers with a stream of items.
    pub fn stream_raw(
        &self,
        method: MethodKey,
        codec: Codec,
        arguments: &Payload,
    ) -> Call<Streaming<Payload, Payload>, Payload> {
        let expected = Expected::items(as_it_is, Some(as_it_is as Decode<Payload>));
        self.prepare(Method::Named(method), codec, Ok(arguments.clone()), expected)
    }

    /// The same as [`Self::call_json`] for a method that answers with a stream of items.
    pub fn stream_json(
        &self,
        method: &str,
        arguments: &serde_json::Value,
    ) -> Call<Streaming<serde_json::Value, serde_json::Value>, serde_json::Value> {
        let arguments = encode(Codec::Json, arguments);
        let decode: Decode<serde_json::Value> = codec::decode::<serde_json::Value>;
        let expected = Expected::items(decode, Some(decode));
        self.prepare(Method::Named(MethodKey::bare(method)), Codec::Json, arguments, expected)
    }

    /// Prepares a call of a trait's method, given by its index.
    #[inline]
    pub(crate) fn known<T, E>(
        &self,
        service: &'static ServiceSchema,
        method: usize,
        arguments: &impl Serialize,
        expected: Expected<T, E>,
    ) -> Call<T, E> {
        let method = &service.methods[method];
        let encoded = encode(self.codec, arguments);
        let known = Method::Known { service, method };
        let mut call = self.prepare(known, self.codec, encoded, expected);
        if self.target.wants_json(service, method) {
            let json = encode(Codec::Json, arguments);
            call.request.options().fallback = Some(Fallback::Kept(json));
        }
        call
    }

    /// Every call comes from here, so that none is without what this channel adds.
    #[inline]
    fn prepare<T, E>(
        &self,
        method: Method,
        codec: Codec,
        arguments: Result<Payload, Status>,
        expected: Expected<T, E>,
    ) -> Call<T, E> {
        let mut call = Call::new(self.target.caller(), method, codec, arguments, expected);
        if let Target::Picker(picker) = &self.target {
            call.request.options().picker = Some(Arc::clone(picker));
        }
        if let Some(parent) = &self.parent {
            call.request.options().parent = Some(Arc::clone(parent));
        }
        if let Some(timeout) = self.timeout.filter(|_| !call.request.streams.down()) {
            call.request.options().timeout = Some(timeout);
        }
        call
    }
}

impl From<Phase> for ChannelState {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Connecting => Self::Connecting,
            Phase::Ready => Self::Ready,
            Phase::Draining => Self::Draining,
            Phase::Over | Phase::Closed => Self::Closed,
        }
    }
}

fn encode<A: Serialize>(codec: Codec, arguments: &A) -> Result<Payload, Status> {
    codec::to_payload(codec, arguments, codec::encode::<A>).map_err(|error: CodecError| {
        let message = format!("cannot encode the arguments: {error}");
        Status::not_started(Code::InvalidArgument, message)
    })
}

/// Reads a payload by leaving it alone.
#[allow(clippy::unnecessary_wraps, reason = "it stands where payloads are read")]
fn as_it_is(_: Codec, source: Source<'_>) -> Result<Payload, CodecError> {
    Ok(source.to_payload())
}

fn unavailable(error: ConnectionError) -> Status {
    Status::not_started(error.code(), error.to_string())
}
