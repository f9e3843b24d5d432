//! A server that says whether it serves.

use super::{Server, connections::Connections};
use crate::health::HealthReporter;

impl Server {
    /// Has the server say whether it serves, to `rpc health`, probes, balancers and whoever calls [`crate::health`]: what
    /// `reporter` says of its services, until it shuts down. Then it says that nothing of it serves, first of all to those who
    /// watch, and a moment later tells all clients to go. `GET /healthz` of an HTTP face says the same. Default: there
    /// is no such service.
    ///
    /// With an authenticator, whoever is let in may ask; see [`Self::health_requires`]. `GET /healthz` is answered to
    /// everybody, as probes need it.
    ///
    /// ```
    /// use rpc_core::{Server, health::HealthReporter};
    /// let reporter = HealthReporter::new();
    /// let server = Server::new().health(&reporter);
    /// ```
    pub fn health(mut self, reporter: &HealthReporter) -> Self {
        self.health = Some(reporter.clone());
        self
    }

    /// Has callers of the health service need a permission, one more each time. Default: anybody may ask.
    pub fn health_requires(mut self, permission: impl Into<String>) -> Self {
        self.health_requires.push(permission.into());
        self
    }
}

impl Connections {
    /// Has those who watch the health of the server know that it ends, before anybody is sent away.
    pub(super) async fn tell_watchers(&self) {
        if let Some(reports) = &self.reports {
            reports.end().await;
        }
    }
}
