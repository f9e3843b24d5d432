//! The live connections of one server: their share of its limits, and a shutdown that reaches them all.

use std::{
    future::{pending, ready},
    sync::Arc,
    time::Instant,
};

use futures_util::future::Either;
use parking_lot::Mutex;
use slab::Slab;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinHandle,
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::establish::{answer, establish};
use crate::{
    connection::{Driver, Handshake, Handshakes, Live, linger},
    proto::{
        Side,
        connection::{Config, ConnectionError},
    },
    seam::{Remote as _, Serve},
    time::now,
    transport::{Incoming, Link, Protocol},
};

pub(super) struct Connections {
    router: Arc<dyn Serve>,
    config: Arc<Config>,
    /// Shares of the limit of connections. Never closed.
    shares: Arc<Semaphore>,
    /// Bounded by: the server's limit of connections.
    live: Mutex<Slab<Arc<Live>>>,
    /// Those of the connections, and the handlers that they have spawned.
    tasks: TaskTracker,
    handshakes: Arc<Handshakes>,
    /// Cancelled before what is live is told: a connection that is not live yet looks when it is.
    draining: CancellationToken,
    aborted: CancellationToken,
}

/// What a connection has of the server's limits.
pub(super) struct Share {
    /// Its share of the limit of connections, until it ends.
    permit: OwnedSemaphorePermit,
    /// Its place among those whose peers have not said hello, until this one has.
    handshake: Handshake,
}

const SHUTDOWN: &str = "the server is shutting down";

impl Connections {
    pub(super) fn new(
        router: Arc<dyn Serve>,
        config: Arc<Config>,
        max_connections: usize,
        max_handshakes: usize,
    ) -> Self {
        // Whoever connects when all others are silent is let in: the oldest of them makes room for the next.
        let max_handshakes = max_handshakes.min(max_connections.saturating_sub(1));
        Self {
            router,
            config,
            shares: Arc::new(Semaphore::new(max_connections.min(Semaphore::MAX_PERMITS))),
            live: Mutex::default(),
            tasks: TaskTracker::new(),
            handshakes: Handshakes::new(max_handshakes),
            draining: CancellationToken::new(),
            aborted: CancellationToken::new(),
        }
    }

    /// Waits for a share of the limit of connections.
    pub(super) async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.shares).acquire_owned().await.ok()
    }

    /// Takes note of a connection that was accepted.
    pub(super) fn count(&self, permit: OwnedSemaphorePermit) -> Share {
        Share { permit, handshake: self.handshakes.begin() }
    }

    /// Serves a connection in a task of its own, until it ends; its share of the limits is given back then. Gives the
    /// reason of the end.
    pub(super) fn serve(
        self: &Arc<Self>,
        incoming: Incoming,
        share: Option<Share>,
    ) -> JoinHandle<ConnectionError> {
        let connections = Arc::clone(self);
        self.tasks.spawn(async move {
            let (permit, handshake) = share.map(|share| (share.permit, share.handshake)).unzip();
            // In a box, so that a connection has no room for its beginning once that is over.
            let error = Box::pin(connections.begin(incoming, handshake)).await.await;
            drop(permit);
            error
        })
    }

    /// Sees to it that there is a link, and gives what is done with it: a future that ends with the connection, and is
    /// awaited by its task as it is, since what is moved once more takes its room once more.
    async fn begin(
        self: Arc<Self>,
        incoming: Incoming,
        handshake: Option<Handshake>,
    ) -> impl Future<Output = ConnectionError> + Send + use<> {
        let began = now();
        let established = establish(incoming, self.interrupted(handshake.as_ref())).await;
        let (link, protocol) = match established {
            Ok(established) => established,
            Err(error) => {
                tracing::debug!(target: "rpc_core::server", %error, "connection was gone at once");
                return Either::Right(ready(ConnectionError::Transport(error.to_string())));
            }
        };
        if let Some((sent, answer)) = protocol.stranger().zip(answer(protocol)) {
            let peer = link.peer();
            tracing::debug!(target: "rpc_core::server", %peer, sent, "a stranger is answered");
            linger::answer(link, answer).await;
            return Either::Right(ready(ConnectionError::Foreign(sent)));
        }
        Either::Left(self.drive(link, protocol, began, handshake))
    }

    /// Serves what has become a link.
    fn drive(
        self: &Arc<Self>,
        link: Link,
        protocol: Protocol,
        began: Instant,
        handshake: Option<Handshake>,
    ) -> impl Future<Output = ConnectionError> + Send + use<> {
        let mut driver =
            Driver::new(link, Side::Acceptor, Arc::clone(&self.config), Some(self.router.clone()));
        driver.track_handlers(self.tasks.clone());
        driver.begin_handshake(began, handshake);
        let live = Arc::clone(driver.live());
        let listed = self.list(&live);
        // It is live from here on: what it has missed is made up for.
        if self.aborted.is_cancelled() {
            live.fail(ConnectionError::Aborted);
        } else if self.draining.is_cancelled() {
            live.drain(SHUTDOWN);
        }
        if let Some(sent) = protocol.stranger() {
            live.fail(ConnectionError::Foreign(sent));
        }
        driver.run(move |live, error| {
            let peer = live.peer();
            tracing::debug!(target: "rpc_core::server", %peer, %error, "connection ended");
            drop(listed);
        })
    }

    /// Resolves when a connection whose peer has said nothing yet is not to be waited for.
    async fn interrupted(&self, handshake: Option<&Handshake>) {
        let given_up = async {
            match handshake {
                Some(handshake) => handshake.given_up().await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = sleep(self.config.handshake_timeout) => {}
            () = self.draining.cancelled() => {}
            () = given_up => {}
        }
    }

    fn list(self: &Arc<Self>, live: &Arc<Live>) -> Listed {
        let key = self.live.lock().insert(Arc::clone(live));
        Listed { connections: Arc::clone(self), key }
    }

    /// Has every connection finish its calls and start no more.
    pub(super) fn drain(&self) {
        self.draining.cancel();
        for live in self.snapshot() {
            live.drain(SHUTDOWN);
        }
    }

    /// Ends every connection at once.
    pub(super) fn abort(&self) {
        self.aborted.cancel();
        self.draining.cancel();
        for live in self.snapshot() {
            live.fail(ConnectionError::Aborted);
        }
    }

    /// Resolves when no connection is left, and no handler. None may be added after the call.
    pub(super) async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn snapshot(&self) -> Vec<Arc<Live>> {
        self.live.lock().iter().map(|(_, live)| Arc::clone(live)).collect()
    }
}

/// Takes a connection off the list when its task ends, however it ends.
struct Listed {
    connections: Arc<Connections>,
    key: usize,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.connections.live.lock().remove(self.key);
    }
}
