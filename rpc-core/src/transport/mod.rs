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
mod link;
mod listener;
mod memory;
mod peer;
mod sniff;
mod tcp;
#[cfg(unix)]
mod unix;
mod write;

pub use address::{AddressError, IntoAddress};
pub use connector::{Connector, DialError};
pub use link::Link;
pub use listener::{BindError, BoundListener, Incoming, Listener};
pub(crate) use memory::pair as memory_pair;
pub use peer::{Identity, Peer, PeerAddress};
pub(crate) use sniff::{Protocol, ReadHalf, Stranger};
pub(crate) use write::{Flush, WriteHalf, Written};

use std::{fmt, io, path::PathBuf, str::FromStr};

use tokio::net::{TcpListener, lookup_host};

use address::Wrong;

/// Where a server listens.
///
/// ```
/// use rpc_core::Address;
/// let tcp: Address = "127.0.0.1:7000".parse()?;
/// let unix: Address = "unix:/run/calculator.sock".parse()?;
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
    /// The path of a Unix domain socket.
    Unix(PathBuf),
    /// A place that a [`Listener`] or [`Connector`] of the program's own knows, as it is shown. No text is read as
    /// one.
    Other(String),
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let read = match text.split_once(':') {
            _ if text.contains("://") => Err(Wrong::Scheme),
            Some(("unix", "")) => Err(Wrong::Form),
            Some(("unix", path)) => Ok(Self::Unix(path.into())),
            Some(("tcp", rest)) => address::host_and_port(rest),
            _ => address::host_and_port(text),
        };
        read.map_err(|wrong| AddressError::new(text, wrong))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
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
            _ => Err(failed(io::ErrorKind::Unsupported.into())),
        }
    }
}

impl Connector for Address {
    fn address(&self) -> Address {
        self.clone()
    }

    async fn connect(&self) -> Result<Link, DialError> {
        let failed = |reason| DialError::new(self.clone(), reason);
        match self {
            Self::Tcp { host, port } => {
                let resolved = lookup_host((host.as_str(), *port)).await;
                let resolved = resolved
                    .map_err(|reason| DialError::Resolve { address: self.clone(), reason })?;
                tcp::dial(resolved).await.map_err(failed)
            }
            #[cfg(unix)]
            Self::Unix(path) => unix::dial(path).await.map_err(failed),
            _ => Err(failed(io::ErrorKind::Unsupported.into())),
        }
    }
}
