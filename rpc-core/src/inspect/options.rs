//! Who may look at a server, and who may end its calls.

use std::{sync::Arc, time::Duration};

use super::{InspectClient, InspectServer, server::Looking};
use crate::{
    seam::ledger::Ledger,
    service::{BuildError, Dispatch as _, Router},
};

/// What [`Server::inspect`](crate::Server::inspect) shows, and to whom. Default: everything to everybody, and nobody may end
/// calls.
#[derive(Clone, Debug)]
#[must_use]
pub struct Inspection {
    requires: Vec<String>,
    kill: Killing,
    slow: Duration,
}

/// Who may end calls.
#[derive(Clone, Debug)]
pub(super) enum Killing {
    Nobody,
    /// Whoever may look.
    Anybody,
    /// Who has this permission.
    Requires(String),
}

impl Default for Inspection {
    fn default() -> Self {
        Self { requires: Vec::new(), kill: Killing::Nobody, slow: Duration::from_millis(100) }
    }
}

impl Inspection {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Shows it to callers with this permission alone, one more each time: see
    /// [`Server::authenticate`](crate::Server::authenticate).
    pub fn requires(mut self, permission: impl Into<String>) -> Self {
        self.requires.push(permission.into());
        self
    }

    /// Lets whoever may look end calls too.
    pub fn kill(mut self) -> Self {
        self.kill = Killing::Anybody;
        self
    }

    /// Lets those end calls who have this permission beside what looking requires.
    pub fn kill_requires(mut self, permission: impl Into<String>) -> Self {
        self.kill = Killing::Requires(permission.into());
        self
    }

    /// Remembers calls that take longer. Default: 100 ms.
    pub const fn slower_than(mut self, limit: Duration) -> Self {
        self.slow = limit;
        self
    }

    pub(crate) fn ledger(&self) -> Arc<Ledger> {
        Ledger::new(self.slow)
    }
}

/// Adds the service to a router that keeps `ledger`.
pub(crate) fn add_to(
    router: &mut Router,
    options: Inspection,
    ledger: Arc<Ledger>,
    name: String,
) -> Result<(), BuildError> {
    let server = InspectServer::new(Looking { ledger, name, kill: options.kill });
    debug_assert_eq!(server.schema().name, InspectClient::schema().name);
    router.explain(&options.requires);
    router.add_requiring(Arc::new(server), &options.requires)
}
