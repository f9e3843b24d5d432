//! Which call a frame is about: the id that its opener chose, and which side opened it.
//! The two directions never meet: a frame says by a flag whether its sender opened the call.

use std::fmt;

/// The id of one call, chosen by the side that opened it and free again after its terminal frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub(crate) u32);

impl CallId {
    /// The id of requests that expect no reply (PROTOCOL §9).
    pub const NO_REPLY: Self = Self(u32::MAX);

    /// An id with the given wire value.
    #[must_use]
    pub const fn new(id: u32) -> Self {
        Self(id)
    }

    /// The value on the wire.
    #[must_use]
    pub const fn value(self) -> u32 {
        self.0
    }

    /// Whether the caller expects a reply under this id.
    #[must_use]
    pub const fn expects_reply(self) -> bool {
        self.0 != Self::NO_REPLY.0
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who dialled: the only asymmetry between the two ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Side {
    /// This end opened the transport and speaks first.
    Dialer,
    /// This end accepted the transport and answers the peer's preface.
    Acceptor,
}
