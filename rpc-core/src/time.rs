//! The clock: the one place that reads it. Tokio's, so that tests can pause it.

use std::time::Instant;

/// The present.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
