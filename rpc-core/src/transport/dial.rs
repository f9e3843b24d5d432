//! Dialling: an address becomes a link.

use std::{fmt, io};

use thiserror::Error;
use tokio::net::TcpStream;

use super::{Address, AddressError, Link, tcp};

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
    /// The limits of this side are out of range.
    #[error(transparent)]
    Limits(#[from] crate::proto::LimitsError),
}

/// In words, since a program whose `main` returns it shows this.
impl fmt::Debug for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DialError").field(&format_args!("{self}")).finish()
    }
}

/// Opens a byte stream to `address`.
pub(crate) async fn dial(address: &Address) -> Result<Link, DialError> {
    let failed = |reason: io::Error| match reason.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => {
            DialError::Refused { address: address.clone() }
        }
        _ => DialError::Connect { address: address.clone(), reason },
    };
    match address {
        Address::Tcp { host, port } => {
            let resolved = tokio::net::lookup_host((host.as_str(), *port)).await;
            let resolved = resolved
                .map_err(|reason| DialError::Resolve { address: address.clone(), reason })?;
            let mut last = io::Error::other("the name has no addresses");
            for candidate in resolved {
                match TcpStream::connect(candidate).await {
                    Ok(stream) => return tcp::link(stream).map_err(failed),
                    Err(error) => last = error,
                }
            }
            Err(failed(last))
        }
        #[cfg(unix)]
        Address::Unix(path) => {
            let stream = tokio::net::UnixStream::connect(path).await.map_err(failed)?;
            Ok(super::unix::link(stream))
        }
        #[cfg(not(unix))]
        Address::Unix(_) => Err(failed(io::ErrorKind::Unsupported.into())),
    }
}
