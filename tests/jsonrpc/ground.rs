//! A server with an HTTP face, and all services of the tests.

use rpc_core::{Http, Running, Server};
use tests::{PlaygroundServer, Sights, TourServer, Toys};

/// A server with the defaults.
pub(crate) async fn serve() -> (Running, Toys) {
    serve_with(Server::new(), Http::new()).await
}

/// A server with these options.
pub(crate) async fn serve_with(server: Server, http: Http) -> (Running, Toys) {
    let toys = Toys::default();
    let server = server
        .with(PlaygroundServer::new(toys.clone()))
        .with(TourServer::new(Sights))
        .http(http)
        .start("127.0.0.1:0");
    (server.await.unwrap(), toys)
}
