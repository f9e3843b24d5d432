//! Calls that wait for their handlers to start, by how much they matter.

use std::{collections::BTreeMap, time::Instant};

use crate::proto::{Opening, Priority};

/// How much a call matters beside others: less is more. Of one priority, calls that were sent before come last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank(u8);

/// Ranks that there are.
const RANKS: usize = 8;

impl Rank {
    pub(super) fn of(opening: &Opening) -> Self {
        Self::new(opening.priority, opening.attempt)
    }

    pub(super) fn new(priority: Priority, attempt: u8) -> Self {
        Self(2 * priority.value() + u8::from(attempt > 0))
    }
}

/// Where a call stands in the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    rank: Rank,
    /// The order in which they came.
    number: u64,
}

/// A call that waits.
#[derive(Debug)]
pub(super) struct Waiting<T> {
    pub(super) call: T,
    pub(super) since: Instant,
    /// When it is of no use any more to start it.
    pub(super) latest: Option<Instant>,
    /// When its caller stops waiting.
    pub(super) deadline: Option<Instant>,
}

/// Calls that wait: those that matter most first, and of these the ones that came first.
#[derive(Debug)]
pub(super) struct Line<T> {
    /// Bounded by: what the limiter lets wait.
    waiting: BTreeMap<Place, Waiting<T>>,
    /// How many there are of each rank.
    ranks: [usize; RANKS],
    next: u64,
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self { waiting: BTreeMap::new(), ranks: [0; RANKS], next: 0 }
    }
}

impl<T> Line<T> {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many would be ahead of a call of this rank that comes now.
    pub(super) fn ahead(&self, rank: Rank) -> usize {
        self.ranks[..=usize::from(rank.0)].iter().sum()
    }

    /// Whether one waits that matters less than a call of this rank.
    pub(super) fn has_worse(&self, rank: Rank) -> bool {
        self.waiting.last_key_value().is_some_and(|(place, _)| place.rank > rank)
    }

    pub(super) fn push(&mut self, rank: Rank, waiting: Waiting<T>) -> Place {
        let place = Place { rank, number: self.next };
        self.next += 1;
        self.ranks[usize::from(rank.0)] += 1;
        self.waiting.insert(place, waiting);
        place
    }

    /// Since when the first has waited.
    pub(super) fn first_since(&self) -> Option<Instant> {
        self.waiting.first_key_value().map(|(_, waiting)| waiting.since)
    }

    pub(super) fn pop_first(&mut self) -> Option<Waiting<T>> {
        let (place, waiting) = self.waiting.pop_first()?;
        self.ranks[usize::from(place.rank.0)] -= 1;
        Some(waiting)
    }

    /// Takes the last of those that matter least.
    pub(super) fn pop_last(&mut self) -> Option<Waiting<T>> {
        let (place, waiting) = self.waiting.pop_last()?;
        self.ranks[usize::from(place.rank.0)] -= 1;
        Some(waiting)
    }

    /// Takes a call off that is not to start any more; false if it does not wait.
    pub(super) fn withdraw(&mut self, place: Place) -> bool {
        let withdrawn = self.waiting.remove(&place).is_some();
        if withdrawn {
            self.ranks[usize::from(place.rank.0)] -= 1;
        }
        withdrawn
    }
}
