//! What is known of how fast one server answers, and how much it has to do for this side. No clock, no lock: time is a
//! parameter, and what calls do here are a few operations on numbers.
//!
//! Of the calls that go to a server one at a time is timed, each eighth; all of them while it seems slow. A time that is
//! longer than usual counts at once, but at most doubles what is known: one hiccup is not a slow server, ten slow answers
//! are. While the timed call is under way, it counts as having taken what it has taken so far. What is known of a server
//! fades towards the fastest one, so that one which was slow is tried again.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::proto::CallId;

/// A time since the fleet began, in nanoseconds.
pub(super) type Nanos = u64;

/// Refusals, and calls that were overtaken, count for so much at most.
const LONGEST: Nanos = 10_000_000_000;

/// Half of what a server is known to be slower by is forgotten after this time.
const HALF_LIFE: f64 = 1e9;

/// Of so many calls one is timed, as a mask.
const SOME: u32 = 7;

/// All calls are timed, one at a time.
const ALL: u32 = 0;

/// No call is timed at present.
const NONE: u64 = u64::MAX;

/// A call is about to be timed.
const BEGUN: u64 = u64::MAX - 1;

#[derive(Debug)]
pub(super) struct Estimate {
    /// Calls that were opened and have not ended.
    open: AtomicU32,
    /// All calls that were opened; it may wrap.
    opened: AtomicU32,
    /// Which of them are timed: those of which no bit of the count stands in this.
    mask: AtomicU32,
    /// The id of the call that is timed.
    timed: AtomicU64,
    /// When that was opened.
    since: AtomicU64,
    /// What a call takes, in nanoseconds; zero as long as nothing is known.
    latency: AtomicU64,
    /// The same as it counts in the choice: the timed call's age if that is more, and that of the fastest if it is no less
    /// than half of it.
    cost: AtomicU64,
    /// Calls that failed as if nobody were there, one after the other.
    failures: AtomicU32,
}

impl Estimate {
    /// Of a server of which nothing is known: it counts as much as the fastest one.
    pub(super) fn new(fastest: Nanos) -> Self {
        Self {
            open: AtomicU32::new(0),
            opened: AtomicU32::new(0),
            mask: AtomicU32::new(SOME),
            timed: AtomicU64::new(NONE),
            since: AtomicU64::new(0),
            latency: AtomicU64::new(0),
            cost: AtomicU64::new(fastest.max(1)),
            failures: AtomicU32::new(0),
        }
    }

    /// What one more call may be expected to take here: the less, the better.
    #[inline]
    pub(super) fn score(&self) -> u64 {
        let open = u64::from(self.open.load(Ordering::Relaxed)) + 1;
        self.cost.load(Ordering::Relaxed).saturating_mul(open)
    }

    /// What a call takes, in nanoseconds, if that is known.
    pub(super) fn latency(&self) -> Option<Nanos> {
        Some(self.latency.load(Ordering::Relaxed)).filter(|known| *known != 0)
    }

    /// Calls that were opened and have not ended.
    #[cfg(test)]
    fn open_calls(&self) -> u32 {
        self.open.load(Ordering::Relaxed)
    }

    /// A call is opened. Says whether it is to be timed.
    #[inline]
    pub(super) fn begin(&self) -> bool {
        self.open.fetch_add(1, Ordering::Relaxed);
        let count = self.opened.fetch_add(1, Ordering::Relaxed);
        count & self.mask.load(Ordering::Relaxed) == 0
            && self.timed.load(Ordering::Relaxed) == NONE
            && self.claim()
    }

    fn claim(&self) -> bool {
        let (from, to) = (NONE, BEGUN);
        self.timed.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// The call that is to be timed was opened as `id`.
    pub(super) fn time(&self, id: CallId, now: Nanos) {
        self.since.store(now, Ordering::Relaxed);
        self.timed.store(u64::from(id.value()), Ordering::Release);
    }

    /// The call that was to be timed was not opened.
    pub(super) fn forget(&self) {
        self.timed.store(NONE, Ordering::Release);
    }

    /// A call has ended, or was given up, or could not be opened. Says whether its time is to be noted.
    #[inline]
    pub(super) fn end(&self, id: CallId) -> bool {
        self.open.fetch_sub(1, Ordering::Relaxed);
        self.timed.load(Ordering::Acquire) == u64::from(id.value())
    }

    /// A call that was counted, and perhaps was to be timed, could not be opened.
    pub(super) fn unopened(&self, timed: bool) {
        self.open.fetch_sub(1, Ordering::Relaxed);
        if timed {
            self.forget();
        }
    }

    /// A call without a reply waits to be sent.
    pub(super) fn queued(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    /// The server has refused a call since it has too much to do: the next ones had better go elsewhere.
    pub(super) fn refused(&self) {
        self.answered();
        if let Some(known) = self.latency() {
            self.latency.store(known.saturating_add(known / 4).min(LONGEST), Ordering::Relaxed);
        }
    }

    /// Notes the time of the call that is timed, which has ended.
    pub(super) fn note(&self, now: Nanos) {
        let took = now.saturating_sub(self.since.load(Ordering::Relaxed)).max(1);
        let next = match self.latency() {
            None => took,
            Some(known) if took > known => known.saturating_add((took - known).min(known)),
            Some(known) => known - (known - took) / 4,
        };
        self.latency.store(next.max(1), Ordering::Relaxed);
        self.timed.store(NONE, Ordering::Release);
    }

    /// The call that is timed was given up: it has taken at least so long.
    pub(super) fn note_at_least(&self, now: Nanos) {
        let took = now.saturating_sub(self.since.load(Ordering::Relaxed));
        match self.latency().is_none_or(|known| took > known) {
            true => self.note(now),
            false => self.forget(),
        }
    }

    /// The call that is timed was given up since another server has answered meanwhile: how long it would have taken nobody
    /// knows, and it is taken for four times as much as it has.
    pub(super) fn note_late(&self, now: Nanos) {
        let took = now.saturating_sub(self.since.load(Ordering::Relaxed)).max(1);
        let late = took.saturating_mul(4).min(LONGEST);
        let known = self.latency().unwrap_or(0);
        self.latency.store(known.max(late), Ordering::Relaxed);
        self.forget();
    }

    /// Settles what a call counts for from here on. `passed` is the time since this was done last, `fastest` the time
    /// that a call takes where it takes the least, `waits` that which calls wait before they start, as the server says.
    pub(super) fn settle(&self, now: Nanos, passed: Nanos, fastest: Nanos, waits: Nanos) {
        let mut cost = fastest;
        if let Some(known) = self.latency() {
            let slower = known.saturating_sub(fastest);
            let left = (slower as f64 * (-(passed as f64) / HALF_LIFE).exp2()) as u64;
            cost = known - slower + left;
            // Whoever has noted a time meanwhile knows better.
            let (order, failed) = (Ordering::Relaxed, Ordering::Relaxed);
            let _ = self.latency.compare_exchange(known, cost, order, failed);
        }
        // Others may have brought more than this side has seen yet.
        cost = cost.max(fastest.saturating_add(waits));
        if self.timed.load(Ordering::Acquire) < BEGUN {
            cost = cost.max(now.saturating_sub(self.since.load(Ordering::Relaxed)));
        }
        // By less than twice the time, servers do not differ: else chance would have all calls go to one of them.
        let equal = cost / 2 <= fastest;
        self.cost.store(if equal { fastest.max(1) } else { cost }, Ordering::Relaxed);
        self.mask.store(if equal { SOME } else { ALL }, Ordering::Relaxed);
    }

    /// A call was answered.
    #[inline]
    pub(super) fn answered(&self) {
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// A call failed as if nobody were there. Gives how many have, one after the other.
    pub(super) fn failed(&self) -> u32 {
        self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Nanos = 1_000_000;

    /// Of a server that is known to take so long.
    fn known(latency: Nanos) -> Estimate {
        let estimate = Estimate::new(1);
        answer(&estimate, 0, latency);
        estimate
    }

    /// Has one call be timed that takes so long.
    fn answer(estimate: &Estimate, at: Nanos, took: Nanos) {
        let id = CallId::new(1);
        while !estimate.begin() {
            assert!(!estimate.end(CallId::new(2)));
        }
        estimate.time(id, at);
        assert!(estimate.end(id));
        estimate.note(at + took);
    }

    #[test]
    fn a_hiccup_doubles_what_is_known_and_ten_slow_answers_tell_all() {
        let estimate = known(MS);
        answer(&estimate, 0, 500 * MS);
        assert_eq!(estimate.latency().unwrap(), 2 * MS);
        for _ in 0..8 {
            answer(&estimate, 0, 500 * MS);
        }
        assert_eq!(estimate.latency().unwrap(), 500 * MS);
        for _ in 0..30 {
            answer(&estimate, 0, MS);
        }
        assert!(estimate.latency().unwrap() < 2 * MS, "{}", estimate.latency().unwrap());
    }

    #[test]
    fn a_call_that_is_under_way_counts_for_what_it_has_taken() {
        let estimate = known(MS);
        while !estimate.begin() {
            estimate.end(CallId::new(2));
        }
        estimate.time(CallId::new(7), 0);
        estimate.settle(50 * MS, MS, MS, 0);
        assert!(estimate.score() == 2 * 50 * MS, "{}", estimate.score());
        // It was given up before it took longer than usual: that says nothing.
        assert!(estimate.end(CallId::new(7)));
        estimate.note_at_least(MS / 2);
        assert_eq!(estimate.latency().unwrap(), MS);
        estimate.settle(50 * MS, 0, MS, 0);
        assert_eq!(estimate.score(), MS);
    }

    #[test]
    fn a_server_of_which_nothing_is_known_is_as_good_as_the_fastest() {
        let estimate = Estimate::new(5 * MS);
        assert_eq!(estimate.score(), 5 * MS);
        estimate.settle(0, 0, 3 * MS, 0);
        assert_eq!((estimate.score(), estimate.latency()), (3 * MS, None));
    }

    #[test]
    fn each_eighth_call_is_timed_and_each_one_where_answers_are_slow() {
        let estimate = known(MS);
        let timed = |estimate: &Estimate| {
            let mut count = 0;
            for _ in 0..64 {
                if estimate.begin() {
                    estimate.forget();
                    count += 1;
                }
                estimate.end(CallId::new(1));
            }
            count
        };
        assert_eq!(timed(&estimate), 8);
        estimate.settle(0, 0, MS / 4, 0);
        assert_eq!(timed(&estimate), 64);
    }

    #[test]
    fn servers_that_differ_by_less_than_twice_are_equal() {
        let (one, other) = (known(MS), known(MS * 19 / 10));
        for estimate in [&one, &other] {
            estimate.settle(0, 0, MS, 0);
        }
        assert_eq!(one.score(), other.score());
        let slow = known(3 * MS);
        slow.settle(0, 0, MS, 0);
        assert_eq!(slow.score(), 3 * MS);
    }

    #[test]
    fn a_server_where_calls_wait_counts_for_that() {
        let estimate = known(MS);
        estimate.settle(0, 0, MS, 20 * MS);
        assert_eq!(estimate.score(), 21 * MS);
    }

    #[test]
    fn who_was_overtaken_is_slow() {
        let estimate = known(MS);
        while !estimate.begin() {
            estimate.end(CallId::new(2));
        }
        estimate.time(CallId::new(7), 0);
        assert!(estimate.end(CallId::new(7)));
        estimate.note_late(2 * MS);
        assert_eq!(estimate.latency(), Some(8 * MS));
    }

    #[test]
    fn what_was_slow_fades() {
        let estimate = known(64 * MS);
        for _ in 0..6 {
            estimate.settle(0, HALF_LIFE as u64, MS, 0);
        }
        assert!(estimate.latency().unwrap() < 2 * MS, "{}", estimate.latency().unwrap());
    }

    proptest! {
        #[test]
        fn what_is_known_lies_between_what_was_seen_and_no_call_is_lost(
            first in 1..1_000 * MS,
            times in proptest::collection::vec(1..1_000 * MS, 1..50),
        ) {
            let estimate = known(first);
            let (mut least, mut most) = (first, first);
            for took in times {
                answer(&estimate, 0, took);
                (least, most) = (least.min(took), most.max(took));
                prop_assert!((least..=most).contains(&estimate.latency().unwrap()));
                estimate.settle(0, took, estimate.latency().unwrap(), 0);
                prop_assert_eq!(estimate.open_calls(), 0);
            }
        }
    }
}
