//! The door through which calls leave.

use std::{sync::Arc, time::Duration};

use super::{
    Call, ChannelState, Expected, Method, Scope, Sendable, Streaming, Target, Way, arguments,
    by_name::ByName, evolve::Fallback, state::unavailable,
};
use crate::{
    codec::{self, CodecError, Decode, Source},
    proto::{Codec, Limits, MethodKey, Payload, Status, connection::ConnectionError},
    schema::ServiceSchema,
    seam::{Caller, PeerLoad, Phase},
    transport::Peer,
};

/// The way to a server, from which clients of any of its services are made. Clones are cheap and share its connection,
/// which drains and closes when the last one, and the last call, is gone.
///
/// A channel that was made by [`Self::connect`] comes back when its connection is lost: see
/// [`Reconnect`](crate::Reconnect).
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
    pub(super) target: Target,
    codec: Codec,
    timeout: Option<Duration>,
    /// The call whose handler was given this channel.
    parent: Option<Arc<dyn Scope>>,
    /// When its calls are made a second time, where they may be.
    #[cfg(feature = "fleet")]
    hedge: Option<super::Hedge>,
    /// The layers that its calls go through.
    #[cfg(feature = "tower")]
    layers: super::ClientHandler,
}

impl Channel {
    pub(crate) const fn new(target: Target, codec: Codec, timeout: Option<Duration>) -> Self {
        Self {
            target,
            codec,
            timeout,
            parent: None,
            #[cfg(feature = "fleet")]
            hedge: None,
            #[cfg(feature = "tower")]
            layers: super::ClientHandler::DIRECT,
        }
    }

    /// The same with calls that are made a second time.
    #[cfg(feature = "fleet")]
    pub(crate) const fn with_hedge(mut self, hedge: Option<super::Hedge>) -> Self {
        self.hedge = hedge;
        self
    }

    /// The same with layers around its calls.
    #[cfg(feature = "tower")]
    pub(crate) fn with_layers(mut self, layers: super::ClientHandler) -> Self {
        self.layers = layers;
        self
    }

    /// A channel for calls that are part of no other.
    pub(crate) fn of(caller: Arc<dyn Caller>) -> Self {
        let (target, codec) = match caller.names() {
            None => (Target::caller(caller), Codec::default()),
            Some(_) => (Target::Picker(Arc::new(ByName(caller))), Codec::Json),
        };
        Self::new(target, codec, None)
    }

    /// A channel back to whoever made a call that is served here.
    pub(crate) fn back(caller: Arc<dyn Caller>, parent: Arc<dyn Scope>) -> Self {
        Self { parent: Some(parent), ..Self::of(caller) }
    }

    /// Waits until the server has said hello. A channel that comes back and has no connection opens one, and waits for it
    /// as a call without a deadline would.
    ///
    /// # Errors
    /// `UNAVAILABLE`: there is no connection, or it was lost, or what listens there is no server of this protocol; the
    /// message says which. `UNAUTHENTICATED`: the server refuses this side.
    ///
    /// # Cancel safety
    /// Safe: dropping the future changes nothing.
    pub async fn ready(&self) -> Result<(), Status> {
        self.way().ready().await.map(drop)
    }

    /// Sends a ping and gives the time until its answer. A channel that comes back and has no connection opens one first.
    ///
    /// # Errors
    /// `UNAVAILABLE`: the connection was lost, or there is none.
    ///
    /// # Cancel safety
    /// Safe: dropping the future forgets the answer.
    pub async fn ping(&self) -> Result<Duration, Status> {
        let caller = match self.way().asked() {
            Some(caller) if caller.phase() < Phase::Over => caller,
            _ => self.way().ready().await?,
        };
        caller.ping().await.map_err(|error| unavailable(&error))
    }

    /// How much the server has to do, as it has last said; `None` until it has, if it does not, and where there is no connection.
    /// Servers of this crate tell those that [ask](crate::Endpoint::load_reports) with the first reply, and then once for each 32
    /// calls or 100 ms in which there are any. It is what tells servers apart that answer the same calls: reading it costs a few loads.
    #[must_use]
    pub fn peer_load(&self) -> Option<PeerLoad> {
        self.way().asked()?.peer_load()
    }

    /// Closes the channel in good order, for all clones: no further call is made and no connection opened, what runs is finished, one-way
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
        self.way().close();
        self.closed().await
    }

    /// Resolves when the channel is over, whoever ended it: its connection is closed and no other one will be opened.
    ///
    /// # Errors
    /// `UNAVAILABLE`, `UNAUTHENTICATED`: it did not end in good order; the message says why.
    ///
    /// # Cancel safety
    /// Safe: dropping the future changes nothing.
    pub async fn closed(&self) -> Result<(), Status> {
        match self.way().closed().await {
            ConnectionError::Closed => Ok(()),
            error => Err(unavailable(&error)),
        }
    }

    /// Resolves when no more calls can be made: the channel was closed, or one side of a connection that does not come
    /// back has said that it starts no more. What runs is finished; a call that is made after this fails.
    ///
    /// # Cancel safety
    /// Safe: dropping the future changes nothing. It does not keep the connection open.
    pub fn draining(&self) -> impl Future<Output = ()> + Send + use<> {
        self.way().draining()
    }

    /// Whether the channel is over: every call that is made fails.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state() == ChannelState::Closed
    }

    /// How many calls of this side have not ended, those that still wait to be sent included, on all clones. A call waits
    /// while the server's limits leave no room for it: see [`Self::peer_limits`].
    #[must_use]
    pub fn open_calls(&self) -> usize {
        let way = self.way();
        let waiting = match &way {
            Way::Caller(_) => 0,
            Way::Supply(supply) => supply.waiting(),
        };
        waiting + way.asked().map_or(0, |caller| caller.open_calls())
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
        self.way().asked()?.peer_limits()
    }

    /// Who is at the other end; of a channel without a connection, who was last.
    #[must_use]
    pub fn peer(&self) -> Peer {
        match self.way() {
            Way::Caller(caller) => caller.peer().clone(),
            Way::Supply(supply) => supply.peer(),
        }
    }

    /// What the server calls itself ([`Server::name`](crate::Server::name)): empty if it has no name, or has not
    /// said hello yet (see [`Self::ready`]).
    #[must_use]
    pub fn peer_name(&self) -> String {
        self.way().asked().map(|caller| caller.peer_name()).unwrap_or_default()
    }

    /// Prepares a call by the method's bare name, `Service.method`, with JSON both ways: no trait is
    /// needed. `arguments` is an object by name or an array by position; the error is the service's own,
    /// as JSON.
    pub fn call_json(
        &self,
        method: &str,
        arguments: &serde_json::Value,
    ) -> Call<serde_json::Value, serde_json::Value> {
        let arguments = encode(arguments);
        let decode: Decode<serde_json::Value> = codec::decode::<serde_json::Value>;
        let expected = Expected::value(decode, Some(decode));
        self.prepare(self.named(method), Codec::Json, arguments, expected)
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
        let arguments = encode(arguments);
        let decode: Decode<serde_json::Value> = codec::decode::<serde_json::Value>;
        let expected = Expected::items(decode, Some(decode));
        self.prepare(self.named(method), Codec::Json, arguments, expected)
    }

    /// Prepares a call of a trait's method, given by its index.
    #[inline]
    pub(crate) fn known<T, E>(
        &self,
        service: &'static ServiceSchema,
        method: usize,
        arguments: &[&dyn Sendable],
        expected: Expected<T, E>,
    ) -> Call<T, E> {
        let method = &service.methods[method];
        let encoded = arguments::encode(self.codec, method, arguments);
        let known = Method::Known { service, method };
        let mut call = self.prepare(known, self.codec, encoded, expected);
        if self.target.wants_json(service, method) {
            let json = arguments::encode(Codec::Json, method, arguments);
            call.request.options().fallback = Some(Fallback::Kept(json));
        }
        call
    }

    fn named(&self, method: &str) -> Method {
        let key = MethodKey::bare(method);
        if let Target::Picker(picker) = &self.target {
            picker.learn(key, method);
        }
        Method::Named(key)
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
        let caller = match &self.target {
            Target::Way(way) => way.present(&method),
            Target::Picker(_) => None,
        };
        let mut call = Call::new(caller, method, codec, arguments, expected);
        if call.caller.is_none() {
            self.leave_to(&mut call);
        }
        if let Some(parent) = &self.parent {
            call.request.options().parent = Some(Arc::clone(parent));
        }
        if let Some(timeout) = self.timeout.filter(|_| !call.request.streams.down()) {
            call.request.options().timeout = Some(timeout);
        }
        #[cfg(feature = "fleet")]
        if let Some(hedge) = self.hedge {
            call = call.hedged(hedge, super::hedge::Demand::Channel);
        }
        #[cfg(feature = "tower")]
        if let Some(layered) = self.layers.due() {
            call.request.options().layered = Some(layered);
        }
        call
    }

    /// Has a call found a caller when it is sent.
    #[cold]
    fn leave_to<T, E>(&self, call: &mut Call<T, E>) {
        let options = call.request.options();
        match &self.target {
            Target::Picker(picker) => options.picker = Some(Arc::clone(picker)),
            Target::Way(Way::Supply(supply)) => options.again.supply = Some(Arc::clone(supply)),
            Target::Way(Way::Caller(_)) => {}
        }
    }
}

fn encode(arguments: &serde_json::Value) -> Result<Payload, Status> {
    codec::to_payload(Codec::Json, arguments, codec::encode::<serde_json::Value>)
        .map_err(|error| arguments::unencodable(&error))
}

/// Reads a payload by leaving it alone.
#[allow(clippy::unnecessary_wraps, reason = "it stands where payloads are read")]
fn as_it_is(_: Codec, source: Source<'_>) -> Result<Payload, CodecError> {
    Ok(source.to_payload())
}
