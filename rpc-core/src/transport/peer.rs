//! Who is at the other end of a connection, as far as its transport knows.

use std::{any::Any, fmt, net::SocketAddr, sync::Arc};

use crate::extensions::Extensions;

/// The other end of a connection: its address, its identity, and whatever else was learned of it when the
/// connection was established.
///
/// ```
/// use rpc_core::{Identity, Peer};
///
/// #[derive(Debug, PartialEq)]
/// struct Tenant(u32);
///
/// let peer = Peer::new("ssh:backup-host")
///     .with_identity(Identity::Named("alice".into()))
///     .with(Tenant(7));
/// assert_eq!(peer.to_string(), "ssh:backup-host");
/// assert_eq!(peer.get(), Some(&Tenant(7)));
/// ```
#[derive(Clone, Debug)]
pub struct Peer {
    address: PeerAddress,
    identity: Identity,
    extensions: Extensions,
}

/// Where the other end of a connection is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PeerAddress {
    /// A TCP socket.
    Tcp(SocketAddr),
    /// A process of this machine, over a Unix domain socket.
    Unix,
    /// A task of this process.
    Memory,
    /// The other end of a byte stream that the program brought, in its own words.
    Other(Arc<str>),
}

/// What a transport vouches for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Identity {
    /// The transport does not tell.
    #[default]
    Unknown,
    /// A process of this machine: the system vouches for it.
    Process {
        /// Its effective user.
        user: u32,
        /// Its effective group.
        group: u32,
        /// Its number, where the system tells.
        process: Option<u32>,
    },
    /// A name that the transport has verified: of a user who logged in, say.
    Named(Arc<str>),
    /// A certificate: of an authority that this side trusts, or with a key that it knows. That the other side has its
    /// key was proved.
    #[cfg(feature = "tls")]
    Certificate(Arc<super::tls::Certificate>),
}

impl Peer {
    /// A peer at this address: a socket address, or text for one of another kind. Nothing more is known of it.
    #[must_use]
    pub fn new(address: impl Into<PeerAddress>) -> Self {
        let (identity, extensions) = (Identity::Unknown, Extensions::default());
        Self { address: address.into(), identity, extensions }
    }

    /// With what the transport vouches for.
    #[must_use]
    pub fn with_identity(mut self, identity: Identity) -> Self {
        self.identity = identity;
        self
    }

    /// With a value of the program's own; one of the same type that is there already goes.
    #[must_use]
    pub fn with<T: Any + Send + Sync>(mut self, value: T) -> Self {
        self.extensions.insert(value);
        self
    }

    /// Where it is.
    #[must_use]
    pub const fn address(&self) -> &PeerAddress {
        &self.address
    }

    /// What the transport vouches for.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The TLS session of the connection, if it has one.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(&self) -> Option<&super::tls::TlsSession> {
        self.get()
    }

    /// The value of this type that was put in by [`Self::with`].
    #[must_use]
    pub fn get<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.extensions.get()
    }
}

/// Shows the address.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix => f.write_str("unix"),
            Self::Memory => f.write_str("memory"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl From<SocketAddr> for PeerAddress {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl From<&str> for PeerAddress {
    fn from(text: &str) -> Self {
        Self::Other(text.into())
    }
}

impl From<String> for PeerAddress {
    fn from(text: String) -> Self {
        Self::Other(text.into())
    }
}
