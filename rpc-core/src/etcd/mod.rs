//! Fleets whose servers are kept in etcd: where to look for them, and how one enters itself. Behind the feature `etcd`.
//!
//! A server is a key below a prefix, whose value is its address: `/services/calculator/10.0.0.5:7000` ⇒ `10.0.0.5:7000`. The
//! key has a lease, so that it goes with a server that is killed.
//!
//! ```no_run
//! # use rpc_core::{Server, service};
//! # #[service] trait Calculator { async fn add(&self, a: i64, b: i64) -> i64; }
//! # struct Pocket;
//! # impl Calculator for Pocket { async fn add(&self, a: i64, b: i64) -> i64 { a + b } }
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use rpc_core::etcd::Etcd;
//! let etcd: Etcd = "etcd://10.0.0.1:2379/services/calculator".parse()?;
//!
//! // A server enters itself, by the address at which others reach it.
//! let running = Server::new().with(CalculatorServer::new(Pocket)).start("0.0.0.0:7000").await?;
//! running.register(etcd, "10.0.0.5:7000")?;
//!
//! // A client has a channel to all who have.
//! let calculator = CalculatorClient::connect("etcd://10.0.0.1:2379/services/calculator").await?;
//! assert_eq!(calculator.add(1, 2).await?, 3);
//! # Ok(()) }
//! ```
//!
//! etcd is spoken to by its JSON gateway (`/v3/…`, etcd 3.4 and later), with the HTTP that this crate has already: its own protocol takes
//! gRPC, and a compiler of protobuf when this crate is built.

mod gateway;
mod registration;
mod watch;

pub(crate) use registration::Registration;
pub(crate) use watch::{Change, Watching};

use std::{fmt, str::FromStr, time::Duration};

use thiserror::Error;

#[cfg(feature = "tls")]
use crate::transport::tls::ClientTls;
use crate::transport::{Address, AddressError};

/// A prefix in etcd, below which the servers of a fleet are entered. As text, and as an address of clients:
/// `etcd://host:2379/services/calculator`; with several members of etcd, `etcd://a:2379,b:2379/services/calculator`. For clients it is
/// a [`Discover`](crate::discover::Discover).
#[derive(Clone)]
pub struct Etcd {
    /// The members, of TCP; the first that answers is asked.
    members: Vec<(String, u16)>,
    /// It begins and ends with `/`.
    prefix: String,
    lease: Duration,
    #[cfg(feature = "tls")]
    tls: Option<ClientTls>,
}

/// A request that etcd did not answer, or refused.
#[derive(Debug, Error)]
#[error("etcd at {member}: {reason}")]
pub(crate) struct EtcdError {
    member: String,
    reason: String,
}

impl Etcd {
    /// Sets the time for which the entry of a server lasts that is gone without a word; it is renewed three times in that. Whole seconds; etcd
    /// has a least one of its own, of some seconds. Default: 10 s.
    #[must_use]
    pub const fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Speaks TLS with etcd, which is believed as this says; with an identity, where etcd asks clients for one.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: ClientTls) -> Self {
        self.tls = Some(tls.for_http());
        self
    }

    /// The prefix, which begins and ends with `/`.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The address that stands for it.
    pub(crate) fn address(&self) -> Address {
        Address::Etcd { members: self.members.clone(), prefix: self.prefix.clone() }
    }

    /// The prefix that an address stands for; `None` if it is of another kind.
    pub(crate) fn of(address: &Address) -> Option<Self> {
        let Address::Etcd { members, prefix } = address else { return None };
        Some(Self {
            members: members.clone(),
            prefix: prefix.clone(),
            lease: Duration::from_secs(10),
            #[cfg(feature = "tls")]
            tls: None,
        })
    }
}

impl FromStr for Etcd {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let address: Address = text.parse()?;
        Self::of(&address).ok_or_else(|| AddressError::no_etcd(text))
    }
}

/// Shows it as an address.
impl fmt::Debug for Etcd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Etcd({})", self.address())
    }
}
