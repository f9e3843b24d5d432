//! Serves the tour to whoever started this process, over its standard streams: what `ssh host program` runs.

use rpc_core::{Peer, Server};
use tests::{Sights, TourServer};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), rpc_core::ServeError> {
    let streams = tokio::io::join(tokio::io::stdin(), tokio::io::stdout());
    let server = Server::new().with(TourServer::new(Sights));
    server.serve_io(streams, Peer::new("parent"))?.wait().await;
    Ok(())
}
