//! What generated code implements, and how a call finds its handler. Knows no connection: the same services answer
//! whatever brings calls.

mod arguments;
mod connection;
mod context;
mod explain;
mod forward;
#[cfg(feature = "tower")]
mod head;
mod item_sink;
#[cfg(feature = "tower")]
mod layer_clone;
#[cfg(feature = "tower")]
mod layered;
mod once;
mod permission;
mod reply_metadata;
mod request;
mod router;

pub use arguments::ReadArguments;
pub use connection::Connection;
pub use context::Context;
pub use explain::CallTimes;
pub use forward::Downstream;
pub(crate) use forward::{Each, Forward};
pub use item_sink::ItemSink;
#[cfg(feature = "tower")]
pub(crate) use layered::{Around, ServerLayer, layered};
#[cfg(feature = "tower")]
pub use layered::{HandlerFuture, ServerHandler};
pub(crate) use once::Memory;
pub use once::OnceLimits;
pub use reply_metadata::ReplyMetadata;
pub use request::{Answering, Request};
pub use router::BuildError;
pub(crate) use router::{Hook, Router};

use crate::{proto::Status, schema::ServiceSchema, seam::HandlerSlot};

/// The error of a method that ends its calls with statuses: [`Status`], and nothing else of that name.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not `rpc_core::Status`",
    label = "an error that is called `Status` is taken for the framework's",
    note = "give an error of your own another name: callers get it typed then"
)]
pub trait HandlerStatus {
    /// The status itself.
    fn into_status(self) -> Status;
}

impl HandlerStatus for Status {
    fn into_status(self) -> Status {
        self
    }
}

/// A service that can be called: implemented by the `…Server` types that `#[service]` generates.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a service that a server can take",
    label = "this implements the trait, perhaps, but does not serve it",
    note = "for a trait `Greeter` with `#[service]`, give the server `GreeterServer::new(..)` of it"
)]
pub trait Dispatch: Send + Sync + 'static {
    /// What the service is: its name, its methods, their types.
    fn schema(&self) -> &'static ServiceSchema;

    /// Puts the handler for a request into `slot`; `method` is an index into the schema's methods.
    fn dispatch(&self, method: usize, request: Request, slot: &mut HandlerSlot);

    /// The service again, if it is one with layers around its methods.
    #[doc(hidden)]
    #[cfg(feature = "tower")]
    fn layers(&self) -> Option<&dyn std::any::Any> {
        None
    }
}

#[cfg(test)]
mod tests;
