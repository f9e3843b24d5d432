//! The service by which a server says whether it serves, an ordinary one written with our own macro, with the names of
//! gRPC's. On servers that were told to have it, by [`Server::health`](crate::Server::health); `rpc health`, probes and
//! balancers ask it.
//!
//! ```
//! use rpc_core::{
//!     Endpoint, Server,
//!     health::{HealthClient, HealthReporter, ServingStatus},
//!     service,
//! };
//! # #[service] trait Orders { async fn count(&self) -> u64; }
//! # struct Book;
//! # impl Orders for Book { async fn count(&self) -> u64 { 7 } }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let reporter = HealthReporter::new();
//! let server = Server::new().with(OrdersServer::new(Book)).health(&reporter);
//! let health = HealthClient::new(Endpoint::new().in_memory(server));
//!
//! assert_eq!(health.check("Orders").await?, ServingStatus::Serving);
//! // The database is gone.
//! reporter.set("Orders", ServingStatus::NotServing);
//! assert_eq!(health.check("Orders").await?, ServingStatus::NotServing);
//! // The server as a whole.
//! assert_eq!(health.check("").await?, ServingStatus::Serving);
//! # Ok(()) }
//! ```

#[cfg(feature = "http")]
mod probe;
mod reporter;
mod server;
mod status;

#[cfg(feature = "http")]
pub(crate) use probe::Probe;
pub use reporter::HealthReporter;
pub(crate) use server::Reports;
pub use status::ServingStatus;

use crate::{Stream, service};

/// Says whether a server is serving. The empty name means the server as a whole.
#[service]
pub trait Health {
    /// The status of a service, or of the server.
    async fn check(&self, service: String) -> ServingStatus;

    /// The status now and whenever it changes. A server that shuts down says so before it sends anybody away, and ends the
    /// stream.
    fn watch(&self, service: String) -> impl Stream<Item = ServingStatus>;
}
