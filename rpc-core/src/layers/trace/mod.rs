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
    time::{Duration, Instant, SystemTime},
};

use pin_project_lite::pin_project;
use tower::{Layer, Service};
use tracing::{Instrument as _, Level, Span, instrument::Instrumented};

pub use self::{
    context::{TraceContext, TraceId},
    record::SpanRecord,
};
use super::{Answer, BoxError, Called, Ending, Head, Kind, failure_of, names};
use crate::{proto::Failure, time::now, transport::PeerAddress};

/// Takes spans that have ended.
type Sink = Arc<dyn Fn(SpanRecord) + Send + Sync>;

/// Makes a span of every call, and links it to the one that it is part of, over processes.
///
/// On a client the span is a child of that of the handler which makes the call, and travels as W3C `traceparent` in the
/// metadata of the call; on a server it is a child of what came. A handler's calls by [`within`](crate::Call::within) carry it
/// on whether their channel has this layer or not, and so do its calls back.
///
/// Each span is one of the crate `tracing` (target `rpc_core::trace`, level `INFO`), with the names that OpenTelemetry gives
/// to what calls have, and with `trace_id`, `span_id` and `parent_id`; where no subscriber listens, none is made, nor handed
/// to the crate `log`. What is to be sent to a collector is had from
/// [`Self::to`].
///
/// A server that is given many calls at once serves them one right after the other, and looks at the clock once for each: a
/// call begins where the one before it on its connection has ended, what the sink and the recorder of metrics took for that one included. After
/// anything else, and where a subscriber of `tracing` listens, it begins at a look of its own.
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
    #[inline]
    fn begin(&self, called: &Called<'_>) -> (TraceContext, Option<u64>) {
        let sent = || TraceContext::sent(called.metadata);
        let parent = match called.kind {
            Kind::Server => sent(),
            // A call within a handler is part of what that does, whatever else was set.
            Kind::Client => TraceContext::current().or_else(sent),
        };
        match parent {
            Some(parent) => (parent.child(), Some(parent.span_id())),
            None => (TraceContext::root(self.one_in), None),
        }
    }

    /// Begins the span of a call at an instant and its date if that is known; gives the trace that its request is to be told of.
    /// Where it stands: it is long to move.
    #[inline]
    pub(super) fn open(
        &self,
        called: &Called<'_>,
        began: Instant,
        date: Option<SystemTime>,
        begun: &mut Begun,
    ) -> TraceContext {
        let (context, parent) = self.begin(called);
        begun.context = Some(context);
        begun.is_kept = context.is_sampled() && self.sink.is_some();
        if !context.is_sampled() {
            return context;
        }
        // Where the feature `log` of `tracing` is on, a span costs what its fields do even if nobody listens.
        if tracing::enabled!(target: "rpc_core::trace", Level::INFO) {
            let span = span_of(called, context, parent);
            begun.span = (!span.is_disabled()).then(|| Box::new(span));
        }
        if begun.is_kept {
            (begun.method, begun.kind, begun.parent) = (called.method, called.kind, parent);
            begun.peer = called.peer.map(|peer| peer.address().clone());
            begun.at = date.unwrap_or_else(|| clock::date_of(began));
        }
        context
    }

    /// Ends a span, if one has begun; gives the date of its end where it is known.
    #[inline]
    pub(super) fn close(
        &self,
        begun: &mut Begun,
        took: Duration,
        status: &'static str,
    ) -> Option<SystemTime> {
        let context = begun.context.take()?;
        if let Some(span) = begun.span.take() {
            span.record("rpc.response.status_code", status);
            if status != "OK" {
                span.record("error.type", status);
            }
        }
        if let (Some(sink), true) = (&self.sink, begun.is_kept) {
            let Begun { method, kind, parent, at, .. } = *begun;
            let peer = begun.peer.take();
            sink(SpanRecord { context, parent, kind, method, peer, began: at, took, status });
            return Some(at + took);
        }
        None
    }
}

/// A span that has begun.
pub(super) struct Begun {
    /// Until it has ended.
    context: Option<TraceContext>,
    /// Whether it is given out when it has ended, with what follows.
    is_kept: bool,
    method: &'static str,
    kind: Kind,
    parent: Option<u64>,
    peer: Option<PeerAddress>,
    at: SystemTime,
    /// That of `tracing`, if anybody listens. In a box, for it is seldom there.
    pub(super) span: Option<Box<Span>>,
}

/// None that has begun.
impl Default for Begun {
    fn default() -> Self {
        Self {
            context: None,
            is_kept: false,
            method: "",
            kind: Kind::Server,
            parent: None,
            peer: None,
            at: SystemTime::UNIX_EPOCH,
            span: None,
        }
    }
}

impl Begun {
    /// Whether a subscriber of `tracing` hears of it.
    pub(super) const fn is_listened_to(&self) -> bool {
        self.span.is_some()
    }

    /// Makes it the current span, if it has begun; gives the one before, to be put back.
    #[inline]
    pub(super) fn enter(&self) -> Option<TraceContext> {
        if let Some(span) = &self.span {
            span.with_subscriber(|(id, dispatch)| dispatch.enter(id));
        }
        self.context?.enter()
    }

    /// Makes what was current before [`Self::enter`] current again.
    #[inline]
    pub(super) fn leave(&self, before: Option<TraceContext>) {
        if self.context.is_some() {
            TraceContext::put_back(before);
        }
        if let Some(span) = &self.span {
            span.with_subscriber(|(id, dispatch)| dispatch.exit(id));
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
        let (began, mut begun) = (now(), Begun::default());
        let context = self.options.open(&Called::by(&request), began, None, &mut begun);
        request.set_trace(context);
        let context = begun.context.filter(|_| R::KIND == Kind::Server);
        let span = begun.span.as_deref().cloned().unwrap_or_else(Span::none);
        let answer = span.in_scope(|| self.inner.call(request));
        let answer = Some(answer.instrument(span));
        let ends = Ends { options: self.options.clone(), began, begun };
        TracedFuture { answer, context, ends: Some(ends) }
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

#[cold]
fn span_of(called: &Called<'_>, context: TraceContext, parent: Option<u64>) -> Span {
    tracing::info_span!(
        target: "rpc_core::trace",
        "rpc",
        otel.name = called.method,
        otel.kind = match called.kind {
            Kind::Client => "client",
            Kind::Server => "server",
        },
        rpc.system.name = names::SYSTEM,
        rpc.method = called.method,
        rpc.response.status_code = tracing::field::Empty,
        error.r#type = tracing::field::Empty,
        network.peer.address = called.peer.map(|peer| display(peer.address())),
        trace_id = %context.trace_id(),
        span_id = %context::span_text(context.span_id()),
        parent_id = parent.map(|parent| display(context::span_text(parent))),
    )
}

/// Ends a span once, as cancelled where it is dropped before.
struct Ends {
    options: Trace,
    began: Instant,
    begun: Begun,
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
        if self.begun.context.is_some() {
            let took = now().saturating_duration_since(self.began);
            self.options.close(&mut self.begun, took, status);
        }
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        self.tell("CANCELLED");
    }
}
