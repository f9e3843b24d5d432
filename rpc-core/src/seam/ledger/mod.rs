//! What is kept of the calls that a server serves, for those who look at it while it runs: figures of each method, the calls
//! in flight, and the last ones that took long or failed.
//!
//! Calls whose handlers are ready at once are counted and nothing else; the time that one in sixteen takes is that of its
//! poll, which is measured anyway. What is pending has an entry, with its connection and what it waits for.

mod entry;
mod figures;
mod latencies;
mod waiting;

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant, SystemTime},
};

use parking_lot::Mutex;
use slab::Slab;

pub(crate) use self::{
    entry::{Called, Entry, Facts, Kill},
    figures::{Figures, Snapshot, Thread},
    waiting::{Waits, clear, note, noted},
};
use super::Phase;
use crate::{
    proto::{Failure, Outcome},
    time::now,
    transport::Peer,
};

/// Parts of the list of calls, so that threads seldom meet at one lock.
const PARTS: usize = 16;

/// Calls that took long or failed which are remembered.
const RECENT: usize = 256;

/// The calls of one server.
pub(crate) struct Ledger {
    pub(crate) began: Instant,
    /// Calls that take longer are remembered.
    pub(crate) slow: Duration,
    /// In the order in which they were added, once that is known.
    methods: Mutex<Vec<Arc<Figures>>>,
    /// Bounded by: the handlers that the limits of connections let run.
    parts: [Mutex<Slab<Arc<Entry>>>; PARTS],
    /// Bounded by: [`RECENT`].
    recent: Mutex<VecDeque<Ended>>,
    next: AtomicU64,
    connections: OnceLock<Weak<dyn Connected>>,
}

/// A call that has ended and took long, or failed.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) call: u64,
    pub(crate) method: &'static str,
    pub(crate) peer: Peer,
    pub(crate) at: SystemTime,
    pub(crate) took: Duration,
    /// How it ended; `None` for a handler that was dropped.
    pub(crate) outcome: Option<Result<(), Failure>>,
}

/// What tells of the connections of a server.
pub(crate) trait Connected: Send + Sync {
    fn connections(&self) -> Vec<Neighbour>;
}

/// A connection of a server.
#[derive(Clone, Debug)]
pub(crate) struct Neighbour {
    pub(crate) peer: Peer,
    pub(crate) name: String,
    pub(crate) phase: Phase,
    pub(crate) since: Instant,
    /// When bytes last came.
    pub(crate) heard: Instant,
    /// Handlers that run.
    pub(crate) serving: u32,
    /// Calls of this side to the peer.
    pub(crate) calling: usize,
    /// Bytes that are not written.
    pub(crate) unsent: usize,
}

impl Ledger {
    pub(crate) fn new(slow: Duration) -> Arc<Self> {
        Arc::new(Self {
            began: now(),
            slow,
            methods: Mutex::default(),
            parts: Default::default(),
            recent: Mutex::default(),
            next: AtomicU64::new(1),
            connections: OnceLock::new(),
        })
    }

    /// Begins to count the calls of a method.
    pub(crate) fn count(self: &Arc<Self>, method: &'static str) -> Arc<Figures> {
        let figures = Figures::new(method, Arc::downgrade(self));
        self.methods.lock().push(Arc::clone(&figures));
        figures
    }

    pub(crate) fn methods(&self) -> Vec<Snapshot> {
        self.methods.lock().iter().map(|figures| figures.snapshot()).collect()
    }

    /// Who tells of the connections.
    pub(crate) fn set_connections(&self, connections: Weak<dyn Connected>) {
        // There is one server to a ledger.
        let _ = self.connections.set(connections);
    }

    pub(crate) fn connections(&self) -> Vec<Neighbour> {
        let connections = self.connections.get().and_then(Weak::upgrade);
        connections.map(|connections| connections.connections()).unwrap_or_default()
    }

    /// Lists a call; it is taken off when what this gives is dropped.
    pub(crate) fn enter(
        self: &Arc<Self>,
        figures: &Arc<Figures>,
        facts: Facts,
        kill: Arc<dyn Kill>,
    ) -> Called {
        let call = self.next.fetch_add(1, Relaxed);
        let entry = Arc::new(Entry::new(call, figures.method(), facts, kill));
        let part = Thread::current().part_of(PARTS);
        let key = self.parts[part].lock().insert(Arc::clone(&entry));
        Called::new(Arc::clone(self), Arc::clone(figures), entry, part, key)
    }

    fn leave(&self, part: usize, key: usize) {
        // It is dropped without the lock: its connection may go with it.
        let entry = self.parts[part].lock().try_remove(key);
        drop(entry);
    }

    /// The calls in flight, in no order.
    pub(crate) fn calls(&self) -> Vec<Arc<Entry>> {
        let mut calls = Vec::new();
        for part in &self.parts {
            calls.extend(part.lock().iter().map(|(_, entry)| Arc::clone(entry)));
        }
        calls
    }

    /// The oldest of the calls in flight that are `wanted`, the oldest first, and how many are wanted in all. Who lists few of
    /// many does not pay for holding and sorting all of them.
    pub(crate) fn oldest(
        &self,
        limit: usize,
        wanted: impl Fn(&Entry) -> bool,
    ) -> (u64, Vec<Arc<Entry>>) {
        let (mut total, mut oldest) = (0, Vec::new());
        for part in &self.parts {
            let part = part.lock();
            let found = part.iter().map(|(_, entry)| entry).filter(|entry| wanted(entry));
            let mut found: Vec<_> =
                found.map(|entry| (entry.facts.since, entry.call, entry)).collect();
            total += found.len() as u64;
            if limit < found.len() {
                found.select_nth_unstable_by_key(limit, |&(since, call, _)| (since, call));
                found.truncate(limit);
            }
            oldest.extend(found.into_iter().map(|(_, _, entry)| Arc::clone(entry)));
        }
        oldest.sort_unstable_by_key(|entry: &Arc<Entry>| (entry.facts.since, entry.call));
        oldest.truncate(limit);
        (total, oldest)
    }

    /// How many calls of each method are in flight.
    pub(crate) fn running(&self) -> HashMap<&'static str, u64> {
        let mut running = HashMap::new();
        for part in &self.parts {
            for (_, entry) in part.lock().iter() {
                *running.entry(entry.method).or_default() += 1;
            }
        }
        running
    }

    /// Remembers the end of a call that took long or failed.
    fn remember(&self, entry: &Entry, took: Duration, outcome: Option<&Outcome>) {
        let fine = matches!(outcome, Some(Ok(_) | Err(Failure::Application(_))));
        if fine && took < self.slow {
            return;
        }
        let ended = Ended {
            call: entry.call,
            method: entry.method,
            peer: entry.facts.origin.peer().clone(),
            at: SystemTime::now(),
            took,
            outcome: outcome.map(|outcome| outcome.as_ref().map(drop).map_err(Clone::clone)),
        };
        let mut recent = self.recent.lock();
        let before = (recent.len() >= RECENT).then(|| recent.pop_front());
        recent.push_back(ended);
        drop(recent);
        drop(before);
    }

    /// The last calls that took long or failed, the newest first.
    pub(crate) fn recent(&self) -> Vec<Ended> {
        self.recent.lock().iter().rev().cloned().collect()
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").finish_non_exhaustive()
    }
}
