//! A call that was prepared: all that is to be sent, kept until it is known to have begun.

use std::{fmt, pin::Pin, sync::Arc, time::Duration, time::Instant};

use parking_lot::Mutex;
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::{evolve::Fallback, scope::Scope, sending::Upload};
use crate::{
    proto::{
        CallId, Code, Codec, Metadata, MetadataError, MethodKey, Payload, Status,
        connection::NewCall, wire::Streams,
    },
    schema::{MethodSchema, ServiceSchema},
    time::now,
};

/// What is to be sent.
pub(crate) struct Outgoing {
    pub(super) method: Method,
    /// What the method is called by.
    pub(super) key: MethodKey,
    pub(super) codec: Codec,
    /// The encoded arguments, or why the call cannot be made.
    pub(super) arguments: Result<Payload, Status>,
    pub(super) reply: Reply,
    pub(super) streams: Streams,
    /// What most calls do not have; apart, so that the others stay small.
    pub(super) options: Option<Box<Options>>,
}

/// Whether a call expects a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Expected,
    None,
}

#[derive(Default)]
pub(super) struct Options {
    pub(super) timeout: Option<Duration>,
    /// When the caller stops waiting: known from when the call was first sent.
    deadline: Option<Option<Instant>>,
    pub(super) metadata: Metadata,
    /// Sends the items that go with the call. The lock is never taken: it makes `Sync` what holds a stream of the
    /// caller's, which need not be.
    pub(super) upload: Option<Mutex<Upload>>,
    /// Ends the call with that of whoever makes it.
    pub(super) scope: Option<Arc<dyn Scope>>,
    /// The call whose handler makes this one, on the same link.
    pub(super) parent: Option<Arc<dyn Scope>>,
    /// Resolves when the scope is over; from when the call is sent.
    pub(super) cancelled: Option<ScopeEnd>,
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
    pub(super) const fn new(
        method: Method,
        codec: Codec,
        arguments: Result<Payload, Status>,
        streams: Streams,
    ) -> Self {
        let key = method.key();
        Self { method, key, codec, arguments, reply: Reply::Expected, streams, options: None }
    }

    pub(super) fn options(&mut self) -> &mut Options {
        self.options.get_or_insert_default()
    }

    /// Calls the method by its bare name, which takes JSON.
    pub(super) fn by_name(&mut self, arguments: Result<Payload, Status>) {
        (self.key, self.codec) = (self.method.bare_key(), Codec::Json);
        self.arguments = arguments;
    }

    pub(super) fn take_fallback(&mut self) -> Option<Fallback> {
        self.options.as_mut()?.fallback.take()
    }

    /// Whether the call cannot be sent twice.
    pub(super) fn is_sent_once(&self) -> bool {
        self.streams.up() || self.reply == Reply::None
    }

    /// Refuses the call where an option cannot travel.
    pub(super) fn refuse_if(&mut self, set: Result<(), MetadataError>) {
        if let Err(error) = set {
            let status = Status::not_started(Code::InvalidArgument, error.to_string());
            self.arguments = Err(status);
            self.options().fallback = None;
        }
    }

    /// When the caller stops waiting. A time that no clock reaches is no deadline.
    pub(super) fn deadline(&mut self) -> Option<Instant> {
        let options = self.options.as_mut()?;
        *options.deadline.get_or_insert_with(|| {
            let own = options.timeout.and_then(|timeout| now().checked_add(timeout));
            let inherited = options.scope.as_ref().and_then(|scope| scope.deadline());
            own.into_iter().chain(inherited).min()
        })
    }

    /// Begins to watch for the end of the call that this one is part of.
    pub(super) fn begin_scope(&mut self) {
        if let Some(options) = &mut self.options
            && let (Some(scope), None) = (&options.scope, &options.cancelled)
        {
            let over = scope.cancellation().clone();
            options.cancelled = Some(Box::pin(over.cancelled_owned()));
        }
    }

    /// What is long is not kept for as long as the call takes.
    pub(super) fn forget_long(&mut self) {
        if self.arguments.as_ref().is_ok_and(Payload::is_shared) {
            self.arguments = Ok(Payload::new());
        }
    }

    /// The call whose handler makes this one, while it runs.
    fn within(&self) -> Option<CallId> {
        let parent = self.options.as_ref()?.parent.as_ref()?;
        (!parent.cancellation().is_cancelled()).then(|| parent.id())
    }

    /// What is opened on a link.
    ///
    /// # Errors
    /// Why the call cannot be made.
    pub(super) fn opening(&mut self) -> Result<NewCall<'_>, Status> {
        let deadline = self.deadline();
        Ok(NewCall {
            key: self.key,
            codec: self.codec,
            deadline,
            metadata: self.options.as_ref().map(|options| &options.metadata),
            arguments: self.arguments.as_ref().map_err(Status::clone)?,
            streams: self.streams,
            ordered: self.method.is_ordered(),
            within: self.within(),
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

    const fn is_ordered(&self) -> bool {
        match self {
            Self::Known { method, .. } => method.ordered,
            Self::Named(_) => false,
        }
    }

    /// Adds to the refusal of a method what only this side knows. A handler may say `UNIMPLEMENTED` of its own.
    pub(super) fn explain(&self, status: Status) -> Status {
        let refused = status.code() == Code::Unimplemented && !status.may_have_run();
        match self {
            Self::Known { service, method } if refused => {
                let message = format!(
                    "{}; this client calls {} as `{}`",
                    status.message(),
                    method.path,
                    service.signature(method)
                );
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
