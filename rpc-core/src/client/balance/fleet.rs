//! The servers behind one channel, and the choice among those that are connected.

use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use parking_lot::{Mutex, RwLock};
use tokio::{runtime::Handle, sync::watch};

use super::{Balance, estimate::Nanos, member::Member, subset::Subset};
use crate::{
    client::{
        Endpoint,
        discover::{AnyDiscover, Instance, Refresh},
        reconnect::Line,
    },
    connection::Connection,
    proto::{Code, MemoryId, Order, Status, connection::ConnectionError},
    seam::{Course, RecentTimes, Retries, Wanted},
    time::now,
};

/// What the servers are known to take is settled anew after this time, when another call was timed.
const SETTLED: Nanos = 1_000_000;

/// A number that [`Fleet::number`] never is.
pub(super) const NEVER: u64 = u64::MAX;

/// Many servers behind one channel.
pub(crate) struct Fleet {
    pub(super) endpoint: Endpoint,
    pub(super) discover: Arc<dyn AnyDiscover>,
    pub(super) balance: Balance,
    pub(super) subset: Subset,
    pub(super) refresh: Refresh,
    pub(super) retries: Retries,
    pub(super) latencies: RecentTimes,
    pub(super) runtime: Handle,
    /// Those that calls may go to. Bounded by: the servers that are kept to, times the connections to each.
    pub(super) ready: RwLock<Vec<Arc<Member>>>,
    /// Changes whenever there are others.
    number: AtomicU64,
    /// Calls that were given one of several.
    picks: AtomicU64,
    /// Where the row of choices begins: channels do not all choose alike.
    seed: u64,
    /// Since when times are counted, and when they were settled last.
    epoch: Instant,
    settled: AtomicU64,
    fastest: AtomicU64,
    pub(super) changes: watch::Sender<Course>,
    pub(super) state: Mutex<State>,
}

pub(super) struct State {
    /// The servers that are kept to, each as often as there are to be connections to it.
    pub(super) servers: HashMap<(Instance, usize), Server>,
    pub(super) stage: Stage,
    /// Why there is no server, or none that can be reached.
    pub(super) failure: Option<Status>,
    /// Since when none is connected.
    pub(super) down: Option<Instant>,
    /// Why there will be none any more.
    pub(super) over: Option<ConnectionError>,
    /// Connections to be waited for once it is over.
    pub(super) ending: Vec<Arc<Member>>,
    /// Calls that wait for a server.
    pub(super) waiting: usize,
    /// Where ordered calls go.
    home: Weak<Member>,
}

/// A server that is kept to.
pub(super) struct Server {
    pub(super) line: Arc<Line>,
    /// What remembers the calls that run once there, as it said last.
    pub(super) memory: Option<MemoryId>,
}

/// How far a fleet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nobody has needed a server yet.
    Idle,
    /// Servers are looked for, and connected to.
    Followed,
}

impl Fleet {
    /// Nothing is done before somebody needs a server. Connections run on the current runtime.
    pub(crate) fn new(endpoint: Endpoint, discover: Arc<dyn AnyDiscover>) -> Arc<Self> {
        let endpoint = endpoint.load_reports();
        let now = now();
        let state = State {
            servers: HashMap::new(),
            stage: Stage::Idle,
            failure: None,
            down: None,
            over: None,
            ending: Vec::new(),
            waiting: 0,
            home: Weak::new(),
        };
        Arc::new(Self {
            balance: endpoint.balance,
            retries: Retries::new(endpoint.retry, now),
            latencies: RecentTimes::default(),
            endpoint,
            discover,
            subset: Subset::default(),
            refresh: Refresh::default(),
            runtime: Handle::current(),
            ready: RwLock::default(),
            number: AtomicU64::new(0),
            picks: AtomicU64::new(0),
            seed: RandomState::new().hash_one(0),
            epoch: now,
            settled: AtomicU64::new(0),
            fastest: AtomicU64::new(1),
            changes: watch::channel(Course::Open).0,
            state: Mutex::new(state),
        })
    }

    /// The time since the fleet began.
    pub(super) fn nanos(&self) -> Nanos {
        let passed = now().saturating_duration_since(self.epoch);
        Nanos::try_from(passed.as_nanos()).unwrap_or(Nanos::MAX)
    }

    /// What a call takes where it takes the least.
    pub(super) fn fastest(&self) -> Nanos {
        self.fastest.load(Ordering::Relaxed)
    }

    /// Tells whether a server is to be left alone after so many failures in a row.
    pub(super) const fn is_too_often(&self, failures: u32) -> bool {
        let most = self.balance.eject_after;
        most != 0 && failures >= most
    }

    /// Calls that were given one of several servers.
    pub(super) fn given(&self) -> u64 {
        self.picks.load(Ordering::Relaxed)
    }

    /// Changes whenever calls may go to other servers than before.
    #[inline]
    pub(super) fn number(&self) -> u64 {
        self.number.load(Ordering::Acquire)
    }

    /// The only one, as long as there is no other: nothing has to be known of it. Of several, one that is never it.
    pub(super) fn only(&self) -> Option<(u64, Arc<Connection>)> {
        let ready = self.ready.read();
        let first = Arc::clone(&ready.first()?.connection);
        Some((if ready.len() == 1 { self.number() } else { NEVER }, first))
    }

    /// The better one of two that are chosen by chance.
    #[inline]
    pub(super) fn pick(&self) -> Option<Arc<Member>> {
        let ready = self.ready.read();
        let count = self.picks.fetch_add(1, Ordering::Relaxed);
        let [first, rest @ ..] = &ready[..] else { return None };
        if rest.is_empty() {
            return Some(Arc::clone(first));
        }
        let (one, other) = two_of(ready.len(), self.seed.wrapping_add(count));
        let (one, other) = (&ready[one], &ready[other]);
        let better = if other.estimate.score() < one.estimate.score() { other } else { one };
        Some(Arc::clone(better))
    }

    /// The best of all but one.
    pub(super) fn pick_other(&self, failed: usize) -> Option<Arc<Member>> {
        let ready = self.ready.read();
        let others = ready.iter().filter(|member| !member.is_at(failed));
        let best = others.min_by_key(|member| member.estimate.score()).or_else(|| ready.first())?;
        self.picks.fetch_add(1, Ordering::Relaxed);
        Some(Arc::clone(best))
    }

    /// The one that ordered calls go to, as long as it is there.
    pub(super) fn home(&self) -> Option<Arc<Member>> {
        let mut state = self.state.lock();
        let home = state.home.upgrade().filter(|home| {
            let ready = self.ready.read();
            ready.iter().any(|member| Arc::ptr_eq(member, home))
        });
        match home {
            Some(home) => {
                self.picks.fetch_add(1, Ordering::Relaxed);
                Some(home)
            }
            None => {
                let home = self.pick()?;
                state.home = Arc::downgrade(&home);
                Some(home)
            }
        }
    }

    /// The one for a call that has waited, or goes again, if it is there.
    pub(super) fn pick_for(&self, wanted: &Wanted) -> Option<Arc<Member>> {
        if let Some(memory) = wanted.memory {
            let remembers = |member: &&Arc<Member>| member.memory() == Some(memory);
            if let Some(member) = self.ready.read().iter().find(remembers) {
                return Some(Arc::clone(member));
            }
            if self.may_come_back(memory) {
                return None;
            }
        }
        match (wanted.order, wanted.failed) {
            (Order::Kept, _) => self.home(),
            (Order::Any, Some(failed)) => self.pick_other(failed),
            (Order::Any, None) => self.pick(),
        }
    }

    /// Whether a server that remembers is only gone for a moment, as far as is known.
    fn may_come_back(&self, memory: MemoryId) -> bool {
        let state = self.state.lock();
        let mut servers = state.servers.values();
        servers.any(|server| server.memory == Some(memory) && server.line.trouble().is_none())
    }

    /// Settles what the servers are known to take, from time to time. Gives the present time.
    pub(super) fn settle(&self) -> Nanos {
        let now = self.nanos();
        let passed = now.saturating_sub(self.settled.load(Ordering::Relaxed));
        if passed >= SETTLED {
            self.settled.store(now, Ordering::Relaxed);
            self.settle_all(now, passed);
        }
        now
    }

    #[cold]
    fn settle_all(&self, now: Nanos, passed: Nanos) {
        let (ready, at) = (self.ready.read(), crate::time::now());
        let latencies = ready.iter().filter_map(|member| member.estimate.latency());
        let fastest = latencies.min().unwrap_or_else(|| self.fastest());
        self.fastest.store(fastest, Ordering::Relaxed);
        for member in ready.iter() {
            member.estimate.settle(now, passed, fastest, member.waits(at));
        }
    }

    /// Lets calls go to a server.
    pub(super) fn enter(&self, member: &Arc<Member>) {
        let mut ready = self.ready.write();
        ready.push(Arc::clone(member));
        self.number.fetch_add(1, Ordering::AcqRel);
        drop(ready);
        let mut state = self.state.lock();
        (state.down, state.failure) = (None, None);
        drop(state);
        self.tell();
    }

    /// Lets no more calls go to a server.
    pub(super) fn remove(&self, member: &Arc<Member>) {
        let mut ready = self.ready.write();
        ready.retain(|other| !Arc::ptr_eq(other, member));
        self.number.fetch_add(1, Ordering::AcqRel);
        let none = ready.is_empty();
        drop(ready);
        if none {
            self.state.lock().down.get_or_insert_with(now);
        }
        self.tell();
    }

    /// Tells those who wait that something has changed.
    pub(super) fn tell(&self) {
        self.changes.send_modify(|_| ());
    }

    /// Why nobody can be reached, in words for calls.
    pub(super) fn unreachable(&self, state: &State) -> Status {
        let address = self.discover.address();
        match (&state.failure, state.servers.len()) {
            (Some(failure), 0) => {
                let message = format!("cannot find a server of {address}: {}", failure.message());
                Status::not_started(Code::Unavailable, message)
            }
            (Some(failure), 1) => {
                let message = format!("the only server cannot be reached: {}", failure.message());
                Status::not_started(failure.code(), message)
            }
            (Some(failure), count) => {
                let message =
                    format!("none of {count} servers can be reached: {}", failure.message());
                Status::not_started(failure.code(), message)
            }
            (None, _) => {
                let message = format!("no server of {address} is connected");
                Status::not_started(Code::Unavailable, message)
            }
        }
    }
}

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.discover.address();
        f.debug_struct("Fleet").field("address", &address).finish_non_exhaustive()
    }
}

/// Two different places of `count`, which is at least two: the next ones of a row that has as many of each, and of each
/// pair, wherever it is begun and ended (the sequence R2, Roberts 2018).
const fn two_of(count: usize, number: u64) -> (usize, usize) {
    let one = part_of(count, number.wrapping_mul(0xc13f_a9a9_02a6_328f));
    let other = part_of(count - 1, number.wrapping_mul(0x91e1_0da5_c79e_7b1d));
    (one, if other >= one { other + 1 } else { other })
}

/// The place of `count` at which a part of all numbers is.
const fn part_of(count: usize, part: u64) -> usize {
    (((part >> 32) * count as u64) >> 32) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn two_are_never_the_same_and_each_comes_as_often_as_the_others() {
        for count in [2, 3, 7, 20] {
            let (mut seen, mut pairs) = (vec![0u32; count], HashSet::new());
            for number in 0..30_000 {
                let (one, other) = two_of(count, number);
                assert_ne!(one, other);
                seen[one] += 1;
                seen[other] += 1;
                pairs.insert((one, other));
            }
            let fair = 60_000 / count as u32;
            assert!(seen.iter().all(|times| times.abs_diff(fair) < fair / 20), "{seen:?}");
            assert_eq!(pairs.len(), count * (count - 1), "each pair, both ways round");
        }
    }
}
