//! Layers of a client: around the calls that it makes, and around those that it serves.

use std::sync::Arc;

use tower::{Layer, Service};

use super::Endpoint;
use crate::{
    call::ClientLayer,
    layer::{BoxError, ClientHandler, ClientReply, ClientRequest, ServerHandler, ServerRequest},
    proto::Payload,
    service::{Around, ServerLayer},
};

impl Endpoint {
    /// Puts a [layer](crate::layer) around every call that is made on channels from here. The first one sees a call first. What
    /// goes again because it was not started does so within all of them. Each channel has its own service of the layer.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), rpc_core::DialError> {
    /// use std::time::Duration;
    /// use rpc_core::{Endpoint, layer::{ConcurrencyLimit, Log}};
    ///
    /// let endpoint = Endpoint::new()
    ///     .layer(Log::new().slower_than(Duration::from_millis(50)))
    ///     .layer(ConcurrencyLimit::new(100).queue(1000));
    /// let channel = endpoint.connect("127.0.0.1:7000").await?;
    /// # Ok(()) }
    /// ```
    pub fn layer<L, S>(mut self, layer: L) -> Self
    where
        L: Layer<ClientHandler, Service = S> + Send + Sync + 'static,
        S: Service<
                ClientRequest,
                Response = ClientReply,
                Error: Into<BoxError>,
                Future: Send + 'static,
            > + Clone
            + Send
            + Sync
            + 'static,
    {
        self.layers.push(ClientLayer::new(layer));
        self
    }

    /// Puts a [layer](crate::layer) around every call of the other side to the services of this one: see
    /// [`Self::with`](Endpoint::with).
    pub fn layer_served<L, S>(mut self, layer: L) -> Self
    where
        L: Layer<ServerHandler, Service = S> + Send + Sync + 'static,
        S: Service<
                ServerRequest,
                Response = Payload,
                Error: Into<BoxError>,
                Future: Send + 'static,
            > + Clone
            + Send
            + Sync
            + 'static,
    {
        self.served_layers.push(ServerLayer::new(Around::All, layer));
        self.router = Arc::default();
        self
    }
}
