//! Servers that share a name in DNS.

use std::{collections::BTreeSet, fmt, io, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use futures_util::{Stream, stream};

use super::{Discover, DiscoverError, Instance, Refresh};
use crate::transport::Address;

type Resolved = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;
type Resolve = Arc<dyn Fn(String, u16) -> Resolved + Send + Sync>;

/// Servers that share a name in DNS, each with an address of its own: what `dns:api.internal:7000` stands for.
///
/// The system's resolver is asked, as for any other name, `/etc/hosts` included: every 30 s, and earlier, though not
/// within 5 s, when a server could not be reached or was lost. It does not tell for how long an answer holds; a resolver
/// that does is brought by [`Self::resolver`]. An error, or an answer without an address, changes nothing.
#[derive(Clone)]
pub struct Dns {
    host: String,
    port: u16,
    shortest: Duration,
    longest: Duration,
    resolve: Resolve,
}

impl Dns {
    /// The servers at all addresses of `host`, at this port.
    #[must_use]
    pub fn new(host: &str, port: u16) -> Self {
        let resolve: Resolve = Arc::new(|host, port| {
            Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
        });
        let (shortest, longest) = (Duration::from_secs(5), Duration::from_secs(30));
        Self { host: host.to_owned(), port, shortest, longest, resolve }
    }

    /// Asks this often. Default: every 30 s; at once, though not within 5 s of the last time, when a server is gone.
    #[must_use]
    pub const fn every(mut self, shortest: Duration, longest: Duration) -> Self {
        (self.shortest, self.longest) = (shortest, longest);
        self
    }

    /// Asks a resolver of the program's own, which is given the host and the port.
    #[must_use]
    pub fn resolver<R, F>(mut self, resolve: R) -> Self
    where
        R: Fn(String, u16) -> F + Send + Sync + 'static,
        F: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
    {
        self.resolve = Arc::new(move |host, port| Box::pin(resolve(host, port)));
        self
    }

    async fn look(&self) -> Result<BTreeSet<SocketAddr>, DiscoverError> {
        match (self.resolve)(self.host.clone(), self.port).await {
            Ok(found) if found.is_empty() => {
                Err(DiscoverError::new(format_args!("{} has no address", self.host)))
            }
            Ok(found) => Ok(found.into_iter().collect()),
            Err(error) => {
                Err(DiscoverError::new(format_args!("cannot resolve {}: {error}", self.host)))
            }
        }
    }

    fn instances(&self, found: BTreeSet<SocketAddr>) -> Vec<Instance> {
        let instance = |at: SocketAddr| Instance::new(at.into()).server_name(&self.host);
        found.into_iter().map(instance).collect()
    }
}

impl Discover for Dns {
    fn address(&self) -> Address {
        Address::Dns { host: self.host.clone(), port: self.port }
    }

    fn watch(
        &self,
        refresh: Refresh,
    ) -> impl Stream<Item = Result<Vec<Instance>, DiscoverError>> + Send {
        stream::unfold((refresh, false), move |(refresh, asked)| async move {
            if asked {
                refresh.within(self.shortest, self.longest).await;
            }
            let found = self.look().await.map(|found| self.instances(found));
            Some((found, (refresh, true)))
        })
    }
}

impl fmt::Debug for Dns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dns")
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}
