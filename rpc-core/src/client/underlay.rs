//! Options of an endpoint about the byte streams that it dials, below all protocols.

use super::Endpoint;
use crate::transport::TcpKeepalive;

impl Endpoint {
    /// Sets how the system finds out that the server is gone without a word, where it is dialled by TCP. Default:
    /// [`TcpKeepalive::new`].
    pub const fn tcp_keepalive(mut self, keepalive: TcpKeepalive) -> Self {
        self.underlay.keepalive = Some(keepalive);
        self
    }

    /// Says a PROXY header in front of all else, on each new connection: for programs that carry streams of others, and probes
    /// of servers that expect one ([`Server::proxy_protocol`](crate::Server::proxy_protocol)). TLS and everything else begin
    /// behind it; a [`Connector`](crate::Connector) of the program's own that brings TLS itself has it inside of that. Byte
    /// streams that the program brings ([`Self::over`]) have none. Default: none.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_core::{Endpoint, proxy::ProxyHeader};
    /// let header = ProxyHeader::v2("203.0.113.7:4711".parse()?, "198.51.100.1:7000".parse()?);
    /// let channel = Endpoint::new().proxy_header(header).connect("10.0.0.5:7000").await?;
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "proxy")]
    pub fn proxy_header(mut self, header: crate::transport::proxy::ProxyHeader) -> Self {
        self.underlay.header = Some(header);
        self
    }
}
