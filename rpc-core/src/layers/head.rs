//! The head of a request as layers see it, whichever side they are on.

use std::time::{Duration, Instant};

use super::trace::TraceContext;
use crate::{
    proto::{Codec, Metadata, MetadataError, MethodKey, Payload},
    schema::MethodSchema,
    time::now,
    transport::Peer,
};

/// The side of a call that a layer is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// It makes calls.
    Client,
    /// It serves them.
    Server,
}

/// The request of a call, before it is sent or served: what its caller says beside the arguments, and those, encoded.
///
/// Layers that are written for any `R: Head` work on both sides.
pub trait Head: Send + 'static {
    /// The side that the request is on.
    const KIND: Kind;

    /// The method as `Service.method`; `_OTHER` for calls by name or key that this program has no trait of.
    fn method(&self) -> &'static str {
        self.schema().map_or("_OTHER", |schema| &schema.path)
    }

    /// The description of the method; `None` as for [`Self::method`].
    fn schema(&self) -> Option<&'static MethodSchema>;

    /// The key that names the method on the wire.
    fn key(&self) -> MethodKey;

    /// The encoding of the arguments.
    fn codec(&self) -> Codec;

    /// The encoded arguments; empty where they could not be encoded and the call will fail.
    fn arguments(&self) -> &Payload;

    /// The pairs that travel with the call.
    fn metadata(&self) -> &Metadata;

    /// Changes the pairs that travel with the call: those that are sent, or those that the handler sees.
    ///
    /// # Errors
    /// Those of `change`, which may have changed some pairs by then.
    fn change_metadata(
        &mut self,
        change: impl FnOnce(&mut Metadata) -> Result<(), MetadataError>,
    ) -> Result<(), MetadataError>;

    /// Makes the call one of a trace, as `traceparent` among the pairs that travel with it. On a server that costs
    /// nothing unless somebody looks at them.
    fn set_trace(&mut self, context: TraceContext) {
        // What does not fit is left out, so that nothing can fail.
        let _ = self.change_metadata(|pairs| {
            context.tell(pairs);
            Ok(())
        });
    }

    /// When the caller stops waiting, if it said so.
    fn deadline(&self) -> Option<Instant>;

    /// How long the caller still waits, if it said so.
    fn remaining(&self) -> Option<Duration> {
        self.deadline().map(|deadline| deadline.saturating_duration_since(now()))
    }

    /// Who is at the other end; `None` where the client has yet to choose or to open a connection.
    fn peer(&self) -> Option<&Peer>;

    /// Whether the caller expects a reply: it does not of one-way methods.
    fn expects_reply(&self) -> bool;

    /// Whether the reply is a stream of items.
    fn streams_reply(&self) -> bool;
}

/// What is told of a call by those who look on. Its request is made after that, where it is handled: it is long to move.
pub(crate) struct Called<'a> {
    pub(crate) kind: Kind,
    pub(crate) method: &'static str,
    pub(crate) peer: Option<&'a Peer>,
    pub(crate) metadata: &'a Metadata,
}

impl<'a> Called<'a> {
    /// The call of a request.
    pub(crate) fn by<R: Head>(request: &'a R) -> Self {
        Self {
            kind: R::KIND,
            method: request.method(),
            peer: request.peer(),
            metadata: request.metadata(),
        }
    }
}
