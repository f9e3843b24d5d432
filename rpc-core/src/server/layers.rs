//! Layers of a server: around all services, around one, or around a method.

use tower::{Layer, Service};

use super::Server;
use crate::{
    layer::{BoxError, ServerHandler, ServerRequest},
    proto::Payload,
    service::{Around, ServerLayer},
};

impl Server {
    /// Puts a [layer](crate::layer) around every call of this server's services, whatever brings it. The first one sees a call
    /// first. Those of the framework's own, such as reflection, have none.
    ///
    /// ```
    /// use std::time::Duration;
    /// use rpc_core::{Server, layer::Timeout};
    /// let server = Server::new().layer(Timeout::new(Duration::from_secs(10)));
    /// ```
    pub fn layer<L, S>(self, layer: L) -> Self
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
        self.around(ServerLayer::new(Around::All, layer))
    }

    /// Puts a [layer](crate::layer) around the calls of one service, `Service`, or of one method, `Service.method`, by the
    /// names that they have on the wire. Among all layers the first one sees a call first. A name that the server does not
    /// have fails the start of the server.
    ///
    /// ```
    /// # use rpc_core::service;
    /// # #[service] trait Orders { async fn export(&self) -> Vec<u8>; }
    /// # struct Book;
    /// # impl Orders for Book { async fn export(&self) -> Vec<u8> { Vec::new() } }
    /// use rpc_core::{Server, layer::ConcurrencyLimit};
    /// let server = Server::new()
    ///     .with(OrdersServer::new(Book))
    ///     .layer_for("Orders.export", ConcurrencyLimit::new(2).queue(20));
    /// ```
    pub fn layer_for<L, S>(self, name: impl Into<String>, layer: L) -> Self
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
        self.around(ServerLayer::new(Around::Named(name.into()), layer))
    }

    fn around(mut self, layer: ServerLayer) -> Self {
        self.layers.push(layer);
        self
    }
}
