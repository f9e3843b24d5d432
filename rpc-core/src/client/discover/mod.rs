//! Where the servers of a fleet are: what tells of them, and of every change.
//!
//! ```text
//! List, Dns, File, the program's own ──Found: all servers, again at each change──▶ client/balance
//!                     ▲────────────────Refresh: one of them is gone──────────────────┘
//! ```

mod dns;
#[cfg(feature = "etcd")]
mod etcd;
mod file;
mod list;

pub use dns::Dns;
pub use file::File;
pub use list::List;

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use futures_util::{
    Stream,
    future::{Either, select},
};
use thiserror::Error;
use tokio::sync::Notify;

use crate::transport::Address;

/// Tells where the servers of a fleet are. A [`List`], [`Dns`] and a [`File`] are such; a program brings its own for
/// whatever else knows: see [`Endpoint::connect_fleet`](crate::Endpoint::connect_fleet).
///
/// ```
/// use futures_util::{Stream, stream};
/// use rpc_core::{Address, discover::{Discover, DiscoverError, Instance, Refresh}};
/// use tokio::sync::watch;
///
/// /// Servers that another part of the program keeps a list of.
/// struct Known(watch::Receiver<Vec<Address>>);
///
/// impl Discover for Known {
///     fn address(&self) -> Address {
///         Address::Other("the servers of this program".to_owned())
///     }
///
///     fn watch(
///         &self,
///         _refresh: Refresh,
///     ) -> impl Stream<Item = Result<Vec<Instance>, DiscoverError>> + Send {
///         let mut known = self.0.clone();
///         known.mark_changed();
///         stream::unfold(known, |mut known| async move {
///             known.changed().await.ok()?;
///             let all = known.borrow_and_update().clone();
///             Some((Ok(all.into_iter().map(Instance::new).collect()), known))
///         })
///     }
/// }
/// ```
pub trait Discover: Send + Sync + 'static {
    /// The place that stands for all of them, for messages.
    fn address(&self) -> Address;

    /// All servers, and all of them again whenever they are others. An error, or none at all, changes nothing as long as
    /// there were some before: what was known last stays. When the stream ends, nothing will change any more.
    ///
    /// Somebody who looks from time to time looks at once when `refresh` says so: a server could not be reached, or was
    /// lost.
    fn watch(
        &self,
        refresh: Refresh,
    ) -> impl Stream<Item = Result<Vec<Instance>, DiscoverError>> + Send;
}

/// One server of a fleet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Instance {
    address: Address,
    name: Option<Arc<str>>,
}

impl Instance {
    /// The server at this address.
    #[must_use]
    pub const fn new(address: Address) -> Self {
        Self { address, name: None }
    }

    /// The name that its certificate has to have, where that is not the host of its address: of servers that were found
    /// under one name, that name.
    #[must_use]
    pub fn server_name(mut self, name: &str) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Where it is.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// The name that its certificate has to have, if that was said.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

/// Servers cannot be found, for a reason in words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct DiscoverError(String);

impl DiscoverError {
    /// For this reason.
    #[must_use]
    pub fn new(reason: impl fmt::Display) -> Self {
        Self(reason.to_string())
    }
}

/// Says when it is worth it to look again for servers.
#[derive(Clone, Debug, Default)]
pub struct Refresh(Arc<Notify>);

impl Refresh {
    /// Resolves when a server could not be reached, or was lost, since this resolved last.
    ///
    /// # Cancel safety
    /// Safe: dropping the future forgets nothing.
    pub async fn wanted(&self) {
        self.0.notified().await;
    }

    pub(super) fn want(&self) {
        self.0.notify_one();
    }

    /// Waits for `longest`, or after `shortest` until it is wanted.
    async fn within(&self, shortest: Duration, longest: Duration) {
        tokio::time::sleep(shortest).await;
        let rest = std::pin::pin!(tokio::time::sleep(longest.saturating_sub(shortest)));
        let wanted = std::pin::pin!(self.wanted());
        if let Either::Right(_) = select(rest, wanted).await {
            tracing::debug!("looking for servers again, since one is gone");
        }
    }
}

/// The servers as they are told of.
pub(super) type Found<'a> =
    Pin<Box<dyn Stream<Item = Result<Vec<Instance>, DiscoverError>> + Send + 'a>>;

/// The same without a type of its own.
pub(super) trait AnyDiscover: Send + Sync + 'static {
    fn address(&self) -> Address;
    fn watch(&self, refresh: Refresh) -> Found<'_>;
}

impl<T: Discover> AnyDiscover for T {
    fn address(&self) -> Address {
        Discover::address(self)
    }

    fn watch(&self, refresh: Refresh) -> Found<'_> {
        Box::pin(Discover::watch(self, refresh))
    }
}

/// What finds the servers of an address that stands for several.
pub(super) fn of(address: &Address) -> Option<Arc<dyn AnyDiscover>> {
    match address {
        Address::List(all) => Some(Arc::new(List::new(all.iter().cloned()))),
        Address::Dns { host, port } => Some(Arc::new(Dns::new(host, *port))),
        Address::File(path) => Some(Arc::new(File::new(path))),
        #[cfg(feature = "etcd")]
        Address::Etcd { .. } => Some(Arc::new(crate::etcd::Etcd::of(address)?)),
        _ => None,
    }
}
