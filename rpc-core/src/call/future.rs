//! A call under way.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use super::{
    Call, CallError, Incoming, MakeStream, Method, Options, Prepared, Reader, evolve::Fallback,
};
use crate::{
    codec::{CodecError, Decode},
    connection::{Connection, ItemReader, ItemSender},
    proto::{CallId, Code, Codec, Failure, Metadata, Outcome, Payload, Status},
    time::now,
};

/// The future of a [`Call`]. Sent at the first poll; cancelled when dropped before its end.
#[must_use = "futures do nothing unless polled"]
pub struct CallFuture<T, E> {
    connection: Connection,
    request: Prepared,
    read: Reader<T, E>,
    /// For calls that bring a stream, until they do.
    stream: Option<MakeStream<T>>,
    state: State,
}

#[derive(Debug)]
enum State {
    Unsent,
    Open(CallId),
    Done,
}

/// What a call has come to.
enum Progress {
    /// It has ended; with what came beside the reply.
    Ended(Outcome, Option<Box<Metadata>>),
    /// Its handler goes on with items.
    Accepted(CallId),
}

impl<T, E> CallFuture<T, E> {
    pub(super) fn new(call: Call<T, E>) -> Self {
        let Call { connection, request, read, stream } = call;
        Self { connection, request, read, stream, state: State::Unsent }
    }

    /// Sends the call. Gives its outcome if it has one at once.
    fn send(&mut self, cx: &Context<'_>) -> Poll<Outcome> {
        self.request.settle();
        let request = &self.request;
        let arguments = match &request.arguments {
            Ok(arguments) => arguments,
            Err(status) => return Poll::Ready(Err(Failure::Status(status.clone()))),
        };
        let shared = self.connection.shared();
        let opened = if request.reply {
            shared.open(&request.opening, arguments, cx).map(Some)
        } else {
            shared.open_oneway(&request.opening, arguments, cx)
        };
        match opened {
            Ok(Some(id)) => {
                self.state = State::Open(id);
                self.opened(id);
                Poll::Pending
            }
            Ok(None) => Poll::Ready(Ok(Payload::new())),
            Err(status) => Poll::Ready(Err(Failure::Status(status))),
        }
    }

    /// Starts what goes with a call that is open.
    fn opened(&mut self, id: CallId) {
        // What is long is not kept for as long as the call takes.
        if self.request.arguments.as_ref().is_ok_and(Payload::is_shared) {
            self.request.arguments = Ok(Payload::new());
        }
        let Some(options) = &mut self.request.options else { return };
        if let Some(upload) = options.upload.take() {
            let codec = self.request.opening.codec;
            let shared = self.connection.shared();
            let items = ItemSender::upload(Arc::clone(shared), id, codec);
            shared.spawn(upload.into_inner()(items, codec));
        }
        if let Some(scope) = &options.scope {
            options.cancelled = Some(Box::pin(scope.cancellation().cancelled_owned()));
        }
    }

    fn poll_progress(&mut self, cx: &Context<'_>) -> Poll<Progress> {
        if let State::Unsent = self.state {
            let outcome = ready!(self.send(cx));
            self.state = State::Done;
            return Poll::Ready(Progress::Ended(outcome, None));
        }
        // Polled after its end, which futures need not allow; there is nothing to come.
        let State::Open(id) = self.state else { return Poll::Pending };
        let shared = self.connection.shared();
        let progress = if self.request.opening.streams.down() {
            shared.poll_accepted(id, cx).map(|accepted| match accepted {
                Ok(()) => Progress::Accepted(id),
                Err((outcome, metadata)) => Progress::Ended(outcome, metadata),
            })
        } else {
            shared
                .poll_outcome(id, cx)
                .map(|(outcome, metadata)| Progress::Ended(outcome, metadata))
        };
        if progress.is_ready() {
            self.state = State::Done;
        }
        progress
    }

    /// Ends the call if the one that it is part of is over.
    fn poll_scope(&mut self, cx: &mut Context<'_>) -> Poll<Status> {
        let Some(options) = &mut self.request.options else { return Poll::Pending };
        let (Some(cancelled), State::Open(id)) = (&mut options.cancelled, &self.state) else {
            return Poll::Pending;
        };
        ready!(cancelled.as_mut().poll(cx));
        self.connection.shared().cancel(*id);
        self.state = State::Done;
        Poll::Ready(scope_is_over())
    }

    /// Whether the call is to be sent once more, in a form that a server with another signature reads.
    fn falls_back(&mut self, progress: &Progress) -> bool {
        let request = &mut self.request;
        let Some(options) = &mut request.options else { return false };
        let Some(fallback) = &mut options.fallback else { return false };
        let end = match progress {
            Progress::Ended(outcome, _) => Some(outcome),
            Progress::Accepted(_) => None,
        };
        let Some(arguments) = fallback.instead(&self.connection, end) else { return false };
        request.by_name(arguments);
        self.state = State::Unsent;
        true
    }

    fn read(&mut self, progress: Progress) -> Result<T, CallError<E>> {
        let codec = self.request.opening.codec;
        let Reader { value, error } = self.read;
        let (accepted, trailing) = match progress {
            Progress::Ended(Err(end), metadata) => {
                let end = with_metadata(end, metadata);
                return Err(failure(end, codec, error, Some(&self.request.method)));
            }
            Progress::Ended(Ok(payload), metadata) => match self.request.reply {
                true if self.stream.is_none() => {
                    if metadata.is_some() {
                        self.keep(metadata);
                    }
                    return value(codec, (&payload).into()).map_err(unreadable);
                }
                false => {
                    return value(Codec::Bincode, (&Payload::new()).into()).map_err(unreadable);
                }
                true => (None, metadata),
            },
            Progress::Accepted(id) => (Some(id), None),
        };
        let Some(make) = self.stream.take() else {
            return Err(Status::new(Code::Internal, "the call was read twice").into());
        };
        let connection = self.connection.clone();
        let leading = accepted.and_then(|id| connection.shared().take_leading_metadata(id));
        self.keep(leading.clone());
        let reader = accepted.map(|id| ItemReader::of_call(Arc::clone(connection.shared()), id));
        let method = self.request.method.clone();
        let scope = self.request.options.as_mut().and_then(|options| options.cancelled.take());
        Ok(make(Incoming { reader, connection, method, codec, scope, leading, trailing }))
    }

    /// Whether the call is its arguments and its reply and nothing else, as most are.
    const fn is_plain(&self) -> bool {
        self.request.options.is_none() && self.stream.is_none() && self.request.reply
    }

    /// Makes of the outcome of a plain call what the caller gets.
    fn read_plain(&self, outcome: Outcome) -> Result<T, CallError<E>> {
        let (codec, Reader { value, error }) = (self.request.opening.codec, self.read);
        match outcome {
            Ok(payload) => value(codec, (&payload).into()).map_err(unreadable),
            Err(end) => Err(failure(end, codec, error, Some(&self.request.method))),
        }
    }

    /// Keeps what came beside the reply, if the caller asks for it.
    #[cold]
    fn keep(&mut self, metadata: Option<Box<Metadata>>) {
        if let Some(options) = self.request.options.as_mut().filter(|asked| asked.wants_metadata) {
            options.reply_metadata = metadata;
        }
    }

    /// What came beside the reply of a call that asks for it.
    pub(super) fn take_reply_metadata(&mut self) -> Metadata {
        let kept = self.request.options.as_mut().and_then(|options| options.reply_metadata.take());
        kept.map_or_else(Metadata::new, |metadata| *metadata)
    }
}

impl Prepared {
    /// Calls the method by its bare name, which takes JSON.
    pub(super) fn by_name(&mut self, arguments: Result<Payload, Status>) {
        (self.opening.key, self.opening.codec) = (self.method.bare_key(), Codec::Json);
        self.arguments = arguments;
    }

    /// Settles what depends on when the call is sent, and on which connection.
    fn settle(&mut self) {
        if let Some(options) = &mut self.options {
            self.opening.deadline = options.deadline();
            self.opening.parent = options.caller.as_ref().and_then(super::Context::running_call);
        }
    }
}

impl Options {
    /// When the caller stops waiting. A time that no clock reaches is no deadline.
    fn deadline(&mut self) -> Option<Instant> {
        if let Some(Fallback { deadline: Some(deadline), .. }) = self.fallback {
            return deadline;
        }
        let own = self.timeout.and_then(|timeout| now().checked_add(timeout));
        let inherited = self.scope.as_ref().and_then(super::Context::deadline);
        let deadline = own.into_iter().chain(inherited).min();
        if let Some(fallback) = &mut self.fallback {
            fallback.deadline = Some(deadline);
        }
        deadline
    }
}

fn unreadable<E>(error: CodecError) -> CallError<E> {
    Status::new(Code::Internal, format!("cannot read the reply: {error}")).into()
}

/// The end of a call whose scope is over.
pub(super) fn scope_is_over() -> Status {
    Status::new(Code::Cancelled, "the call that this one is part of is over")
}

/// A failure with what came beside it.
pub(super) fn with_metadata(failure: Failure, metadata: Option<Box<Metadata>>) -> Failure {
    match (failure, metadata) {
        (Failure::Status(mut status), Some(metadata)) => {
            *status.metadata_mut() = *metadata;
            Failure::Status(status)
        }
        (failure, _) => failure,
    }
}

/// How a call failed, in the trait's own terms where it can be.
pub(super) fn failure<E>(
    failure: Failure,
    codec: Codec,
    error: Option<Decode<E>>,
    method: Option<&Method>,
) -> CallError<E> {
    match (failure, error) {
        (Failure::Status(status), _) => {
            method.map_or_else(|| status.clone(), |method| method.explain(status.clone())).into()
        }
        (Failure::Application(error), Some(decode)) => {
            decode(codec, (&error).into()).map_or_else(unreadable, CallError::App)
        }
        (Failure::Application(_), None) => {
            let message = "the server replied with an error that the method does not have";
            Status::new(Code::Internal, message).into()
        }
    }
}

impl<T, E> Future for CallFuture<T, E> {
    type Output = Result<T, CallError<E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let State::Open(id) = this.state
            && this.is_plain()
            && let Some(outcome) = this.connection.shared().take_outcome(id)
        {
            this.state = State::Done;
            return Poll::Ready(this.read_plain(outcome));
        }
        while let Poll::Ready(progress) = this.poll_progress(cx) {
            if !this.falls_back(&progress) {
                return Poll::Ready(this.read(progress));
            }
        }
        this.poll_scope(cx).map(|status| Err(status.into()))
    }
}

impl<T, E> Drop for CallFuture<T, E> {
    fn drop(&mut self) {
        if let State::Open(id) = self.state {
            self.connection.shared().cancel(id);
        }
    }
}

impl<T, E> fmt::Debug for CallFuture<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallFuture").field("state", &self.state).finish_non_exhaustive()
    }
}
