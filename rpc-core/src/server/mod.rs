//! The server's side: services, limits, the accept loop, shutdown.

mod admission;
mod age;
mod authenticate;
mod build;
mod connections;
mod ends;
mod error;
mod establish;
mod forward;
#[cfg(unix)]
mod handover;
mod health;
mod ingress;
mod inspection;
mod jitter;
#[cfg(feature = "tower")]
mod layers;
mod listed;
#[cfg(feature = "etcd")]
mod registration;
mod running;
mod security;
#[cfg(feature = "resume")]
mod sessions;
mod shed;
#[cfg(feature = "signal")]
mod signals;
#[cfg(unix)]
mod socket;
mod threads;

pub use error::ServeError;
pub use running::{Running, Shutdown};

use std::{fmt, num::NonZero, sync::Arc, time::Duration};

use tokio::io::{AsyncRead, AsyncWrite};

#[cfg(feature = "http")]
use crate::gateway::Http;
#[cfg(feature = "resume")]
use crate::resume::Resume;
use crate::{
    call::Channel,
    health::HealthReporter,
    identity::{Authenticator, Judge},
    inspect::Inspection,
    overload::Overload,
    proto::{Limits, connection::Config},
    schema::ServiceSchema,
    service::{Connection, Dispatch, Each, Hook, OnceLimits},
    times::time_options,
    transport::{BindError, IntoAddress, Link, Listener, Peer},
};
use ingress::Ingress;
use security::Security;
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
    max_age: Option<Duration>,
    threads: Option<NonZero<usize>>,
    reflection: bool,
    ingress: Ingress,
    /// What callers of the reflection service need.
    reflection_requires: Vec<String>,
    authenticator: Option<Arc<dyn Judge>>,
    hook: Option<Hook>,
    once: OnceLimits,
    inspection: Option<Inspection>,
    health: Option<HealthReporter>,
    /// Permissions that callers of the health service need.
    health_requires: Vec<String>,
    overload: Overload,
    /// The outermost first.
    #[cfg(feature = "tower")]
    layers: Vec<crate::service::ServerLayer>,
    /// What has the services that are not here.
    upstream: Option<(Channel, Vec<ServiceSchema>)>,
    /// What connects to it for one client alone.
    upstream_each: Option<Each>,
    #[cfg(feature = "http")]
    http: Option<Http>,
    #[cfg(feature = "resume")]
    resume: Option<Resume>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            services: Vec::new(),
            config: Config::default(),
            max_connections: 16 << 10,
            max_handshakes: 1024,
            grace: Duration::from_secs(30),
            max_age: None,
            threads: None,
            reflection: true,
            ingress: Ingress::default(),
            reflection_requires: Vec::new(),
            authenticator: None,
            hook: None,
            once: OnceLimits::new(),
            inspection: None,
            health: None,
            health_requires: Vec::new(),
            overload: Overload::new(),
            #[cfg(feature = "tower")]
            layers: Vec::new(),
            upstream: None,
            upstream_each: None,
            #[cfg(feature = "http")]
            http: None,
            #[cfg(feature = "resume")]
            resume: None,
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

    time_options!();

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

    /// Speaks TLS, and nothing without it: on every stream that this server accepts or is given. Its address is shown
    /// with `tls:` in front. Default: no TLS; a server without it that other machines reach says so in its log.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_core::{Server, tls::ServerTls};
    /// let server = Server::new().tls(ServerTls::from_files("server.pem", "server.key")?);
    /// server.listen("0.0.0.0:7000").await?;
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: crate::transport::tls::ServerTls) -> Self {
        self.ingress.security = Security::Tls(tls);
        self
    }

    /// Answers HTTP too, on every stream that this server accepts or is given: JSON-RPC, plain JSON, and what describes
    /// the services ([`Http`]). With [`Self::tls`] that is `https`. Default: who speaks HTTP is told that this port does
    /// not.
    #[cfg(feature = "http")]
    pub fn http(mut self, http: Http) -> Self {
        self.http = Some(http);
        self
    }

    /// Keeps connections that are cut for clients who come back to them
    /// ([`Endpoint::resume`](crate::Endpoint::resume)): their handlers and streams run on meanwhile. Who goes on with a
    /// connection has to prove that it was given it, and has to be whom the first handshake has shown: the same identity,
    /// with the same permissions where an authenticator gives any. What proves it travels with the server's first bytes, in the open where the
    /// transport does not encrypt. Default: off.
    ///
    /// Of each client's bytes a first read waits for its hello, as with an authenticator. A client that goes away without a
    /// word has its handlers run for as long as [`Resume::window`] says.
    #[cfg(feature = "resume")]
    pub const fn resume(mut self, resume: Resume) -> Self {
        self.resume = Some(resume);
        self
    }

    /// What the server calls itself in its hello. Default: nothing.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.config.name = name.into();
        self
    }

    /// Tells `hook` of every connection whose client has said hello, before any of its calls is served: a place to leave
    /// what is to be kept with it, which is dropped when the connection is over ([`Connection`]). It runs in the connection's
    /// task and is to be quick: what takes long is spawned. A panic ends that connection.
    ///
    /// A second hook takes the place of the first.
    ///
    /// ```
    /// # use rpc_core::Server;
    /// let server = Server::new().on_connection(|connection| {
    ///     println!("{} has come", connection.peer());
    ///     let (peer, closed) = (connection.peer().clone(), connection.closed());
    ///     tokio::spawn(async move {
    ///         closed.await;
    ///         println!("{peer} has gone");
    ///     });
    /// });
    /// ```
    pub fn on_connection(mut self, hook: impl Fn(&Connection) + Send + Sync + 'static) -> Self {
        self.hook = Some(Arc::new(hook));
        self
    }

    /// Serves without the reflection service: then clients need the trait, and `rpc list` finds nothing.
    pub const fn without_reflection(mut self) -> Self {
        self.reflection = false;
        self
    }

    /// Has callers of the reflection service need a permission, one more each time; others do not learn what the server
    /// offers, by its refusals either. Default: anybody may ask.
    pub fn reflection_requires(mut self, permission: impl Into<String>) -> Self {
        self.reflection_requires.push(permission.into());
        self
    }

    /// Asks `authenticator` who each client is, before anything of its connection starts, calls that came with its first
    /// bytes included. Who is refused learns why, and its calls end with `UNAUTHENTICATED`. It has until four fifths of
    /// [`Self::handshake_timeout`] are over, and a tenth of it at least; after that, and where it panics, the connection
    /// is refused with `UNAVAILABLE`.
    ///
    /// A call with a token of its own ([`Call::token`](crate::Call::token)) is made for whom that stands: it waits until
    /// the authenticator has said so, for as long as a handshake may take. For each connection 32 such verdicts are
    /// remembered, for a minute; refusals are not.
    ///
    /// Without an authenticator tokens are passed over, and methods with `#[rpc(requires = "…")]` are refused to all
    /// but those whose transport brings a [`Principal`](crate::Principal) with its [`Peer`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_core::{Code, Context, Credentials, Endpoint, Principal, Server, service};
    ///
    /// #[service]
    /// trait Orders {
    ///     async fn count(&self) -> u64;
    ///     #[rpc(requires = "orders:write")]
    ///     async fn cancel(&self, cx: &Context, number: u64) -> String;
    /// }
    ///
    /// struct Book;
    /// impl Orders for Book {
    ///     async fn count(&self) -> u64 {
    ///         7
    ///     }
    ///     async fn cancel(&self, cx: &Context, number: u64) -> String {
    ///         format!("{:?} cancelled order {number}", cx.identity())
    ///     }
    /// }
    ///
    /// let server = Server::new()
    ///     .with(OrdersServer::new(Book))
    ///     .authenticate(async |credentials: Credentials| match credentials.token {
    ///         None => Ok(Principal::anonymous()),
    ///         Some(token) if token == "s3cret".into() => Ok(Principal::named("ada").grant("orders:*")),
    ///         Some(_) => Err("nobody has this token".into()),
    ///     })
    ///     .start("127.0.0.1:0")
    ///     .await?;
    ///
    /// let anybody = OrdersClient::connect(server.address()).await?;
    /// assert_eq!(anybody.count().await?, 7);
    /// let refused = anybody.cancel(1).await.unwrap_err();
    /// assert_eq!(refused.status().unwrap().code(), Code::Unauthenticated);
    ///
    /// let ada = OrdersClient::new(Endpoint::new().token("s3cret").connect(server.address()).await?);
    /// assert_eq!(ada.cancel(1).await?, r#"Named("ada") cancelled order 1"#);
    /// # Ok(()) }
    /// ```
    pub fn authenticate(mut self, authenticator: impl Authenticator) -> Self {
        self.authenticator = Some(Arc::new(authenticator));
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
        let listener = self.ingress.security.bind(address).await?;
        self.serve(listener).await
    }

    /// Serves what a listener accepts, until the future is dropped: a socket of tokio's that is listening already, or
    /// a [`Listener`] of the program's own.
    ///
    /// # Errors
    /// The services or limits do not hold together.
    ///
    /// # Cancel safety
    /// As for [`Self::listen`].
    pub async fn serve(self, listener: impl Listener) -> Result<(), ServeError> {
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
        let listener = self.ingress.security.bind(address).await?;
        self.start_on(listener)
    }

    /// Serves what a listener accepts, in the background. To be called within a tokio runtime.
    ///
    /// # Errors
    /// The services or limits do not hold together.
    pub fn start_on(self, listener: impl Listener) -> Result<Running, ServeError> {
        let (grace, threads) = (self.grace, self.threads);
        let connections = self.build()?;
        let threads = Threads::start(threads, &connections).map_err(ServeError::Threads)?;
        Ok(Running::spawn(listener, std::future::pending(), connections, threads, grace))
    }

    /// Serves one byte stream in the background, until it ends: [`Running::wait`] resolves then. A running server
    /// serves more of them by [`Running::serve_io`]. To be called within a tokio runtime.
    ///
    /// ```no_run
    /// # use rpc_core::{Peer, Server, service};
    /// # #[service] trait Calculator { async fn add(&self, a: i64, b: i64) -> i64; }
    /// # struct Pocket;
    /// # impl Calculator for Pocket { async fn add(&self, a: i64, b: i64) -> i64 { a + b } }
    /// # async fn run() -> Result<(), rpc_core::ServeError> {
    /// // What `ssh host calculator` runs: whoever started it calls it over its standard streams.
    /// let streams = tokio::io::join(tokio::io::stdin(), tokio::io::stdout());
    /// let server = Server::new().with(CalculatorServer::new(Pocket));
    /// server.serve_io(streams, Peer::new("whoever started this"))?.wait().await;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The services or limits do not hold together.
    pub fn serve_io(
        self,
        io: impl AsyncRead + AsyncWrite + Send + 'static,
        peer: Peer,
    ) -> Result<Running, ServeError> {
        self.serve_link(Link::new(io, peer))
    }

    /// Serves a link within the process, which needs no TLS.
    pub(crate) fn serve_in_memory(mut self, link: Link) -> Result<Running, ServeError> {
        self.ingress.security = Security::Plain;
        self.serve_link(link)
    }

    fn serve_link(self, link: Link) -> Result<Running, ServeError> {
        let grace = self.grace;
        Ok(Running::over(link, self.build()?, grace))
    }
}

/// A server of one service, with the defaults.
impl<S: Dispatch> From<S> for Server {
    fn from(service: S) -> Self {
        Self::new().with(service)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.services.iter().map(|service| &service.schema().name).collect();
        f.debug_struct("Server").field("services", &names).finish_non_exhaustive()
    }
}
