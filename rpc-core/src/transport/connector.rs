//! Dialling: what makes links, again and again if it has to.

use std::{fmt, io};

use thiserror::Error;

use super::{Address, AddressError, Link};
use crate::proto::{LimitsError, Status, TokenError};

/// Opens byte streams to one place. An [`Address`] is one; a program brings its own for what has no address here: see
/// [`Endpoint::connect_with`](crate::Endpoint::connect_with).
///
/// ```
/// use rpc_core::{Address, Connector, DialError, Link, Peer};
/// use tokio::{io::AsyncWriteExt as _, net::TcpStream};
///
/// /// A server behind a proxy, which is told by a first line where to go on to.
/// struct Behind {
///     proxy: &'static str,
///     server: &'static str,
/// }
///
/// impl Connector for Behind {
///     fn address(&self) -> Address {
///         Address::Other(format!("{} behind {}", self.server, self.proxy))
///     }
///
///     async fn connect(&self) -> Result<Link, DialError> {
///         let failed = |reason| DialError::new(self.address(), reason);
///         let mut stream = TcpStream::connect(self.proxy).await.map_err(failed)?;
///         stream.write_all(format!("{}\n", self.server).as_bytes()).await.map_err(failed)?;
///         Ok(Link::new(stream, Peer::new(self.server)))
///     }
/// }
/// ```
pub trait Connector: Send + Sync {
    /// Where it connects to, for messages.
    fn address(&self) -> Address;

    /// Opens a byte stream. Bounded by [`Endpoint::connect_timeout`](crate::Endpoint::connect_timeout), which drops
    /// the future.
    fn connect(&self) -> impl Future<Output = Result<Link, DialError>> + Send;
}

/// Why no connection could be opened.
#[derive(Error)]
#[non_exhaustive]
pub enum DialError {
    /// The address is none.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The host name does not resolve.
    #[error("cannot resolve {address}: {reason}")]
    Resolve {
        /// What was dialled.
        address: Address,
        /// What the resolver said.
        reason: io::Error,
    },
    /// Nothing listens there.
    #[error("nothing is listening at {address}")]
    Refused {
        /// What was dialled.
        address: Address,
    },
    /// The transport could not be opened for another reason.
    #[error("cannot connect to {address}: {reason}")]
    Connect {
        /// What was dialled.
        address: Address,
        /// What the system said.
        reason: io::Error,
    },
    /// The TLS handshake failed.
    #[cfg(feature = "tls")]
    #[error("cannot connect to {address}: {reason}")]
    Handshake {
        /// What was dialled.
        address: Address,
        /// Why, as far as this side knows.
        reason: super::tls::HandshakeError,
    },
    /// TLS cannot be set up.
    #[cfg(feature = "tls")]
    #[error(transparent)]
    Tls(#[from] super::tls::TlsError),
    /// The limits of this side are out of range.
    #[error(transparent)]
    Limits(#[from] LimitsError),
    /// The token of this side cannot travel.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// What is to be done on each new connection failed: see [`Endpoint::on_connected`](crate::Endpoint::on_connected).
    #[error("connected to {address}, but what is done first there failed: {status}")]
    Hook {
        /// What was dialled.
        address: Address,
        /// How it failed.
        status: Status,
    },
    /// None of the servers that the address stands for can be reached, or there is none.
    #[cfg(feature = "fleet")]
    #[error("{}", status.message())]
    Fleet {
        /// What stands for them.
        address: Address,
        /// Why, as of the last one that was tried.
        status: Status,
    },
    /// The services of this side do not go together; a [`BuildError`](crate::BuildError) says why.
    #[error(transparent)]
    Services(Box<dyn std::error::Error + Send + Sync>),
}

impl DialError {
    /// What the system says of an attempt: that nothing listens there, or another reason.
    #[must_use]
    pub fn new(address: Address, reason: io::Error) -> Self {
        match reason.kind() {
            io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => Self::Refused { address },
            _ => Self::Connect { address, reason },
        }
    }
}

/// In words, since a program whose `main` returns it shows this.
impl fmt::Debug for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DialError").field(&format_args!("{self}")).finish()
    }
}
