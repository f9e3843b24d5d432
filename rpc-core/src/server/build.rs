//! A server as it was described becomes what serves connections.

use std::sync::Arc;

use super::{ServeError, Server, connections::Connections, inspection};
#[cfg(feature = "http")]
use crate::{health::Probe, schema::ServiceSchema};
use crate::{
    health::Reports,
    identity::Gate,
    inspect::Inspection,
    proto::LoadReports,
    reflect,
    seam::Serve,
    service::{Forward, Router},
};

impl Server {
    pub(super) fn build(self) -> Result<Arc<Connections>, ServeError> {
        self.config.check()?;
        #[cfg(feature = "tower")]
        let services = crate::service::layered(self.services, self.layers)?;
        #[cfg(not(feature = "tower"))]
        let services = self.services;
        let ledger = self.inspection.as_ref().map(Inspection::ledger);
        let mut router = Router::listing(&services, self.once, ledger.clone())?;
        inspection::add_to(&mut router, self.inspection, ledger.as_ref(), &self.config.name)?;
        let reports = self
            .health
            .map(|reporter| Reports::add_to(&mut router, reporter, &self.health_requires));
        let reports = reports.transpose()?;
        if self.reflection && self.upstream.is_none() {
            reflect::add_to(&mut router, &self.reflection_requires)?;
        }
        if self.authenticator.is_none()
            && let Some(method) = router.restricted().next()
        {
            tracing::warn!(
                target: "rpc_core::server",
                method,
                "methods require permissions, and no authenticator grants any: Server::authenticate"
            );
        }
        let timeout = self.config.handshake_timeout;
        let gate = self.authenticator.map(|judge| Gate::new(judge, timeout));
        router.set_hook(self.hook);
        let (most, silent) = (self.max_connections, self.max_handshakes);
        #[cfg(feature = "http")]
        let described = self.http.map(|http| {
            let upstream = self.upstream.as_ref();
            let upstream = upstream.map(|(channel, services)| (channel, services.as_slice()));
            let probe = Probe::new(reports.as_ref(), upstream);
            let mut services: Vec<ServiceSchema> = router.schemas().cloned().collect();
            services.extend(self.upstream.iter().flat_map(|(_, others)| others).cloned());
            (http, services, probe)
        });
        let (memory, mut config) = (router.once().cloned(), self.config);
        config.memory = router.memory();
        config.brief = router.brief();
        config.load = LoadReports::Tell;
        let router: Arc<dyn Serve> = match self.upstream {
            None => Arc::new(router),
            Some(upstream) => Arc::new(Forward::new(router, upstream, self.upstream_each)),
        };
        let config = Arc::new(config);
        let connections = Connections::new(router, config, self.ingress, gate, most, silent);
        let connections = connections.with_memory(memory).with_max_age(self.max_age);
        let connections = connections.with_reports(reports);
        let connections = connections.with_overload(self.overload, Arc::default());
        #[cfg(feature = "resume")]
        let connections = connections.with_sessions(self.resume);
        #[cfg(feature = "http")]
        let connections = match described {
            Some((http, services, probe)) => connections.with_http(http, services, probe),
            None => connections,
        };
        let connections = Arc::new(connections);
        inspection::list(&connections, ledger.as_ref());
        Ok(connections)
    }
}
