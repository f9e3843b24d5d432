//! `GET /healthz`: whether the server serves, for probes and balancers. It agrees with the health service, where there is one;
//! who asks it needs no token.

use hyper::{StatusCode, Uri};

use super::{
    Face,
    answer::{Answer, json},
    routes::decoded,
    session::Session,
};
use crate::{
    health::ServingStatus,
    seam::{Phase, Remote as _},
};

/// Answers for the server, or for the service that the query names: `/healthz?service=Orders`.
pub(super) async fn answer(face: &Face, session: &Session, uri: &Uri) -> Answer {
    let service = decoded(named(uri.query().unwrap_or_default()));
    if session.phase() >= Phase::Draining {
        return json(StatusCode::SERVICE_UNAVAILABLE, "{\"status\":\"draining\"}\n");
    }
    let (status, text) = match status(face, &service).await {
        ServingStatus::Serving => (StatusCode::OK, "serving"),
        ServingStatus::NotServing => (StatusCode::SERVICE_UNAVAILABLE, "not_serving"),
        ServingStatus::Unknown => (StatusCode::SERVICE_UNAVAILABLE, "unknown"),
        ServingStatus::ServiceUnknown => (StatusCode::NOT_FOUND, "service_unknown"),
    };
    json(status, format!("{{\"status\":\"{text}\"}}\n"))
}

/// The service that a query names, as it is written there.
fn named(query: &str) -> &str {
    let mut values = query.split('&').filter_map(|pair| pair.strip_prefix("service="));
    values.next_back().unwrap_or_default()
}

async fn status(face: &Face, service: &str) -> ServingStatus {
    match &face.probe {
        Some(probe) => probe.status(service).await,
        None if service.is_empty() => ServingStatus::Serving,
        None if face.services.iter().any(|known| known.name == service) => ServingStatus::Serving,
        None => ServingStatus::ServiceUnknown,
    }
}
