//! A server that may be looked at while it runs.

use std::sync::{Arc, Weak};

use super::{Server, connections::Connections};
use crate::{
    inspect::{self, Inspection},
    seam::ledger::Ledger,
    service::{BuildError, Router},
};

impl Server {
    /// Lets the server be looked at while it runs, by `rpc ps`, `rpc top` and whoever calls [`crate::inspect`]: its calls in
    /// flight and what they wait for, the figures of its methods, its connections. Default: off, and nothing is kept.
    ///
    /// ```
    /// use rpc_core::{Server, inspect::Inspection};
    /// let server = Server::new().inspect(Inspection::new().requires("ops:look").kill_requires("ops:kill"));
    /// ```
    pub fn inspect(mut self, inspection: Inspection) -> Self {
        self.inspection = Some(inspection);
        self
    }
}

/// Adds the service that shows a ledger, if there is one.
pub(super) fn add_to(
    router: &mut Router,
    inspection: Option<Inspection>,
    ledger: Option<&Arc<Ledger>>,
    name: &str,
) -> Result<(), BuildError> {
    match inspection.zip(ledger) {
        None => Ok(()),
        Some((inspection, ledger)) => {
            inspect::add_to(router, inspection, Arc::clone(ledger), name.to_owned())
        }
    }
}

/// Has a ledger know of the connections.
pub(super) fn list(connections: &Arc<Connections>, ledger: Option<&Arc<Ledger>>) {
    if let Some(ledger) = ledger {
        let connections: Weak<Connections> = Arc::downgrade(connections);
        ledger.set_connections(connections);
    }
}
