//! How much a peer has to do, as it was last told, and how much there is to do here, to be told.

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use crate::{proto::Load, time::now};

/// How much the server has to do, as it has last said: see [`Channel::peer_load`](crate::Channel::peer_load).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerLoad {
    /// Calls that it serves at once, of all its clients.
    pub in_flight: u32,
    /// How long a call waits there, of late, before its handler starts. Zero where none has to wait.
    pub queue_delay: Duration,
    /// When that came.
    pub received: Instant,
}

/// What both times below are counted from.
static EPOCH: LazyLock<Instant> = LazyLock::new(now);

/// The last report of a peer. Whoever chooses among peers reads it without a lock; one who reads while it changes may find
/// the time of the report before.
#[derive(Debug, Default)]
pub(crate) struct LoadCell {
    /// Calls in flight, and microseconds of delay above them.
    load: AtomicU64,
    /// Nanoseconds, and one more; zero while there is none.
    received: AtomicU64,
}

impl LoadCell {
    pub(crate) fn store(&self, load: Load) {
        self.load.store(pack(load.in_flight, load.queue_delay), Relaxed);
        self.received.store(nanos(now()).saturating_add(1), Relaxed);
    }

    pub(crate) fn load(&self) -> Option<PeerLoad> {
        let received = self.received.load(Relaxed).checked_sub(1)?;
        let received = *EPOCH + Duration::from_nanos(received);
        let (in_flight, queue_delay) = unpack(self.load.load(Relaxed));
        Some(PeerLoad { in_flight, queue_delay, received })
    }
}

/// How much a server has to do. The connections of one runtime share one; the calls in flight are those of all.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    in_flight: Arc<AtomicU32>,
    /// Milliseconds, and microseconds of delay above them: what has waited, and when that was seen.
    waited: AtomicU64,
}

/// For how long a delay is told of.
const FRESH: Duration = Duration::from_millis(200);

impl Gauge {
    /// Another one for the same server.
    pub(crate) fn beside(&self) -> Self {
        Self { in_flight: Arc::clone(&self.in_flight), waited: AtomicU64::new(0) }
    }

    /// Counts calls that have begun, or have ended.
    pub(crate) fn change(&self, before: u32, after: u32) {
        // It wraps for the time between two threads that change it, and never stays so.
        self.in_flight.fetch_add(after.wrapping_sub(before), Relaxed);
    }

    /// Takes note of how long a call that could have run has waited.
    pub(crate) fn waited(&self, now: Instant, delay: Duration) {
        let millis = (nanos(now) / 1_000_000) as u32;
        self.waited.store(pack(millis, delay), Relaxed);
    }

    pub(crate) fn load(&self, now: Instant) -> Load {
        let (millis, delay) = unpack(self.waited.load(Relaxed));
        let age = ((nanos(now) / 1_000_000) as u32).wrapping_sub(millis);
        let fresh = u128::from(age) <= FRESH.as_millis();
        let in_flight = self.in_flight.load(Relaxed);
        Load { in_flight, queue_delay: if fresh { delay } else { Duration::ZERO } }
    }
}

fn nanos(at: Instant) -> u64 {
    u64::try_from(at.saturating_duration_since(*EPOCH).as_nanos()).unwrap_or(u64::MAX)
}

fn pack(low: u32, delay: Duration) -> u64 {
    let micros = u32::try_from(delay.as_micros()).unwrap_or(u32::MAX);
    u64::from(low) | u64::from(micros) << 32
}

const fn unpack(packed: u64) -> (u32, Duration) {
    (packed as u32, Duration::from_micros(packed >> 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_as_it_came() {
        let cell = LoadCell::default();
        assert_eq!(cell.load(), None);
        let load = Load { in_flight: u32::MAX, queue_delay: Duration::from_micros(7) };
        let before = now();
        cell.store(load);
        let read = cell.load().expect("there is one");
        assert_eq!((read.in_flight, read.queue_delay), (load.in_flight, load.queue_delay));
        assert!(read.received >= before.min(*EPOCH) && read.received <= now());
    }

    #[test]
    fn a_gauge_counts_for_the_whole_server_and_forgets_what_has_waited() {
        let (one, began) = (Gauge::default(), now());
        let other = one.beside();
        one.change(0, 5);
        other.change(0, 2);
        one.change(5, 1);
        let delay = Duration::from_millis(3);
        one.waited(began, delay);
        assert_eq!(one.load(began), Load { in_flight: 3, queue_delay: delay });
        assert_eq!(other.load(began), Load { in_flight: 3, queue_delay: Duration::ZERO });
        let later = began + 2 * FRESH;
        assert_eq!(one.load(later), Load { in_flight: 3, queue_delay: Duration::ZERO });
    }
}
