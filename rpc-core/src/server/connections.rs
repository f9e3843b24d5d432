//! The live connections of one server, so that a shutdown can reach them all.

use std::sync::Arc;

use parking_lot::Mutex;
use slab::Slab;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::task::TaskTracker;

use crate::{
    connection::{Driver, Handshake, Handshakes, Live},
    proto::{Side, connection::Config},
    seam::Serve,
    transport::Link,
};

pub(super) struct Connections {
    router: Arc<dyn Serve>,
    config: Arc<Config>,
    /// Bounded by: the server's limit of connections.
    live: Mutex<Slab<Arc<Live>>>,
    /// Those of the connections, and the handlers that they have spawned.
    tasks: TaskTracker,
    handshakes: Arc<Handshakes>,
}

/// What a connection has of the server's limits.
pub(super) struct Share {
    /// Its share of the limit of connections, until it ends.
    permit: OwnedSemaphorePermit,
    /// Its place among those whose peers have not said hello, until this one has.
    handshake: Handshake,
}

impl Connections {
    pub(super) fn new(router: Arc<dyn Serve>, config: Arc<Config>, max_handshakes: usize) -> Self {
        let handshakes = Handshakes::new(max_handshakes);
        Self { router, config, live: Mutex::default(), tasks: TaskTracker::new(), handshakes }
    }

    /// Takes note of a connection that was accepted.
    pub(super) fn count(&self, permit: OwnedSemaphorePermit) -> Share {
        Share { permit, handshake: self.handshakes.begin() }
    }

    /// Serves a connection in a task of its own, until it ends; its share of the limits is given back then.
    pub(super) fn serve(self: &Arc<Self>, link: Link, share: Option<Share>) {
        let accept = Some(Arc::clone(&self.router));
        let peer = link.peer;
        let mut driver = Driver::new(link, Side::Acceptor, Arc::clone(&self.config), accept);
        driver.track_handlers(self.tasks.clone());
        let permit = share.map(|Share { permit, handshake }| {
            driver.count_handshake(handshake);
            permit
        });
        let key = self.live.lock().insert(Arc::clone(driver.live()));
        let listed = Listed { connections: Arc::clone(self), key };
        self.tasks.spawn(async move {
            let error = driver.run().await;
            tracing::debug!(target: "rpc_core::server", %peer, %error, "connection ended");
            drop((listed, permit));
        });
    }

    /// Has every connection finish its calls and start no more.
    pub(super) fn drain(&self) {
        for live in self.snapshot() {
            live.drain("the server is shutting down");
        }
    }

    /// Ends every connection at once.
    pub(super) fn abort(&self) {
        for live in self.snapshot() {
            live.abort();
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
