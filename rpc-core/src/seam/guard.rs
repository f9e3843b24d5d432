//! Which methods hold their connection up: a handler is polled where its request was read, so one that
//! computes for long delays the calls behind it. Such methods are noticed, and spawned from then on; so are those
//! whose replies are long, of which not many are started while they are unread.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use super::ledger::{Figures, Thread};
use crate::proto::Outcome;

/// A poll that takes longer than this is slow.
const SLOW: Duration = Duration::from_micros(50);

/// What a slow poll adds to the score, and a fast one takes off. A single slow poll may be the
/// scheduler's doing; two within a few samples are the method's.
const PENALTY: u32 = 8;

/// From this score on a method is spawned, until it is back at zero.
const SPAWN_AT: u32 = 16;

/// After the first calls, one in so many is timed.
const SAMPLE: u32 = 16;

/// Replies up to this length are not worth remembering.
const SHORT_REPLY: usize = 16 << 10;

/// Watches how long the polls of one method's handlers take, and how long its replies are. Races between threads lose
/// a sample at worst. All of it is in one line of the cache: each call looks at most of it.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(crate) struct SlowGuard {
    /// The hash of the method's name.
    name: u32,
    /// How long its replies have been of late; zero if short.
    reply: AtomicU32,
    calls: AtomicU32,
    score: AtomicU32,
    spawned: AtomicU32,
    /// What its calls take at least, most of the time, in microseconds; of slow ones alone. Zero while nothing is known.
    takes: AtomicU32,
    /// What reading long arguments takes, in nanoseconds a KiB. Zero while nothing is known.
    reading: AtomicU32,
    /// What is counted of the method, if anybody may look at that.
    figures: Option<Arc<Figures>>,
}

impl SlowGuard {
    /// Whether handlers of this method are to be spawned.
    pub(crate) fn is_slow(&self) -> bool {
        self.spawned.load(Relaxed) != 0
    }

    /// Whether the next poll is to be timed.
    pub(crate) fn wants_sample(&self) -> bool {
        let calls = self.calls.load(Relaxed);
        self.calls.store(calls.wrapping_add(1), Relaxed);
        calls < SAMPLE || calls.is_multiple_of(SAMPLE) || self.score.load(Relaxed) > 0
    }

    /// Takes note of how long a reply was: the longest of late counts.
    #[inline]
    pub(crate) fn record_reply(&self, length: usize) {
        let before = self.reply.load(Relaxed);
        if before > 0 || length > SHORT_REPLY {
            self.remember_reply(before, length);
        }
    }

    #[cold]
    fn remember_reply(&self, before: u32, length: usize) {
        let faded = before - before / 16;
        let longest = faded.max(u32::try_from(length).unwrap_or(u32::MAX));
        let kept = if longest as usize > SHORT_REPLY { longest } else { 0 };
        self.reply.store(kept, Relaxed);
    }

    /// What watches the method whose name has this hash.
    pub(crate) fn of(name: u32) -> Self {
        Self { name, ..Self::default() }
    }

    /// The same, which counts calls as well.
    pub(crate) fn counting(mut self, figures: Option<Arc<Figures>>) -> Self {
        self.figures = figures;
        self
    }

    /// What is counted of the method.
    #[inline]
    pub(crate) const fn figures(&self) -> Option<&Arc<Figures>> {
        self.figures.as_ref()
    }

    /// Counts a call whose handler was ready at once on this thread, where calls are counted: with the bytes of its arguments
    /// and of its reply. It `took` so long if that was measured.
    #[inline]
    pub(crate) fn count(
        &self,
        thread: Thread,
        arguments: usize,
        reply: usize,
        outcome: &Outcome,
        took: Option<Duration>,
    ) {
        let Some(figures) = &self.figures else { return };
        figures.count(thread, arguments, reply, outcome);
        if let Some(took) = took {
            let few = self.calls.load(Relaxed) <= SAMPLE || self.score.load(Relaxed) > 0;
            figures.took(took, if few { 1 } else { SAMPLE });
        }
    }

    pub(crate) const fn name_hash(&self) -> u32 {
        self.name
    }

    /// How long a reply is likely to be; zero if short.
    pub(crate) fn likely_reply(&self) -> usize {
        self.reply.load(Relaxed) as usize
    }

    /// What a call takes at least, most of the time, as far as is known.
    pub(crate) fn takes(&self) -> Duration {
        Duration::from_micros(self.takes.load(Relaxed).into())
    }

    /// Takes note of how long a call took.
    pub(crate) fn took(&self, took: Duration) {
        follow(&self.takes, took.as_micros());
    }

    /// Whether it takes long to read arguments of so many bytes, many KiB, as far as is known: bytes that are only cut out
    /// of what came take no time, text and structures do. Unknown is long.
    pub(crate) fn reads_long(&self, length: usize) -> bool {
        let each = self.reading.load(Relaxed);
        let takes = Duration::from_nanos((length as u64 >> 10).saturating_mul(each.into()));
        each == 0 || takes > SLOW
    }

    /// Takes note of how long it took to read arguments of so many bytes.
    pub(crate) fn read(&self, length: usize, took: Duration) {
        // Zero is for what is not known.
        follow(&self.reading, (took.as_nanos() / (length as u128 >> 10).max(1)).max(1));
    }

    /// Takes note of how long a poll took.
    pub(crate) fn record(&self, took: Duration) {
        let score = self.score.load(Relaxed);
        let score = if took > SLOW { score + PENALTY } else { score.saturating_sub(1) };
        let score = score.min(2 * SPAWN_AT);
        self.score.store(score, Relaxed);
        if score >= SPAWN_AT {
            self.spawned.store(1, Relaxed);
        } else if score == 0 {
            self.spawned.store(0, Relaxed);
        }
    }
}

/// Takes note of a measurement: what is kept follows short ones soon, and long ones slowly.
fn follow(kept: &AtomicU32, seen: u128) {
    let seen = u32::try_from(seen).unwrap_or(u32::MAX);
    let now = match kept.load(Relaxed) {
        0 => seen,
        kept if seen < kept => kept - (kept - seen).div_ceil(4),
        kept => kept + (seen - kept).div_ceil(64),
    };
    kept.store(now, Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAST: Duration = Duration::from_micros(1);

    #[test]
    fn one_hiccup_is_forgiven_and_two_are_not() {
        let guard = SlowGuard::default();
        guard.record(SLOW * 2);
        assert!(!guard.is_slow());
        (0..PENALTY).for_each(|_| guard.record(FAST));
        guard.record(SLOW * 2);
        assert!(!guard.is_slow());
        guard.record(SLOW * 2);
        assert!(guard.is_slow());
    }

    #[test]
    fn a_method_that_became_fast_runs_in_place_again() {
        let guard = SlowGuard::default();
        (0..10).for_each(|_| guard.record(SLOW * 2));
        assert!(guard.is_slow());
        (0..2 * SPAWN_AT).for_each(|_| guard.record(FAST));
        assert!(!guard.is_slow());
    }

    #[test]
    fn long_replies_are_remembered_for_a_while() {
        let guard = SlowGuard::default();
        guard.record_reply(100);
        assert_eq!(guard.likely_reply(), 0);
        guard.record_reply(1 << 20);
        guard.record_reply(100);
        assert!(guard.likely_reply() > 900 << 10);
        (0..100).for_each(|_| guard.record_reply(100));
        assert_eq!(guard.likely_reply(), 0);
    }

    #[test]
    fn what_a_call_takes_follows_the_short_ones() {
        let guard = SlowGuard::default();
        assert_eq!(guard.takes(), Duration::ZERO);
        let (short, long) = (Duration::from_millis(1), Duration::from_millis(100));
        for _ in 0..100 {
            guard.took(long);
        }
        assert_eq!(guard.takes(), long);
        // A quarter of the calls is answered at once, say from a cache.
        for call in 0..1000 {
            guard.took(if call % 4 == 0 { short } else { long });
        }
        assert!(guard.takes() < 25 * short, "{:?}", guard.takes());
    }

    #[test]
    fn what_is_read_in_no_time_is_read_where_it_came() {
        let guard = SlowGuard::default();
        let long = 1 << 20;
        assert!(guard.reads_long(long), "nothing is known yet");
        guard.read(long, FAST);
        assert!(!guard.reads_long(long));
        assert!(guard.reads_long(1 << 30));
        (0..1000).for_each(|_| guard.read(long, SLOW * 2));
        assert!(guard.reads_long(long));
    }

    #[test]
    fn early_calls_are_all_timed_and_later_ones_seldom() {
        let guard = SlowGuard::default();
        assert!((0..SAMPLE).all(|_| guard.wants_sample()));
        let sampled = (0..10 * SAMPLE).filter(|_| guard.wants_sample()).count();
        assert_eq!(sampled, 10);
    }
}
