//! What everything over HTTP/1.1 shares: a server by axum and a client by reqwest.

use anyhow::{Context, Result};
use axum::{Router, extract::DefaultBodyLimit, serve::ListenerExt};
use tokio::net::TcpListener;

use super::{LARGEST_MESSAGE, Listening};

/// How both are set, for the tables.
pub(super) const SETTINGS: &str =
    "HTTP/1.1 keep-alive, TCP_NODELAY, pool without a limit (one connection per call in flight)";

/// Serves a router on a free port.
pub(super) async fn serve(router: Router) -> Result<Listening> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        // A connection that is gone already shows so at its first read.
        let _ = stream.set_nodelay(true);
    });
    let router = router.layer(DefaultBodyLimit::max(LARGEST_MESSAGE as usize));
    let serving = tokio::spawn(async { axum::serve(listener, router).await });
    Ok(Listening::new(url, serving))
}

/// One keep-alive pool: a connection carries one call at a time, so N in flight are N connections.
pub(super) fn client() -> Result<reqwest::Client> {
    Ok(reqwest::Client::builder()
        .no_proxy()
        .tcp_nodelay(true)
        .pool_max_idle_per_host(usize::MAX)
        .build()?)
}

pub(super) fn url(address: &str) -> Result<reqwest::Url> {
    address.parse().context("the server's address is no URL")
}
