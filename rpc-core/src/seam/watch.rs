//! Those who look on at the handlers of a slot.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::panicked;
use crate::proto::Outcome;

/// Who looks on at a handler.
pub(super) struct Watched {
    pub(super) state: WatchState,
    pub(super) watch: Box<dyn Watch>,
}

/// What somebody does who looks on at handlers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum WatchState {
    /// Looks on.
    On,
    /// Has seen the end of a handler, right after which the next one may come.
    Ended,
    /// Nothing, and is left for the sake of its place in memory.
    Rests,
}

/// Looks on while a handler runs. Dropped before it was told of an end, it takes the call for given up.
pub(crate) trait Watch: Any + Send {
    /// The handler is polled next, or dropped.
    fn enter(&self);

    /// It was.
    fn leave(&self);

    /// The handler was not ready at once.
    fn lasts(&self);

    /// The call has ended so; it is another one's next.
    fn ended(&mut self, outcome: &Outcome);

    /// The call was given up; it is another one's next.
    fn dropped(&mut self);

    /// Other things come before that: nothing is to be kept of the one that has ended.
    fn rest(&mut self);
}

impl Watched {
    /// No call follows at once that it looks on at.
    #[inline]
    pub(super) fn rest(&mut self) {
        if self.state == WatchState::Ended {
            self.state = WatchState::Rests;
            caught(|| self.watch.rest());
        }
    }
}

/// Tells somebody who looks on. Exporters are code of the user's, and a panic of theirs is nothing to the connection.
pub(super) fn caught(tell: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(tell)) {
        panicked(&*panic);
    }
}
