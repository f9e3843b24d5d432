//! A call under way: sent when it is first polled, cancelled when it is dropped before its end.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use super::{Call, CallError, Incoming, Method, Reader, outgoing::Reply, target::Next};
use crate::{
    codec::{CodecError, Decode},
    proto::{CallId, Code, Codec, Failure, Metadata, Outcome, Payload, Status},
    seam::{
        items::{ItemReader, ItemSender},
        ledger::{Waits, note},
    },
};

/// How far a call is.
#[derive(Debug)]
pub(super) enum State {
    /// Options may still be set.
    Unsent,
    Open(CallId),
    Done,
}

/// How far a call has come.
enum Progress {
    /// It has ended; with what came beside the reply.
    Ended(Outcome, Option<Box<Metadata>>),
    /// Its handler goes on with items; with what came ahead of them.
    Accepted(CallId, Option<Box<Metadata>>),
}

impl<T, E> Call<T, E> {
    /// Chooses a caller, where it is not known, and sends the call. Gives its outcome if it has one at once.
    fn send(&mut self, cx: &mut Context<'_>) -> Poll<Outcome> {
        let Self { caller, request, state, .. } = self;
        let picker = request.picker();
        if let Some(picker) = &picker {
            // Picking may take time, in which the call that this one is part of may end.
            request.options().begin_scope();
            match ready!(picker.poll_pick(request, cx)) {
                Ok(picked) => {
                    request.check_memory(&picked).map_err(Failure::Status)?;
                    *caller = Some(picked);
                }
                Err(status) => return Poll::Ready(Err(Failure::Status(status))),
            }
        } else if caller.is_none() {
            request.options().begin_scope();
            match ready!(request.poll_supplied(cx)) {
                Ok(supplied) => {
                    request.check_memory(&supplied).map_err(Failure::Status)?;
                    *caller = Some(supplied);
                }
                Err(status) => return Poll::Ready(Err(Failure::Status(status))),
            }
        }
        let Some(caller) = caller else { return Poll::Pending };
        #[cfg(feature = "fleet")]
        if request.options.is_some() {
            request.check_hedge();
        }
        let opening = request.opening();
        let opened = match (&request.arguments, request.reply) {
            (Err(status), _) => Err(status.clone()),
            (Ok(arguments), Reply::Expected) => caller.open(&opening, arguments, cx).map(Some),
            (Ok(arguments), Reply::None) => caller.open_oneway(&opening, arguments, cx),
        };
        // It may have to be sent again.
        request.take_back(opening);
        let Some(id) = opened.map_err(Failure::Status)? else {
            if let Some(options) = &mut request.options {
                options.again.goes_on();
            }
            return Poll::Ready(Ok(Payload::new()));
        };
        *state = State::Open(id);
        if let Some(options) = &mut request.options {
            if let Some(upload) = options.upload.take() {
                let codec = request.codec;
                let items = ItemSender::upload(Arc::clone(caller).items(), id, codec);
                caller.spawn(upload.into_inner()(items, codec));
            }
            options.begin_scope();
            options.again.goes_on();
        }
        // The caller has what is long; where there may be another one, it may have to be sent again.
        if picker.is_none()
            && request.is_long()
            && caller.supply().is_none()
            && !request.has_retry()
        {
            request.forget_long();
        }
        Poll::Pending
    }

    /// Sends a plain call on the connection that it was made for, as nearly all are; `None`, with nothing done, for any
    /// other. Its twin is [`Self::send`].
    #[inline]
    fn send_plain(&mut self, cx: &Context<'_>) -> Option<Result<(), Status>> {
        let (Some(caller), Ok(arguments)) = (&self.caller, &self.request.arguments) else {
            return None;
        };
        if arguments.is_shared() {
            return None;
        }
        let opening = self.request.plain_opening()?;
        let opened = caller.open(&opening, arguments, cx);
        // It owns nothing, which the compiler does not know.
        std::mem::forget(opening);
        Some(opened.map(|id| self.state = State::Open(id)))
    }

    fn poll_progress(&mut self, cx: &mut Context<'_>) -> Poll<Progress> {
        if let State::Unsent = self.state {
            let Poll::Ready(outcome) = self.send(cx) else {
                #[cfg(feature = "fleet")]
                return self.with_hedge(Poll::Pending, cx);
                #[cfg(not(feature = "fleet"))]
                return Poll::Pending;
            };
            self.state = State::Done;
            return Poll::Ready(Progress::Ended(outcome, None));
        }
        // Polled after its end, which futures need not allow; there is nothing to come.
        let (State::Open(id), Some(caller)) = (&self.state, &self.caller) else {
            return Poll::Pending;
        };
        let progress = if self.request.streams.down() {
            caller.poll_accepted(*id, cx).map(|accepted| match accepted {
                Ok(leading) => Progress::Accepted(*id, leading),
                Err((outcome, metadata)) => Progress::Ended(outcome, metadata),
            })
        } else {
            caller
                .poll_outcome(*id, cx)
                .map(|(outcome, metadata)| Progress::Ended(outcome, metadata))
        };
        #[cfg(feature = "fleet")]
        let progress = self.with_hedge(progress, cx);
        if progress.is_ready() {
            self.state = State::Done;
        }
        progress
    }

    /// The same with what becomes of a second call, where there may be one.
    #[cfg(feature = "fleet")]
    #[inline]
    fn with_hedge(&mut self, progress: Poll<Progress>, cx: &mut Context<'_>) -> Poll<Progress> {
        match self.request.options {
            None => progress,
            Some(_) => self.with_second(progress, cx),
        }
    }

    #[cfg(feature = "fleet")]
    #[cold]
    fn with_second(&mut self, progress: Poll<Progress>, cx: &mut Context<'_>) -> Poll<Progress> {
        match progress {
            Poll::Ready(Progress::Ended(outcome, _)) if self.hedge_goes_on(&outcome) => {
                self.poll_progress(cx)
            }
            Poll::Pending => {
                self.poll_hedge(cx).map(|(outcome, metadata)| Progress::Ended(outcome, metadata))
            }
            progress => progress,
        }
    }

    /// Ends the call if the one that it is part of is over.
    fn poll_scope(&mut self, cx: &mut Context<'_>) -> Poll<Status> {
        let Some(options) = &mut self.request.options else { return Poll::Pending };
        let Some(cancelled) = &mut options.cancelled else { return Poll::Pending };
        if matches!(self.state, State::Done) {
            return Poll::Pending;
        }
        ready!(cancelled.as_mut().poll(cx));
        options.again.goes_on();
        self.cancel();
        Poll::Ready(scope_is_over())
    }

    /// Gives the call up.
    pub(super) fn cancel(&mut self) {
        #[cfg(feature = "fleet")]
        if self.request.options.is_some() {
            self.cancel_hedge();
        }
        if let State::Open(id) = std::mem::replace(&mut self.state, State::Done)
            && let Some(caller) = &self.caller
        {
            caller.cancel(id);
        }
    }

    /// Whether the call, which was opened as `id` if it was, is to be sent once more.
    fn goes_again(&mut self, id: Option<CallId>, progress: &Progress) -> bool {
        let end = match progress {
            Progress::Ended(outcome, _) => Some(outcome),
            Progress::Accepted(..) => None,
        };
        if let (Some(picker), Some(on)) = (self.request.picker(), &self.caller)
            && picker.ended(&mut self.request, on, end) == Next::Again
        {
            self.state = State::Unsent;
            return true;
        }
        match end {
            Some(Err(Failure::Status(status))) => self.comes_back(id, status),
            _ => false,
        }
    }

    /// Says that the handler which makes the call waits for its reply.
    #[inline]
    fn note_wait(&self) {
        if let Method::Known { method, .. } = self.request.method {
            note(Waits::Reply(&method.path));
        }
    }

    /// The id of the call where it was sent.
    const fn id(&self) -> Option<CallId> {
        match self.state {
            State::Open(id) => Some(id),
            State::Unsent | State::Done => None,
        }
    }

    fn read(&mut self, progress: Progress) -> Result<T, CallError<E>> {
        let codec = self.request.codec;
        let Reader { value, error } = self.read;
        let (accepted, leading, trailing) = match progress {
            Progress::Ended(Err(end), metadata) => {
                let end = with_metadata(end, metadata);
                return Err(failure(end, codec, error, Some(&self.request.method)));
            }
            Progress::Ended(Ok(_), _) if self.request.reply == Reply::None => {
                return value(Codec::Bincode, (&Payload::new()).into()).map_err(unreadable);
            }
            Progress::Ended(Ok(payload), metadata) if self.stream.is_none() => {
                if metadata.is_some() {
                    self.keep(metadata);
                }
                return value(codec, (&payload).into()).map_err(unreadable);
            }
            Progress::Ended(Ok(_), metadata) => (None, None, metadata),
            Progress::Accepted(id, leading) => (Some(id), leading, None),
        };
        let Some(make) = self.stream.take() else {
            return Err(Status::new(Code::Internal, "the call was read twice").into());
        };
        self.keep(leading.clone());
        let reader = accepted
            .zip(self.caller.as_ref())
            .map(|(id, caller)| ItemReader::of_call(Arc::clone(caller).items(), id));
        let method = self.request.method.clone();
        let scope = self.request.options.as_mut().and_then(|options| options.cancelled.take());
        Ok(make(Incoming {
            reader,
            method,
            codec,
            scope,
            leading,
            trailing,
            #[cfg(feature = "tower")]
            hooks: None,
        }))
    }

    /// Whether the call is its arguments and its reply and nothing else, as most are.
    const fn is_plain(&self) -> bool {
        self.request.options.is_none()
            && self.stream.is_none()
            && matches!(self.request.reply, Reply::Expected)
    }

    /// Makes of the outcome of a plain call what the caller gets.
    fn read_plain(&self, outcome: Outcome) -> Result<T, CallError<E>> {
        let (codec, Reader { value, error }) = (self.request.codec, self.read);
        match outcome {
            Ok(payload) => value(codec, (&payload).into()).map_err(unreadable),
            Err(end) => Err(failure(end, codec, error, Some(&self.request.method))),
        }
    }

    /// Keeps what came beside the reply, if the caller asks for it.
    #[cold]
    pub(super) fn keep(&mut self, metadata: Option<Box<Metadata>>) {
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

pub(super) fn unreadable<E>(error: CodecError) -> CallError<E> {
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

impl<T, E> Future for Call<T, E> {
    type Output = Result<T, CallError<E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let State::Open(id) = this.state
            && this.is_plain()
            && let Some(caller) = &this.caller
            && let Some(outcome) = caller.take_outcome(id)
        {
            this.state = State::Done;
            match &outcome {
                Err(Failure::Status(status)) if this.comes_back(Some(id), status) => {}
                _ => return Poll::Ready(this.read_plain(outcome)),
            }
        }
        if let State::Unsent = this.state
            && let Some(sent) = this.send_plain(cx)
        {
            match sent {
                Ok(()) => {
                    this.note_wait();
                    return Poll::Pending;
                }
                Err(status) => {
                    this.state = State::Done;
                    let progress = Progress::Ended(Err(Failure::Status(status)), None);
                    if !this.goes_again(None, &progress) {
                        return Poll::Ready(this.read(progress));
                    }
                }
            }
        }
        #[cfg(feature = "tower")]
        if this.is_layered() {
            return this.poll_layered(cx);
        }
        loop {
            let id = this.id();
            let Poll::Ready(progress) = this.poll_progress(cx) else { break };
            if !this.goes_again(id, &progress) {
                return Poll::Ready(this.read(progress));
            }
        }
        this.note_wait();
        this.poll_scope(cx).map(|status| Err(status.into()))
    }
}

impl<T, E> Drop for Call<T, E> {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl<T, E> fmt::Debug for Call<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = &self.request.method;
        match self.state {
            State::Unsent => write!(f, "Call({method}, not sent until it is awaited)"),
            State::Open(id) => write!(f, "Call({method}, sent as {id})"),
            State::Done => write!(f, "Call({method}, ended)"),
        }
    }
}
