//! How to connect: what a channel is made from.

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    call::{Channel, Evolve, Target},
    connection::Connection,
    proto::{Codec, Limits, connection::Config},
    seam::{Caller, Serve},
    service::{BuildError, Dispatch, Router},
    transport::{DialError, IntoAddress, Link, dial},
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
    /// What the other side may call.
    services: Vec<Arc<dyn Dispatch>>,
}

impl Default for Endpoint {
    fn default() -> Self {
        Self {
            config: Config::default(),
            codec: Codec::default(),
            timeout: None,
            connect_timeout: Duration::from_secs(20),
            evolve: false,
            services: Vec::new(),
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

    /// While calls are in flight: silence after which the server is pinged, and the time it then has to
    /// answer before the connection counts as lost. Default: 20 s; `None` never pings. Over TCP the system looks
    /// after idle connections as well: see [`Listener`](crate::Listener).
    pub const fn keepalive(mut self, interval: Option<Duration>) -> Self {
        self.config.keepalive = interval;
        self
    }

    /// How long the server may take none of the bytes that wait for it before the connection counts as lost.
    /// Default: 30 s.
    pub const fn write_timeout(mut self, timeout: Duration) -> Self {
        self.config.write_timeout = timeout;
        self
    }

    /// How long the server may take to say hello. Default: 5 s.
    pub const fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.config.handshake_timeout = timeout;
        self
    }

    /// Serves `service` to the other side, which calls it on the connections that are made from here: see
    /// [`Context::peer`](crate::Context::peer).
    ///
    /// # Errors
    /// A service of that name is served already, or two method names have the same hash.
    pub fn serve(mut self, service: impl Dispatch) -> Result<Self, BuildError> {
        self.services.push(Arc::new(service));
        self.router().map(|_| self)
    }

    fn router(&self) -> Result<Option<Arc<dyn Serve>>, BuildError> {
        if self.services.is_empty() {
            return Ok(None);
        }
        let mut router = Router::default();
        for service in &self.services {
            router.add(Arc::clone(service))?;
        }
        Ok(Some(Arc::new(router)))
    }

    pub(crate) fn over(&self, link: Link) -> Channel {
        // `serve` has tried it.
        let serve = self.router().unwrap_or_default();
        let config = Arc::new(self.config.clone());
        let caller: Arc<dyn Caller> = Connection::spawn(link, config, serve);
        let target = match self.evolve {
            true => Target::Picker(Arc::new(Evolve::new(caller))),
            false => Target::Caller(caller),
        };
        Channel::new(target, self.codec, self.timeout)
    }

    /// Opens the transport; the protocol's handshake rides with the first call.
    ///
    /// # Errors
    /// The address is none, limits are out of range, or no transport could be opened.
    ///
    /// # Cancel safety
    /// Safe: dropping the future gives the attempt up.
    pub async fn connect(&self, address: impl IntoAddress) -> Result<Channel, DialError> {
        self.config.limits.check()?;
        let address = address.into_address()?;
        let link = match tokio::time::timeout(self.connect_timeout, dial(&address)).await {
            Ok(link) => link?,
            Err(_) => {
                let reason = std::io::ErrorKind::TimedOut.into();
                return Err(DialError::Connect { address, reason });
            }
        };
        Ok(self.over(link))
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
