//! Options of a server about byte streams, before anybody looks at what is said on them.

use super::{Server, security::Security};
use crate::transport::TcpKeepalive;
#[cfg(feature = "proxy")]
use crate::transport::proxy::TrustedProxies;

/// The options that hold for each stream.
#[derive(Clone, Debug, Default)]
pub(super) struct Ingress {
    pub(super) security: Security,
    /// The system's watch over them, where it was said.
    pub(super) keepalive: Option<TcpKeepalive>,
    /// Those who say for whom a stream is carried.
    #[cfg(feature = "proxy")]
    pub(super) proxies: Option<TrustedProxies>,
}

impl Server {
    /// Sets how the system finds out that clients are gone without a word, where they came by TCP. Default:
    /// [`TcpKeepalive::new`].
    pub const fn tcp_keepalive(mut self, keepalive: TcpKeepalive) -> Self {
        self.ingress.keepalive = Some(keepalive);
        self
    }

    /// Expects a PROXY header, of version 1 or 2, in front of each stream that comes from one of these, as HAProxy and nginx say
    /// it: its client is whom that names, in [`Context::peer_address`](crate::Context::peer_address), in the log, for the
    /// authenticator and wherever else a peer is looked at. [`Proxied`](crate::proxy::Proxied) has the proxy itself. A
    /// header that names nobody (`LOCAL`, `UNKNOWN`: the proxy looks whether the server is there) leaves the peer what it is.
    /// It counts as part of the handshake; TLS, if there is any, begins behind it.
    ///
    /// A trusted proxy that says none is refused: if it were optional, whoever comes through a proxy that does not add one could
    /// say his own. All others are served without one, as the clients that they are; a header from them is refused. Default: nobody is
    /// trusted.
    ///
    /// ```
    /// # fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_core::{Server, proxy::TrustedProxies};
    /// let server = Server::new().proxy_protocol(TrustedProxies::new(["10.0.0.0/24", "::1"])?);
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "proxy")]
    pub fn proxy_protocol(mut self, proxies: TrustedProxies) -> Self {
        self.ingress.proxies = Some(proxies);
        self
    }
}
