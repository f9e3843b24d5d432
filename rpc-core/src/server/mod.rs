//! The server's side: services, limits, the accept loop, shutdown.

mod accept;
mod connections;
mod running;
mod threads;

pub use running::{Running, Shutdown};

use std::{fmt, num::NonZero, sync::Arc, time::Duration};

use thiserror::Error;

use crate::{
    proto::{Limits, LimitsError, connection::Config},
    reflect,
    service::{BuildError, Dispatch, Router},
    transport::{Address, BindError, IntoAddress, Link, Listener},
};
use connections::Connections;
use threads::Threads;

/// Services and the limits within which they are served.
///
/// ```no_run
/// # use rpc_core::{service, Server};
/// # #[service] trait Calculator { async fn add(&self, a: i64, b: i64) -> i64; }
/// # struct Pocket;
/// # impl Calculator for Pocket { async fn add(&self, a: i64, b: i64) -> i64 { a + b } }
/// # async fn run() -> Result<(), rpc_core::ServeError> {
/// // Serves until the process ends.
/// Server::new().with(CalculatorServer::new(Pocket)).listen("127.0.0.1:7000").await?;
///
/// // Serves in the background, until told to stop.
/// let server = Server::new().with(CalculatorServer::new(Pocket)).start("127.0.0.1:0").await?;
/// println!("listening at {}", server.address());
/// server.shutdown().await;
/// # Ok(()) }
/// ```
#[must_use]
pub struct Server {
    services: Vec<Arc<dyn Dispatch>>,
    config: Config,
    max_connections: usize,
    max_handshakes: usize,
    grace: Duration,
    threads: Option<NonZero<usize>>,
    reflection: bool,
}

/// Why a server cannot serve.
#[derive(Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The services do not go together.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A limit is out of range.
    #[error(transparent)]
    Limits(#[from] LimitsError),
    /// The address cannot be listened at.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The system gives no threads.
    #[error("cannot start the server's threads: {0}")]
    Threads(std::io::Error),
}

/// In words, since a program whose `main` returns it shows this.
impl fmt::Debug for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServeError").field(&format_args!("{self}")).finish()
    }
}

impl Default for Server {
    fn default() -> Self {
        Self {
            services: Vec::new(),
            config: Config::default(),
            max_connections: 16 << 10,
            max_handshakes: 1024,
            grace: Duration::from_secs(30),
            threads: None,
            reflection: true,
        }
    }
}

impl Server {
    /// A server without services, with the default limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a service. Each must have a name of its own.
    pub fn with(mut self, service: impl Dispatch) -> Self {
        self.services.push(Arc::new(service));
        self
    }

    /// What each connection's peer may send. Default: see [`Limits`].
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.config.limits = limits;
        self
    }

    /// Connections served at once; further ones wait to be accepted. Default: 16,384.
    pub const fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    /// Connections at once whose clients have not said hello. When one more comes, the oldest of them is closed, so
    /// that those who connect and say nothing keep nobody out. They have shares of [`Self::max_connections`], of
    /// which one is kept from them, and no more time than [`Self::handshake_timeout`]. Default: 1,024.
    pub const fn max_handshakes(mut self, connections: usize) -> Self {
        self.max_handshakes = connections;
        self
    }

    /// How long a client may take to say hello before its connection is closed. Default: 5 s.
    pub const fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.config.handshake_timeout = timeout;
        self
    }

    /// Silence after which a client is pinged while calls are open, and the time it then has to answer before its
    /// connection counts as lost. Default: 20 s; `None` never pings. Over TCP the system looks after idle connections
    /// as well: see [`Listener`].
    pub const fn keepalive(mut self, interval: Option<Duration>) -> Self {
        self.config.keepalive = interval;
        self
    }

    /// How long a client may take none of the bytes that wait for it before its connection is closed. Default: 30 s.
    pub const fn write_timeout(mut self, timeout: Duration) -> Self {
        self.config.write_timeout = timeout;
        self
    }

    /// How long a connection may be silent on which no call of either side is open; then the client is told goodbye,
    /// as in a shutdown. Default: `None`, which leaves idle connections open.
    pub const fn idle_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.config.idle_timeout = timeout;
        self
    }

    /// How long a shutdown waits for the calls that run. Default: 30 s.
    pub const fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Serves connections on so many threads of the server's own, each with a runtime of its own, rather than on the
    /// runtime that the server is started on. A connection stays on its thread with all its handlers, and no thread
    /// wakes another: less CPU for each call, where no connection needs more than one core. What handlers spawn runs
    /// there too. Default: no threads; zero stands for that as well.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let cores = std::thread::available_parallelism()?;
    /// rpc_core::Server::new().threads(cores.get()).listen("127.0.0.1:7000").await?;
    /// # Ok(()) }
    /// ```
    pub const fn threads(mut self, threads: usize) -> Self {
        self.threads = NonZero::new(threads);
        self
    }

    /// What the server calls itself in its hello. Default: nothing.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.config.name = name.into();
        self
    }

    /// Serves without the reflection service: then clients need the trait, and `rpc list` finds nothing.
    pub const fn without_reflection(mut self) -> Self {
        self.reflection = false;
        self
    }

    /// Listens at an address and serves until the future is dropped: connections end with it.
    ///
    /// # Errors
    /// The services or limits do not hold together, or the address cannot be listened at.
    ///
    /// # Cancel safety
    /// Dropping the future closes every connection at once. [`Self::start`] gives a handle for an orderly
    /// shutdown.
    pub async fn listen(self, address: impl IntoAddress) -> Result<(), ServeError> {
        let address = address.into_address().map_err(BindError::from)?;
        self.serve(Listener::bind(address).await?).await
    }

    /// Serves a socket that is listening already, until the future is dropped.
    ///
    /// # Errors
    /// The services or limits do not hold together.
    ///
    /// # Cancel safety
    /// As for [`Self::listen`].
    pub async fn serve(self, listener: Listener) -> Result<(), ServeError> {
        let running = self.start_on(listener)?;
        let _abort = running.abort_on_drop();
        running.wait().await;
        Ok(())
    }

    /// Listens at an address and serves in the background; port 0 lets the system choose one.
    ///
    /// # Errors
    /// As for [`Self::listen`].
    ///
    /// # Cancel safety
    /// Safe: until it resolves, nothing listens.
    pub async fn start(self, address: impl IntoAddress) -> Result<Running, ServeError> {
        let address = address.into_address().map_err(BindError::from)?;
        self.start_on(Listener::bind(address).await?)
    }

    /// Serves a socket that is listening already, in the background. To be called within a tokio runtime.
    ///
    /// # Errors
    /// The services or limits do not hold together.
    pub fn start_on(self, listener: Listener) -> Result<Running, ServeError> {
        let address: Address = listener.address().clone();
        let (grace, max, threads) = (self.grace, self.max_connections, self.threads);
        let connections = Arc::new(self.build()?);
        let threads = Threads::start(threads, &connections).map_err(ServeError::Threads)?;
        Ok(Running::spawn(listener, address, connections, threads, max, grace))
    }

    /// Serves one end of a byte stream in memory.
    pub(crate) fn serve_link(self, link: Link) -> Result<(), ServeError> {
        Arc::new(self.build()?).serve(link, None);
        Ok(())
    }

    fn build(self) -> Result<Connections, ServeError> {
        self.config.limits.check()?;
        let mut router = Router::default();
        for service in self.services {
            router.add(service)?;
        }
        if self.reflection {
            reflect::add_to(&mut router)?;
        }
        // Whoever connects when all others are silent is let in: the oldest of them makes room for the next.
        let max_handshakes = self.max_handshakes.min(self.max_connections.saturating_sub(1));
        Ok(Connections::new(Arc::new(router), Arc::new(self.config), max_handshakes))
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.services.iter().map(|service| &service.schema().name).collect();
        f.debug_struct("Server").field("services", &names).finish_non_exhaustive()
    }
}
