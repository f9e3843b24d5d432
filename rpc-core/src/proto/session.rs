//! What names a session: a connection that outlives the transports that carry it (PROTOCOL §25).

use std::fmt;

/// The name of a session: 128 bits that were drawn at random.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(pub [u8; 16]);

/// What a hello says of a session. In an acceptor's hello that offers one the proof is the secret of the session, and
/// nothing has been received.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SessionEntry {
    /// Which session.
    pub id: SessionId,
    /// What proves that its sender is part of it.
    pub proof: [u8; 32],
    /// How many bytes of the session the sender has received.
    pub received: u64,
}

/// Shows the first bytes, in hex: enough to find a session in a log, and not to name it.
impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({self}…)")
    }
}

/// Does not show the proof, which may be the secret.
impl fmt::Debug for SessionEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionEntry")
            .field("id", &self.id)
            .field("received", &self.received)
            .finish_non_exhaustive()
    }
}
