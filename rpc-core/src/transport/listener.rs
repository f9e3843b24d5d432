//! Listening: an address becomes a source of links.

use std::io;

use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};

#[cfg(unix)]
use super::unix::Refusal;
use super::{Address, AddressError, Link, tcp};

/// A bound socket that accepts connections. Made from an address by the server, or from a socket that
/// the program opened itself.
///
/// TCP connections, accepted or dialled, send small messages at once (`TCP_NODELAY`), and the system finds peers that
/// are gone: after 20 s of silence it asks every 5 s, four times (`SO_KEEPALIVE`), and on Linux bytes that are not
/// acknowledged or not taken for 40 s end the connection (`TCP_USER_TIMEOUT`).
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    address: Address,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    #[cfg(unix)]
    /// Behind the file that goes with it, if it is ours: that is to be dropped first.
    Unix(
        #[expect(dead_code, reason = "held to be dropped")] Option<super::unix::SocketFile>,
        UnixListener,
    ),
}

/// A connection that was accepted and not looked at yet.
pub(crate) enum Accepted {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// A connection that was accepted, on its way to another runtime.
pub(crate) enum Detached {
    Tcp(std::net::TcpStream),
    #[cfg(unix)]
    Unix(std::os::unix::net::UnixStream),
}

/// Why a server cannot listen.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BindError {
    /// The address is none.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Somebody listens there already.
    #[error("cannot listen at {address}: {} is listening there", listening(*.process))]
    Taken {
        /// Where.
        address: Address,
        /// Who listens there, if it can be known.
        process: Option<u32>,
    },
    /// The system refuses to listen there.
    #[error("cannot listen at {address}: {reason}")]
    Bind {
        /// Where.
        address: Address,
        /// What the system said.
        reason: io::Error,
    },
}

/// Who is in the way, in words.
fn listening(process: Option<u32>) -> String {
    process.map_or_else(|| "another process".to_owned(), |id| format!("process {id}"))
}

impl Listener {
    /// Listens at an address. Port 0 lets the system choose a port; see [`Self::address`].
    ///
    /// The file of a Unix socket that nobody listens at any more is replaced. Of several servers that begin to listen
    /// at one path at the same time, one does; the others are told who it is.
    ///
    /// # Errors
    /// The address cannot be listened at.
    ///
    /// # Cancel safety
    /// Safe: until it resolves, nothing listens.
    pub async fn bind(address: Address) -> Result<Self, BindError> {
        let failed = |reason| BindError::Bind { address: address.clone(), reason };
        match &address {
            Address::Tcp { host, port } => {
                let socket = TcpListener::bind((host.as_str(), *port)).await.map_err(failed)?;
                Self::try_from(socket).map_err(failed)
            }
            #[cfg(unix)]
            Address::Unix(path) => {
                let (socket, file) = match super::unix::bind(path).await {
                    Ok(bound) => bound,
                    Err(Refusal::Taken(process)) => {
                        return Err(BindError::Taken { address, process });
                    }
                    Err(Refusal::Other(reason)) => return Err(failed(reason)),
                };
                Ok(Self { socket: Socket::Unix(Some(file), socket), address })
            }
            #[cfg(not(unix))]
            Address::Unix(_) => Err(failed(io::ErrorKind::Unsupported.into())),
        }
    }

    /// Where it listens, with the port that the system chose.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }

    pub(crate) async fn accept(&self) -> io::Result<Accepted> {
        match &self.socket {
            Socket::Tcp(socket) => socket.accept().await.map(|(stream, _)| Accepted::Tcp(stream)),
            #[cfg(unix)]
            Socket::Unix(_, socket) => {
                socket.accept().await.map(|(stream, _)| Accepted::Unix(stream))
            }
        }
    }
}

impl Detached {
    /// Takes the connection to the current runtime.
    pub(crate) fn attach(self) -> io::Result<Accepted> {
        Ok(match self {
            Self::Tcp(stream) => Accepted::Tcp(TcpStream::from_std(stream)?),
            #[cfg(unix)]
            Self::Unix(stream) => Accepted::Unix(UnixStream::from_std(stream)?),
        })
    }
}

impl Accepted {
    /// Takes the connection off its runtime.
    pub(crate) fn detach(self) -> io::Result<Detached> {
        Ok(match self {
            Self::Tcp(stream) => Detached::Tcp(stream.into_std()?),
            #[cfg(unix)]
            Self::Unix(stream) => Detached::Unix(stream.into_std()?),
        })
    }

    pub(crate) fn link(self) -> io::Result<Link> {
        match self {
            Self::Tcp(stream) => tcp::link(stream),
            #[cfg(unix)]
            Self::Unix(stream) => Ok(super::unix::link(stream)),
        }
    }
}

impl TryFrom<TcpListener> for Listener {
    type Error = io::Error;

    fn try_from(socket: TcpListener) -> io::Result<Self> {
        let address = socket.local_addr()?.into();
        Ok(Self { socket: Socket::Tcp(socket), address })
    }
}

#[cfg(unix)]
impl TryFrom<UnixListener> for Listener {
    type Error = io::Error;

    /// The socket's file stays where it is: whoever bound it removes it.
    fn try_from(socket: UnixListener) -> io::Result<Self> {
        let path = socket.local_addr()?.as_pathname().map(ToOwned::to_owned).unwrap_or_default();
        Ok(Self { socket: Socket::Unix(None, socket), address: Address::Unix(path) })
    }
}
