//! A call that is served here, as the calls see it that its handler makes.

use std::{fmt, time::Instant};

use tokio_util::sync::CancellationToken;

use crate::proto::{CallId, Priority};

/// A call that others may be a part of.
pub(crate) trait Scope: fmt::Debug + Send + Sync + 'static {
    /// The peer's id for it; that of all one-way calls for one of them.
    fn id(&self) -> CallId;

    /// When its caller stops waiting.
    fn deadline(&self) -> Option<Instant>;

    /// How much it matters.
    fn priority(&self) -> Priority;

    /// Cancelled when it is over.
    fn cancellation(&self) -> &CancellationToken;
}
