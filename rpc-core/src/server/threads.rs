//! Where connections are served: on the runtime that accepts them, or on threads with a runtime each, which never
//! wake each other. A connection stays on its thread.

use std::{io, num::NonZero, sync::Arc, thread};

use tokio::sync::{mpsc, oneshot};

use super::connections::{Connections, Share};
use crate::transport::Incoming;

/// Where the connections of one server go.
pub(super) enum Threads {
    /// To the runtime that the server was started on.
    None,
    /// To each of these in turn.
    Some { workers: Vec<Worker>, next: usize },
}

pub(super) struct Worker {
    /// Connections to serve, with their shares of the limits. Bounded by: the server's limit of connections.
    jobs: mpsc::UnboundedSender<(Incoming, Share)>,
    /// Resolves when it has taken all jobs.
    taken: oneshot::Receiver<()>,
}

impl Threads {
    /// Starts so many threads; they end with the server.
    pub(super) fn start(
        count: Option<NonZero<usize>>,
        connections: &Arc<Connections>,
    ) -> io::Result<Self> {
        let Some(count) = count else { return Ok(Self::None) };
        let worker = |index| Worker::start(index, Arc::clone(connections));
        let workers = (0..count.get()).map(worker).collect::<io::Result<_>>()?;
        Ok(Self::Some { workers, next: 0 })
    }

    /// Has a connection served.
    pub(super) fn serve(
        &mut self,
        incoming: Incoming,
        share: Share,
        connections: &Arc<Connections>,
    ) {
        match self {
            Self::None => drop(connections.serve(incoming, Some(share))),
            Self::Some { workers, next } => {
                *next = (*next + 1) % workers.len();
                if workers[*next].jobs.send((incoming, share)).is_err() {
                    tracing::debug!("the thread that would serve a connection has ended");
                }
            }
        }
    }

    /// Resolves when every connection that was handed on is being served.
    pub(super) async fn close(self) {
        let Self::Some { workers, .. } = self else { return };
        for Worker { jobs, taken } in workers {
            drop(jobs);
            let _ = taken.await;
        }
    }
}

impl Worker {
    fn start(index: usize, connections: Arc<Connections>) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (jobs, mut waiting) = mpsc::unbounded_channel();
        let (tell, taken) = oneshot::channel();
        let serve = async move {
            while let Some((incoming, share)) = waiting.recv().await {
                drop(connections.serve(incoming, Some(share)));
            }
            drop(tell);
            connections.ended().await;
        };
        let name = format!("rpc-server-{index}");
        thread::Builder::new().name(name).spawn(move || runtime.block_on(serve))?;
        Ok(Self { jobs, taken })
    }
}
