//! Sessions: how they are kept, and what proves that somebody is part of one (PROTOCOL §25).

mod key;

pub(crate) use key::Key;

use std::time::Duration;

use crate::proto::connection::Keep;

/// How connections outlive the transports that carry them: see
/// [`Endpoint::resume`](crate::Endpoint::resume) and [`Server::resume`](crate::Server::resume).
///
/// When a connection is cut its client dials again, and both sides go on where they were, from the middle of a frame if need
/// be. Calls, streams, calls back and their order notice nothing but the time that it takes; deadlines go on. What one side
/// has sent and the other has not said to have received stays in a journal until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resume {
    window: Duration,
    journal: usize,
    sessions: usize,
    bytes: usize,
}

/// The least journal: peers acknowledge each 64 KiB.
const LEAST_JOURNAL: usize = 256 << 10;

impl Default for Resume {
    fn default() -> Self {
        Self::new()
    }
}

impl Resume {
    /// The defaults.
    #[must_use]
    pub const fn new() -> Self {
        let window = Duration::from_secs(30);
        Self { window, journal: 1 << 20, sessions: 1024, bytes: 64 << 20 }
    }

    /// How long a connection that is cut waits for the other side; then it is lost, and its calls fail. Default: 30 s.
    #[must_use]
    pub const fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// About how many bytes are sent, and kept, before the other side says that they have arrived; what is to follow them
    /// waits. On long lines this bounds how many are under way. Long `Bytes` are not copied, and stay in memory for that long.
    /// Default: 1 MiB; 256 KiB at least.
    #[must_use]
    pub const fn journal(mut self, bytes: usize) -> Self {
        self.journal = if bytes < LEAST_JOURNAL { LEAST_JOURNAL } else { bytes };
        self
    }

    /// On a server: how many connections at once are kept that are cut. When there is one more, the one that was cut first is
    /// lost. Default: 1,024.
    #[must_use]
    pub const fn most_sessions(mut self, sessions: usize) -> Self {
        self.sessions = sessions;
        self
    }

    /// On a server: how many bytes the journals of connections that are cut may hold together. When there are more, those that
    /// were cut first are lost. Default: 64 MiB.
    #[must_use]
    pub const fn most_bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    pub(crate) const fn keep(&self) -> Keep {
        Keep { journal: self.journal, window: self.window }
    }

    /// Whether so many connections that are cut, with so many bytes, are too many.
    pub(crate) const fn is_exceeded(&self, sessions: usize, bytes: usize) -> bool {
        sessions > self.sessions || bytes > self.bytes
    }
}
