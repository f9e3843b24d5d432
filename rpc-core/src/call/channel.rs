//! The door through which calls leave.

use std::{convert::Infallible, sync::Arc, time::Duration};

use serde::Serialize;

use super::{
    Call, Context, Method, Streaming,
    evolve::{Evolution, Fallback},
};
use crate::{
    codec::{self, CodecError, Decode, Source},
    connection::{Accept, Connection, Shared},
    proto::{Code, Codec, MethodKey, Payload, Status, connection::Config},
    schema::{MethodKind, ServiceSchema},
    transport::{Link, PeerAddress},
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
    connection: Connection,
    codec: Codec,
    timeout: Option<Duration>,
    /// The call whose handler was given this channel.
    caller: Option<Context>,
    /// What is known of the server's signatures, where calls outlive a change of theirs.
    evolution: Option<Arc<Evolution>>,
}

impl Channel {
    pub(crate) fn over(
        link: Link,
        config: Arc<Config>,
        accept: Option<Arc<dyn Accept>>,
        codec: Codec,
        timeout: Option<Duration>,
        evolves: bool,
    ) -> Self {
        let connection = Connection::spawn(link, config, accept);
        let evolution = evolves.then(Arc::default);
        Self { connection, codec, timeout, caller: None, evolution }
    }

    /// A channel back to whoever called on the connection `shared`.
    pub(super) fn back(shared: &Arc<Shared>, caller: Context) -> Self {
        let connection = Connection::of(shared);
        let (codec, caller) = (Codec::default(), Some(caller));
        Self { connection, codec, timeout: None, caller, evolution: None }
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
        self.connection.ready().await.map_err(unavailable)
    }

    /// Sends a ping and gives the time until its answer.
    ///
    /// # Errors
    /// `UNAVAILABLE`: the connection was lost.
    ///
    /// # Cancel safety
    /// Safe: dropping the future forgets the answer.
    pub async fn ping(&self) -> Result<Duration, Status> {
        self.connection.ping().await.map_err(unavailable)
    }

    /// Who is at the other end.
    #[must_use]
    pub fn peer(&self) -> PeerAddress {
        self.connection.peer()
    }

    /// What the server calls itself ([`Server::name`](crate::Server::name)): empty if it has no name, or has not
    /// said hello yet (see [`Self::ready`]).
    #[must_use]
    pub fn peer_name(&self) -> String {
        self.connection.peer_name()
    }

    /// Prepares a call by the method's bare name, `Service.method`, with JSON both ways: no trait is
    /// needed. `arguments` is an object by name or an array by position; the error is the service's own,
    /// as JSON.
    pub fn call_json(
        &self,
        method: &str,
        arguments: &serde_json::Value,
    ) -> Call<serde_json::Value, serde_json::Value> {
        let method = Method::Named(MethodKey::bare(method));
        let arguments = encode(Codec::Json, arguments);
        let decode: Decode<serde_json::Value> = codec::decode::<serde_json::Value>;
        let mut call = Call::new(
            self.connection.clone(),
            method,
            Codec::Json,
            arguments,
            decode,
            Some(decode),
        );
        self.add_defaults(&mut call);
        call
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
        let (connection, arguments) = (self.connection.clone(), Ok(arguments.clone()));
        let method = Method::Named(method);
        let mut call = Call::new(connection, method, codec, arguments, as_it_is, Some(as_it_is));
        self.add_defaults(&mut call);
        call
    }

    /// The same as [`Self::call_raw`] for a method that answers with a stream of items.
    pub fn stream_raw(
        &self,
        method: MethodKey,
        codec: Codec,
        arguments: &Payload,
    ) -> Call<Streaming<Payload, Payload>, Payload> {
        let (connection, arguments) = (self.connection.clone(), Ok(arguments.clone()));
        let method = Method::Named(method);
        let (read, fail) = (as_it_is, Some(as_it_is as Decode<Payload>));
        let mut call = Call::streaming(connection, method, codec, arguments, read, fail);
        call.called_by(self.caller.as_ref());
        call
    }

    /// Prepares a call of a trait's method, given by its index.
    pub(crate) fn call<T, E>(
        &self,
        service: &'static ServiceSchema,
        method: usize,
        arguments: &impl Serialize,
        value: Decode<T>,
        error: Option<Decode<E>>,
    ) -> Call<T, E> {
        let method = Method::Known { service, method: &service.methods[method] };
        let encoded = encode(self.codec, arguments);
        let connection = self.connection.clone();
        let mut call = Call::new(connection, method, self.codec, encoded, value, error);
        self.evolve(&mut call, arguments);
        self.add_defaults(&mut call);
        call
    }

    /// Lets a call outlive a change of its method's signature, if this channel does that.
    #[inline]
    fn evolve<T, E>(&self, call: &mut Call<T, E>, arguments: &impl Serialize) {
        let Some(evolution) = &self.evolution else { return };
        let Method::Known { method, .. } = &call.request.method else { return };
        let key = method.key;
        let known = evolution.matches(key);
        let sent_once = method.upload.is_some() || method.kind == MethodKind::Oneway;
        if known == Some(true) {
            return;
        }
        let arguments = encode(Codec::Json, arguments);
        if known == Some(false) || sent_once {
            call.request.by_name(arguments);
            return;
        }
        let (evolution, arguments) = (Arc::clone(evolution), Some(arguments));
        let fallback = Fallback { evolution, key, arguments, deadline: None };
        call.request.options().fallback = Some(fallback);
    }

    /// Prepares a call of a one-way method.
    pub(crate) fn call_oneway(
        &self,
        service: &'static ServiceSchema,
        method: usize,
        arguments: &impl Serialize,
    ) -> Call<()> {
        self.call::<(), Infallible>(service, method, arguments, codec::decode::<()>, None).oneway()
    }

    /// Prepares a call of a method that answers with a stream.
    pub(crate) fn stream<T: 'static, E: 'static>(
        &self,
        service: &'static ServiceSchema,
        method: usize,
        arguments: &impl Serialize,
        item: Decode<T>,
        error: Option<Decode<E>>,
    ) -> Call<Streaming<T, E>, E> {
        let method = Method::Known { service, method: &service.methods[method] };
        let (encoded, connection) = (encode(self.codec, arguments), self.connection.clone());
        let mut call = Call::streaming(connection, method, self.codec, encoded, item, error);
        self.evolve(&mut call, arguments);
        call.called_by(self.caller.as_ref());
        call
    }

    /// The same as [`Self::call_json`] for a method that answers with a stream of items.
    pub fn stream_json(
        &self,
        method: &str,
        arguments: &serde_json::Value,
    ) -> Call<Streaming<serde_json::Value, serde_json::Value>, serde_json::Value> {
        let method = Method::Named(MethodKey::bare(method));
        let arguments = encode(Codec::Json, arguments);
        let decode: Decode<serde_json::Value> = codec::decode::<serde_json::Value>;
        let connection = self.connection.clone();
        Call::streaming(connection, method, Codec::Json, arguments, decode, Some(decode))
    }

    #[inline]
    fn add_defaults<T, E>(&self, call: &mut Call<T, E>) {
        call.called_by(self.caller.as_ref());
        if let Some(timeout) = self.timeout {
            call.request.options().timeout = Some(timeout);
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

fn unavailable(error: crate::proto::connection::ConnectionError) -> Status {
    Status::not_started(Code::Unavailable, error.to_string())
}
