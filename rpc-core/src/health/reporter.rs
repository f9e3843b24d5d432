//! The statuses that a program says of its services.

use std::{collections::HashMap, fmt, sync::Arc};

use tokio::sync::watch::{Receiver, Sender};

use super::ServingStatus;

/// The statuses of a program's services, which its servers report: see [`Server::health`](crate::Server::health). Services of
/// which nothing was said are serving, and so is the server as a whole. Clones change the same statuses; several servers may
/// report them.
///
/// A server that shuts down reports that nothing of it serves, whatever is said here.
#[derive(Clone)]
pub struct HealthReporter {
    // Bounded by: the names that the program sets.
    statuses: Arc<Sender<HashMap<String, ServingStatus>>>,
}

impl HealthReporter {
    /// Everything serves.
    #[must_use]
    pub fn new() -> Self {
        Self { statuses: Arc::new(Sender::new(HashMap::new())) }
    }

    /// Says the status of a service from here on, and tells whoever watches it. The empty name stands for the server as a
    /// whole, whose status is its own: it does not follow those of the services. A name that is not a service's is reported too: of a
    /// part that several services depend on, say.
    pub fn set(&self, service: impl Into<String>, status: ServingStatus) {
        let service = service.into();
        self.statuses.send_if_modified(|statuses| {
            // A status that stays as it is wakes nobody.
            statuses.insert(service, status) != Some(status)
        });
    }

    /// The status that was said last of a service, if any was.
    #[must_use]
    pub fn status(&self, service: &str) -> Option<ServingStatus> {
        self.statuses.borrow().get(service).copied()
    }

    /// Learns when anything is said.
    pub(super) fn subscribe(&self) -> Receiver<HashMap<String, ServingStatus>> {
        self.statuses.subscribe()
    }
}

impl Default for HealthReporter {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for HealthReporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HealthReporter").field(&*self.statuses.borrow()).finish()
    }
}
