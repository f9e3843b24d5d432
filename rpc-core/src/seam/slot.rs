//! Where a handler is put so that it can be polled, and what is taken out of there: a reply.

#[cfg(feature = "tower")]
use std::cell::RefCell;
use std::{
    any::Any,
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use tracing::{Span, span::Entered};

#[cfg(feature = "tower")]
use super::{
    Left,
    watch::{Watch, WatchState, Watched, caught},
};
use super::{SlowGuard, ledger};
use crate::{
    proto::{Code, Failure, Outcome, Status},
    time::now,
};

/// Where the future of a handler stands, which may be that of the next call of the same method as well: an allocation for
/// each is what most handlers cost besides their own work.
trait Stand: Send {
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome>;

    /// Takes the future out of `next` if it is of this type.
    fn refill(self: Pin<&mut Self>, next: &mut dyn Any) -> bool;
}

impl<F: Future<Output = Outcome> + Send + 'static> Stand for Option<F> {
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        // Each handler's future has this: nothing that is a function more.
        match self.as_pin_mut() {
            Some(handler) => handler.poll(cx),
            None => Poll::Pending,
        }
    }

    #[inline]
    fn refill(mut self: Pin<&mut Self>, next: &mut dyn Any) -> bool {
        let Some(next) = next.downcast_mut::<Self>() else { return false };
        // What was there has ended: set to nothing first, the next one need not be kept elsewhere while that is dropped.
        self.set(None);
        self.set(next.take());
        true
    }
}

type HandlerBox = Pin<Box<dyn Stand>>;

/// Places that are kept on each thread, one for each of so many layers around a method.
#[cfg(feature = "tower")]
const SPARES: usize = 4;

#[cfg(feature = "tower")]
thread_local! {
    /// Where handlers within layers stood that have ended, the innermost first. Bounded by: [`SPARES`].
    static SPARE: RefCell<Vec<HandlerBox>> = const { RefCell::new(Vec::new()) };
}

/// Takes the future of one handler.
#[derive(Default)]
pub struct HandlerSlot {
    handler: Option<HandlerBox>,
    beside: Beside,
    #[cfg(feature = "tower")]
    left: Left,
}

/// What few handlers have.
#[derive(Default)]
struct Beside {
    /// Told how the call ends.
    told: Option<Arc<dyn CallEnd>>,
    /// What the handler is polled in, if anybody listens.
    span: Option<Box<Span>>,
    /// In a box, so that slots are short to move.
    #[cfg(feature = "tower")]
    watched: Option<Box<Watched>>,
}

/// Told of the end of a call that is served.
pub(crate) trait CallEnd: Send + Sync {
    /// The handler has its outcome, which is sent next. Not for one that panicked.
    fn replied(&self);

    /// The call is over, however it ended.
    fn over(&self);
}

impl HandlerSlot {
    /// Puts a handler in.
    #[inline]
    pub(crate) fn run<F: Future<Output = Outcome> + Send + 'static>(&mut self, handler: F) {
        let mut handler = Some(handler);
        if !self.refill(&mut handler) {
            self.stand(Box::pin(handler));
        }
    }

    // There is a `run` for each method: what is done whatever its future is not to be generic.
    fn refill(&mut self, next: &mut dyn Any) -> bool {
        self.handler.as_mut().is_some_and(|place| place.as_mut().refill(next))
    }

    #[inline(never)]
    fn stand(&mut self, handler: HandlerBox) {
        self.handler = Some(handler);
    }

    /// Puts a future around the handler that is in; who is told of the end stays.
    pub(crate) fn around<F: Future<Output = Outcome> + Send + 'static>(
        &mut self,
        wrap: impl FnOnce(Reply) -> F,
    ) {
        if let Some(handler) = self.handler.take() {
            let beside = self.beside.take_watched();
            self.run(wrap(Reply { handler: Some(handler), beside }));
        }
    }

    /// Has somebody told of the end of the call.
    pub(crate) fn tell(&mut self, told: Arc<dyn CallEnd>) {
        self.beside.told = Some(told);
    }

    /// Has the handler polled, and dropped, inside a span.
    pub(crate) fn enter(&mut self, span: Span) {
        self.beside.span = Some(Box::new(span));
    }

    /// Polls the handler once where it stands.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Outcome> {
        let Some(handler) = &mut self.handler else { return Poll::Pending };
        let outcome = poll_caught(handler, &self.beside, cx);
        match &outcome {
            Poll::Ready(outcome) => self.beside.end(Some(outcome)),
            Poll::Pending => self.beside.lasts(),
        }
        outcome
    }

    /// Has the handler that comes looked on at, by what is left from an earlier one if that is of this type.
    #[cfg(feature = "tower")]
    #[inline]
    pub(crate) fn watch<W: Watch + Default, T>(&mut self, begin: impl FnOnce(&mut W) -> T) -> T {
        loop {
            if let Some(left) = &mut self.beside.watched
                && let Some(watch) = (&mut *left.watch as &mut dyn Any).downcast_mut()
            {
                left.state = WatchState::On;
                return begin(watch);
            }
            self.make_watch::<W>();
        }
    }

    #[cfg(feature = "tower")]
    #[cold]
    fn make_watch<W: Watch + Default>(&mut self) {
        let watch = Box::<W>::default();
        self.beside.watched = Some(Box::new(Watched { state: WatchState::On, watch }));
    }

    /// Whether somebody looks on at the handler already.
    #[cfg(feature = "tower")]
    pub(crate) fn is_watched(&self) -> bool {
        self.beside.watch().is_some()
    }

    /// No call follows the last one at once: who looked on keeps nothing of it, nor do those that were called.
    #[cfg(feature = "tower")]
    #[inline]
    pub(crate) fn rest(&mut self) {
        if let Some(watched) = &mut self.beside.watched {
            watched.rest();
        }
        if let Left::Something(left) = &mut self.left {
            caught(|| left.rest());
        }
    }

    /// The handler could not be made: the call ends so.
    #[cfg(feature = "tower")]
    pub(crate) fn unmade(&mut self, status: Status) {
        self.beside.end(Some(&Err(Failure::Status(status))));
    }

    /// Polls the handler for the first time, with a waker of nobody's; gives when that began and how long it took, if it is
    /// one of those that are measured.
    #[inline]
    pub(crate) fn poll_first(
        &mut self,
        guard: Option<&SlowGuard>,
    ) -> (Poll<Outcome>, Option<(Instant, Duration)>) {
        let measured = guard.filter(|guard| guard.wants_sample()).map(|guard| (guard, now()));
        // A store costs less than to ask whether somebody looks at what is noted.
        ledger::clear();
        let polled = self.poll(&mut Context::from_waker(Waker::noop()));
        let timed = measured.map(|(guard, began)| {
            let took = now().saturating_duration_since(began);
            guard.record(took);
            (began, took)
        });
        (polled, timed)
    }

    /// A slot for a handler within a layer: with a place where one stood that has ended, if there is such a place.
    #[cfg(feature = "tower")]
    pub(crate) fn spare() -> Self {
        let handler = SPARE.with_borrow_mut(Vec::pop);
        Self { handler, ..Self::default() }
    }

    /// A slot for handlers one after the other.
    pub(crate) fn for_many() -> Self {
        Self {
            #[cfg(feature = "tower")]
            left: Left::Nothing,
            ..Self::default()
        }
    }

    /// What the call before this one has left.
    #[cfg(feature = "tower")]
    pub(crate) const fn left(&mut self) -> &mut Left {
        &mut self.left
    }

    /// Leaves the place of a handler that has ended to later ones.
    #[cfg(feature = "tower")]
    pub(crate) fn give_back(&mut self) {
        if let Some(place) = self.handler.take() {
            let left = SPARE.with_borrow_mut(|spare| match spare.len() {
                ..SPARES => {
                    spare.push(place);
                    None
                }
                _ => Some(place),
            });
            // A destructor of a future's may use a slot itself.
            drop(left);
        }
    }

    /// Takes the handler out, to be polled elsewhere.
    pub(crate) fn take(&mut self) -> Option<Reply> {
        let handler = Some(self.handler.take()?);
        self.beside.lasts();
        Some(Reply { handler, beside: std::mem::take(&mut self.beside) })
    }
}

impl Beside {
    /// The call has ended so; `None` where it was given up.
    #[inline]
    fn end(&mut self, outcome: Option<&Outcome>) {
        self.span = None;
        if let Some(told) = self.told.take() {
            told.over();
        }
        #[cfg(feature = "tower")]
        match self.watched.as_deref_mut() {
            Some(watched) if watched.state == WatchState::On => {
                watched.state = WatchState::Ended;
                let watch = &mut watched.watch;
                caught(|| match outcome {
                    Some(outcome) => watch.ended(outcome),
                    None => watch.dropped(),
                });
            }
            Some(watched) => watched.rest(),
            None => {}
        }
        #[cfg(not(feature = "tower"))]
        let _ = outcome;
    }

    /// The handler was not ready at once.
    #[inline]
    fn lasts(&self) {
        #[cfg(feature = "tower")]
        if let Some(watch) = self.watch() {
            caught(|| watch.lasts());
        }
    }

    /// Takes away who looks on, to go with the handler.
    #[cfg_attr(
        not(feature = "tower"),
        expect(clippy::unused_self, clippy::needless_pass_by_ref_mut, reason = "nobody looks on")
    )]
    fn take_watched(&mut self) -> Self {
        #[cfg(feature = "tower")]
        if self.watch().is_some() {
            return Self { watched: self.watched.take(), ..Self::default() };
        }
        Self::default()
    }

    #[cfg(feature = "tower")]
    #[inline]
    fn watch(&self) -> Option<&dyn Watch> {
        self.watched
            .as_deref()
            .filter(|watched| watched.state == WatchState::On)
            .map(|watched| &*watched.watch)
    }

    /// What the handler is polled, and dropped, in.
    #[inline]
    fn enter(&self) -> Inside<'_> {
        #[cfg(feature = "tower")]
        let watch = self.watch();
        #[cfg(feature = "tower")]
        watch.inspect(|watch| watch.enter());
        Inside {
            span: self.span.as_ref().map(|span| span.enter()),
            #[cfg(feature = "tower")]
            watch,
        }
    }
}

/// While a handler is polled, or dropped.
struct Inside<'a> {
    span: Option<Entered<'a>>,
    #[cfg(feature = "tower")]
    watch: Option<&'a dyn Watch>,
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        // What was entered last is left first.
        self.span = None;
        #[cfg(feature = "tower")]
        if let Some(watch) = self.watch {
            watch.leave();
        }
    }
}

/// The future of a reply: payload or failure. Its life is that of the handler, and so of the handler's stream; dropping
/// it ends both.
pub(crate) struct Reply {
    /// `None` once it has ended.
    handler: Option<HandlerBox>,
    beside: Beside,
}

impl Reply {
    /// Ends the handler; a panic in a destructor of it stays here.
    pub(crate) fn end(&mut self) {
        self.end_with(None);
    }

    fn end_with(&mut self, outcome: Option<&Outcome>) {
        let handler = self.handler.take();
        let dropped = catch_unwind(AssertUnwindSafe(|| {
            let _inside = self.beside.enter();
            drop(handler);
        }));
        if let Err(panic) = dropped {
            panicked(&*panic);
        }
        self.beside.end(outcome);
    }
}

impl Future for Reply {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        // Polled after its end, which futures need not allow; there is nothing to come.
        let Self { handler, beside } = &mut *self;
        let Some(handler) = handler else { return Poll::Pending };
        let outcome = std::task::ready!(poll_caught(handler, beside, cx));
        self.end_with(Some(&outcome));
        Poll::Ready(outcome)
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").finish_non_exhaustive()
    }
}

/// Polls a handler. A panic of it ends its call with `INTERNAL`, and nothing else.
#[inline]
fn poll_caught(handler: &mut HandlerBox, beside: &Beside, cx: &mut Context<'_>) -> Poll<Outcome> {
    let poll = || {
        let _inside = beside.enter();
        let outcome = handler.as_mut().poll(cx);
        if outcome.is_ready()
            && let Some(told) = &beside.told
        {
            told.replied();
        }
        outcome
    };
    catch_unwind(AssertUnwindSafe(poll))
        .unwrap_or_else(|panic| Poll::Ready(Err(Failure::Status(panicked(&*panic)))))
}

impl fmt::Debug for HandlerSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerSlot").finish_non_exhaustive()
    }
}

/// The status of a call whose handler panicked. The panic's words stay in the server's log: they may
/// hold what callers must not see.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Status {
    let words = panic.downcast_ref::<&str>().copied();
    let words = words.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = words.unwrap_or("not text"), "handler panicked");
    Status::new(Code::Internal, "handler panicked")
}
