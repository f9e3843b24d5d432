//! What a side that answers calls tells of how much it has to do.

use std::time::Duration;

/// How much the sender has to do: what tells it apart from others that answer the same calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Calls that it serves, of all its connections.
    pub in_flight: u32,
    /// How long a call waits, of late, before its handler starts.
    pub queue_delay: Duration,
}

/// Whether a side tells how much it has to do, or wants to be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoadReports {
    /// Neither.
    #[default]
    Off,
    /// It reads what it is told.
    Read,
    /// It tells, and reads.
    Tell,
}
