//! Threads with a runtime of their own each, as many as the other transports have workers, for those whose
//! connections stay on one thread.

use std::{
    future::Future,
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::Result;
use tokio::task::JoinHandle;
use tokio_util::task::LocalPoolHandle;

use crate::{pin::Cpus, run::WORKERS};

static THREADS: LazyLock<LocalPoolHandle> = LazyLock::new(|| LocalPoolHandle::new(WORKERS));

/// One of the threads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place(usize);

impl Place {
    /// The next one in turn.
    pub(super) fn next() -> Self {
        static TURN: AtomicUsize = AtomicUsize::new(0);
        Self(TURN.fetch_add(1, Ordering::Relaxed) % WORKERS)
    }

    /// Runs a future there. The thread may be older than what is measured now: it goes to the CPUs that
    /// the caller may run on.
    ///
    /// # Errors
    ///
    /// When the kernel does not tell which CPUs these are.
    pub(super) fn run<M, F>(self, make: M) -> Result<JoinHandle<F::Output>>
    where
        M: FnOnce() -> F + Send + 'static,
        F: Future<Output: Send + 'static> + 'static,
    {
        let cpus = Cpus::of_this_thread()?;
        let make = move || {
            cpus.adopt();
            make()
        };
        Ok(THREADS.spawn_pinned_by_idx(make, self.0))
    }
}
