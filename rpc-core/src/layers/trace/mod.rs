//! Spans of calls, linked over processes by W3C `traceparent`.

mod context;
mod record;

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
    time::SystemTime,
};

use tower::{Layer, Service};
use tracing::Instrument as _;

use self::context::CURRENT;
pub use self::{
    context::{TraceContext, TraceId},
    record::SpanRecord,
};
use super::{Answer, BoxError, Ending, Head, Kind, LayerFuture, failure_of, names};
use crate::{
    proto::{Failure, Metadata},
    time::now,
};

/// The key of metadata that carries a trace.
const KEY: &str = "traceparent";

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

    /// The context of a span below what the request came with, or what is present.
    fn begin(&self, kind: Kind, metadata: &Metadata) -> (TraceContext, Option<TraceContext>) {
        let sent = metadata.value(KEY).and_then(TraceContext::parse);
        let present = CURRENT.try_with(Clone::clone).ok();
        let parent = match kind {
            Kind::Server => sent,
            // A call within a handler is part of what that does, whatever else was set.
            Kind::Client => present.or(sent),
        };
        let context = match &parent {
            Some(parent) => parent.child(),
            None => TraceContext::root(self.one_in),
        };
        (context, parent)
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
    type Future = LayerFuture<S::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.inner.poll_ready(cx).map_err(|error| failure_of(error.into()))
    }

    fn call(&mut self, mut request: R) -> Self::Future {
        let (context, parent) = self.options.begin(R::KIND, request.metadata());
        let text = context.to_string();
        // What is too much for metadata is left out: the call is worth more than its trace.
        let _ = request.change_metadata(|pairs| pairs.set(KEY, &text));
        let span = span(&request, &context, parent.as_ref());
        let record = self.options.sink.clone().filter(|_| context.is_sampled()).map(|sink| {
            let peer = request.peer().map(|peer| peer.address().to_string());
            Open {
                sink,
                method: request.method(),
                kind: R::KIND,
                context: context.clone(),
                parent,
                peer,
                at: SystemTime::now(),
                began: now(),
            }
        });
        let guard = span.enter();
        let answer = self.inner.call(request);
        drop(guard);
        let ended = span.clone();
        let record = Ends { open: record, span: ended };
        let answer = async move {
            match answer.await {
                Ok(mut answer) => {
                    answer.on_end(move |ending| record.end(ending));
                    Ok(answer)
                }
                Err(error) => {
                    let failure = failure_of(error.into());
                    record.end(Ending::Failed(&failure));
                    Err(failure)
                }
            }
        };
        match R::KIND {
            Kind::Server => Box::pin(CURRENT.scope(context, answer.instrument(span))),
            Kind::Client => Box::pin(answer.instrument(span)),
        }
    }
}

fn span(
    request: &impl Head,
    context: &TraceContext,
    parent: Option<&TraceContext>,
) -> tracing::Span {
    if !context.is_sampled() {
        return tracing::Span::none();
    }
    let kind = kind_of(request);
    tracing::info_span!(
        target: "rpc_core::trace",
        "rpc",
        otel.name = request.method(),
        otel.kind = kind,
        rpc.system.name = names::SYSTEM,
        rpc.method = request.method(),
        rpc.response.status_code = tracing::field::Empty,
        error.r#type = tracing::field::Empty,
        network.peer.address = request.peer().map(|peer| tracing::field::display(peer.address().clone())),
        trace_id = %context.trace_id(),
        span_id = %context.span_text(),
        parent_id = parent.map(|parent| tracing::field::display(parent.span_text())),
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
    parent: Option<TraceContext>,
    peer: Option<String>,
    at: SystemTime,
    began: std::time::Instant,
}

/// Ends a span once, as cancelled where it is dropped before.
struct Ends {
    open: Option<Open>,
    span: tracing::Span,
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
        self.span.record("rpc.response.status_code", status);
        if status != "OK" {
            self.span.record("error.type", status);
        }
        self.span = tracing::Span::none();
        if let Some(open) = self.open.take() {
            let took = now().saturating_duration_since(open.began);
            (open.sink)(SpanRecord {
                context: open.context,
                parent: open.parent.map(|parent| parent.span_id()),
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
