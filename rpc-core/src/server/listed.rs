//! The connections that a server has: each is on a list from its handshake to its end, and told when the server ends.

use std::{sync::Arc, time::Instant};

use super::connections::{Connections, SHUTDOWN};
use crate::{
    connection::Live,
    proto::connection::ConnectionError,
    seam::ledger::{Connected, Neighbour},
};

impl Connections {
    pub(super) fn list(self: &Arc<Self>, live: &Arc<Live>, began: Instant) -> Listed {
        let key = self.live.lock().insert((Arc::clone(live), began));
        Listed { connections: Arc::clone(self), key }
    }

    /// Has every connection finish its calls and start no more.
    pub(super) fn drain(&self) {
        self.draining.cancel();
        for live in self.snapshot() {
            live.drain(SHUTDOWN);
        }
        // Handshakes were given up above: none of them goes on with what is cut.
        #[cfg(feature = "resume")]
        if let Some(sessions) = &self.sessions {
            sessions.end();
        }
    }

    /// Ends every connection at once.
    pub(super) fn abort(&self) {
        self.aborted.cancel();
        self.draining.cancel();
        for live in self.snapshot() {
            live.fail(ConnectionError::Aborted);
        }
        if let Some(memory) = &self.memory {
            memory.abort();
        }
    }

    /// Resolves when no connection is left, and no handler. None may be added after the call.
    pub(super) async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
        if let Some(memory) = &self.memory {
            memory.ended().await;
        }
    }

    fn snapshot(&self) -> Vec<Arc<Live>> {
        self.live.lock().iter().map(|(_, (live, _))| Arc::clone(live)).collect()
    }
}

impl Connected for Connections {
    fn connections(&self) -> Vec<Neighbour> {
        let connections: Vec<_> = self.live.lock().iter().map(|(_, live)| live.clone()).collect();
        connections.into_iter().map(|(live, since)| live.describe(since)).collect()
    }
}

/// Takes a connection off the list when its task ends, however it ends.
pub(super) struct Listed {
    connections: Arc<Connections>,
    key: usize,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.connections.live.lock().remove(self.key);
    }
}
