//! A server that runs in the background, and the handle that ends it in good order.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::{CancellationToken, DropGuard};

use super::{accept::accept, connections::Connections, threads::Threads};
use crate::transport::{Address, Listener};

/// A server that runs in the background. Dropping this leaves it running.
#[derive(Debug)]
#[must_use = "the server runs on; keep this to learn its address and to shut it down"]
pub struct Running {
    address: Address,
    shutdown: Shutdown,
    ended: CancellationToken,
}

/// Ends a server. Clones end the same one.
#[derive(Clone, Debug)]
pub struct Shutdown {
    /// Cancelled when the server is to end in good order.
    drain: CancellationToken,
    /// Cancelled when it is to end at once.
    abort: CancellationToken,
}

impl Running {
    pub(super) fn spawn(
        listener: Listener,
        address: Address,
        connections: Arc<Connections>,
        threads: Threads,
        max_connections: usize,
        grace: Duration,
    ) -> Self {
        let shutdown =
            Shutdown { drain: CancellationToken::new(), abort: CancellationToken::new() };
        let ended = CancellationToken::new();
        let (told, end) = (shutdown.clone(), ended.clone().drop_guard());
        tokio::spawn(async move {
            run(listener, connections, threads, max_connections, grace, told).await;
            drop(end);
        });
        Self { address, shutdown, ended }
    }

    /// Where the server listens, with the port that the system chose.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// A handle that ends the server from elsewhere.
    #[must_use]
    pub fn shutdown_handle(&self) -> Shutdown {
        self.shutdown.clone()
    }

    /// Ends the server in good order: accepts no further connection and no further call, lets the calls
    /// that run finish within the grace period, then closes what is left.
    ///
    /// # Cancel safety
    /// Safe: once begun, the shutdown goes on by itself.
    pub async fn shutdown(self) {
        self.shutdown.shutdown();
        self.wait().await;
    }

    /// Resolves when the server has ended; somebody else has to end it.
    ///
    /// # Cancel safety
    /// Safe: dropping the future changes nothing.
    pub async fn wait(&self) {
        self.ended.cancelled().await;
    }

    pub(super) fn abort_on_drop(&self) -> DropGuard {
        self.shutdown.abort.clone().drop_guard()
    }
}

impl Shutdown {
    /// Begins an orderly end: see [`Running::shutdown`].
    pub fn shutdown(&self) {
        self.drain.cancel();
    }

    /// Ends the server at once: calls that run are cancelled.
    pub fn abort(&self) {
        self.abort.cancel();
    }
}

async fn run(
    listener: Listener,
    connections: Arc<Connections>,
    mut threads: Threads,
    max_connections: usize,
    grace: Duration,
    told: Shutdown,
) {
    // A runtime that ends drops this before it has seen that the server is to end.
    let _aborted = AbortOnDrop(&connections);
    let stop = told.drain.child_token();
    let accepting = accept(listener, &connections, &mut threads, max_connections, stop);
    tokio::select! {
        () = accepting => {}
        () = told.abort.cancelled() => {}
    }
    connections.drain();
    // A thread may be busy: what was handed to it is served, and told, when it has time.
    let ended = async {
        threads.close().await;
        connections.drain();
        connections.ended().await;
    };
    tokio::select! {
        () = ended => return,
        () = tokio::time::sleep(grace) => {
            tracing::warn!(?grace, "calls still run after the grace period; cancelling them");
        }
        () = told.abort.cancelled() => {}
    }
    connections.abort();
    connections.ended().await;
}

/// Ends every connection when it is dropped.
struct AbortOnDrop<'a>(&'a Connections);

impl Drop for AbortOnDrop<'_> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
