//! A call that was prepared: all that is to be sent, kept until it is known to have begun.

use std::{fmt, fmt::Write as _, pin::Pin, sync::Arc, time::Duration, time::Instant};

use parking_lot::Mutex;
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::{again::Again, evolve::Fallback, scope::Scope, sending::Upload, target::Picker};
use crate::{
    proto::{
        CallId, Code, Codec, IdempotencyKey, Metadata, MethodKey, Opening, Order, Payload,
        Priority, Status, Streams, Token,
    },
    schema::{MethodSchema, Outline, Repetition, ServiceSchema},
    time::now,
};

/// What is to be sent.
pub(crate) struct Outgoing {
    pub(super) method: Method,
    naming: Naming,
    pub(super) codec: Codec,
    pub(super) streams: Streams,
    pub(super) reply: Reply,
    /// The encoded arguments, or why the call cannot be made.
    pub(super) arguments: Result<Payload, Status>,
    /// What most calls do not have; apart, so that the others stay small.
    pub(super) options: Option<Box<Options>>,
}

/// How a call names its method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Naming {
    /// With its signature, if that is known.
    Signed,
    /// By its bare name.
    Bare,
}

/// Whether a call expects a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Expected,
    None,
}

#[derive(Default)]
pub(super) struct Options {
    pub(super) metadata: Option<Box<Metadata>>,
    pub(super) token: Option<Token>,
    /// The name of what the call is to do.
    pub(super) idempotency: Option<IdempotencyKey>,
    pub(super) timeout: Option<Duration>,
    /// How much the call matters, if that was said of it.
    pub(super) priority: Option<Priority>,
    /// When the caller stops waiting: known from when the call was first sent.
    deadline: Option<Option<Instant>>,
    /// Sends the items that go with the call. The lock is never taken: it makes `Sync` what holds a stream of the
    /// caller's, which need not be.
    pub(super) upload: Option<Mutex<Upload>>,
    /// Ends the call with that of whoever makes it.
    pub(super) scope: Option<Arc<dyn Scope>>,
    /// The call whose handler makes this one, on the same link.
    pub(super) parent: Option<Arc<dyn Scope>>,
    /// Resolves when the scope is over; from when the call is sent.
    pub(super) cancelled: Option<ScopeEnd>,
    /// Chooses what the call is sent to, and says whether it goes again.
    pub(super) picker: Option<Arc<dyn Picker>>,
    /// What is needed where the call may be made a second time.
    #[cfg(feature = "fleet")]
    pub(super) hedged: Option<super::hedge::Hedged>,
    /// What is needed once the call waits for a caller, or goes again.
    pub(super) again: Again,
    /// The layers that the call goes through, and the call within them once it has begun.
    #[cfg(feature = "tower")]
    pub(super) layered: Option<super::layered::Layered>,
    /// What is sent to a server with another signature.
    pub(super) fallback: Option<Fallback>,
    /// Whether the caller asks what came beside the reply, and that, once it is here.
    pub(super) wants_metadata: bool,
    pub(super) reply_metadata: Option<Box<Metadata>>,
}

/// Resolves when the call is over that another one is part of.
pub(super) type ScopeEnd = Pin<Box<WaitForCancellationFutureOwned>>;

/// Which method is called, and how to speak of it.
#[derive(Clone, Debug)]
pub(crate) enum Method {
    /// One of a trait that this program was compiled with.
    Known { service: &'static ServiceSchema, method: &'static MethodSchema },
    /// One that is called by its name alone.
    Named(MethodKey),
}

impl Outgoing {
    #[inline]
    pub(super) fn new(
        method: Method,
        codec: Codec,
        arguments: Result<Payload, Status>,
        streams: Streams,
    ) -> Self {
        let (naming, reply) = (Naming::Signed, Reply::Expected);
        Self { method, naming, codec, streams, reply, arguments, options: None }
    }

    pub(super) fn options(&mut self) -> &mut Options {
        self.options.get_or_insert_default()
    }

    pub(super) fn metadata(&mut self) -> &mut Metadata {
        self.options().metadata.get_or_insert_default()
    }

    /// Calls the method by its bare name, which takes JSON.
    pub(super) fn by_name(&mut self, arguments: Result<Payload, Status>) {
        (self.naming, self.codec) = (Naming::Bare, Codec::Json);
        self.arguments = arguments;
    }

    /// What chooses where the call goes, if that is not known.
    pub(super) fn picker(&self) -> Option<Arc<dyn Picker>> {
        self.options.as_ref()?.picker.clone()
    }

    pub(super) fn take_fallback(&mut self) -> Option<Fallback> {
        self.options.as_mut()?.fallback.take()
    }

    /// Whether the call cannot be sent twice.
    pub(super) fn is_sent_once(&self) -> bool {
        self.streams.up() || self.reply == Reply::None
    }

    /// Whether the call, opened as `id` if it was, can be sent once more. Items of which a former sending has taken some
    /// are gone.
    pub(super) fn may_go_again(&self, id: Option<CallId>) -> bool {
        id.is_none() || !self.streams.up()
    }

    /// Refuses the call where an option cannot travel.
    pub(super) fn refuse_if<E: fmt::Display>(&mut self, set: Result<(), E>) {
        if let Err(error) = set {
            let status = Status::not_started(Code::InvalidArgument, error.to_string());
            self.arguments = Err(status);
            self.options().fallback = None;
        }
    }

    /// The head of the call, settled as of now: some of it depends on when the call is sent, and on what. It is made where
    /// it is used, and not kept, so that a call is small enough to be moved without ado. It takes from the options what
    /// travels, which [`Self::take_back`] returns.
    #[inline]
    pub(super) fn opening(&mut self) -> Opening {
        let key = match self.naming {
            Naming::Signed => self.method.key(),
            Naming::Bare => self.method.bare_key(),
        };
        if self.method.repetition() == Repetition::Once {
            self.give_key();
        }
        let (streams, order) = (self.streams, self.method.order());
        let mut opening = Opening { streams, order, ..Opening::new(key, self.codec) };
        if let Some(options) = &mut self.options {
            options.settle(&mut opening);
        }
        opening
    }

    /// The same for a call that says nothing but its method and expects one reply; `None` for any other.
    #[inline]
    pub(super) fn plain_opening(&self) -> Option<Opening> {
        let is_plain = self.options.is_none()
            && self.naming == Naming::Signed
            && self.reply == Reply::Expected
            && self.streams == Streams::NONE
            && self.method.repetition() != Repetition::Once;
        let opening = Opening::new(self.method.key(), self.codec);
        is_plain.then(|| Opening { order: self.method.order(), ..opening })
    }

    /// Gives the call a key of its own, unless it has one: the same for all its attempts.
    #[cold]
    fn give_key(&mut self) {
        self.options().idempotency.get_or_insert_with(IdempotencyKey::unique);
    }

    /// Keeps what an opening took, for a call that may go again.
    #[inline]
    pub(super) fn take_back(&mut self, opening: Opening) {
        if let Some(options) = &mut self.options {
            (options.metadata, options.token) = (opening.metadata, opening.token);
        }
    }

    /// Whether it was said of this call that it goes again.
    pub(super) fn has_retry(&self) -> bool {
        self.options.as_ref().is_some_and(|options| options.again.retry.is_some())
    }

    /// Whether the arguments are held in memory of their own.
    pub(super) fn is_long(&self) -> bool {
        self.arguments.as_ref().is_ok_and(Payload::is_shared)
    }

    /// What is long is not kept for as long as the call takes.
    pub(super) fn forget_long(&mut self) {
        self.arguments = Ok(Payload::new());
    }
}

impl Options {
    /// Adds to an opening what few calls have.
    fn settle(&mut self, opening: &mut Opening) {
        opening.deadline = self.deadline();
        opening.attempt = self.again.attempt();
        opening.priority = self.priority();
        opening.idempotency.clone_from(&self.idempotency);
        let running = self.parent.as_ref().filter(|parent| !parent.cancellation().is_cancelled());
        opening.parent = running.map(|parent| parent.id());
        (opening.metadata, opening.token) = (self.metadata.take(), self.token.take());
    }

    /// How much the call matters: as much as the one that it is made for, unless something else was said.
    fn priority(&self) -> Priority {
        let outer = || self.scope.as_ref().or(self.parent.as_ref()).map(|outer| outer.priority());
        self.priority.or_else(outer).unwrap_or_default()
    }

    /// Begins to watch for the end of the call that this one is part of.
    pub(super) fn begin_scope(&mut self) {
        if let (Some(scope), None) = (&self.scope, &self.cancelled) {
            let over = scope.cancellation().clone();
            self.cancelled = Some(Box::pin(over.cancelled_owned()));
        }
    }

    /// When the caller stops waiting, if that is settled.
    #[cfg(feature = "tower")]
    pub(super) fn settled_deadline(&self) -> Option<Instant> {
        self.deadline.flatten()
    }

    /// Frees the call of the one that it is part of, and of its deadline.
    #[cfg(feature = "cache")]
    pub(super) fn detach(&mut self) {
        (self.scope, self.parent, self.cancelled) = (None, None, None);
        (self.timeout, self.deadline) = (None, Some(None));
    }

    /// When the caller stops waiting. A time that no clock reaches is not a deadline.
    pub(super) fn deadline(&mut self) -> Option<Instant> {
        *self.deadline.get_or_insert_with(|| {
            let own = self.timeout.and_then(|timeout| now().checked_add(timeout));
            let inherited = self.scope.as_ref().and_then(|scope| scope.deadline());
            own.into_iter().chain(inherited).min()
        })
    }
}

impl Method {
    pub(super) const fn key(&self) -> MethodKey {
        match self {
            Self::Known { method, .. } => method.key,
            Self::Named(key) => *key,
        }
    }

    /// The key of the same method whatever its signature.
    const fn bare_key(&self) -> MethodKey {
        match self {
            Self::Known { method, .. } => MethodKey::bare(method.path.as_str()),
            Self::Named(key) => *key,
        }
    }

    /// The way in which a call that may have run can be made again.
    pub(super) const fn repetition(&self) -> Repetition {
        match self {
            Self::Known { method, .. } => method.repetition,
            Self::Named(_) => Repetition::Never,
        }
    }

    pub(super) const fn order(&self) -> Order {
        match self {
            Self::Known { method, .. } if method.ordered => Order::Kept,
            _ => Order::Any,
        }
    }

    /// Adds to the refusal of a method what only this side knows. A handler may say `UNIMPLEMENTED` of its own.
    pub(super) fn explain(&self, status: Status) -> Status {
        let refused = status.code() == Code::Unimplemented && !status.may_have_run();
        match self {
            Self::Known { service, method } if refused => {
                let mut message = format!(
                    "{}; this client calls {} as `{}`",
                    status.message(),
                    method.path,
                    service.signature(method)
                );
                // Writing to a string cannot fail.
                if let Some(first) =
                    Outline::of(&status).and_then(|other| other.first(service, method))
                {
                    let _ = write!(message, "; the first difference: {first}");
                }
                if let Some(why) = service.inexact_json(method) {
                    let _ = write!(
                        message,
                        "; its calls do not evolve, since JSON is not exact: {why}"
                    );
                }
                status.with_message(message)
            }
            _ => status,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known { service, method } => write!(f, "{}.{}", service.name, method.name),
            Self::Named(key) => key.fmt(f),
        }
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("method", &self.method).finish_non_exhaustive()
    }
}
