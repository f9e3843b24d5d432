//! Many servers behind one channel: who they are, which of them are connected, and which one a call goes to.
//!
//! ```text
//! discover ──Found──▶ follow ──▶ one Line for each server, each with a task (tend)
//!                                   │ connected, draining, lost
//!                                   ▼
//! Channel ──▶ Door ──▶ Fleet ─ ready: Members ──pick (p2c by Estimate)──▶ Member ──▶ Connection
//! ```

mod estimate;
mod fleet;
mod follow;
mod member;
mod subset;
mod supply;
mod tend;

pub(super) use fleet::Fleet;

/// How the calls of a channel with many servers behind it are spread: see [`Endpoint::balance`](crate::Endpoint::balance).
///
/// A connection is kept open to each server, or to [`Self::subset`] of them. Of two servers that are chosen by chance, a
/// call goes to the one where it can be expected to take less time: by how long calls have taken there lately, and how
/// many of this channel are under way there. One that is slow gets next to nothing, and is tried again from time to time.
/// A server whose connection is lost gets nothing until it is back; one whose connection stands, and that lets
/// [`Self::eject_after`] calls in a row fail as if nobody were there, is left alone for a second, then for two and so on
/// up to 30 s, though never more than half of the servers are. Ordered calls all go to one server, for as long as it is there.
///
/// ```no_run
/// # async fn run() -> Result<(), rpc_core::DialError> {
/// use rpc_core::{Balance, Endpoint};
///
/// let endpoint = Endpoint::new().balance(Balance::new().subset(5));
/// let channel = endpoint.connect("dns:api.internal:7000").await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Balance {
    subset: usize,
    connections: usize,
    eject_after: u32,
}

impl Default for Balance {
    fn default() -> Self {
        Self::new()
    }
}

impl Balance {
    /// The defaults.
    pub const fn new() -> Self {
        Self { subset: 20, connections: 1, eject_after: 5 }
    }

    /// Connects to so many of the servers, each channel to others by chance: with many clients and many servers, each of
    /// one with each of the other would be too much. Channels keep to theirs as servers come and go, as far as that is
    /// possible. Default: 20; zero stands for all.
    pub const fn subset(mut self, servers: usize) -> Self {
        self.subset = servers;
        self
    }

    /// Opens so many connections to each server. One carries any number of calls; where they are more than one task of
    /// the server can read, another helps. Default: 1; zero stands for one.
    pub const fn connections(mut self, connections: usize) -> Self {
        self.connections = if connections == 0 { 1 } else { connections };
        self
    }

    /// Leaves a server alone after so many calls in a row that ended with `UNAVAILABLE` or `DEADLINE_EXCEEDED` while its
    /// connection stood. Default: 5; zero stands for never.
    pub const fn eject_after(mut self, failures: u32) -> Self {
        self.eject_after = failures;
        self
    }
}
