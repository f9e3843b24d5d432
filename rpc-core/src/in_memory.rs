//! A client and a server without a socket: for tests.

use crate::{call::Channel, client::Endpoint, server::Server, transport::memory_pair};

impl Endpoint {
    /// A channel to `server` in memory. A server that cannot be built closes it at once; services of this side that do
    /// not go together are not served. Either is said in the log. To be called within a tokio runtime.
    #[must_use]
    pub fn in_memory(&self, server: Server) -> Channel {
        let (near, far) = memory_pair();
        if let Err(error) = server.serve_in_memory(far) {
            tracing::error!(%error, "the server in memory cannot serve");
        }
        let serve = self.serve().unwrap_or_else(|error| {
            tracing::error!(%error, "the client of a server in memory cannot serve");
            None
        });
        self.channel(near, serve)
    }
}
