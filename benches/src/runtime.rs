//! The runtimes that servers and clients run on.

use anyhow::{Context, Result};
use tokio::runtime::{Builder, Runtime};

use crate::plan::Threading;

/// The worker threads of each side's runtime.
pub const WORKERS: usize = 2;

/// Makes the runtime that both sides usually have: multi-thread with two workers.
///
/// # Errors
///
/// When threads cannot be started.
pub fn usual() -> Result<Runtime> {
    on(Threading::Workers)
}

/// Makes a runtime on so many threads.
///
/// # Errors
///
/// When threads cannot be started.
pub fn on(threading: Threading) -> Result<Runtime> {
    let runtime = match threading {
        Threading::Workers => {
            Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()
        }
        Threading::One => Builder::new_current_thread().enable_all().build(),
    };
    runtime.context("cannot start a runtime")
}
