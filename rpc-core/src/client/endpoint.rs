//! How to connect: what a channel is made from.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Reconnect, reconnect::Hook};
#[cfg(feature = "fleet")]
use crate::call::Hedge;
#[cfg(feature = "resume")]
use crate::resume::Resume;
#[cfg(feature = "tls")]
use crate::transport::tls::{ClientTls, TlsError};
use crate::{
    call::{Channel, Evolve, Target, Way},
    connection::Connection,
    identity::Principal,
    proto::{Codec, Limits, LoadReports, Status, Token, connection::Config},
    seam::{Retry, Serve},
    service::{BuildError, Dispatch, Downstream, Router},
    times::time_options,
    transport::{DialError, Link, Peer, Underlay},
};

/// Options of a connection; each has a default.
///
/// ```no_run
/// # async fn run() -> Result<(), rpc_core::DialError> {
/// use std::time::Duration;
/// let channel = rpc_core::Endpoint::new()
///     .timeout(Duration::from_secs(2))
///     .name("billing")
///     .connect("127.0.0.1:7000")
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Endpoint {
    pub(super) config: Config,
    pub(super) codec: Codec,
    timeout: Option<Duration>,
    pub(super) connect_timeout: Duration,
    pub(super) reconnect: Reconnect,
    #[cfg(feature = "resume")]
    pub(super) resume: Option<Resume>,
    pub(super) retry: Retry,
    /// How calls are spread over many servers.
    #[cfg(feature = "fleet")]
    pub(super) balance: super::Balance,
    /// When calls are made a second time.
    #[cfg(feature = "fleet")]
    hedge: Option<Hedge>,
    /// Done with each new connection.
    pub(super) hook: Option<Hook>,
    evolve: bool,
    /// Done below all protocols.
    pub(super) underlay: Underlay,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<ClientTls>,
    /// What the other side may call.
    pub(super) services: Vec<Arc<dyn Dispatch>>,
    /// Whom it calls in their place.
    downstream: Option<Downstream>,
    /// What it may do, if that was said.
    pub(super) server: Option<Principal>,
    /// The layers that its calls go through, the outermost first.
    #[cfg(feature = "tower")]
    pub(super) layers: Vec<crate::call::ClientLayer>,
    /// Those around what the other side calls.
    #[cfg(feature = "tower")]
    pub(super) served_layers: Vec<crate::service::ServerLayer>,
    /// What finds them: made for the first connection, kept for all others, of clones too.
    pub(super) router: Arc<OnceLock<Result<Arc<Router>, BuildError>>>,
}

impl Default for Endpoint {
    fn default() -> Self {
        Self {
            config: Config::default(),
            codec: Codec::default(),
            timeout: None,
            connect_timeout: Duration::from_secs(20),
            reconnect: Reconnect::new(),
            #[cfg(feature = "resume")]
            resume: None,
            retry: Retry::new(),
            #[cfg(feature = "fleet")]
            balance: super::Balance::new(),
            #[cfg(feature = "fleet")]
            hedge: None,
            hook: None,
            evolve: false,
            underlay: Underlay::default(),
            #[cfg(feature = "tls")]
            tls: None,
            services: Vec::new(),
            downstream: None,
            server: None,
            #[cfg(feature = "tower")]
            layers: Vec::new(),
            #[cfg(feature = "tower")]
            served_layers: Vec::new(),
            router: Arc::default(),
        }
    }
}

impl Endpoint {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives every call up that is not answered in time, unless it has a timeout of its own or brings a
    /// stream. Default: no limit.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How long opening the transport may take. Default: 20 s.
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How channels come back that are made from here, or that they do not. Default: [`Reconnect::new`].
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), rpc_core::DialError> {
    /// use std::time::Duration;
    /// use rpc_core::{Endpoint, Reconnect};
    ///
    /// // Calls without a deadline fail when there has been no connection for a second.
    /// let patient = Reconnect::new().patience(Duration::from_secs(1));
    /// let channel = Endpoint::new().reconnect(patient).connect("127.0.0.1:7000").await?;
    /// # Ok(()) }
    /// ```
    pub const fn reconnect(mut self, reconnect: Reconnect) -> Self {
        self.reconnect = reconnect;
        self
    }

    /// Has connections outlive the transports that carry them, where the server does so too
    /// ([`Server::resume`](crate::Server::resume)): when one is cut it is dialled again, at the pace that [`Self::reconnect`]
    /// says, and goes on where it was. No call fails by that, none runs twice, and no item is lost. A server that does not
    /// know the connection any more, or never did, has the calls end as if it were lost. Default: off.
    ///
    /// Programs that have a byte stream ([`Self::over`]) cannot dial it again: there it has no effect.
    ///
    /// ```
    /// # use rpc_core::{Endpoint, Resume, Server, service};
    /// # #[service] trait Calculator { async fn add(&self, a: i64, b: i64) -> i64; }
    /// # struct Pocket;
    /// # impl Calculator for Pocket { async fn add(&self, a: i64, b: i64) -> i64 { a + b } }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = Server::new().with(CalculatorServer::new(Pocket)).resume(Resume::new());
    /// let server = server.start("127.0.0.1:0").await?;
    ///
    /// let channel = Endpoint::new().resume(Resume::new()).connect(server.address()).await?;
    /// assert_eq!(CalculatorClient::new(channel).add(1, 2).await?, 3);
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "resume")]
    pub const fn resume(mut self, resume: Resume) -> Self {
        self.resume = Some(resume);
        self
    }

    /// How calls are spread where an address stands for many servers. Default: [`Balance::new`](crate::Balance::new).
    #[cfg(feature = "fleet")]
    pub const fn balance(mut self, balance: super::Balance) -> Self {
        self.balance = balance;
        self
    }

    /// Has every call of an idempotent method be made a second time, on another server, when it is not answered after a
    /// while: see [`Call::hedge`](crate::Call::hedge). Default: none is.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), rpc_core::DialError> {
    /// use rpc_core::{Endpoint, Hedge};
    ///
    /// let endpoint = Endpoint::new().hedge(Hedge::percentile(99.0));
    /// let channel = endpoint.connect("dns:api.internal:7000").await?;
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "fleet")]
    pub const fn hedge(mut self, hedge: Hedge) -> Self {
        self.hedge = Some(hedge);
        self
    }

    /// How calls are made again that fail and may be, over channels that come back. Default: [`Retry::new`].
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), rpc_core::DialError> {
    /// use rpc_core::{Endpoint, Retry};
    ///
    /// let endpoint = Endpoint::new().retry(Retry::new().attempts(3).budget(10, 1));
    /// let channel = endpoint.connect("127.0.0.1:7000").await?;
    /// # Ok(()) }
    /// ```
    pub const fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Has `hook` run on each new connection, the first included, before any other call goes on it: for what the server
    /// forgets with a connection, such as who has joined a room. It gets a channel over that connection alone. If it fails, the
    /// connection is given up: a first one fails [`Self::connect`], later ones are tried again as if they could not be
    /// opened. With a hook, another connection is opened as soon as one is lost.
    ///
    /// ```
    /// # use rpc_core::{Endpoint, Server, Status, service};
    /// # #[service] trait Room { async fn join(&self, name: String); }
    /// # struct Den;
    /// # impl Room for Den { async fn join(&self, _name: String) {} }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = Server::new().with(RoomServer::new(Den)).start("127.0.0.1:0").await?;
    /// let endpoint = Endpoint::new().on_connected(|channel| async move {
    ///     RoomClient::new(channel).join("ada").await
    /// });
    /// let channel = endpoint.connect(server.address()).await?;
    /// # Ok(()) }
    /// ```
    pub fn on_connected<F, R, E>(mut self, hook: F) -> Self
    where
        F: Fn(Channel) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Status>,
    {
        self.hook = Some(Arc::new(move |channel| {
            let done = hook(channel);
            Box::pin(async move { done.await.map_err(Into::into) })
        }));
        self
    }

    /// The codec of calls. Default: bincode.
    pub const fn codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// Lets calls outlive a change of their method's signature: a call that the server refuses because it was built
    /// against another one is sent once more, as JSON by the method's bare name, and that is remembered for the
    /// connection. JSON reads what is added with a default, and ignores what it does not know: for rolling upgrades,
    /// with servers of both versions. Streams that are sent with a call and one-way calls, which cannot be sent
    /// twice, go as JSON at once. Default: off.
    pub const fn evolve(mut self, evolve: bool) -> Self {
        self.evolve = evolve;
        self
    }

    /// Has the servers say how much they have to do, for [`Channel::peer_load`]: 17 bytes with their first reply, and then once for
    /// each 32 calls or 100 ms. A channel to one of several servers asks without being told to.
    pub const fn load_reports(mut self) -> Self {
        self.config.load = LoadReports::Read;
        self
    }

    /// What the client calls itself, for the server's logs. Default: nothing.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.config.name = name.into();
        self
    }

    /// What this side accepts from the server.
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.config.limits = limits;
        self
    }

    time_options!();

    /// Puts TLS around every connection that is dialled from here, whatever its address. Default: around those whose
    /// address begins with `tls:`, to servers that the authorities of the platform vouch for.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_core::{Endpoint, tls::ClientTls};
    /// let endpoint = Endpoint::new().tls(ClientTls::roots_file("ca.pem")?);
    /// let channel = endpoint.connect("calculator.example:7000").await?;
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: ClientTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Serves `service` to the other side, which calls it on the connections that are made from here: see
    /// [`Context::peer`](crate::Context::peer). Each must have a name of its own.
    pub fn with(mut self, service: impl Dispatch) -> Self {
        self.services.push(Arc::new(service));
        self.router = Arc::default();
        self
    }

    /// Hands on to a client of a gateway what the other side calls, in the place of services of this side: see
    /// [`Server::forward_each`](crate::Server::forward_each).
    pub fn hand_back(mut self, client: Downstream) -> Self {
        self.downstream = Some(client);
        self
    }

    /// Shows `token` to the server, for every call of this side that has none of its own: see [`Call::token`]. It
    /// travels with the first bytes, in the open where the transport does not encrypt. What it proves is for the
    /// server's [`Authenticator`](crate::Authenticator) to say; a server without one passes it over. 1 to 2,048 bytes.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let token = std::env::var("SHOP_TOKEN")?;
    /// let channel = rpc_core::Endpoint::new().token(token).connect("127.0.0.1:7000").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// [`Call::token`]: crate::Call::token
    pub fn token(mut self, token: impl Into<Token>) -> Self {
        self.config.token = Some(token.into());
        self
    }

    /// Lets the other side do what needs this permission, or all that a pattern such as `events:*` stands for, when it
    /// calls the services of this one: see [`Self::with`]. It is whoever was dialled, as far as the transport vouches for
    /// that; there is no authenticator on this side. Default: nothing.
    pub fn grant(mut self, permission: &str) -> Self {
        self.server = Some(self.server.unwrap_or_default().grant(permission));
        self
    }

    pub(crate) fn serve(&self) -> Result<Option<Arc<dyn Serve>>, DialError> {
        if let Some(client) = &self.downstream {
            return Ok(Some(client.serving()));
        }
        if self.services.is_empty() {
            return Ok(None);
        }
        let router = self.router.get_or_init(|| self.made_router().map(Arc::new));
        match router {
            Ok(router) => Ok(Some(Arc::clone(router) as Arc<dyn Serve>)),
            Err(error) => Err(DialError::Services(error.clone().into())),
        }
    }

    fn made_router(&self) -> Result<Router, BuildError> {
        #[cfg(feature = "tower")]
        return Router::of(&crate::service::layered(
            self.services.clone(),
            self.served_layers.clone(),
        )?);
        #[cfg(not(feature = "tower"))]
        Router::of(&self.services)
    }

    /// A channel over a byte stream that the program brought, at whose other end somebody serves: see
    /// [`Server::serve_io`](crate::Server::serve_io). To be called within a tokio runtime.
    ///
    /// ```
    /// # use rpc_core::{Endpoint, Peer, Server, service};
    /// # #[service] trait Calculator { async fn add(&self, a: i64, b: i64) -> i64; }
    /// # struct Pocket;
    /// # impl Calculator for Pocket { async fn add(&self, a: i64, b: i64) -> i64 { a + b } }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (near, far) = tokio::io::duplex(4096);
    /// let server = Server::new().with(CalculatorServer::new(Pocket));
    /// let served = server.serve_io(far, Peer::new("client"))?;
    ///
    /// let channel = Endpoint::new().over(near, Peer::new("server"))?;
    /// assert_eq!(CalculatorClient::new(channel).add(1, 2).await?, 3);
    /// // The last client is gone, and the connection with it.
    /// served.wait().await;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Limits are out of range, the token is empty or too long, the services of this side do not go together, or this
    /// endpoint uses TLS, whose handshake takes a
    /// [`Connector`](crate::Connector).
    pub fn over(
        &self,
        io: impl AsyncRead + AsyncWrite + Send + 'static,
        peer: Peer,
    ) -> Result<Channel, DialError> {
        #[cfg(feature = "tls")]
        if self.tls.is_some() {
            return Err(TlsError::NotDialled.into());
        }
        self.check()?;
        Ok(self.channel(self.prepared(Link::new(io, peer)), self.serve()?))
    }

    pub(crate) fn check(&self) -> Result<(), DialError> {
        self.config.check()?;
        if let Some(token) = &self.config.token {
            token.check_for_connection()?;
        }
        Ok(())
    }

    /// What is said on each connection, where `serve` answers the calls of the other side.
    pub(super) fn config_for(&self, serve: Option<&Arc<dyn Serve>>) -> Arc<Config> {
        let memory = serve.and_then(|serve| serve.memory());
        let brief = serve.map(|serve| serve.brief()).unwrap_or_default();
        Arc::new(Config { memory, brief, ..self.config.clone() })
    }

    /// A channel over one link, which does not come back.
    pub(crate) fn channel(&self, link: Link, serve: Option<Arc<dyn Serve>>) -> Channel {
        let config = self.config_for(serve.as_ref());
        self.channel_by(Way::Caller(Connection::spawn(link, config, serve, None, None)))
    }

    pub(super) fn channel_by(&self, way: Way) -> Channel {
        let target = match self.evolve {
            true => Target::Picker(Arc::new(Evolve::new(way))),
            false => Target::Way(way),
        };
        let channel = Channel::new(target, self.codec, self.timeout);
        #[cfg(feature = "fleet")]
        let channel = channel.with_hedge(self.hedge);
        #[cfg(feature = "tower")]
        let channel = channel.with_layers(crate::call::layered(&self.layers));
        channel
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("config", &self.config).finish_non_exhaustive()
    }
}
