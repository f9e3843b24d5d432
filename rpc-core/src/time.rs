//! The only place that reads the clock: tokio's, so that tests can pause it.

use std::time::Instant;

/// The present instant.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
