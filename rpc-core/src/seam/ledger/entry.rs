//! A call in flight on the list, and its place there.

use std::{fmt, sync::Arc, time::Instant};

use parking_lot::Mutex;

use super::{Figures, Ledger, Thread, Waits, waiting};
use crate::{
    proto::{Outcome, Payload},
    seam::Origin,
    time::now,
};

/// What is known of a call when it is listed.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) origin: Arc<dyn Origin>,
    /// When its handler was first polled, or made.
    pub(crate) since: Instant,
    pub(crate) deadline: Option<Instant>,
    /// Bytes of its arguments.
    pub(crate) arguments: usize,
}

/// Ends a handler before its time.
pub(crate) trait Kill: Send + Sync {
    fn kill(&self);
}

/// A call in flight.
pub(crate) struct Entry {
    /// Its number on this server.
    pub(crate) call: u64,
    pub(crate) method: &'static str,
    pub(crate) facts: Facts,
    waits: Mutex<Waits>,
    kill: Arc<dyn Kill>,
}

impl Entry {
    pub(super) fn new(call: u64, method: &'static str, facts: Facts, kill: Arc<dyn Kill>) -> Self {
        Self { call, method, facts, waits: Mutex::new(waiting::noted()), kill }
    }

    pub(crate) fn waits(&self) -> Waits {
        *self.waits.lock()
    }

    pub(crate) fn kill(&self) {
        self.kill.kill();
    }
}

/// A call's place on the list, which it leaves when this is dropped.
pub(crate) struct Called {
    ledger: Arc<Ledger>,
    figures: Arc<Figures>,
    entry: Arc<Entry>,
    part: usize,
    key: usize,
    counted: bool,
}

impl Called {
    pub(super) fn new(
        ledger: Arc<Ledger>,
        figures: Arc<Figures>,
        entry: Arc<Entry>,
        part: usize,
        key: usize,
    ) -> Self {
        Self { ledger, figures, entry, part, key, counted: false }
    }

    /// The handler waits for its turn.
    pub(crate) fn waits_for_turn(&self) {
        *self.entry.waits.lock() = Waits::Turn;
    }

    /// The handler is polled next.
    pub(crate) fn runs(&self) {
        *self.entry.waits.lock() = Waits::Running;
        waiting::clear();
    }

    /// The handler is pending: for what was noted last.
    pub(crate) fn pends(&self) {
        *self.entry.waits.lock() = waiting::noted();
    }

    /// The handler has ended.
    pub(crate) fn ends(&mut self, outcome: &Outcome) {
        self.counted = true;
        let reply = outcome.as_ref().map_or(0, Payload::len);
        self.figures.count(Thread::current(), self.entry.facts.arguments, reply, outcome);
        self.record(Some(outcome));
    }

    fn record(&self, outcome: Option<&Outcome>) {
        let took = now().saturating_duration_since(self.entry.facts.since);
        self.figures.took(took, 1);
        self.ledger.remember(&self.entry, took, outcome);
    }
}

impl Drop for Called {
    fn drop(&mut self) {
        if !self.counted {
            self.figures.count_dropped(self.entry.facts.arguments);
            self.record(None);
        }
        self.ledger.leave(self.part, self.key);
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("call", &self.call).field("method", &self.method).finish()
    }
}

impl fmt::Debug for Called {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Called").field(&self.entry).finish()
    }
}
