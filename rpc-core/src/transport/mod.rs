//! Byte streams: what goes up is a [`Link`]; sockets never leave this folder, frames never enter it.
//!
//! ```text
//! Listener::accept ──▶ Incoming ──(in the connection's task)──▶ Link ──sniff──▶ connection, or another protocol
//! Connector::connect ──────────────────────────────────────────▶ Link ──▶ connection
//! ```
//!
//! A transport is a file that makes links, and its lines in the matches on [`Address`] here.

mod address;
mod connector;
#[cfg(unix)]
mod given;
mod link;
mod listener;
mod memory;
mod peer;
#[cfg(feature = "proxy")]
pub mod proxy;
mod sniff;
mod tcp;
mod tcp_keepalive;
#[cfg(feature = "tls")]
pub mod tls;
mod underlay;
#[cfg(unix)]
mod unix;
#[cfg(feature = "http")]
pub(crate) mod websocket;
mod write;

pub use address::{AddressError, IntoAddress};
pub use connector::{Connector, DialError};
#[cfg(unix)]
pub(crate) use given::given;
pub use link::Link;
pub(crate) use link::NotEstablished;
pub use listener::{BindError, BoundListener, Incoming, Listener};
pub(crate) use memory::pair as memory_pair;
pub use peer::{Identity, Peer, PeerAddress};
pub(crate) use sniff::{Protocol, ReadHalf, Stranger, TLS_ANSWER};
pub use tcp_keepalive::TcpKeepalive;
pub(crate) use underlay::{Underlaid, Underlay};
pub(crate) use write::{Flush, WriteHalf, Written};

use std::{fmt, io, path::PathBuf, str::FromStr};

use tokio::net::{TcpListener, lookup_host};

use address::Wrong;

/// Where a server listens, or several do.
///
/// ```
/// use rpc_core::Address;
/// let tcp: Address = "127.0.0.1:7000".parse()?;
/// let unix: Address = "unix:/run/calculator.sock".parse()?;
/// let tls: Address = "tls:calculator.example:7000".parse()?;
/// assert_eq!(tcp.to_string(), "127.0.0.1:7000");
/// assert!("7000".parse::<Address>().is_err());
/// # Ok::<(), rpc_core::AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Address {
    /// A host name or IP address, and a port.
    Tcp {
        /// Host name or IP address, without brackets.
        host: String,
        /// Port; 0 lets the system choose one to listen at.
        port: u16,
    },
    /// The same, with TLS, which takes the feature `tls`. A client that is not told otherwise by `Endpoint::tls` believes
    /// servers that the platform's authorities vouch for; a server needs `Server::tls`.
    Tls {
        /// Host name or IP address, without brackets: what the server's certificate has to name.
        host: String,
        /// Port; 0 lets the system choose one to listen at.
        port: u16,
    },
    /// A server's HTTP face, where the protocol travels over WebSocket, for networks where only HTTP passes: `ws:host:port`, or
    /// a URL, `ws://host/path`. It takes the feature `http`; no server listens at one.
    Ws {
        /// Host name or IP address, without brackets.
        host: String,
        /// Port; 80 if a URL has none.
        port: u16,
        /// The path, which begins with `/`.
        path: String,
    },
    /// The same with TLS, as for [`Self::Tls`]: `wss:host:port`, or `wss://host/path` with port 443.
    Wss {
        /// Host name or IP address, without brackets: what the server's certificate has to name.
        host: String,
        /// Port; 443 if a URL has none.
        port: u16,
        /// The path, which begins with `/`.
        path: String,
    },
    /// The path of a Unix domain socket.
    Unix(PathBuf),
    /// Servers of which each will do, with commas between them: `a:7000,b:7000`. This and what follows takes the feature
    /// `fleet`, and is for clients; see [`Balance`](crate::Balance).
    List(Vec<Self>),
    /// The servers at all addresses of a name in DNS: `dns:host:port`.
    Dns {
        /// The name.
        host: String,
        /// The port of all of them.
        port: u16,
    },
    /// The servers that a file names, one on each line: `file:/etc/shop/servers`.
    File(PathBuf),
    /// The servers that are entered in etcd below a prefix: `etcd://host:2379/services/calculator`. It takes the feature `etcd`.
    Etcd {
        /// The members of etcd, of which the first that answers is asked.
        members: Vec<(String, u16)>,
        /// The prefix, which begins and ends with `/`.
        prefix: String,
    },
    /// A place that a [`Listener`] or [`Connector`] of the program's own knows, as it is shown. No text is read as
    /// one.
    Other(String),
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Some(rest) = text.strip_prefix("etcd://") {
            let read = address::etcd(rest).map(|(members, prefix)| Self::Etcd { members, prefix });
            return read.map_err(|wrong| AddressError::new(text, wrong));
        }
        if text.contains(',') {
            let all: Result<_, _> = text.split(',').map(|one| one.trim().parse()).collect();
            return all.map(Self::List);
        }
        let tcp = |(host, port)| Self::Tcp { host, port };
        let read = match text.split_once(':') {
            Some(("ws", rest)) if rest.contains(':') || rest.starts_with("//") => {
                address::url(rest, 80).map(|(host, port, path)| Self::Ws { host, port, path })
            }
            Some(("wss", rest)) if rest.contains(':') || rest.starts_with("//") => {
                address::url(rest, 443).map(|(host, port, path)| Self::Wss { host, port, path })
            }
            _ if text.contains("://") => Err(Wrong::Scheme),
            Some(("unix", "")) => Err(Wrong::Form),
            Some(("unix", path)) => Ok(Self::Unix(path.into())),
            Some(("file", path)) if path.starts_with('/') || path.starts_with('.') => {
                Ok(Self::File(path.into()))
            }
            Some(("dns", rest)) if rest.contains(':') => {
                address::host_and_port(rest).map(|(host, port)| Self::Dns { host, port })
            }
            Some(("tls", rest)) if rest.contains(':') => {
                address::host_and_port(rest).map(|(host, port)| Self::Tls { host, port })
            }
            Some(("tcp", rest)) => address::host_and_port(rest).map(tcp),
            _ => address::host_and_port(text).map(tcp),
        };
        read.map_err(|wrong| AddressError::new(text, wrong))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } => address::show(f, "", host, *port),
            Self::Tls { host, port } => address::show(f, "tls:", host, *port),
            Self::Ws { host, port, path } => address::show_url(f, "ws", host, *port, path),
            Self::Wss { host, port, path } => address::show_url(f, "wss", host, *port, path),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::List(all) => all.iter().enumerate().try_for_each(|(index, one)| match index {
                0 => one.fmt(f),
                _ => write!(f, ",{one}"),
            }),
            Self::Dns { host, port } => address::show(f, "dns:", host, *port),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Etcd { members, prefix } => address::show_etcd(f, members, prefix),
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl Address {
    /// Listens at the address. Port 0 lets the system choose a port; see [`Listener::address`].
    ///
    /// The file of a Unix socket that nobody listens at any more is replaced. Of several servers that begin to listen
    /// at one path at the same time, one does; the others are told who it is.
    ///
    /// # Errors
    /// The address cannot be listened at.
    ///
    /// # Cancel safety
    /// Safe: until it resolves, nothing listens.
    pub async fn bind(&self) -> Result<BoundListener, BindError> {
        let failed = |reason| BindError::Bind { address: self.clone(), reason };
        match self {
            Self::Tcp { host, port } => {
                let socket = TcpListener::bind((host.as_str(), *port)).await.map_err(failed)?;
                Ok(BoundListener::new(socket))
            }
            #[cfg(unix)]
            Self::Unix(path) => match unix::bind(path).await {
                Ok(socket) => Ok(BoundListener::new(socket)),
                Err(unix::Refusal::Taken(process)) => {
                    Err(BindError::Taken { address: self.clone(), process })
                }
                Err(unix::Refusal::Other(reason)) => Err(failed(reason)),
            },
            Self::Tls { .. } => Err(failed(io::Error::new(
                io::ErrorKind::Unsupported,
                "TLS takes a certificate: see `Server::tls`",
            ))),
            Self::List(_) | Self::Dns { .. } | Self::File(_) | Self::Etcd { .. } => {
                Err(failed(io::Error::new(
                    io::ErrorKind::Unsupported,
                    "it stands for several servers, of which each listens at an address of its own",
                )))
            }
            _ => Err(failed(io::ErrorKind::Unsupported.into())),
        }
    }
}

impl Connector for Address {
    fn address(&self) -> Address {
        self.clone()
    }

    async fn connect(&self) -> Result<Link, DialError> {
        self.connect_on(&Underlay::default()).await
    }
}

impl Address {
    /// Opens a byte stream, with this below all that the address asks for.
    pub(crate) async fn connect_on(&self, underlay: &Underlay) -> Result<Link, DialError> {
        let failed = |reason| DialError::new(self.clone(), reason);
        match self {
            Self::Tcp { host, port } => self.dial_tcp(host, *port, underlay).await,
            #[cfg(unix)]
            Self::Unix(path) => {
                let mut link = unix::dial(path).await.map_err(failed)?;
                underlay.lay(&mut link).await.map_err(failed)?;
                Ok(link)
            }
            #[cfg(feature = "tls")]
            Self::Tls { host, port } => {
                let (tls, underlay) = (tls::ClientTls::platform()?, underlay.clone());
                Encrypted { host: host.clone(), port: *port, tls, underlay }.connect().await
            }
            #[cfg(feature = "http")]
            Self::Ws { .. } | Self::Wss { .. } => {
                let (tls, underlay) = (websocket::Below::of(self)?, underlay.clone());
                websocket::Dial { address: self.clone(), tls, underlay }.connect().await
            }
            #[cfg(not(feature = "http"))]
            Self::Ws { .. } | Self::Wss { .. } => Err(failed(io::Error::new(
                io::ErrorKind::Unsupported,
                "this program is built without WebSocket: turn on the feature `http` of rpc-core",
            ))),
            #[cfg(not(feature = "tls"))]
            Self::Tls { .. } => Err(failed(io::Error::new(
                io::ErrorKind::Unsupported,
                "this program is built without TLS: turn on the feature `tls` of rpc-core",
            ))),
            Self::Etcd { .. } => Err(failed(io::Error::new(
                io::ErrorKind::Unsupported,
                match cfg!(feature = "etcd") {
                    true => "it stands for several servers: `Endpoint::connect` chooses among them",
                    false => {
                        "this program is built without etcd: turn on the feature `etcd` of rpc-core"
                    }
                },
            ))),
            Self::List(_) | Self::Dns { .. } | Self::File(_) => Err(failed(io::Error::new(
                io::ErrorKind::Unsupported,
                match cfg!(feature = "fleet") {
                    true => "it stands for several servers: `Endpoint::connect` chooses among them",
                    false => {
                        "this program is built for single servers: turn on the feature `fleet` of rpc-core"
                    }
                },
            ))),
            _ => Err(failed(io::ErrorKind::Unsupported.into())),
        }
    }

    /// Dials a TCP socket below this address.
    async fn dial_tcp(
        &self,
        host: &str,
        port: u16,
        underlay: &Underlay,
    ) -> Result<Link, DialError> {
        let failed = |reason| DialError::new(self.clone(), reason);
        let resolved = lookup_host((host, port)).await;
        let resolved =
            resolved.map_err(|reason| DialError::Resolve { address: self.clone(), reason })?;
        let mut link = tcp::dial(resolved).await.map_err(failed)?;
        underlay.lay(&mut link).await.map_err(failed)?;
        Ok(link)
    }
}

#[cfg(feature = "tls")]
impl Address {
    /// What dials an address with TLS, as `tls` says; `None` if it is another kind of address.
    pub(crate) fn encrypted(&self, tls: &tls::ClientTls, underlay: &Underlay) -> Option<Encrypted> {
        let Self::Tls { host, port } = self else { return None };
        let (tls, underlay) = (tls.clone(), underlay.clone());
        Some(Encrypted { host: host.clone(), port: *port, tls, underlay })
    }

    /// The address without TLS, below which it is.
    pub(crate) fn below_tls(&self) -> Option<Self> {
        match self {
            Self::Tls { host, port } => Some(Self::Tcp { host: host.clone(), port: *port }),
            _ => None,
        }
    }

    /// The address of what a server with TLS listens at.
    pub(crate) fn above_tls(self) -> Self {
        match self {
            Self::Tcp { host, port } => Self::Tls { host, port },
            other => other,
        }
    }
}

/// Dials TCP and puts TLS around it.
#[cfg(feature = "tls")]
#[derive(Clone, Debug)]
pub(crate) struct Encrypted {
    host: String,
    port: u16,
    tls: tls::ClientTls,
    underlay: Underlay,
}

#[cfg(feature = "tls")]
impl Connector for Encrypted {
    fn address(&self) -> Address {
        Address::Tls { host: self.host.clone(), port: self.port }
    }

    async fn connect(&self) -> Result<Link, DialError> {
        let address = self.address();
        secure(&self.tls, &address, || address.dial_tcp(&self.host, self.port, &self.underlay))
            .await
    }
}

/// Dials at `address` and puts TLS around the link: once more where a session was to go on, and does not.
#[cfg(feature = "tls")]
pub(crate) async fn secure<F: Future<Output = Result<Link, DialError>>>(
    tls: &tls::ClientTls,
    address: &Address,
    dial: impl Fn() -> F,
) -> Result<Link, DialError> {
    let name = tls.name_at(address)?;
    let mut attempt = tls::Attempt::First;
    loop {
        let link = dial().await.inspect_err(|_| tls.unreachable(&name))?;
        let secured = tls.connect(link, name.clone(), attempt).await;
        let failed = |reason| DialError::Handshake { address: address.clone(), reason };
        if let Some(link) = secured.map_err(failed)? {
            return Ok(link);
        }
        attempt = tls::Attempt::Again;
    }
}
