//! `GET /metrics`: what the program says of itself, for Prometheus.

use std::{fmt, sync::Arc};

use hyper::{
    StatusCode,
    header::{self, HeaderMap, HeaderValue},
};

use super::{
    Face, Http,
    answer::{Answer, Rejection, json},
    headers::Head,
    plain,
    session::Session,
    statuses,
};

/// The text format of Prometheus.
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Gives the text that is scraped.
#[derive(Clone)]
pub(super) struct Render(Arc<dyn Fn() -> String + Send + Sync>);

impl Http {
    /// Answers `GET /metrics` with what `render` gives: text in the format of Prometheus, as its exporters render it. Who may
    /// not make calls may not read it either. Default: there is no such page.
    ///
    /// ```
    /// use rpc_core::{Http, Server};
    /// // With metrics-exporter-prometheus: `let handle = PrometheusBuilder::new().install_recorder()?;`
    /// # struct Handle; impl Handle { fn render(&self) -> String { String::new() } } let handle = Handle;
    /// let server = Server::new().http(Http::new().metrics(move || handle.render()));
    /// ```
    pub fn metrics(mut self, render: impl Fn() -> String + Send + Sync + 'static) -> Self {
        self.metrics = Some(Render(Arc::new(render)));
        self
    }
}

/// Answers a request for the metrics.
pub(super) async fn answer(
    render: &Render,
    face: &Face,
    session: &Arc<Session>,
    headers: &HeaderMap,
) -> Result<Answer, Rejection> {
    let head = Head::of(headers)?;
    if let Err(status) = face.admit(session, &head).await {
        return Ok(plain::failed(statuses::http(status.code()), &status.into()));
    }
    let mut answer = json(StatusCode::OK, render.0());
    answer.headers_mut().insert(header::CONTENT_TYPE, TEXT);
    Ok(answer)
}

impl fmt::Debug for Render {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Render").finish_non_exhaustive()
    }
}
