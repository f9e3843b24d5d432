//! The PROXY protocol, versions 1 and 2: how a proxy says in front of a stream for whom it carries that. Behind the feature
//! `proxy`.
//!
//! A server believes those alone that it was told to trust ([`Server::proxy_protocol`](crate::Server::proxy_protocol)), and
//! a client can say a header itself ([`Endpoint::proxy_header`](crate::Endpoint::proxy_header)).
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use rpc_core::{
//!     Context, Endpoint, Server,
//!     proxy::{ProxyHeader, TrustedProxies},
//!     service,
//! };
//!
//! #[service]
//! trait Mirror {
//!     async fn caller(&self, cx: &Context) -> String;
//! }
//!
//! struct Glass;
//! impl Mirror for Glass {
//!     async fn caller(&self, cx: &Context) -> String {
//!         cx.peer_address().to_string()
//!     }
//! }
//!
//! let proxies = TrustedProxies::new(["127.0.0.1", "10.0.0.0/8"])?;
//! let server = Server::new().with(MirrorServer::new(Glass)).proxy_protocol(proxies);
//! let running = server.start("127.0.0.1:0").await?;
//!
//! // As a proxy does for whom it carries.
//! let header = ProxyHeader::v2("203.0.113.7:4711".parse()?, "198.51.100.1:7000".parse()?);
//! let channel = Endpoint::new().proxy_header(header).connect(running.address()).await?;
//! assert_eq!(MirrorClient::new(channel).caller().await?, "203.0.113.7:4711");
//! # Ok(()) }
//! ```

mod header;
mod look;
mod proxied;
mod trusted;

pub use header::ProxyHeader;
pub use look::{HeaderError, ReceivedHeader, Source, parse};
pub use proxied::Proxied;
pub use trusted::{NetworkError, TrustedProxies};

use std::io;

use thiserror::Error;

use super::Link;

/// The reason why a stream of a trusted proxy does not go on.
#[derive(Debug, Error)]
pub(crate) enum Refusal {
    /// It ended, or failed.
    #[error(transparent)]
    Gone(#[from] io::Error),
    /// Its header does not hold.
    #[error(transparent)]
    Header(#[from] HeaderError),
}

/// Reads the header in front of a stream that a trusted proxy carries; the link has the peer that it names from then on.
///
/// # Cancel safety
/// Safe: what was read is put back.
pub(crate) async fn receive(link: &mut Link) -> Result<(), Refusal> {
    let said = match link.read.look_ahead(parse).await? {
        Some(said) => said?,
        None => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
    };
    link.read.pass(said.length);
    if let Some(peer) = proxied::peer(&said, link.peer()) {
        link.peer = peer;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
