//! The bounds of what a server remembers of calls that it has run once.

use std::time::Duration;

/// How long the answers of methods with `#[rpc(once)]` are remembered, and how many: see
/// [`Server::once`](crate::Server::once).
///
/// What has run is remembered for [`Self::keep_for`]. Where there is no room for another call, the oldest of its caller give way, or
/// the oldest of all, but none that is younger than [`Self::at_least`]: rather than that the new call is refused, with
/// `RESOURCE_EXHAUSTED` and a time to come again. No caller has more than half of the room. Callers that nothing is known of
/// ([`Identity::Unknown`](crate::Identity::Unknown)) count as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct OnceLimits {
    pub(super) keep_for: Duration,
    pub(super) at_least: Duration,
    pub(super) bytes: usize,
    pub(super) entries: usize,
    pub(super) running: usize,
}

impl Default for OnceLimits {
    fn default() -> Self {
        Self::new()
    }
}

impl OnceLimits {
    /// The defaults.
    pub const fn new() -> Self {
        Self {
            keep_for: Duration::from_secs(600),
            at_least: Duration::from_secs(60),
            bytes: 64 << 20,
            entries: 256 << 10,
            running: 4096,
        }
    }

    /// How long an answer is remembered. Default: 10 minutes.
    pub const fn keep_for(mut self, time: Duration) -> Self {
        self.keep_for = time;
        self
    }

    /// How long it is remembered even if others have no room. Default: a minute.
    pub const fn at_least(mut self, time: Duration) -> Self {
        self.at_least = time;
        self
    }

    /// The most bytes that all answers take, 256 more for each. Default: 64 MiB.
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// The most calls that are remembered. Default: 262,144.
    pub const fn max_entries(mut self, entries: usize) -> Self {
        self.entries = entries;
        self
    }

    /// The most of them that run at once. Default: 4,096.
    pub const fn max_running(mut self, calls: usize) -> Self {
        self.running = calls;
        self
    }
}
