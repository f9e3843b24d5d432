//! How to connect: what a channel is made from.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio::io::{AsyncRead, AsyncWrite};

#[cfg(all(feature = "http", feature = "tls"))]
use crate::transport::websocket::{Below, Dial};
#[cfg(feature = "tls")]
use crate::transport::{
    secure,
    tls::{ClientTls, TlsError},
};
use crate::{
    call::{Channel, Evolve, Target},
    connection::Connection,
    identity::Principal,
    proto::{Codec, Limits, Token, connection::Config},
    seam::{Caller, Serve},
    service::{BuildError, Dispatch, Router},
    times::time_options,
    transport::{Connector, DialError, IntoAddress, Link, Peer, Protocol},
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
    config: Config,
    codec: Codec,
    timeout: Option<Duration>,
    connect_timeout: Duration,
    evolve: bool,
    #[cfg(feature = "tls")]
    tls: Option<ClientTls>,
    /// What the other side may call.
    services: Vec<Arc<dyn Dispatch>>,
    /// What it may do, if that was said.
    server: Option<Principal>,
    /// What finds them: made for the first connection, kept for all others, of clones too.
    router: Arc<OnceLock<Result<Arc<Router>, BuildError>>>,
}

impl Default for Endpoint {
    fn default() -> Self {
        Self {
            config: Config::default(),
            codec: Codec::default(),
            timeout: None,
            connect_timeout: Duration::from_secs(20),
            evolve: false,
            #[cfg(feature = "tls")]
            tls: None,
            services: Vec::new(),
            server: None,
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
        if self.services.is_empty() {
            return Ok(None);
        }
        let router = self.router.get_or_init(|| Router::of(&self.services).map(Arc::new));
        match router {
            Ok(router) => Ok(Some(Arc::clone(router) as Arc<dyn Serve>)),
            Err(error) => Err(DialError::Services(error.clone().into())),
        }
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
    /// endpoint uses TLS, whose handshake takes a [`Connector`].
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
        Ok(self.channel(Link::new(io, peer), self.serve()?))
    }

    pub(crate) fn check(&self) -> Result<(), DialError> {
        self.config.check()?;
        if let Some(token) = &self.config.token {
            token.check_for_connection()?;
        }
        Ok(())
    }

    pub(crate) fn channel(&self, mut link: Link, serve: Option<Arc<dyn Serve>>) -> Channel {
        if let Some(server) = &self.server {
            link.peer = link.peer.with(server.clone());
        }
        // This side speaks first, and learns from what comes whom it has spoken to.
        link.read.refuse_strangers(Protocol::Rpc);
        let config = Arc::new(self.config.clone());
        let caller: Arc<dyn Caller> = Connection::spawn(link, config, serve);
        let target = match self.evolve {
            true => Target::Picker(Arc::new(Evolve::new(caller))),
            false => Target::Caller(caller),
        };
        Channel::new(target, self.codec, self.timeout)
    }

    /// Opens the transport, TLS included; the protocol's handshake rides with the first call.
    ///
    /// # Errors
    /// The address is none, limits are out of range, the token is empty or too long, the services of this side do not
    /// go together, no transport could be opened, or the server is not whom it should be.
    ///
    /// # Cancel safety
    /// Safe: dropping the future gives the attempt up.
    pub async fn connect(&self, address: impl IntoAddress) -> Result<Channel, DialError> {
        let address = address.into_address()?;
        #[cfg(feature = "tls")]
        if let Some(encrypted) = self.tls.as_ref().and_then(|tls| address.encrypted(tls)) {
            return self.connect_with(&encrypted).await;
        }
        #[cfg(all(feature = "http", feature = "tls"))]
        if let (Some(tls), true) = (&self.tls, address.is_web_socket()) {
            let tls = Below::Tls(Box::new(tls.for_http()));
            return self.connect_with(&Dial { address: &address, tls }).await;
        }
        self.connect_with(&address).await
    }

    /// Opens the transport by a [`Connector`] of the program's own. One whose address is an [`Address::Tls`](crate::Address::Tls) brings TLS
    /// itself; around all others it is put if the endpoint uses it.
    ///
    /// # Errors
    /// As for [`Self::connect`].
    ///
    /// # Cancel safety
    /// Safe: dropping the future gives the attempt up.
    pub async fn connect_with(&self, connector: &impl Connector) -> Result<Channel, DialError> {
        // What cannot be is said before anybody is called.
        self.check()?;
        let serve = self.serve()?;
        match tokio::time::timeout(self.connect_timeout, self.dial(connector)).await {
            Ok(link) => Ok(self.channel(link?, serve)),
            Err(_) => {
                let (address, reason) = (connector.address(), std::io::ErrorKind::TimedOut.into());
                Err(DialError::Connect { address, reason })
            }
        }
    }
}

impl Endpoint {
    async fn dial(&self, connector: &impl Connector) -> Result<Link, DialError> {
        let link = connector.connect().await?;
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            let address = connector.address();
            if address.below_tls().is_none() && !address.is_web_socket() {
                return secure(tls, link, &address).await;
            }
        }
        Ok(link)
    }
}

impl Channel {
    /// Connects with the defaults of [`Endpoint`].
    ///
    /// The protocol's handshake is not waited for: it rides with the first call. See [`Self::ready`].
    ///
    /// # Errors
    /// No transport could be opened to `address`.
    ///
    /// # Cancel safety
    /// Safe: dropping the future gives the attempt up.
    pub async fn connect(address: impl IntoAddress) -> Result<Self, DialError> {
        Endpoint::new().connect(address).await
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("config", &self.config).finish_non_exhaustive()
    }
}
