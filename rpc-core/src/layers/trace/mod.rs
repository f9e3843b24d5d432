//! Spans of calls, linked over processes by W3C `traceparent`.

mod clock;
mod context;
mod record;

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Instant, SystemTime},
};

use pin_project_lite::pin_project;
use tower::{Layer, Service};
use tracing::{Instrument as _, Span, instrument::Instrumented};

pub use self::{
    context::{TraceContext, TraceId},
    record::SpanRecord,
};
use super::{Answer, BoxError, Ending, Head, Kind, failure_of, names};
use crate::{
    proto::{Failure, Metadata},
    time::now,
    transport::PeerAddress,
};

/// Takes spans that have ended.
type Sink = Arc<dyn Fn(SpanRecord) + Send + Sync>;

/// Makes a span of every call, and links it to the one that it is part of, over processes.
///
/// On a client the span is a child of that of the handler which makes the call, and travels as W3C `traceparent` in the
/// metadata of the call; on a server it is a child of what came. A handler's calls by [`within`](crate::Call::within) carry it
/// on whether their channel has this layer or not, and so do its calls back.
///
/// Each span is one of the crate `tracing` (target `rpc_core::trace`, level `INFO`), with the names that OpenTelemetry gives
/// to what calls have, and with `trace_id`, `span_id` and `parent_id`. What is to be sent to a collector is had from
/// [`Self::to`].
#[derive(Clone, Default)]
pub struct Trace {
    sink: Option<Sink>,
    /// Of so many traces that begin here one is sampled; zero for all.
    one_in: u32,
}

impl Trace {
    /// Spans for `tracing` alone; all traces are sampled that begin here.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives each sampled span that has ended to `sink`, which is to be quick: one that sends them to a collector puts them
    /// into a queue.
    #[must_use]
    pub fn to(mut self, sink: impl Fn(SpanRecord) + Send + Sync + 'static) -> Self {
        self.sink = Some(Arc::new(sink));
        self
    }

    /// Samples one trace in so many of those that begin here. Those that began elsewhere are sampled if they were there.
    #[must_use]
    pub const fn one_in(mut self, traces: u32) -> Self {
        self.one_in = traces;
        self
    }

    /// The context of a span below what the request came with, or what is present; and the number of the one above.
    fn begin(&self, kind: Kind, metadata: &Metadata) -> (TraceContext, Option<u64>) {
        let sent = || TraceContext::sent(metadata);
        let parent = match kind {
            Kind::Server => sent(),
            // A call within a handler is part of what that does, whatever else was set.
            Kind::Client => TraceContext::current().or_else(sent),
        };
        match parent {
            Some(parent) => (parent.child(), Some(parent.span_id())),
            None => (TraceContext::root(self.one_in), None),
        }
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace").field("one_in", &self.one_in).finish_non_exhaustive()
    }
}

/// The service of [`Trace`].
#[derive(Clone, Debug)]
pub struct Traced<S> {
    inner: S,
    options: Trace,
}

impl<S> Layer<S> for Trace {
    type Service = Traced<S>;

    fn layer(&self, inner: S) -> Traced<S> {
        Traced { inner, options: self.clone() }
    }
}

impl<R, S> Service<R> for Traced<S>
where
    R: Head,
    S: Service<R, Response: Answer, Error: Into<BoxError>, Future: Send + 'static>,
{
    type Response = S::Response;
    type Error = Failure;
    type Future = TracedFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.inner.poll_ready(cx).map_err(|error| failure_of(error.into()))
    }

    fn call(&mut self, mut request: R) -> Self::Future {
        let (context, parent) = self.options.begin(R::KIND, request.metadata());
        request.set_trace(context);
        let (mut open, mut span) = (None, Span::none());
        if context.is_sampled() {
            span = span_of(&request, context, parent);
            open = self.options.sink.clone().map(|sink| {
                let (began, at) = clock::both();
                let (method, kind) = (request.method(), R::KIND);
                let peer = request.peer().map(|peer| peer.address().clone());
                Open { sink, method, kind, context, parent, peer, at, began }
            });
        }
        let answer = span.in_scope(|| self.inner.call(request));
        let ends = Ends { open, span: span.clone() };
        let answer = Some(answer.instrument(span));
        let handles = R::KIND == Kind::Server;
        TracedFuture { answer, context: handles.then_some(context), ends: Some(ends) }
    }
}

pin_project! {
    /// A call in its span.
    #[must_use = "a call goes on when it is polled"]
    pub struct TracedFuture<F> {
        // Until it has ended.
        #[pin]
        answer: Option<Instrumented<F>>,
        // That of a handler, in which others are made.
        context: Option<TraceContext>,
        ends: Option<Ends>,
    }

    impl<F> PinnedDrop for TracedFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.answer.is_some() {
                within(*this.context, || this.answer.set(None));
            }
        }
    }
}

/// Does work in the span of a handler, if there is one.
fn within<T>(context: Option<TraceContext>, work: impl FnOnce() -> T) -> T {
    match context {
        Some(context) => context.within(work),
        None => work(),
    }
}

impl<F, A, E> Future for TracedFuture<F>
where
    F: Future<Output = Result<A, E>>,
    A: Answer,
    E: Into<BoxError>,
{
    type Output = Result<A, Failure>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let answer = ready!(within(*this.context, || {
            // Polled after its end, which futures need not allow; there is nothing to come.
            let Some(answer) = this.answer.as_mut().as_pin_mut() else { return Poll::Pending };
            let answer = ready!(answer.poll(cx));
            this.answer.set(None);
            Poll::Ready(answer)
        }));
        let ends = this.ends.take();
        Poll::Ready(match answer {
            Ok(mut answer) => {
                if let Some(ends) = ends {
                    answer.on_end(move |ending| ends.end(ending));
                }
                Ok(answer)
            }
            Err(error) => {
                let failure = failure_of(error.into());
                if let Some(ends) = ends {
                    ends.end(Ending::Failed(&failure));
                }
                Err(failure)
            }
        })
    }
}

impl<F> fmt::Debug for TracedFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TracedFuture").finish_non_exhaustive()
    }
}

fn span_of<R: Head>(request: &R, context: TraceContext, parent: Option<u64>) -> Span {
    tracing::info_span!(
        target: "rpc_core::trace",
        "rpc",
        otel.name = request.method(),
        otel.kind = kind_of(request),
        rpc.system.name = names::SYSTEM,
        rpc.method = request.method(),
        rpc.response.status_code = tracing::field::Empty,
        error.r#type = tracing::field::Empty,
        network.peer.address = request.peer().map(|peer| display(peer.address())),
        trace_id = %context.trace_id(),
        span_id = %context::span_text(context.span_id()),
        parent_id = parent.map(|parent| display(context::span_text(parent))),
    )
}

const fn kind_of<R: Head>(_: &R) -> &'static str {
    match R::KIND {
        Kind::Client => "client",
        Kind::Server => "server",
    }
}

/// A span that has begun, for a sink.
struct Open {
    sink: Sink,
    method: &'static str,
    kind: Kind,
    context: TraceContext,
    parent: Option<u64>,
    peer: Option<PeerAddress>,
    at: SystemTime,
    began: Instant,
}

/// Ends a span once, as cancelled where it is dropped before.
struct Ends {
    open: Option<Open>,
    span: Span,
}

impl Ends {
    fn end(mut self, ending: Ending<'_>) {
        self.tell(match ending {
            Ending::Done => "OK",
            Ending::Failed(failure) => names::status(Some(failure)),
            Ending::Dropped => "CANCELLED",
        });
    }

    fn tell(&mut self, status: &'static str) {
        if !self.span.is_none() {
            self.span.record("rpc.response.status_code", status);
            if status != "OK" {
                self.span.record("error.type", status);
            }
            self.span = Span::none();
        }
        if let Some(open) = self.open.take() {
            let took = now().saturating_duration_since(open.began);
            (open.sink)(SpanRecord {
                context: open.context,
                parent: open.parent,
                kind: open.kind,
                method: open.method,
                peer: open.peer,
                began: open.at,
                took,
                status,
            });
        }
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        if self.open.is_some() || !self.span.is_none() {
            self.tell("CANCELLED");
        }
    }
}
