//! What a handler may know about the call it serves.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use super::Channel;
use crate::{
    connection::Shared,
    proto::{CallId, Metadata},
    time::now,
    transport::PeerAddress,
};

/// The call that a handler serves: who calls, until when, and what travels beside the arguments.
///
/// A method gets it by an argument `cx: &Context`, anywhere in its list; callers do not pass it. A clone
/// is cheap and may outlive the handler.
///
/// ```
/// use rpc_core::{Context, service};
///
/// #[service]
/// trait Greeter {
///     async fn greet(&self, cx: &Context, name: String) -> String;
/// }
///
/// struct Polite;
/// impl Greeter for Polite {
///     async fn greet(&self, cx: &Context, name: String) -> String {
///         let title = cx.metadata().value("title").unwrap_or("dear");
///         format!("Good day, {title} {name}")
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Context(Arc<Call>);

#[derive(Debug)]
struct Call {
    method: &'static str,
    connection: Arc<Shared>,
    id: CallId,
    deadline: Option<Instant>,
    metadata: Metadata,
    cancellation: CancellationToken,
}

impl Context {
    pub(crate) fn new(
        method: &'static str,
        connection: Arc<Shared>,
        id: CallId,
        deadline: Option<Instant>,
        metadata: Metadata,
        cancellation: CancellationToken,
    ) -> Self {
        Self(Arc::new(Call { method, connection, id, deadline, metadata, cancellation }))
    }

    /// The method that was called, as `Service.method`.
    #[must_use]
    pub fn method(&self) -> &'static str {
        self.0.method
    }

    /// Who is at the other end of the connection.
    #[must_use]
    pub fn peer_address(&self) -> PeerAddress {
        self.0.connection.peer()
    }

    /// A client of the side that made the call, on the same connection: `cx.peer::<ChatEventsClient>()`.
    /// The dialling side serves what is called by [`Endpoint::serve`](crate::Endpoint::serve).
    ///
    /// The client goes on when the handler has returned, and may be given to other tasks. It does not keep
    /// the connection open.
    #[must_use]
    pub fn peer<C: From<Channel>>(&self) -> C {
        Channel::back(&self.0.connection, self.clone()).into()
    }

    /// The id of the call, while its handler runs.
    pub(super) fn running_call(&self) -> Option<CallId> {
        (self.0.id.expects_reply() && !self.is_cancelled()).then_some(self.0.id)
    }

    pub(super) fn cancellation(&self) -> CancellationToken {
        self.0.cancellation.clone()
    }

    /// When the caller stops waiting, if it said so. The handler is dropped then.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.0.deadline
    }

    /// How long the caller still waits, if it said so.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        self.0.deadline.map(|deadline| deadline.saturating_duration_since(now()))
    }

    /// The key-value pairs that travelled beside the arguments.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.0.metadata
    }

    /// Resolves when the call is over: answered, cancelled, past its deadline, or its connection lost.
    /// The handler itself is dropped then; this is for tasks that it has started.
    ///
    /// # Cancel safety
    /// Safe: dropping the future changes nothing.
    pub async fn cancelled(&self) {
        self.0.cancellation.cancelled().await;
    }

    /// Whether the call is over; see [`Self::cancelled`].
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.cancellation.is_cancelled()
    }
}
