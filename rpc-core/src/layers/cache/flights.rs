//! Calls under way that fill the cache: one for each key, for which the others wait.
//!
//! ```text
//!         join ─▶ First (a seat) ──land──▶ all who wait have its end
//!          │         └─ dropped before ──▶ all who wait join anew: one of them is the next
//!          └────▶ Running ──▶ waits
//! ```

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::sync::watch;

use super::{key::Key, store::Stamp};
use crate::proto::{Codec, Failure, Payload};

/// The end of a call that others may have too.
pub(super) type Landed = Result<(Payload, Codec), Failure>;

#[derive(Default)]
pub(super) struct Flights {
    /// Bounded by: the calls that run.
    running: Mutex<HashMap<Key, Flight>>,
    next: AtomicU64,
    landings: AtomicU64,
}

struct Flight {
    number: u64,
    stamp: Stamp,
    landed: watch::Receiver<Option<Landed>>,
}

pub(super) enum Joined {
    /// The call is to run.
    First(Seat),
    /// Another one runs.
    Running(watch::Receiver<Option<Landed>>),
}

/// The place of the one that runs. Dropped, it is free for the next.
pub(super) struct Seat {
    flights: Arc<Flights>,
    key: Key,
    number: u64,
    landed: watch::Sender<Option<Landed>>,
}

impl Flights {
    /// How many have landed: where that has changed since one looked, there may be something to find.
    pub(super) fn landings(&self) -> u64 {
        self.landings.load(Ordering::Acquire)
    }

    /// Waits for the call of this key that runs, or is the one. A call that began with other generations is not waited for:
    /// what it brings may be older than a write that the caller knows of.
    pub(super) fn join(self: &Arc<Self>, key: &Key, stamp: &Stamp) -> Joined {
        let mut running = self.running.lock();
        let place = running.entry(key.clone());
        if let Entry::Occupied(known) = &place
            && known.get().stamp == *stamp
        {
            return Joined::Running(known.get().landed.clone());
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, landed) = watch::channel(None);
        place.insert_entry(Flight { number, stamp: stamp.clone(), landed });
        drop(running);
        let (flights, key) = (Arc::clone(self), key.clone());
        Joined::First(Seat { flights, key, number, landed: sender })
    }
}

impl Seat {
    pub(super) const fn key(&self) -> &Key {
        &self.key
    }

    /// Gives those who wait the end of the call. The place is kept until it is dropped: until then whoever joins has it
    /// too.
    pub(super) fn land(&self, end: Landed) {
        self.landed.send_replace(Some(end));
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.flights.landings.fetch_add(1, Ordering::Release);
        let mut running = self.flights.running.lock();
        // One that began after a write may have the place by now.
        if running.get(&self.key).is_some_and(|flight| flight.number == self.number) {
            running.remove(&self.key);
        }
        // Those who wait wake up to a place that is free: the sender goes last.
    }
}

/// The end of the call that is waited for; `None` if it was given up.
pub(super) async fn end_of(mut landed: watch::Receiver<Option<Landed>>) -> Option<Landed> {
    landed.wait_for(Option::is_some).await.ok().and_then(|landed| landed.clone())
}
