//! Traces and metrics of a server's calls by looking on: what sees a call's begin and end and nothing between needs no future
//! around it, and both together look at the clock twice.

use std::{
    any::Any,
    cell::Cell,
    sync::{Arc, OnceLock},
    time::Instant,
};

use tracing::Span;

#[cfg(feature = "metrics")]
use super::metrics::{Figures, Metrics};
use super::{
    Head, names,
    trace::{Begun, Trace, TraceContext},
};
use crate::{
    proto::Outcome,
    seam::{HandlerSlot, Watch},
    time::now,
};

/// Those who look on at the same calls, of each kind one at most.
#[derive(Clone, Default)]
pub(crate) struct Watchers {
    trace: Option<Trace>,
    #[cfg(feature = "metrics")]
    metrics: Option<Metrics>,
}

/// The layer of this type, if it is.
fn of_type<T: Clone + 'static>(layer: &dyn Any) -> Option<T> {
    layer.downcast_ref::<T>().cloned()
}

/// One of the two; `None` where there are both.
fn either<T: Clone>(one: Option<&T>, other: Option<&T>) -> Option<Option<T>> {
    match (one, other) {
        (Some(_), Some(_)) => None,
        (one, other) => Some(one.or(other).cloned()),
    }
}

impl Watchers {
    /// What a layer is, if it need but look on.
    pub(crate) fn of(layer: &dyn Any) -> Option<Self> {
        #[cfg(feature = "metrics")]
        if let Some(metrics) = of_type(layer) {
            return Some(Self { metrics: Some(metrics), ..Self::default() });
        }
        let trace = of_type(layer)?;
        Some(Self { trace: Some(trace), ..Self::default() })
    }

    /// These and others in one; `None` where some of them are of one kind.
    pub(crate) fn join(&self, other: &Self) -> Option<Self> {
        Some(Self {
            trace: either(self.trace.as_ref(), other.trace.as_ref())?,
            #[cfg(feature = "metrics")]
            metrics: either(self.metrics.as_ref(), other.metrics.as_ref())?,
        })
    }
}

/// Those who look on at the calls of one method.
pub(crate) struct Watching {
    watchers: Watchers,
    /// What they record, once the method was called.
    #[cfg(feature = "metrics")]
    figures: OnceLock<Arc<Figures>>,
    #[cfg(not(feature = "metrics"))]
    figures: OnceLock<()>,
}

impl Watching {
    pub(crate) fn new(watchers: Watchers) -> Arc<Self> {
        Arc::new(Self { watchers, figures: OnceLock::new() })
    }

    /// The same for another method.
    pub(crate) fn fresh(&self) -> Arc<Self> {
        Self::new(self.watchers.clone())
    }

    /// Looks on at a call, whose handler is put into `slot` next. Gives the span that it is made in, if anybody listens.
    pub(crate) fn begin<R: Head>(
        self: &Arc<Self>,
        request: &mut R,
        slot: &mut HandlerSlot,
    ) -> Option<Span> {
        let watched = slot.is_watched();
        slot.watch(|seen: &mut Seen| {
            let seen = if watched { seen.innermost() } else { seen };
            seen.begin(self, request);
            seen.span.span.as_deref().cloned()
        })
    }
}

/// A call that is looked on at. What it holds is written where it stands, call after call: it is long to move.
struct Seen {
    /// While there is a call.
    watching: Option<Arc<Watching>>,
    began: Instant,
    span: Begun,
    /// What the current span was when that of the call was entered.
    before: Cell<Option<TraceContext>>,
    /// Whether the call counts among those that run.
    lasts: Cell<bool>,
    /// The same call, by those who look on within.
    within: Option<Box<Self>>,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            watching: None,
            began: now(),
            span: Begun::default(),
            before: Cell::new(None),
            lasts: Cell::new(false),
            within: None,
        }
    }
}

impl Watch for Seen {
    fn enter(&self) {
        self.before.set(self.span.enter());
        self.within.as_ref().inspect(|within| within.enter());
    }

    fn leave(&self) {
        self.within.as_ref().inspect(|within| within.leave());
        self.span.leave(self.before.get());
    }

    fn lasts(&self) {
        #[cfg(feature = "metrics")]
        if let Some(watching) = &self.watching
            && let Some(figures) = watching.figures.get()
            && !self.lasts.replace(true)
        {
            figures.running.increment(1.0);
        }
        self.within.as_ref().inspect(|within| within.lasts());
    }

    fn ended(&mut self, outcome: &Outcome) {
        self.end(names::status(outcome.as_ref().err()));
    }

    fn dropped(&mut self) {
        self.end("CANCELLED");
    }
}

impl Seen {
    fn begin<R: Head>(&mut self, watching: &Arc<Watching>, request: &mut R) {
        self.began = now();
        self.watching = Some(Arc::clone(watching));
        if let Some(trace) = &watching.watchers.trace {
            trace.open(request, self.began, &mut self.span);
        }
        #[cfg(feature = "metrics")]
        if let Some(metrics) = &watching.watchers.metrics {
            watching.figures.get_or_init(|| metrics.figures(request));
        }
    }

    /// That of one more who looks on within.
    #[cold]
    fn innermost(&mut self) -> &mut Self {
        match &mut self.within {
            Some(within) => within.innermost(),
            none => none.insert(Box::default()),
        }
    }

    fn end(&mut self, status: &'static str) {
        if let Some(mut within) = self.within.take() {
            within.end(status);
        }
        let Some(watching) = self.watching.take() else { return };
        let took = now().saturating_duration_since(self.began);
        #[cfg(feature = "metrics")]
        if let Some(figures) = watching.figures.get() {
            figures.ended(status, took.as_secs_f64());
            if self.lasts.take() {
                figures.running.decrement(1.0);
            }
        }
        if let Some(trace) = &watching.watchers.trace {
            trace.close(&mut self.span, took, status);
        }
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        self.end("CANCELLED");
    }
}
