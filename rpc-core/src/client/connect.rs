//! Connecting: what of an endpoint's options makes a channel of it, at once or when it is needed.

use std::sync::Arc;

#[cfg(feature = "resume")]
use super::reconnect::Redial;
use super::{
    Endpoint,
    door::Door,
    reconnect::{Comeback, Dialer, Line, Open},
};
#[cfg(feature = "fleet")]
use super::{
    balance::Fleet,
    discover::{self, AnyDiscover, Discover, Instance},
};
#[cfg(feature = "fleet")]
use crate::seam::Supply;
#[cfg(all(feature = "http", feature = "tls"))]
use crate::transport::websocket::{Below, Dial};
#[cfg(feature = "tls")]
use crate::transport::{Encrypted, secure};
use crate::{
    call::{Channel, Way},
    connection::Lifeline,
    proto::connection::{Config, Keep},
    seam::Waiting,
    transport::{
        Address, Connector, DialError, IntoAddress, Link, Peer, Protocol, Underlaid, Underlay,
    },
};

impl Endpoint {
    /// Opens the transport, TLS included; the protocol's handshake rides with the first call. If the connection is lost
    /// later, the channel comes back: see
    /// [`Reconnect`](crate::Reconnect).
    ///
    /// # Errors
    /// The address is none, limits are out of range, the token is empty or too long, the services of this side do not
    /// go together, no transport could be opened, or the server is not whom it should be; or what is to be done on each
    /// new connection failed.
    ///
    /// # Cancel safety
    /// Safe: dropping the future gives the attempt up.
    pub async fn connect(&self, address: impl IntoAddress) -> Result<Channel, DialError> {
        let address = address.into_address()?;
        #[cfg(feature = "fleet")]
        if let Some(discover) = discover::of(&address) {
            return self.connect_many(discover).await;
        }
        self.connect_by(self.route(address)).await
    }

    /// A channel to many servers, which `discover` tells of: see [`Balance`](crate::Balance). Resolves when one of them is
    /// connected. An [`Address::List`], [`Address::Dns`] or [`Address::File`] is connected to like this, too.
    ///
    /// ```
    /// # use rpc_core::{Endpoint, Server, discover::{Instance, List}, service};
    /// # #[service] trait Calculator { async fn add(&self, a: i64, b: i64) -> i64; }
    /// # struct Pocket;
    /// # impl Calculator for Pocket { async fn add(&self, a: i64, b: i64) -> i64 { a + b } }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let start = || Server::new().with(CalculatorServer::new(Pocket)).start("127.0.0.1:0");
    /// let (one, other) = (start().await?, start().await?);
    /// let servers = List::new([one.address().clone(), other.address().clone()]);
    /// let channel = Endpoint::new().connect_fleet(servers).await?;
    /// assert_eq!(CalculatorClient::new(channel).add(1, 2).await?, 3);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// There is no server, or none that can be reached; else as for [`Self::connect`].
    ///
    /// # Cancel safety
    /// Safe: dropping the future gives the attempt up.
    #[cfg(feature = "fleet")]
    pub async fn connect_fleet(&self, discover: impl Discover) -> Result<Channel, DialError> {
        self.connect_many(Arc::new(discover)).await
    }

    /// A channel to many servers, which are looked for when one is needed. To be called within a tokio runtime.
    ///
    /// # Errors
    /// As for [`Self::connect_lazy`].
    #[cfg(feature = "fleet")]
    pub fn connect_fleet_lazy(&self, discover: impl Discover) -> Result<Channel, DialError> {
        self.check()?;
        self.serve()?;
        Ok(self.channel_to(Fleet::new(self.clone(), Arc::new(discover))))
    }

    /// Opens the transport by a [`Connector`] of the program's own, and again by it when the channel comes back. One whose
    /// address is an [`Address::Tls`] brings TLS itself; around all others it is put if the
    /// endpoint uses it.
    ///
    /// # Errors
    /// As for [`Self::connect`].
    ///
    /// # Cancel safety
    /// Safe: dropping the future gives the attempt up.
    pub async fn connect_with(
        &self,
        connector: impl Connector + 'static,
    ) -> Result<Channel, DialError> {
        self.connect_by(Underlaid { connector, underlay: self.underlay.clone() }).await
    }

    async fn connect_by(&self, connector: impl Connector + 'static) -> Result<Channel, DialError> {
        let address = connector.address();
        // What cannot be is said before anybody is called.
        let dialer = self.dialer(connector)?;
        let link = (dialer.dial)().await?;
        if self.reconnect.comeback == Comeback::Never && self.hook.is_none() {
            return Ok(self.channel_by(Way::Caller(dialer.serve_alone(link))));
        }
        let line = Line::new(dialer, self.reconnect, self.retry, link.peer.clone());
        let begun = line.begin(link).await;
        begun.map_err(|status| DialError::Hook { address, status })?;
        Ok(self.channel_on(line))
    }

    /// A channel whose first connection is opened when it is needed, as later ones are. To be called within a tokio
    /// runtime.
    ///
    /// ```
    /// # use rpc_core::{Channel, ChannelState, Server, service};
    /// # #[service] trait Calculator { async fn add(&self, a: i64, b: i64) -> i64; }
    /// # struct Pocket;
    /// # impl Calculator for Pocket { async fn add(&self, a: i64, b: i64) -> i64 { a + b } }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = Server::new().with(CalculatorServer::new(Pocket)).start("127.0.0.1:0").await?;
    /// let channel = Channel::connect_lazy(server.address())?;
    /// assert_eq!(channel.state(), ChannelState::Idle);
    /// assert_eq!(CalculatorClient::new(channel).add(1, 2).await?, 3);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As for [`Self::connect`], as far as it can be told without a connection.
    pub fn connect_lazy(&self, address: impl IntoAddress) -> Result<Channel, DialError> {
        let address = address.into_address()?;
        #[cfg(feature = "fleet")]
        if let Some(discover) = discover::of(&address) {
            self.check()?;
            self.serve()?;
            return Ok(self.channel_to(Fleet::new(self.clone(), discover)));
        }
        self.connect_lazy_by(self.route(address))
    }

    /// The same by a [`Connector`] of the program's own.
    ///
    /// # Errors
    /// As for [`Self::connect_lazy`].
    pub fn connect_lazy_with(
        &self,
        connector: impl Connector + 'static,
    ) -> Result<Channel, DialError> {
        self.connect_lazy_by(Underlaid { connector, underlay: self.underlay.clone() })
    }

    fn connect_lazy_by(&self, connector: impl Connector + 'static) -> Result<Channel, DialError> {
        let peer = Peer::new(connector.address().to_string());
        Ok(self.channel_on(Line::new(self.dialer(connector)?, self.reconnect, self.retry, peer)))
    }

    fn channel_on(&self, line: Arc<Line>) -> Channel {
        let at_once = self.reconnect.comeback == Comeback::Always
            || self.hook.is_some()
            || !self.services.is_empty();
        if at_once {
            line.keep();
        }
        self.channel_by(Way::Supply(Arc::new(Door::new(line))))
    }

    #[cfg(feature = "fleet")]
    async fn connect_many(&self, discover: Arc<dyn AnyDiscover>) -> Result<Channel, DialError> {
        self.check()?;
        // What cannot be is said before anybody is called.
        self.serve()?;
        let address = discover.address();
        let fleet = Fleet::new(self.clone(), discover);
        let channel = self.channel_to(Arc::clone(&fleet));
        match tokio::time::timeout(self.connect_timeout, fleet.begin()).await {
            Ok(Ok(())) => Ok(channel),
            Ok(Err(status)) => Err(DialError::Fleet { address, status }),
            Err(_) => {
                let reason = std::io::ErrorKind::TimedOut.into();
                Err(DialError::Connect { address, reason })
            }
        }
    }

    #[cfg(feature = "fleet")]
    fn channel_to(&self, fleet: Arc<Fleet>) -> Channel {
        self.channel_by(Way::Supply(Arc::new(Door::new(fleet))))
    }

    /// A line to one server of many.
    #[cfg(feature = "fleet")]
    pub(super) fn line_to(
        &self,
        instance: &Instance,
        fleet: &Arc<Fleet>,
    ) -> Result<Arc<Line>, DialError> {
        let address = instance.address().clone();
        let peer = Peer::new(address.to_string());
        let endpoint = self.named(instance)?;
        let mut dialer = endpoint.dialer(endpoint.route(address))?;
        let fleet = Arc::clone(fleet) as Arc<dyn Supply>;
        dialer.supply = Some(Arc::downgrade(&fleet));
        Ok(Line::new(dialer, self.reconnect, self.retry, peer))
    }

    /// The same endpoint for a server whose certificate has the name that it was found by.
    #[cfg(all(feature = "fleet", feature = "tls"))]
    fn named(&self, instance: &Instance) -> Result<Self, DialError> {
        let mut endpoint = self.clone();
        if let (Some(name), Some(tls)) = (instance.name(), &mut endpoint.tls) {
            *tls = tls.clone().with_default_name(name)?;
        }
        Ok(endpoint)
    }

    #[cfg(all(feature = "fleet", not(feature = "tls")))]
    #[allow(clippy::unnecessary_wraps, reason = "with TLS it may fail")]
    fn named(&self, _instance: &Instance) -> Result<Self, DialError> {
        Ok(self.clone())
    }

    /// What opens connections by `connector`.
    fn dialer(&self, connector: impl Connector + 'static) -> Result<Dialer, DialError> {
        self.check()?;
        let serve = self.serve()?;
        let (endpoint, connector) = (self.clone(), Arc::new(connector));
        let dial = move || -> Waiting<'static, Result<Link, DialError>> {
            let (endpoint, connector) = (endpoint.clone(), Arc::clone(&connector));
            Box::pin(async move { endpoint.dial(&*connector).await })
        };
        let dial: Open = Arc::new(dial);
        let (lifeline, keep) = self.lifeline(&dial);
        let memory = serve.as_ref().and_then(|serve| serve.memory());
        let brief = serve.as_ref().map(|serve| serve.brief()).unwrap_or_default();
        let config = Arc::new(Config { keep, memory, brief, ..self.config.clone() });
        let (codec, hook) = (self.codec, self.hook.clone());
        Ok(Dialer { dial, config, serve, codec, hook, supply: None, lifeline })
    }

    /// What brings connections another link when theirs is cut, and how they are kept for it.
    #[cfg(feature = "resume")]
    fn lifeline(&self, dial: &Open) -> (Option<Arc<dyn Lifeline>>, Option<Keep>) {
        let Some(resume) = self.resume else { return (None, None) };
        let redial = Redial::new(dial, self.reconnect, self.config.handshake_timeout);
        (Some(Arc::new(redial)), Some(resume.keep()))
    }

    #[cfg(not(feature = "resume"))]
    const fn lifeline(&self, _dial: &Open) -> (Option<Arc<dyn Lifeline>>, Option<Keep>) {
        (None, None)
    }
}

impl Endpoint {
    /// What dials an address, with the endpoint's TLS where it asks for that.
    fn route(&self, address: Address) -> Route {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            if let Some(encrypted) = address.encrypted(tls, &self.underlay) {
                return Route::Encrypted(Box::new(encrypted));
            }
            #[cfg(feature = "http")]
            if address.is_web_socket() {
                let tls = Below::Tls(Box::new(tls.for_http()));
                let underlay = self.underlay.clone();
                return Route::WebSocket(Box::new(Dial { address, tls, underlay }));
            }
        }
        Route::Plain(address, self.underlay.clone())
    }

    /// Opens a transport, within the time that it may take.
    async fn dial(&self, connector: &impl Connector) -> Result<Link, DialError> {
        match tokio::time::timeout(self.connect_timeout, self.open(connector)).await {
            Ok(link) => Ok(self.prepared(link?)),
            Err(_) => {
                let (address, reason) = (connector.address(), std::io::ErrorKind::TimedOut.into());
                Err(DialError::Connect { address, reason })
            }
        }
    }

    async fn open(&self, connector: &impl Connector) -> Result<Link, DialError> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            let address = connector.address();
            if address.below_tls().is_none() && !address.is_web_socket() {
                return secure(tls, &address, || connector.connect()).await;
            }
        }
        connector.connect().await
    }

    /// Says of a link what is known of whoever is dialled.
    pub(crate) fn prepared(&self, mut link: Link) -> Link {
        if let Some(server) = &self.server {
            link.peer = link.peer.with(server.clone());
        }
        // This side speaks first, and learns from what comes whom it has spoken to.
        link.read.refuse_strangers(Protocol::Rpc);
        link
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

    /// A channel with the defaults of [`Endpoint`] that connects when it is first needed: see
    /// [`Endpoint::connect_lazy`].
    ///
    /// # Errors
    /// `address` is none.
    pub fn connect_lazy(address: impl IntoAddress) -> Result<Self, DialError> {
        Endpoint::new().connect_lazy(address)
    }
}

/// What dials an address.
enum Route {
    /// The address itself.
    Plain(Address, Underlay),
    #[cfg(feature = "tls")]
    Encrypted(Box<Encrypted>),
    #[cfg(all(feature = "http", feature = "tls"))]
    WebSocket(Box<Dial>),
}

impl Connector for Route {
    fn address(&self) -> Address {
        match self {
            Self::Plain(address, _) => address.clone(),
            #[cfg(feature = "tls")]
            Self::Encrypted(encrypted) => encrypted.address(),
            #[cfg(all(feature = "http", feature = "tls"))]
            Self::WebSocket(dial) => dial.address(),
        }
    }

    async fn connect(&self) -> Result<Link, DialError> {
        match self {
            Self::Plain(address, underlay) => address.connect_on(underlay).await,
            #[cfg(feature = "tls")]
            Self::Encrypted(encrypted) => encrypted.connect().await,
            #[cfg(all(feature = "http", feature = "tls"))]
            Self::WebSocket(dial) => dial.connect().await,
        }
    }
}
