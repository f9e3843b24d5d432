//! The accept loop: takes a share of the connection limit, then a connection. No error ends it, and none
//! makes it spin.

use std::{io, sync::Arc, time::Duration};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{connections::Connections, threads::Threads};
use crate::transport::Listener;

/// Pauses after errors that are likely to last, such as no free file descriptors.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Accepts connections until `stop` is cancelled.
pub(super) async fn accept(
    listener: Listener,
    connections: &Arc<Connections>,
    threads: &mut Threads,
    max_connections: usize,
    stop: CancellationToken,
) {
    let share = Arc::new(Semaphore::new(max_connections.min(Semaphore::MAX_PERMITS)));
    let mut pause = FIRST_PAUSE;
    let accept = async {
        // The semaphore is never closed: `Err` cannot come.
        while let Ok(permit) = Arc::clone(&share).acquire_owned().await {
            match listener.accept().await {
                Ok(accepted) => {
                    pause = FIRST_PAUSE;
                    if let Err(error) =
                        threads.serve(accepted, connections.count(permit), connections)
                    {
                        tracing::debug!(%error, "connection was gone at once");
                    }
                }
                Err(error) if concerns_one_connection(&error) => {
                    tracing::debug!(%error, "connection was gone before it was accepted");
                }
                Err(error) => {
                    tracing::warn!(%error, ?pause, "cannot accept connections");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    };
    tokio::select! {
        () = accept => {}
        () = stop.cancelled() => {}
    }
}

fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
