//! A header as a client says it.

use std::{fmt, net::SocketAddr, sync::Arc};

use ppp::v2::{Builder, Command, Protocol, Version};
use tokio::io::AsyncWriteExt as _;

use crate::transport::Link;

/// A PROXY header, to be said in front of a stream: see [`Endpoint::proxy_header`](crate::Endpoint::proxy_header).
#[derive(Clone, PartialEq, Eq)]
#[must_use]
pub struct ProxyHeader(Arc<[u8]>);

impl ProxyHeader {
    /// Version 2, which is bytes: a stream that is carried for `source`, which had connected to `destination`.
    pub fn v2(source: SocketAddr, destination: SocketAddr) -> Self {
        Self::binary(Command::Proxy, Some(of_one_family(source, destination)))
    }

    /// Version 1, which is a line of text, for servers that know no other.
    pub fn v1(source: SocketAddr, destination: SocketAddr) -> Self {
        let (source, destination) = of_one_family(source, destination);
        let family = if source.is_ipv4() { "TCP4" } else { "TCP6" };
        let (from, to) = (source.ip(), destination.ip());
        let (from_port, to_port) = (source.port(), destination.port());
        let line = format!("PROXY {family} {from} {to} {from_port} {to_port}\r\n");
        Self(line.into_bytes().into())
    }

    /// Version 2: the stream is the proxy's own. Probes say so to a server that expects a header of whoever comes from there.
    pub fn local() -> Self {
        Self::binary(Command::Local, None)
    }

    fn binary(command: Command, addresses: Option<(SocketAddr, SocketAddr)>) -> Self {
        let builder = match addresses {
            Some(addresses) => {
                Builder::with_addresses(Version::Two | command, Protocol::Stream, addresses)
            }
            None => Builder::new(Version::Two | command, 0),
        };
        let bytes = builder.build().expect("two addresses are shorter than a header may be");
        Self(bytes.into())
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Says the header.
    pub(crate) async fn say(&self, link: &mut Link) -> std::io::Result<()> {
        link.write_all(&self.0).await?;
        link.flush().await
    }
}

/// Both addresses as of version 4 if they are, else as of version 6: a header has one family.
fn of_one_family(source: SocketAddr, destination: SocketAddr) -> (SocketAddr, SocketAddr) {
    let mapped = |address: SocketAddr| match address {
        SocketAddr::V4(four) => SocketAddr::from((four.ip().to_ipv6_mapped(), four.port())),
        six => six,
    };
    match source.is_ipv4() == destination.is_ipv4() {
        true => (source, destination),
        false => (mapped(source), mapped(destination)),
    }
}

impl fmt::Debug for ProxyHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyHeader({})", self.0.escape_ascii())
    }
}
