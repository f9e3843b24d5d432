//! A server that runs in the background, and the handle that ends it in good order.

use std::{fmt, sync::Arc, time::Duration};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::{CancellationToken, DropGuard};

#[cfg(unix)]
use super::socket::{Handle, Kept};
use super::{connections::Connections, threads::Threads};
use crate::{
    figures,
    time::now,
    transport::{Address, Incoming, Link, Listener, Peer},
};

/// A server that runs in the background. Dropping this leaves it running.
#[must_use = "the server runs on; keep this to learn its address and to shut it down"]
pub struct Running {
    address: Address,
    pub(super) connections: Arc<Connections>,
    shutdown: Shutdown,
    /// What it listens at, for whoever takes its place.
    #[cfg(unix)]
    pub(super) socket: Handle,
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
    /// Serves what `listener` accepts, until it is told to end or `over` resolves.
    pub(super) fn spawn(
        listener: impl Listener,
        over: impl Future<Output = ()> + Send + 'static,
        connections: Arc<Connections>,
        threads: Threads,
        grace: Duration,
    ) -> Self {
        let shutdown =
            Shutdown { drain: CancellationToken::new(), abort: CancellationToken::new() };
        let (listened, ended) = (listener.address(), CancellationToken::new());
        let security = connections.security();
        security.warn_if_open(&listened);
        let address = security.address(listened);
        #[cfg(unix)]
        let socket = Handle::of(&listener);
        #[cfg(unix)]
        let listener = Kept { listener, socket: socket.clone() };
        let (told, end) = (shutdown.clone(), ended.clone().drop_guard());
        let serving = Arc::clone(&connections);
        tokio::spawn(async move {
            run(listener, over, serving, threads, grace, told).await;
            drop(end);
        });
        Self {
            address,
            connections,
            shutdown,
            #[cfg(unix)]
            socket,
            ended,
        }
    }

    /// Serves one link, until it ends.
    pub(super) fn over(link: Link, connections: Arc<Connections>, grace: Duration) -> Self {
        let nobody = Nobody(Address::Other(link.peer().to_string()));
        let served = connections.serve(link.into(), None);
        Self::spawn(nobody, async { drop(served.await) }, connections, Threads::None, grace)
    }

    /// Serves a byte stream that the program brought, beside those that the server accepts. It waits for a share of
    /// the limit of connections, of which one is kept for whoever is accepted next, is told when the server shuts down, and runs on the current runtime even if the
    /// server has threads of its own. The future resolves when it has ended; it goes on without it. To be called
    /// within a tokio runtime.
    ///
    /// ```
    /// # use rpc_core::{Endpoint, Peer, Server, service};
    /// # #[service] trait Calculator { async fn add(&self, a: i64, b: i64) -> i64; }
    /// # struct Pocket;
    /// # impl Calculator for Pocket { async fn add(&self, a: i64, b: i64) -> i64 { a + b } }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = Server::new().with(CalculatorServer::new(Pocket)).start("127.0.0.1:0").await?;
    /// let (near, far) = tokio::io::duplex(4096);
    /// let ended = server.serve_io(far, Peer::new("pipe"));
    /// let calculator = CalculatorClient::new(Endpoint::new().over(near, Peer::new("pipe"))?);
    /// assert_eq!(calculator.add(1, 2).await?, 3);
    /// drop(calculator);
    /// ended.await;
    /// # Ok(()) }
    /// ```
    ///
    /// # Cancel safety
    /// Safe: dropping the future changes nothing.
    pub fn serve_io<S: AsyncRead + AsyncWrite + Send + 'static>(
        &self,
        io: S,
        peer: Peer,
    ) -> impl Future<Output = ()> + Send + use<S> {
        let (link, connections) = (Link::new(io, peer), Arc::clone(&self.connections));
        let served = tokio::spawn(async move {
            if let Some(permit) = connections.permit().await {
                let share = connections.count(permit);
                drop(connections.serve(link.into(), Some(share)).await);
            }
        });
        async { drop(served.await) }
    }

    /// Where the server listens, with the port that the system chose.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// How many connections are served at present; those that shake hands are not among them.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.live.lock().len()
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

    /// Resolves when an end has begun, of either kind. The server may end without it, where the stream ends that it serves.
    ///
    /// # Cancel safety
    /// Safe: dropping the future changes nothing.
    pub async fn begun(&self) {
        tokio::select! {
            () = self.drain.cancelled() => {}
            () = self.abort.cancelled() => {}
        }
    }

    /// Ends the server at once: calls that run are cancelled.
    pub fn abort(&self) {
        self.abort.cancel();
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Accepts nothing.
struct Nobody(Address);

impl Listener for Nobody {
    async fn accept(&mut self) -> Incoming {
        std::future::pending().await
    }

    fn address(&self) -> Address {
        self.0.clone()
    }
}

async fn run(
    listener: impl Listener,
    over: impl Future<Output = ()>,
    connections: Arc<Connections>,
    mut threads: Threads,
    grace: Duration,
    told: Shutdown,
) {
    // A runtime that ends drops this before it has seen that the server is to end.
    let _aborted = AbortOnDrop(&connections);
    tokio::select! {
        () = accept(listener, &connections, &mut threads) => {}
        () = over => {}
        () = told.drain.cancelled() => {}
        () = told.abort.cancelled() => {}
    }
    tokio::select! {
        () = connections.tell_watchers() => {}
        () = told.abort.cancelled() => {}
    }
    let began = now();
    connections.drain();
    // A thread may be busy: what was handed to it is served, and told, when it has time.
    let ended = async {
        threads.close().await;
        connections.ended().await;
    };
    tokio::select! {
        () = ended => return figures::drained(now().saturating_duration_since(began)),
        () = tokio::time::sleep(grace) => {
            tracing::warn!(?grace, "calls still run after the grace period; cancelling them");
        }
        () = told.abort.cancelled() => {}
    }
    connections.abort();
    connections.ended().await;
    figures::drained(now().saturating_duration_since(began));
}

/// Takes a share of the limit of connections, then a connection, again and again.
async fn accept(
    mut listener: impl Listener,
    connections: &Arc<Connections>,
    threads: &mut Threads,
) {
    while let Some(permit) = connections.permit().await {
        let incoming = listener.accept().await;
        threads.serve(incoming, connections.count(permit), connections);
    }
}

/// Ends every connection when it is dropped.
struct AbortOnDrop<'a>(&'a Connections);

impl Drop for AbortOnDrop<'_> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
