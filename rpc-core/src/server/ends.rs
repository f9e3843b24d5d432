//! How long what a server has lasts: calls that run when it ends, connections, answers that it remembers.

use std::time::Duration;

use super::Server;
use crate::service::OnceLimits;

impl Server {
    /// How long a shutdown waits for the calls that run. Default: 30 s.
    pub const fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Ends each connection in good order at this age, a tenth more or less by chance: what runs on it is finished, and its client goes on
    /// to another one. So that clients spread over servers that were added behind a balancer or a name. Connections that speak HTTP
    /// do not count. Default: `None`, no age.
    pub const fn max_connection_age(mut self, age: Option<Duration>) -> Self {
        self.max_age = age;
        self
    }

    /// Bounds what is remembered of calls to methods with `#[rpc(once)]`. Default: [`OnceLimits::new`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_core::{OnceLimits, Server, service};
    /// use std::sync::atomic::{AtomicU64, Ordering};
    ///
    /// #[service]
    /// trait Till {
    ///     #[rpc(once)]
    ///     async fn pay(&self, cents: u64) -> u64;
    /// }
    ///
    /// #[derive(Default)]
    /// struct Drawer(AtomicU64);
    /// impl Till for Drawer {
    ///     async fn pay(&self, cents: u64) -> u64 {
    ///         self.0.fetch_add(cents, Ordering::Relaxed) + cents
    ///     }
    /// }
    ///
    /// let server = Server::new()
    ///     .once(OnceLimits::new().max_bytes(16 << 20))
    ///     .with(TillServer::new(Drawer::default()))
    ///     .start("127.0.0.1:0")
    ///     .await?;
    /// let till = TillClient::connect(server.address()).await?;
    /// assert_eq!(till.pay(5).idempotency_key("order 17").await?, 5);
    /// assert_eq!(till.pay(5).idempotency_key("order 17").await?, 5);
    /// assert_eq!(till.pay(5).await?, 10);
    /// # Ok(()) }
    /// ```
    pub const fn once(mut self, limits: OnceLimits) -> Self {
        self.once = limits;
        self
    }
}
