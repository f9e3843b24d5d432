//! Addresses as text, and what else can be turned into one.

use std::{fmt, net::SocketAddr};

use thiserror::Error;

use super::Address;

/// Text that is no [`Address`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{text:?} is not an address: {}", match wrong {
    Wrong::Form => "write host:port, such as 127.0.0.1:7000, or tls:, ws: or wss:host:port, or unix:/path; several with commas \
        between them, dns:host:port or file:/path for many servers",
    Wrong::Anywhere => "others cannot reach a server there: write the address of its machine, with its port",
    Wrong::Etcd => "write etcd://host:2379/prefix, such as etcd://127.0.0.1:2379/services/calculator",
    Wrong::Port => "a port is a number up to 65535",
    Wrong::Scheme => "omit the scheme, and what is behind the port",
})]
pub struct AddressError {
    text: String,
    wrong: Wrong,
}

/// What is wrong with text that is not an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    Form,
    #[cfg_attr(not(feature = "etcd"), expect(dead_code, reason = "no server is entered anywhere"))]
    Anywhere,
    Etcd,
    Port,
    Scheme,
}

impl AddressError {
    pub(super) fn new(text: &str, wrong: Wrong) -> Self {
        Self { text: text.to_owned(), wrong }
    }

    /// An address to listen at, and not to dial.
    #[cfg(feature = "etcd")]
    pub(crate) fn anywhere(address: &Address) -> Self {
        Self::new(&address.to_string(), Wrong::Anywhere)
    }

    /// An address, but none of etcd.
    #[cfg(feature = "etcd")]
    pub(crate) fn no_etcd(text: &str) -> Self {
        Self::new(text, Wrong::Etcd)
    }
}

/// Reads what stands behind `etcd://`: members with commas between them, and a prefix, which gets a `/` at its end.
pub(super) fn etcd(text: &str) -> Result<(Vec<(String, u16)>, String), Wrong> {
    let (members, prefix) = text.find('/').map(|at| text.split_at(at)).ok_or(Wrong::Etcd)?;
    let members = members.split(',').map(|member| match has_port(member) {
        true => host_and_port(member),
        false => host_and_port(&format!("{member}:2379")),
    });
    let members: Vec<_> = members.collect::<Result<_, _>>().map_err(|_| Wrong::Etcd)?;
    let prefix = prefix.trim_end_matches('/');
    let plain = |character: char| character.is_ascii_graphic();
    match prefix.is_empty() || !prefix.chars().all(plain) {
        true => Err(Wrong::Etcd),
        false => Ok((members, format!("{prefix}/"))),
    }
}

/// Shows what is read by [`etcd`].
pub(super) fn show_etcd(
    f: &mut fmt::Formatter<'_>,
    members: &[(String, u16)],
    prefix: &str,
) -> fmt::Result {
    for (index, (host, port)) in members.iter().enumerate() {
        show(f, if index == 0 { "etcd://" } else { "," }, host, *port)?;
    }
    f.write_str(prefix.trim_end_matches('/'))
}

/// Reads `host:port`.
pub(super) fn host_and_port(text: &str) -> Result<(String, u16), Wrong> {
    let (host, port) = text.rsplit_once(':').ok_or(Wrong::Form)?;
    let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().map_err(|_| if is_number { Wrong::Port } else { Wrong::Form })?;
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host = match bracketed {
        Some(host) => host,
        None if host.is_empty() || host.contains([':', '/']) => return Err(Wrong::Form),
        None => host,
    };
    Ok((host.to_owned(), port))
}

/// Reads what stands behind a scheme: `host:port`, or `//host`, and a path.
pub(super) fn url(text: &str, port: u16) -> Result<(String, u16, String), Wrong> {
    let (text, port) = match text.strip_prefix("//") {
        Some(rest) => (rest, Some(port)),
        None => (text, None),
    };
    let (authority, path) = match text.find('/') {
        Some(at) => text.split_at(at),
        None => (text, "/"),
    };
    let plain = |character: char| character.is_ascii_graphic() && character != '#';
    if !path.chars().all(plain) {
        return Err(Wrong::Form);
    }
    let (host, port) = match port {
        Some(port) if !has_port(authority) => host_and_port(&format!("{authority}:{port}"))?,
        _ => host_and_port(authority)?,
    };
    Ok((host, port, path.to_owned()))
}

/// Whether a port stands behind a host.
fn has_port(authority: &str) -> bool {
    let behind = authority.rsplit_once(']').map_or(authority, |(_, behind)| behind);
    behind.contains(':')
}

/// Shows what is read by [`url`].
pub(super) fn show_url(
    f: &mut fmt::Formatter<'_>,
    scheme: &str,
    host: &str,
    port: u16,
    path: &str,
) -> fmt::Result {
    show(f, &format!("{scheme}://"), host, port)?;
    f.write_str(path)
}

/// Shows what is read by [`host_and_port`].
pub(super) fn show(f: &mut fmt::Formatter<'_>, scheme: &str, host: &str, port: u16) -> fmt::Result {
    match host.contains(':') {
        true => write!(f, "{scheme}[{host}]:{port}"),
        false => write!(f, "{scheme}{host}:{port}"),
    }
}

#[cfg(feature = "tls")]
impl Address {
    /// Whether the protocol travels over WebSocket there.
    pub(crate) const fn is_web_socket(&self) -> bool {
        matches!(self, Self::Ws { .. } | Self::Wss { .. })
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp { host: address.ip().to_string(), port: address.port() }
    }
}

/// What can be turned into an [`Address`]: text, a socket address, an address.
pub trait IntoAddress {
    /// The address.
    ///
    /// # Errors
    /// Text that is not an address.
    fn into_address(self) -> Result<Address, AddressError>;
}

impl IntoAddress for Address {
    fn into_address(self) -> Result<Address, AddressError> {
        Ok(self)
    }
}

impl IntoAddress for &Address {
    fn into_address(self) -> Result<Address, AddressError> {
        Ok(self.clone())
    }
}

impl IntoAddress for SocketAddr {
    fn into_address(self) -> Result<Address, AddressError> {
        Ok(self.into())
    }
}

impl IntoAddress for &str {
    fn into_address(self) -> Result<Address, AddressError> {
        self.parse()
    }
}

impl IntoAddress for String {
    fn into_address(self) -> Result<Address, AddressError> {
        self.parse()
    }
}

impl IntoAddress for &String {
    fn into_address(self) -> Result<Address, AddressError> {
        self.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_shown_alike() {
        for text in [
            "localhost:1",
            "127.0.0.1:0",
            "[::1]:7000",
            "tls:localhost:1",
            "tls:[::1]:7000",
            "unix:/tmp/x",
            "unix:relative",
            "ws://localhost:1/",
            "wss://[::1]:7000/rpc?x=1",
            "a:1,tls:b:2,unix:/tmp/x",
            "dns:api.internal:7000",
            "file:/etc/shop/servers",
            "etcd://127.0.0.1:2379/services/calculator",
            "etcd://a:1,[::1]:2379/x",
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        assert_eq!("tcp:a:1".parse::<Address>().unwrap().to_string(), "a:1");
        for (text, shown) in [
            ("ws:a:1", "ws://a:1/"),
            ("ws:a:1/b", "ws://a:1/b"),
            ("ws://a", "ws://a:80/"),
            ("wss://a", "wss://a:443/"),
            ("wss://[::1]/b", "wss://[::1]:443/b"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), shown);
        }
        // A host of that name.
        let plain = Address::Tcp { host: "tls".to_owned(), port: 1 };
        assert_eq!("tls:1".parse::<Address>(), Ok(plain));
    }

    #[test]
    fn what_is_no_address_says_what_one_is() {
        for text in [
            "",
            "localhost",
            ":80",
            "a:b",
            "a:",
            "::1:7000",
            "unix:",
            "tls::80",
            "tls:a:b",
            "ws::1",
            "ws://",
            "ws:a:b",
            "ws://a:b",
            "ws://a/b c",
            "a:1,",
            "a:1,b",
            "dns::7000",
        ] {
            let error = text.parse::<Address>().unwrap_err();
            assert!(error.to_string().contains("write host:port"), "{error}");
        }
        let port = "a:70000".parse::<Address>().unwrap_err();
        assert!(port.to_string().contains("up to 65535"), "{port}");
        let scheme = "http://a:80".parse::<Address>().unwrap_err();
        assert!(scheme.to_string().contains("omit the scheme"), "{scheme}");
    }
}
