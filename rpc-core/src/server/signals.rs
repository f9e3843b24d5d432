//! The end of a server by signals.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Running;

impl Running {
    /// Ends the server when the process is told to: the first SIGTERM or SIGINT ends it in good order, as [`Self::shutdown`] does,
    /// and a second one at once. Resolves when it has ended, by that or otherwise. Signals count from when this is called. On
    /// other systems than Unix it is Ctrl-C.
    ///
    /// ```no_run
    /// # use rpc_core::{Server, service};
    /// # #[service] trait Calculator { async fn add(&self, a: i64, b: i64) -> i64; }
    /// # struct Pocket;
    /// # impl Calculator for Pocket { async fn add(&self, a: i64, b: i64) -> i64 { a + b } }
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = Server::new().with(CalculatorServer::new(Pocket));
    /// server.start("127.0.0.1:7000").await?.until_signal()?.await;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The system lets nobody listen for signals.
    ///
    /// # Cancel safety
    /// Safe: dropping the future leaves the server running; the process takes no notice of these signals any more.
    pub fn until_signal(&self) -> io::Result<impl Future<Output = ()> + Send> {
        let mut signals = Signals::listen()?;
        Ok(async move {
            let handle = self.shutdown_handle();
            tokio::select! {
                () = self.wait() => return,
                () = signals.next() => {}
            }
            tracing::info!(target: "rpc_core::server", "finishing the calls that run; the next signal ends them");
            handle.shutdown();
            tokio::select! {
                () = self.wait() => return,
                () = signals.next() => {}
            }
            handle.abort();
            self.wait().await;
        })
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        let (interrupt, terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(Self { interrupt, terminate })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
