//! A server that stands for another one.

use super::Server;
use crate::{call::Channel, schema::ServiceSchema};

impl Server {
    /// Hands on to another server, by `channel`, every call of a method that is not here: a gateway. `services` are those at the
    /// other end, as its reflection describes them; they are what the HTTP face of this server offers. Reflection is
    /// that of the other server, too.
    ///
    /// Calls travel as they came, with their deadlines, metadata and tokens, streams both ways, and back-pressure; the end of a
    /// call here ends it there. The token of a connection does not travel: the other server sees who made `channel`. It has
    /// nobody to call back.
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
}
