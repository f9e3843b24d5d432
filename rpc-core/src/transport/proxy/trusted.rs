//! The proxies that a server believes.

use std::net::IpAddr;

use ipnet::IpNet;
use thiserror::Error;

use crate::transport::PeerAddress;

/// The proxies whose headers a server believes, by their addresses.
///
/// Whoever can connect from one of these addresses can say that it is anybody: name the proxies, and not the network that
/// clients are in.
#[derive(Clone, Debug)]
#[must_use]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    unix: Unix,
}

/// The role of peers over Unix sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unix {
    Proxies,
    Clients,
}

/// A text that is not a network.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{0:?} is not a network: write an address, or one with the length of its prefix, such as 10.0.0.0/8"
)]
pub struct NetworkError(String);

impl TrustedProxies {
    /// Those with these addresses, or in these networks: `10.1.2.3`, `10.0.0.0/8`, `fd00::/8`.
    ///
    /// # Errors
    /// One of them is not a network.
    pub fn new(networks: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, NetworkError> {
        let networks = networks.into_iter().map(|text| network(text.as_ref()));
        Ok(Self { networks: networks.collect::<Result<_, _>>()?, unix: Unix::Clients })
    }

    /// And all who come over a Unix socket: none but the proxy is to have access to its file.
    pub fn and_unix_sockets(mut self) -> Self {
        self.unix = Unix::Proxies;
        self
    }

    /// Tells whether a header from there is believed.
    #[must_use]
    pub fn trusts(&self, address: &PeerAddress) -> bool {
        match address {
            PeerAddress::Tcp(address) => {
                // A socket of both families shows addresses of version 4 inside of version 6.
                let address = address.ip().to_canonical();
                self.networks.iter().any(|network| network.contains(&address))
            }
            PeerAddress::Unix => self.unix == Unix::Proxies,
            PeerAddress::Memory | PeerAddress::Other(_) => false,
        }
    }
}

fn network(text: &str) -> Result<IpNet, NetworkError> {
    let wrong = || NetworkError(text.to_owned());
    match text.contains('/') {
        true => text.parse().map_err(|_| wrong()),
        false => text.parse::<IpAddr>().map(IpNet::from).map_err(|_| wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_in_the_networks_are_trusted_and_no_others() {
        let proxies = TrustedProxies::new(["10.0.0.0/8", "192.0.2.7", "fd00::/8", "::1"]).unwrap();
        let tcp = |text: &str| PeerAddress::Tcp(text.parse().unwrap());
        for inside in
            ["10.255.0.1:1", "192.0.2.7:9", "[fd12::1]:1", "[::1]:1", "[::ffff:10.0.0.1]:1"]
        {
            assert!(proxies.trusts(&tcp(inside)), "{inside}");
        }
        for outside in ["11.0.0.1:1", "192.0.2.8:9", "[fe80::1]:1", "[::2]:1", "127.0.0.1:1"] {
            assert!(!proxies.trusts(&tcp(outside)), "{outside}");
        }
        for other in [PeerAddress::Unix, PeerAddress::Memory, PeerAddress::from("10.0.0.1:1")] {
            assert!(!proxies.trusts(&other), "{other}");
        }
        assert!(proxies.and_unix_sockets().trusts(&PeerAddress::Unix));
    }

    #[test]
    fn what_is_no_network_is_told_so() {
        for wrong in ["", "10.0.0", "10.0.0.0/33", "10.0.0.0/", "fd00::/129", "localhost", "*"] {
            let error = TrustedProxies::new([wrong]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{wrong:?} is not a network")), "{error}");
        }
    }
}
