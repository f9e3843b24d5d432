//! Answers in memory, bounded in bytes, by moka.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use moka::{Expiry, sync::Cache};

use super::{
    key::Key,
    plan::Read,
    store::{Age, Kept, Look, Stamp},
};
use crate::{proto::Payload, time::now};

/// What an entry takes beside its bytes: keys, times, and the tables of the cache.
const ENTRY: usize = 512;

pub(super) struct Memory {
    // Bounded by: `CacheBuilder::max_bytes`.
    entries: Cache<Key, Held>,
    /// By the numbers of tags.
    generations: Box<[AtomicU64]>,
    largest: usize,
}

#[derive(Clone)]
struct Held {
    kept: Kept,
    stamp: Stamp,
    fresh_until: Instant,
    kept_until: Instant,
    time: Duration,
}

/// Entries go when their time is over, and not only where room is needed.
struct Ends;

impl Expiry<Key, Held> for Ends {
    fn expire_after_create(&self, _: &Key, held: &Held, _: Instant) -> Option<Duration> {
        Some(held.time)
    }

    fn expire_after_update(
        &self,
        _: &Key,
        held: &Held,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(held.time)
    }
}

impl Memory {
    pub(super) fn new(tags: usize, bytes: u64, largest: u64) -> Self {
        let weight = |key: &Key, held: &Held| {
            u32::try_from(ENTRY + key.bytes() + held.kept.len()).unwrap_or(u32::MAX)
        };
        let entries =
            Cache::builder().max_capacity(bytes).weigher(weight).expire_after(Ends).build();
        let generations = (0..tags).map(|_| AtomicU64::new(0)).collect();
        Self { entries, generations, largest: usize::try_from(largest).unwrap_or(usize::MAX) }
    }

    fn stamp(&self, tags: &[usize]) -> Stamp {
        Stamp::Sum(tags.iter().map(|&tag| self.generations[tag].load(Ordering::Acquire)).sum())
    }

    pub(super) fn look(&self, key: &Key, read: &Read) -> Look {
        // Before anything is read: what is forgotten meanwhile is not found by it.
        let stamp = self.stamp(&read.tags);
        let Some(held) = self.entries.get(key).filter(|held| held.stamp == stamp) else {
            return Look::Nothing(stamp);
        };
        let now = now();
        let age = if now < held.fresh_until {
            Age::Fresh
        } else {
            match held.kept_until.checked_duration_since(now) {
                Some(left) if !left.is_zero() => Age::Stale(left),
                _ => return Look::Nothing(stamp),
            }
        };
        Look::Found(held.kept, age, stamp)
    }

    /// Keeps what a call has brought that began with `stamp`.
    pub(super) fn fill(&self, key: &Key, read: &Read, stamp: Stamp, kept: &Kept) {
        let (fresh, stale) = match kept.end {
            Ok(_) => (read.fresh, read.stale),
            Err(_) => (read.errors, Duration::ZERO),
        };
        let time = fresh.saturating_add(stale);
        if time.is_zero()
            || kept.len() + key.bytes() > self.largest
            || stamp != self.stamp(&read.tags)
        {
            return;
        }
        let now = now();
        // A reply may be a slice of a buffer that is much larger.
        let copy = |bytes: &Payload| Payload::copy_from_slice(bytes);
        let end = kept.end.as_ref().map(copy).map_err(copy);
        let kept = Kept { codec: kept.codec, end };
        let (fresh_until, kept_until) = (now + fresh, now + time);
        self.entries.insert(key.owned(), Held { kept, stamp, fresh_until, kept_until, time });
        // The bound holds at once: moka keeps what is new aside for a while.
        self.entries.run_pending_tasks();
    }

    /// Makes all that is kept under these tags count no more.
    pub(super) fn forget(&self, tags: &[usize]) {
        for &tag in tags {
            self.generations[tag].fetch_add(1, Ordering::AcqRel);
        }
    }

    pub(super) fn entries(&self) -> u64 {
        self.entries.entry_count()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.entries.weighted_size()
    }
}
