//! What a handler may know about the call it serves.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::{Connection, ReplyMetadata, explain::Times, permission};
use crate::{
    call::{Call, Channel, Scope},
    extensions::Extensions,
    identity::Principal,
    proto::{CallId, Metadata, MetadataError, Priority, connection::Request},
    seam::{CallEnd, IncomingCall, Origin, Phase},
    time::now,
    transport::{Identity, PeerAddress},
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
pub struct Context(Arc<Served>);

/// A call that is served.
#[derive(Debug)]
struct Served {
    method: &'static str,
    origin: Arc<dyn Origin>,
    id: CallId,
    deadline: Option<Instant>,
    attempt: u8,
    priority: Priority,
    metadata: Metadata,
    extensions: Extensions,
    cancellation: CancellationToken,
    reply: Mutex<Beside>,
    /// The context that this one took the place of, which keeps what travels beside the reply.
    first: Option<Arc<Self>>,
}

/// What is to travel beside the reply.
#[derive(Debug)]
struct Beside {
    /// Whether what leads is sent ahead of items, or all with the reply.
    streams: bool,
    sent: Sent,
    /// What goes ahead, and what goes behind. Made when somebody sets a pair.
    pairs: Option<Box<[Metadata; 2]>>,
}

/// How much of a reply has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sent {
    Nothing,
    /// What goes ahead of the items.
    Start,
    /// All of it, or there is none.
    All,
}

/// Where metadata travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Leading,
    Trailing,
}

impl Context {
    pub(super) fn new(method: &'static str, call: &IncomingCall, extensions: Extensions) -> Self {
        let Request { id, ref opening, .. } = call.request;
        let (deadline, streams) = (opening.deadline, opening.streams.down());
        let metadata = opening.metadata.as_deref().cloned().unwrap_or_default();
        let origin = Arc::clone(&call.origin);
        let cancellation = CancellationToken::new();
        let sent = if id.expects_reply() { Sent::Nothing } else { Sent::All };
        let reply = Mutex::new(Beside { streams, sent, pairs: None });
        Self(Arc::new(Served {
            method,
            origin,
            id,
            deadline,
            attempt: opening.attempt,
            priority: opening.priority,
            metadata,
            extensions,
            cancellation,
            reply,
            first: None,
        }))
    }

    /// The context before anybody else has it, with what `tell` adds to the metadata.
    #[cfg(feature = "tower")]
    pub(super) fn telling(mut self, tell: impl FnOnce(&mut Metadata)) -> Self {
        if let Some(served) = Arc::get_mut(&mut self.0) {
            tell(&mut served.metadata);
        }
        self
    }

    /// The context of the same call, with what it has come to by now. Whoever has this one shares its end and what
    /// travels beside its reply.
    pub(super) fn renewed(&self, call: &IncomingCall, extensions: Extensions) -> Self {
        let Self(mut served) = Self::new(self.0.method, call, extensions);
        let first = self.0.first.as_ref().unwrap_or(&self.0);
        if let Some(served) = Arc::get_mut(&mut served) {
            served.cancellation = self.0.cancellation.clone();
            served.first = Some(Arc::clone(first));
        }
        Self(served)
    }

    /// The method that was called, as `Service.method`.
    #[must_use]
    pub fn method(&self) -> &'static str {
        self.0.method
    }

    /// Who is at the other end of the connection.
    #[must_use]
    pub fn peer_address(&self) -> &PeerAddress {
        self.0.origin.peer().address()
    }

    /// Who calls: what the server's [`Authenticator`](crate::Authenticator) said of the call's token or of the
    /// connection, else what the transport vouches for.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        permission::identity(self.principal(), self.0.origin.peer())
    }

    /// What the server's [`Authenticator`](crate::Authenticator) said of the caller, if there is one: of the call's own
    /// token, else of the connection.
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        self.0.extensions.get().or_else(|| self.0.origin.peer().get())
    }

    /// Tells whether the caller may do what needs this permission. For what depends on the arguments; what a whole
    /// method needs is better said by `#[rpc(requires = "…")]`, which is checked before they are read.
    ///
    /// ```
    /// use rpc_core::{Code, Context, Status, service};
    ///
    /// #[service]
    /// trait Orders {
    ///     #[rpc(requires = "orders:write")]
    ///     async fn refund(&self, cx: &Context, cents: u64) -> Result<(), Status>;
    /// }
    ///
    /// struct Book;
    /// impl Orders for Book {
    ///     async fn refund(&self, cx: &Context, cents: u64) -> Result<(), Status> {
    ///         if cents > 100_00 && !cx.permits("orders:refund:large") {
    ///             return Err(Status::new(Code::PermissionDenied, "more than 100 needs orders:refund:large"));
    ///         }
    ///         Ok(())
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn permits(&self, permission: &str) -> bool {
        self.principal().is_some_and(|principal| principal.permits(permission))
    }

    /// A client of the side that made the call, on the same connection: `cx.peer::<ChatEventsClient>()`.
    /// The dialling side serves what is called by [`Endpoint::with`](crate::Endpoint::with).
    ///
    /// The client goes on when the handler has returned, and may be given to other tasks. It does not keep
    /// the connection open.
    #[must_use]
    pub fn peer<C: From<Channel>>(&self) -> C {
        let caller = Arc::clone(&self.0.origin).caller();
        Channel::back(caller, Arc::clone(&self.0) as _).into()
    }

    /// The connection that the call came on: state that is kept with it, its end, and calls to the other side that are no part
    /// of this one.
    #[must_use]
    pub fn connection(&self) -> Connection {
        Connection::new(Arc::clone(&self.0.origin))
    }

    pub(super) fn extensions(&self) -> Extensions {
        self.0.extensions.clone()
    }

    /// What is to be told of the end of the call.
    pub(super) fn told(self) -> Arc<dyn CallEnd> {
        self.0
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

    /// How often the caller has sent this call before, as it says: 0 the first time. Above that, the handler of an earlier
    /// attempt may have run, or may be running.
    #[must_use]
    pub fn attempt(&self) -> u8 {
        self.0.attempt
    }

    /// How much the call matters where there is too much to do, as its caller has said ([`Call::priority`]).
    #[must_use]
    pub fn priority(&self) -> Priority {
        self.0.priority
    }

    /// The key-value pairs that travelled beside the arguments.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.0.metadata
    }

    /// What a layer, or whatever brought the call, has left with it: the one value of this type.
    #[must_use]
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.0.extensions.get()
    }

    /// What travels ahead of the items of a stream, to be set before the method has given the stream; for a method that
    /// answers with one value the same as [`Self::trailing_metadata`]. Callers read it by
    /// [`Streaming::leading_metadata`](crate::Streaming::leading_metadata).
    #[must_use]
    pub const fn leading_metadata(&self) -> ReplyMetadata<'_> {
        ReplyMetadata { cx: self, place: Place::Leading }
    }

    /// What travels with the reply, and so behind the items of a stream. Callers read it by
    /// [`Call::with_reply_metadata`](crate::Call::with_reply_metadata),
    /// [`Streaming::trailing_metadata`](crate::Streaming::trailing_metadata), and of a call that failed by
    /// [`Status::metadata`](crate::Status::metadata).
    ///
    /// ```
    /// use rpc_core::{Context, Server, Status, service};
    ///
    /// #[service]
    /// trait Orders {
    ///     async fn count(&self, cx: &Context) -> Result<u64, Status>;
    /// }
    ///
    /// struct Book;
    /// impl Orders for Book {
    ///     async fn count(&self, cx: &Context) -> Result<u64, Status> {
    ///         cx.trailing_metadata().set("as-of", "2026-01-31")?;
    ///         Ok(7)
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let orders = OrdersClient::in_memory(Server::new().with(OrdersServer::new(Book)));
    /// let reply = orders.count().with_reply_metadata().await?;
    /// assert_eq!((reply.value, reply.metadata.value("as-of")), (7, Some("2026-01-31")));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub const fn trailing_metadata(&self) -> ReplyMetadata<'_> {
        ReplyMetadata { cx: self, place: Place::Trailing }
    }

    /// Changes what is to travel at `place`, if it has not left.
    pub(super) fn change(
        &self,
        place: Place,
        key: &str,
        change: impl FnOnce(&mut Metadata) -> Result<(), MetadataError>,
    ) -> Result<(), MetadataError> {
        let mut beside = self.0.beside().lock();
        // What does not stream has one place for both, and its bounds hold for both together.
        let leads = place == Place::Leading && beside.streams;
        if beside.sent >= if leads { Sent::Start } else { Sent::All } {
            return Err(MetadataError::Late(key.to_owned()));
        }
        let [leading, trailing] = &mut **beside.pairs.get_or_insert_default();
        change(if leads { leading } else { trailing })
    }

    /// Takes what goes ahead of the items: the accept of the call is sent next.
    pub(super) fn take_leading(&self) -> Option<Metadata> {
        let leading = self.0.take(Sent::Start, |[leading, _]| std::mem::take(leading));
        leading.filter(|leading| !leading.is_empty())
    }

    /// Resolves when the call is over: answered, cancelled, past its deadline, or its connection lost.
    /// The handler itself is dropped then; this is for tasks that it has started.
    ///
    /// # Cancel safety
    /// Safe: dropping the future changes nothing.
    pub async fn cancelled(&self) {
        self.0.cancellation.cancelled().await;
    }

    /// Resolves when one side of the connection has said that it starts no more calls: the server shuts down, or the
    /// client closes its channel. Handlers go on; one that would go on for ever, as a quiet subscription does, is to
    /// end now, or it holds a shutdown up for the whole grace period.
    ///
    /// ```
    /// use futures_util::{Stream, StreamExt as _};
    /// use rpc_core::{Broadcast, Context, Shared, Status, service};
    ///
    /// #[service]
    /// trait Feed {
    ///     fn prices(&self, cx: &Context) -> impl Stream<Item = Result<Shared<f64>, Status>>;
    /// }
    ///
    /// struct Exchange(Broadcast<f64>);
    ///
    /// impl Feed for Exchange {
    ///     fn prices(&self, cx: &Context) -> impl Stream<Item = Result<Shared<f64>, Status>> {
    ///         self.0.subscribe().until_lag().take_until(cx.draining())
    ///     }
    /// }
    /// ```
    ///
    /// # Cancel safety
    /// Safe: dropping the future changes nothing. It holds nothing of the context.
    pub fn draining(&self) -> impl Future<Output = ()> + Send + use<> {
        self.0.origin.phases().reach(Phase::Draining)
    }

    /// Whether one side has said that it starts no more calls; see [`Self::draining`].
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.0.origin.phase() >= Phase::Draining
    }

    /// Whether the call is over; see [`Self::cancelled`].
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.cancellation.is_cancelled()
    }
}

impl Served {
    fn beside(&self) -> &Mutex<Beside> {
        self.first.as_ref().map_or(&self.reply, |first| &first.reply)
    }

    fn take(
        &self,
        sent: Sent,
        take: impl FnOnce(&mut [Metadata; 2]) -> Metadata,
    ) -> Option<Metadata> {
        let mut beside = self.beside().lock();
        beside.sent = beside.sent.max(sent);
        beside.pairs.as_deref_mut().map(take)
    }
}

impl CallEnd for Served {
    fn replied(&self) {
        if self.beside().lock().sent == Sent::All {
            // There is no reply, or it was told of within a layer.
            return;
        }
        let trailing = self.take(Sent::All, |[leading, trailing]| {
            // What was to lead a stream that failed at its start has not left. What does not fit any more stays behind.
            let mut all = std::mem::take(leading);
            let _ = all.append_all(trailing);
            all
        });
        let trailing = match self.extensions.get::<Arc<Times>>() {
            None => trailing,
            Some(times) => {
                let mut trailing = trailing.unwrap_or_default();
                times.tell(&mut trailing);
                Some(trailing)
            }
        };
        if let Some(trailing) = trailing.filter(|trailing| !trailing.is_empty()) {
            self.origin.set_reply_metadata(self.id, trailing);
        }
    }

    fn over(&self) {
        self.cancellation.cancel();
    }
}

impl Scope for Served {
    fn id(&self) -> CallId {
        self.id
    }

    fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    fn priority(&self) -> Priority {
        self.priority
    }

    fn cancellation(&self) -> &CancellationToken {
        &self.cancellation
    }
}

impl<T, E> Call<T, E> {
    /// Makes the call a part of the one that `cx` belongs to: it inherits the time that remains, the
    /// metadata, the priority, and the end: when the other call is over, this one is cancelled.
    pub fn within(self, cx: &Context) -> Self {
        self.part_of(Arc::clone(&cx.0) as _).with_metadata(cx.metadata())
    }
}
