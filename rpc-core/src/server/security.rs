//! Whether the streams of a server are encrypted, and what follows for where it listens.

use std::net::IpAddr;

use super::ServeError;
#[cfg(feature = "tls")]
use crate::transport::tls::ServerTls;
use crate::transport::{Address, BoundListener};

/// What a server does with a byte stream before the protocol begins.
#[derive(Clone, Debug, Default)]
pub(super) enum Security {
    /// Nothing.
    #[default]
    Plain,
    /// TLS, and nothing without it.
    #[cfg(feature = "tls")]
    Tls(ServerTls),
}

impl Security {
    /// Listens at an address.
    pub(super) async fn bind(&self, address: Address) -> Result<BoundListener, ServeError> {
        let address = match self {
            Self::Plain => address,
            #[cfg(feature = "tls")]
            Self::Tls(_) => address.below_tls().unwrap_or(address),
        };
        Ok(address.bind().await?)
    }

    /// What clients dial that is listened at.
    pub(super) fn address(&self, listened: Address) -> Address {
        match self {
            Self::Plain => listened,
            #[cfg(feature = "tls")]
            Self::Tls(_) => listened.above_tls(),
        }
    }

    /// Says so, once for each server, where everybody on the way can read and change what is said.
    pub(super) fn warn_if_open(&self, listened: &Address) {
        if matches!(self, Self::Plain) && is_reachable(listened) {
            tracing::warn!(
                target: "rpc_core::server",
                address = %listened,
                "this server listens WITHOUT TLS at an address that other machines reach: whoever is on the way can \
                 read and change every call. Use Server::tls, or listen at 127.0.0.1 behind something that does"
            );
        }
    }
}

/// Whether other machines can connect.
fn is_reachable(address: &Address) -> bool {
    let Address::Tcp { host, .. } = address else { return false };
    host.parse::<IpAddr>().is_ok_and(|address| !address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_reached_by_nobody_else() {
        let reachable = |text: &str| is_reachable(&text.parse().unwrap());
        for open in ["0.0.0.0:1", "[::]:1", "192.168.1.2:1", "[2001:db8::1]:1"] {
            assert!(reachable(open), "{open}");
        }
        for closed in
            ["127.0.0.1:1", "127.1.2.3:1", "[::1]:1", "[::ffff:127.0.0.1]:1", "unix:/tmp/x"]
        {
            assert!(!reachable(closed), "{closed}");
        }
    }
}
