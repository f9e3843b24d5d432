//! The server that a probe by HTTP asks: this one, or the one that it stands for.

use std::time::Duration;

use super::{HealthClient, Reports, ServingStatus};
use crate::{Channel, schema::ServiceSchema};

/// The time within which the other server has to say whether it serves. A probe waits for some seconds at most.
const PATIENCE: Duration = Duration::from_secs(1);

/// Knows whether a server serves.
pub(crate) enum Probe {
    /// This one.
    Own(Reports),
    /// The one that calls are handed on to.
    Upstream(HealthClient),
}

impl Probe {
    /// Asks this server, if it reports anything, else that at the other end of `channel`, if it does.
    pub(crate) fn new(
        own: Option<&Reports>,
        upstream: Option<(&Channel, &[ServiceSchema])>,
    ) -> Option<Self> {
        if let Some(reports) = own {
            return Some(Self::Own(reports.clone()));
        }
        let (channel, services) = upstream?;
        let health = HealthClient::schema();
        // One of the program's own may have that name.
        let reports = services.iter().any(|service| {
            service.name == health.name
                && health.methods.iter().all(|method| {
                    service.method(&method.name).is_some_and(|other| other.key == method.key)
                })
        });
        reports.then(|| Self::Upstream(HealthClient::new(channel.clone())))
    }

    /// The status of a service, or of the server. One that does not answer does not serve.
    pub(crate) async fn status(&self, service: &str) -> ServingStatus {
        match self {
            Self::Own(reports) => reports.status(service),
            Self::Upstream(health) => {
                let asked = health.check(service).timeout(PATIENCE).await;
                asked.unwrap_or(ServingStatus::NotServing)
            }
        }
    }
}
