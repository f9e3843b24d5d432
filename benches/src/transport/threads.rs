//! Threads with a runtime of their own each, as many as the other transports have workers, for those whose
//! connections stay on one thread.

use std::{
    future::{Future, pending},
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use anyhow::{Context, Result, bail};
use tokio::{
    runtime::{Builder, Handle},
    task::JoinHandle,
};
use tokio_util::task::LocalPoolHandle;

use crate::{pin::Cpus, runtime::WORKERS};

/// For futures that may be made elsewhere.
static RUNTIMES: LazyLock<Result<Vec<Handle>>> =
    LazyLock::new(|| (0..WORKERS).map(|_| runtime()).collect());

/// For futures that must be made on their thread.
static LOCAL: LazyLock<LocalPoolHandle> = LazyLock::new(|| LocalPoolHandle::new(WORKERS));

/// A runtime on a thread of its own, for as long as this process lives.
fn runtime() -> Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("cannot start a runtime")?;
    let handle = runtime.handle().clone();
    let thread = thread::Builder::new().spawn(move || runtime.block_on(pending::<()>()));
    thread.context("cannot start a thread")?;
    Ok(handle)
}

/// One of the threads. It may be older than what is measured now: it goes to the CPUs that whoever gives it
/// something to run may run on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place(usize);

impl Place {
    /// The next one in turn.
    pub(super) fn next() -> Self {
        static TURN: AtomicUsize = AtomicUsize::new(0);
        Self(TURN.fetch_add(1, Ordering::Relaxed) % WORKERS)
    }

    /// Runs a future there.
    ///
    /// # Errors
    ///
    /// When there is no such thread, or the kernel does not tell which CPUs this one may run on.
    pub(super) fn run<F>(self, future: F) -> Result<JoinHandle<F::Output>>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let cpus = Cpus::of_this_thread()?;
        let runtime = match &*RUNTIMES {
            Ok(runtimes) => &runtimes[self.0],
            Err(error) => bail!("{error:#}"),
        };
        Ok(runtime.spawn(async move {
            cpus.adopt();
            future.await
        }))
    }

    /// Makes a future there, and runs it.
    ///
    /// # Errors
    ///
    /// When the kernel does not tell which CPUs this thread may run on.
    pub(super) fn run_local<M, F>(self, make: M) -> Result<JoinHandle<F::Output>>
    where
        M: FnOnce() -> F + Send + 'static,
        F: Future<Output: Send + 'static> + 'static,
    {
        let cpus = Cpus::of_this_thread()?;
        let make = move || {
            cpus.adopt();
            make()
        };
        Ok(LOCAL.spawn_pinned_by_idx(make, self.0))
    }
}
