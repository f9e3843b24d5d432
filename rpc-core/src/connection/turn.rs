//! The words of a driver's turn: how it starts, how its write ends, and how much it may do.

use std::time::{Duration, Instant};

use crate::{proto::connection::ConnectionError, time::now};

/// How things stand at the start of a driver's turn.
pub(super) struct TurnStart {
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
    /// Whether a link is to be taken away, or up.
    pub(super) relink: bool,
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

/// What one turn may do before other tasks of the thread have theirs: however much comes, it ends.
#[derive(Debug, Default)]
pub(super) struct Budget {
    /// Handlers that were started or ended.
    handlers: u32,
    /// When the clock was first looked at.
    began: Option<Instant>,
    spent: bool,
}

/// Handlers of one turn.
const MOST_HANDLERS: u32 = 512;

/// Handlers after which the clock is looked at.
const LOOK_EVERY: u32 = 16;

/// How long a turn may take, from when the clock was first looked at.
const MOST_TIME: Duration = Duration::from_micros(200);

impl Budget {
    /// Takes note of a handler.
    #[inline]
    pub(super) fn spend(&mut self) {
        self.handlers += 1;
        if self.handlers.is_multiple_of(LOOK_EVERY) {
            self.look();
        }
    }

    /// Looks at the clock.
    pub(super) fn look(&mut self) {
        let present = now();
        let began = *self.began.get_or_insert(present);
        self.spent |=
            self.handlers >= MOST_HANDLERS || present.saturating_duration_since(began) > MOST_TIME;
    }

    /// Whether others are to have their turn.
    pub(super) const fn is_spent(&self) -> bool {
        self.spent
    }
}
