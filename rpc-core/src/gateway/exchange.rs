//! One call over HTTP, from its arguments to its end. Dropping it ends the handler: the client has hung up.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use bytes::Bytes;
use tokio::time::{Sleep, sleep_until};

use super::{
    headers::Head,
    listed::Listed,
    session::{Session, Taken},
    upload::Upload,
};
use crate::{
    proto::{
        CallId, Code, Codec, Failure, Metadata, MethodKey, Opening, Outcome, Payload, Status,
        Streams, connection::Request,
    },
    seam::{HandlerSlot, IncomingCall, Origin, Reply, Serve, SlowGuard, ledger::Facts, panicked},
    time::now,
};

/// A call that runs.
pub(super) struct Exchange {
    session: Arc<Session>,
    id: CallId,
    streams: Streams,
    /// `None` once it has ended.
    reply: Option<Reply>,
    /// How it ended, if it has.
    outcome: Option<Outcome>,
    /// Handlers of one connection with the same number run one after the other.
    order: Option<u32>,
    /// What watches the method, where the call has one.
    guard: Option<Arc<SlowGuard>>,
    deadline: Option<Pin<Box<Sleep>>>,
    upload: Option<Upload>,
    /// Its place on the list of calls, where there is one.
    listed: Option<Box<Listed>>,
}

/// What happens in a call.
pub(super) enum Event {
    /// The method has given its stream; this goes ahead of the items.
    Accepted(Option<Box<Metadata>>),
    Item(Bytes),
    End(Outcome, Option<Metadata>),
}

/// The call that is made, in JSON.
pub(super) struct Calling {
    pub(super) key: MethodKey,
    pub(super) arguments: Payload,
    pub(super) streams: Streams,
    pub(super) upload: Option<Upload>,
}

impl Exchange {
    /// Finds the handler of a call. It runs when this is polled.
    pub(super) fn start(
        serve: &dyn Serve,
        session: &Arc<Session>,
        calling: Calling,
        head: Head,
    ) -> Self {
        let Calling { key, arguments, streams, upload } = calling;
        let id = session.next_call();
        if streams != Streams::NONE {
            session.begin(id, streams.down(), streams.up());
        }
        let Head { deadline, metadata, token, idempotency } = head;
        let opening = Opening::new(key, Codec::Json);
        let opening = Opening { streams, deadline, metadata, token, idempotency, ..opening };
        let mut exchange = Self {
            session: Arc::clone(session),
            id,
            streams,
            reply: None,
            outcome: None,
            order: None,
            guard: None,
            deadline: None,
            listed: None,
            upload: upload.map(|upload| upload.of(Arc::clone(session), id)),
        };
        if deadline.is_some_and(|deadline| deadline <= now()) {
            let message = "the deadline passed before the call was started";
            let status = Status::not_started(Code::DeadlineExceeded, message);
            exchange.outcome = Some(Err(Failure::Status(status)));
            return exchange;
        }
        let request = Request { id, opening, arguments, cost: 0 };
        exchange.serve(serve, request, deadline);
        exchange
    }

    fn serve(&mut self, serve: &dyn Serve, request: Request, deadline: Option<Instant>) {
        let origin: Arc<dyn Origin> = Arc::clone(&self.session) as _;
        let facts = Facts {
            origin: Arc::clone(&origin),
            since: now(),
            deadline,
            arguments: request.arguments.len(),
        };
        let mut slot = HandlerSlot::default();
        // Arguments are read by code of the user's.
        let found = catch_unwind(AssertUnwindSafe(|| {
            let how = serve.serve(IncomingCall { request, origin }, &mut slot);
            if let Some(how) = &how {
                self.listed = Listed::enter(how.guard, facts).map(Box::new);
            }
            how.map(|how| (how.order, Arc::clone(how.guard))).unzip()
        }));
        match found {
            Ok((order, guard)) => {
                (self.order, self.guard, self.reply) = (order.flatten(), guard, slot.take());
                self.deadline = deadline.map(|deadline| Box::pin(sleep_until(deadline.into())));
            }
            Err(panic) => self.outcome = Some(Err(Failure::Status(panicked(&*panic)))),
        }
    }

    /// The order that the handler keeps.
    pub(super) const fn order(&self) -> Option<u32> {
        self.order
    }

    pub(super) const fn id(&self) -> CallId {
        self.id
    }

    pub(super) const fn streams(&self) -> Streams {
        self.streams
    }

    /// Whether polls of such handlers take long, so that they are better made elsewhere.
    pub(super) fn is_slow(&self) -> bool {
        self.guard.as_ref().is_some_and(|guard| guard.is_slow())
    }

    /// Whether the call is likely to have ended when it is polled once, and has no items.
    pub(super) fn is_short(&self) -> bool {
        self.streams == Streams::NONE && !self.is_slow()
    }

    /// The end of a call without items, if it comes at once. How long that takes is remembered of its method.
    pub(super) fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<Outcome> {
        let sampled = self.guard.as_ref().filter(|guard| guard.wants_sample());
        let sampled = sampled.map(|guard| (Arc::clone(guard), now()));
        let event = self.poll_event(cx);
        if let Some((guard, began)) = sampled {
            guard.record(now().saturating_duration_since(began));
        }
        match event {
            Poll::Ready(Event::End(outcome, _)) => Poll::Ready(outcome),
            _ => Poll::Pending,
        }
    }

    /// The end of a call without a stream of items, with what came beside it.
    pub(super) async fn ended(mut self) -> (Outcome, Option<Metadata>) {
        loop {
            match poll_fn(|cx| self.poll_event(cx)).await {
                Event::End(outcome, metadata) => return (outcome, metadata),
                Event::Accepted(_) | Event::Item(_) => {}
            }
        }
    }

    /// What happens next. Not to be polled after the end.
    pub(super) fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        if let Some(deadline) = &mut self.deadline
            && self.outcome.is_none()
            && deadline.as_mut().poll(cx).is_ready()
        {
            let message = "the deadline passed while the handler ran";
            let status = Status::new(Code::DeadlineExceeded, message);
            let outcome = Err(Failure::Status(status));
            if let Some(mut listed) = self.listed.take() {
                listed.ends(&outcome);
            }
            (self.outcome, self.reply) = (Some(outcome), None);
        }
        loop {
            if let Some(upload) = &mut self.upload
                && self.outcome.is_none()
                && upload.poll(cx).is_ready()
            {
                self.upload = None;
            }
            let taken = self.streams.down().then(|| self.session.take(self.id, cx)).flatten();
            match taken {
                Some(Taken::Accepted(metadata)) => return Poll::Ready(Event::Accepted(metadata)),
                Some(Taken::Item(item)) => return Poll::Ready(Event::Item(item)),
                None => {}
            }
            if let Some(outcome) = self.outcome.take() {
                let metadata = self.session.take_beside(self.id);
                return Poll::Ready(Event::End(outcome, metadata));
            }
            let Some(reply) = &mut self.reply else { return Poll::Pending };
            // What was sent while it was polled woke the task that polls this.
            let outcome = match &mut self.listed {
                None => ready!(Pin::new(reply).poll(cx)),
                Some(listed) => ready!(listed.poll(reply, cx)),
            };
            self.outcome = Some(outcome);
            (self.reply, self.listed) = (None, None);
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.reply = None;
        if self.streams != Streams::NONE {
            self.session.forget(self.id);
        } else if self.outcome.is_some() {
            drop(self.session.take_beside(self.id));
        }
    }
}
