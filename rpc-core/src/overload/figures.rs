//! What was refused, counted for whoever looks and told in the log, now and then.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::limiter::Cause;

/// What causes are called, in their order.
const NAMES: [&str; 4] = ["overload", "queue_full", "too_late", "expired"];

/// The time between two lines of the log.
const LOG_EVERY: Duration = Duration::from_secs(5);

/// The calls of one server that were not started.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    refused: [AtomicU64; Cause::ALL.len()],
    logged: Mutex<Option<Logged>>,
    overloaded: AtomicBool,
}

#[derive(Clone, Copy, Debug)]
struct Logged {
    at: Instant,
    /// What had been refused by then.
    refused: u64,
}

impl Figures {
    /// Counts a call that is not started.
    pub(super) fn count(&self, now: Instant, cause: Cause) {
        self.refused[cause as usize].fetch_add(1, Relaxed);
        #[cfg(feature = "metrics")]
        metrics::counter!("rpc_server_refused_total", "cause" => NAMES[cause as usize])
            .increment(1);
        if matches!(cause, Cause::Overload | Cause::QueueFull) {
            self.log(now);
        }
    }

    /// By cause.
    pub(crate) fn refused(&self) -> [(&'static str, u64); Cause::ALL.len()] {
        Cause::ALL.map(|cause| (NAMES[cause as usize], self.refused[cause as usize].load(Relaxed)))
    }

    /// Whether more comes than the server can do.
    pub(crate) fn is_overloaded(&self) -> bool {
        self.overloaded.load(Relaxed)
    }

    pub(super) fn set_overloaded(&self, overloaded: bool) {
        if self.is_overloaded() != overloaded {
            self.overloaded.store(overloaded, Relaxed);
        }
    }

    fn log(&self, now: Instant) {
        // Somebody else is at it, or it is not time.
        let Some(mut logged) = self.logged.try_lock() else { return };
        if logged.is_some_and(|last| now.saturating_duration_since(last.at) < LOG_EVERY) {
            return;
        }
        let refused = self.refused().into_iter().map(|(_, count)| count).sum();
        let since = refused - logged.map_or(0, |last| last.refused);
        *logged = Some(Logged { at: now, refused });
        drop(logged);
        tracing::warn!(
            target: "rpc_core::server",
            refused = since,
            "overloaded: more calls come than can be served; those that matter least are refused"
        );
    }
}
