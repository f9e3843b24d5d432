//! A server that stands for another one.

use std::sync::Arc;

use super::Server;
use crate::{call::Channel, schema::ServiceSchema, service::Downstream, transport::DialError};

impl Server {
    /// Hands on to another server, by `channel`, every call of a method that is not here: a gateway. `services` are those at the
    /// other end, as its reflection describes them; they are what the HTTP face of this server offers. Reflection is
    /// that of the other server, too.
    ///
    /// Calls travel as they came, with their deadlines, metadata and tokens, streams both ways, and back-pressure; the end of a
    /// call here ends it there. The token of a connection does not travel: the other server sees who made `channel`. It has
    /// nobody to call back, unless there is [`Self::forward_each`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_core::{Channel, Server, reflect::ReflectionClient, service};
    ///
    /// #[service]
    /// trait Calculator { async fn add(&self, a: i64, b: i64) -> i64; }
    /// # struct Pocket;
    /// # impl Calculator for Pocket { async fn add(&self, a: i64, b: i64) -> i64 { a + b } }
    /// let upstream = Server::new().with(CalculatorServer::new(Pocket)).start("127.0.0.1:0").await?;
    ///
    /// let channel = Channel::connect(upstream.address()).await?;
    /// let calculator = ReflectionClient::new(channel.clone()).describe("Calculator").await?;
    /// let gateway = Server::new().forward_to(channel, vec![calculator]).start("127.0.0.1:0").await?;
    /// assert_eq!(CalculatorClient::connect(gateway.address()).await?.add(1, 2).await?, 3);
    /// # Ok(()) }
    /// ```
    pub fn forward_to(mut self, channel: Channel, services: Vec<ServiceSchema>) -> Self {
        self.upstream = Some((channel, services));
        self
    }

    /// Gives each connection by the protocol of this crate, WebSocket included, one of its own to the other server, beside
    /// [`Self::forward_to`]: `connect` makes it with the connection's first call, and it ends with the connection. What the
    /// other server keeps with a connection is that client's alone then, and what it calls there is handed on to that client,
    /// streams included. Clients over HTTP, and those that speak JSON-RPC, share the one channel.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_core::{Channel, Context, Endpoint, Server, reflect::ReflectionClient, service};
    ///
    /// #[service]
    /// trait Doctor { async fn visit(&self, cx: &Context) -> String; }
    /// #[service]
    /// trait Patient { async fn say_ah(&self) -> String; }
    ///
    /// struct Practice;
    /// impl Doctor for Practice {
    ///     async fn visit(&self, cx: &Context) -> String {
    ///         cx.peer::<PatientClient>().say_ah().await.unwrap_or_default()
    ///     }
    /// }
    /// struct Ada;
    /// impl Patient for Ada {
    ///     async fn say_ah(&self) -> String { "ah".to_owned() }
    /// }
    ///
    /// let upstream = Server::new().with(DoctorServer::new(Practice)).start("127.0.0.1:0").await?;
    /// let address = upstream.address().clone();
    /// let channel = Channel::connect(&address).await?;
    /// let doctor = ReflectionClient::new(channel.clone()).describe("Doctor").await?;
    /// let gateway = Server::new()
    ///     .forward_to(channel, vec![doctor])
    ///     .forward_each(move |client| Endpoint::new().hand_back(client).connect_lazy(&address))
    ///     .start("127.0.0.1:0")
    ///     .await?;
    ///
    /// let ada = Endpoint::new().with(PatientServer::new(Ada)).connect(gateway.address()).await?;
    /// assert_eq!(DoctorClient::new(ada).visit().await?, "ah");
    /// # Ok(()) }
    /// ```
    pub fn forward_each<F>(mut self, connect: F) -> Self
    where
        F: Fn(Downstream) -> Result<Channel, DialError> + Send + Sync + 'static,
    {
        self.upstream_each = Some(Arc::new(connect));
        self
    }
}
