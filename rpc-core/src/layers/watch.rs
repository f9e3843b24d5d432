//! Traces and metrics of a server's calls by looking on: what sees a call's begin and end and nothing between needs no future
//! around it. Both look at one clock, twice for a call that comes alone, and once for each of those that are served one
//! right after the other: where one has ended the next one begins, and what is recorded of the first is time of the second.

#[cfg(feature = "metrics")]
use std::sync::OnceLock;
use std::{
    any::Any,
    cell::Cell,
    sync::Arc,
    time::{Instant, SystemTime},
};

use tracing::Span;

#[cfg(feature = "metrics")]
use super::metrics::{Figures, Metrics};
use super::{
    Called, names,
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
}

impl Watching {
    pub(crate) fn new(watchers: Watchers) -> Arc<Self> {
        Arc::new(Self {
            watchers,
            #[cfg(feature = "metrics")]
            figures: OnceLock::new(),
        })
    }

    /// The same for another method.
    pub(crate) fn fresh(&self) -> Arc<Self> {
        Self::new(self.watchers.clone())
    }

    /// Looks on at a call, whose handler is put into `slot` next. Gives the trace that its request is to be told of, and the
    /// span that it is made in, if anybody listens.
    pub(crate) fn begin(
        self: &Arc<Self>,
        called: &Called<'_>,
        slot: &mut HandlerSlot,
    ) -> (Option<TraceContext>, Option<Span>) {
        let watched = slot.is_watched();
        slot.watch(|seen: &mut Seen| {
            let seen = if watched { seen.innermost() } else { seen };
            let trace = seen.begin(self, called);
            (trace, seen.span.span.as_deref().cloned())
        })
    }
}

/// A call that is looked on at. What it holds is written where it stands, call after call: it is long to move.
struct Seen {
    /// While there is a call, and for the next one of the same method until other things come between.
    watching: Option<Arc<Watching>>,
    /// Whether there is a call.
    is_on: bool,
    began: Instant,
    /// When the last call ended, if nothing has come since.
    ended: Option<Moment>,
    span: Begun,
    /// What the current span was when that of the call was entered.
    before: Cell<Option<TraceContext>>,
    /// Whether the call counts among those that run.
    #[cfg(feature = "metrics")]
    lasts: Cell<bool>,
    /// The same call, by those who look on within.
    within: Option<Box<Self>>,
}

/// An instant, and its date if that is known.
#[derive(Clone, Copy)]
struct Moment {
    at: Instant,
    date: Option<SystemTime>,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            watching: None,
            is_on: false,
            began: now(),
            ended: None,
            span: Begun::default(),
            before: Cell::new(None),
            #[cfg(feature = "metrics")]
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
        if self.is_on
            && let Some(watching) = &self.watching
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

    fn rest(&mut self) {
        self.ended = None;
        if !self.is_on {
            self.watching = None;
        }
    }
}

impl Seen {
    fn begin(&mut self, watching: &Arc<Watching>, called: &Called<'_>) -> Option<TraceContext> {
        let Moment { at, date } = match self.ended.take() {
            Some(moment) => moment,
            None => Moment { at: now(), date: None },
        };
        self.began = at;
        // A locked instruction each way is what it costs to hold it anew.
        if !self.watching.as_ref().is_some_and(|kept| Arc::ptr_eq(kept, watching)) {
            self.watching = Some(Arc::clone(watching));
        }
        self.is_on = true;
        #[cfg(feature = "metrics")]
        if let Some(metrics) = &watching.watchers.metrics {
            watching.figures.get_or_init(|| metrics.figures(called));
        }
        let trace = watching.watchers.trace.as_ref()?;
        Some(trace.open(called, at, date, &mut self.span))
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
        if !std::mem::take(&mut self.is_on) {
            return;
        }
        let Some(watching) = &self.watching else { return };
        let at = now();
        let took = at.saturating_duration_since(self.began);
        #[cfg(feature = "metrics")]
        if let Some(figures) = watching.figures.get() {
            figures.ended(status, took.as_secs_f64());
            if self.lasts.take() {
                figures.running.decrement(1.0);
            }
        }
        // What is written of a span, or done for an outcome that is seldom, is none of the next call's time.
        let is_next = status == "OK" && !self.span.is_listened_to();
        let mut date = None;
        if let Some(trace) = &watching.watchers.trace {
            date = trace.close(&mut self.span, took, status);
        }
        self.ended = is_next.then_some(Moment { at, date });
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        self.end("CANCELLED");
    }
}
