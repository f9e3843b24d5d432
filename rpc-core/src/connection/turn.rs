//! What a driver and the state that it shares tell each other in a turn: how things stand when it begins, and what
//! became of the write at its end.

use std::time::Instant;

use crate::proto::connection::ConnectionError;

/// How things stand at the start of a driver's turn.
pub(super) struct Standing {
    /// Whether somebody asked for a flush.
    pub(super) flush: bool,
    /// Bytes that wait to be written.
    pub(super) unsent: usize,
    /// Whether all have called again for whom the driver waits.
    pub(super) all_called: bool,
    /// Whether bytes of the peer may be read.
    pub(super) may_read: bool,
    /// Whether to read not much of them at once.
    pub(super) short_read: bool,
    /// When the machine has something to do if nothing happens.
    pub(super) due: Option<Instant>,
    /// Whether the timer is of no more use.
    pub(super) disarm: bool,
    /// Why the connection has ended, if it has.
    pub(super) error: Option<ConnectionError>,
}

/// What became of a flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flushed {
    /// Nothing is left to write, or somebody else is at it.
    All,
    /// Nothing is left to write, and nothing to do before bytes come or somebody asks.
    Quiet,
    /// Nothing is left to write, and the connection has ended in good order.
    Ended,
    /// Something was written and there is more to do, or the connection has failed.
    More,
    /// The transport takes no more, and the waker was left with it if there was one; or the peer has to read
    /// more first.
    Blocked,
}
