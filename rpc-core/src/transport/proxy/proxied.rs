//! A peer that was named by a proxy.

use std::net::SocketAddr;

use super::{ReceivedHeader, Source};
use crate::transport::{Peer, PeerAddress};

/// The proxy that carries a connection, and where the client had connected to: beside a [`Peer`] whose address a PROXY header
/// has said ([`Peer::get`]).
#[derive(Clone, Debug)]
pub struct Proxied {
    proxy: Peer,
    destination: Option<SocketAddr>,
}

impl Proxied {
    /// The proxy, as the transport knows it.
    #[must_use]
    pub const fn proxy(&self) -> &Peer {
        &self.proxy
    }

    /// The address of the proxy that the client had connected to, if it is one of TCP.
    #[must_use]
    pub const fn destination(&self) -> Option<SocketAddr> {
        self.destination
    }
}

/// The peer that a header names; `None` if it names nobody, and the proxy speaks for itself. What the transport vouches for is
/// true of the proxy, and of nobody behind it.
pub(super) fn peer(said: &ReceivedHeader, proxy: &Peer) -> Option<Peer> {
    let source = said.source.as_ref()?;
    // Not `PeerAddress::Unix`: that is on this machine, and this one is on the proxy's.
    let address = match source {
        Source::Tcp(address) => PeerAddress::Tcp(*address),
        Source::Unix => format!("a Unix socket of {proxy}").into(),
    };
    let proxied = Proxied { proxy: proxy.clone(), destination: said.destination };
    Some(Peer::new(address).with(proxied))
}
