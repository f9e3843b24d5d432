//! What is remembered of calls that run once, by caller, method and key.
//!
//! ```text
//! none ──begin──▶ Running ──finish──▶ Done (answer) ──in time, or where room is needed──▶ none
//!   ▲                │  └─ ended before it could answer, or too long ─▶ Done (no answer) ──▶ none
//!   └─ not started ──┘
//! ```

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use slab::Slab;
use tokio::sync::watch;

use super::OnceLimits;
use crate::{
    proto::{Code, Failure, IdempotencyKey, Outcome, Payload, Status},
    transport::Identity,
};

/// What each entry costs beside its answer and its key.
const ENTRY: usize = 256;

/// What names a call: its caller, the hash of its method's name, its key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Name {
    pub(super) caller: Identity,
    pub(super) method: u32,
    pub(super) key: IdempotencyKey,
}

/// An answer that is waited for; `None` before it is there.
pub(super) type Awaited = watch::Receiver<Option<Outcome>>;

/// What becomes of a call that is to run once.
#[derive(Debug)]
pub(super) enum Begun {
    /// It runs now, and its answer is put in here.
    First(usize, watch::Sender<Option<Outcome>>),
    /// It runs already.
    Running(Awaited),
    /// It has run.
    Done(Outcome),
    /// It does not run.
    Refused(Status),
}

#[derive(Debug, Default)]
pub(super) struct Entries {
    // Bounded by: `OnceLimits::entries` and `OnceLimits::bytes`.
    all: Slab<Entry>,
    names: HashMap<Name, usize>,
    callers: HashMap<Identity, Share>,
    /// Those that have run, in the order of their ends.
    done: BTreeMap<u64, usize>,
    bytes: usize,
    next: u64,
}

#[derive(Debug)]
struct Entry {
    name: Name,
    /// The hash of the arguments and their codec.
    digest: u64,
    bytes: usize,
    run: Run,
}

#[derive(Debug)]
enum Run {
    Running(Awaited),
    /// Since then; the answer, if it was kept.
    Done {
        at: Instant,
        place: u64,
        outcome: Option<Outcome>,
    },
}

/// What is remembered of one caller.
#[derive(Debug, Default)]
struct Share {
    done: BTreeMap<u64, usize>,
    entries: usize,
    bytes: usize,
}

impl Entries {
    /// Begins a call, unless it has begun before.
    pub(super) fn begin(
        &mut self,
        limits: &OnceLimits,
        name: Name,
        digest: u64,
        now: Instant,
    ) -> Begun {
        self.expire(limits, now);
        if let Some(&known) = self.names.get(&name) {
            return self.known(known, digest);
        }
        let bytes = ENTRY + name.key.as_bytes().len();
        if self.all.len() - self.done.len() >= limits.running {
            let message = "as many calls that run once as may be are running";
            return Begun::Refused(full(message, Duration::from_secs(1)));
        }
        if let Err(after) = self.make_room(limits, &name.caller, 1, bytes, now) {
            let message = "no more calls that run once can be remembered";
            return Begun::Refused(full(message, after));
        }
        let share = self.callers.entry(name.caller.clone()).or_default();
        share.entries += 1;
        share.bytes += bytes;
        self.bytes += bytes;
        let (answer, awaited) = watch::channel(None);
        let run = Run::Running(awaited);
        let index = self.all.insert(Entry { name: name.clone(), digest, bytes, run });
        self.names.insert(name, index);
        Begun::First(index, answer)
    }

    fn known(&self, index: usize, digest: u64) -> Begun {
        let entry = &self.all[index];
        if entry.digest != digest {
            let message = "another call has this idempotency key: it has other arguments";
            return Begun::Refused(Status::not_started(Code::InvalidArgument, message));
        }
        match &entry.run {
            Run::Running(awaited) => Begun::Running(awaited.clone()),
            Run::Done { outcome: Some(outcome), .. } => Begun::Done(outcome.clone()),
            Run::Done { outcome: None, .. } => Begun::Done(Err(Failure::Status(unanswered()))),
        }
    }

    /// A call has ended; no outcome if it was ended before it had one.
    pub(super) fn finish(
        &mut self,
        limits: &OnceLimits,
        index: usize,
        outcome: Option<&Outcome>,
        now: Instant,
    ) {
        if let Some(Err(Failure::Status(status))) = outcome
            && !status.may_have_run()
        {
            // The next one may begin it.
            self.remove(index);
            return;
        }
        let length = outcome.map_or(0, length);
        let caller = self.all[index].name.caller.clone();
        let fits = self.make_room(limits, &caller, 0, length, now).is_ok();
        let kept = outcome.filter(|_| fits).map(compact);
        let length = if kept.is_some() { length } else { 0 };
        let place = self.next;
        self.next += 1;
        let entry = &mut self.all[index];
        entry.bytes += length;
        entry.run = Run::Done { at: now, place, outcome: kept };
        self.bytes += length;
        self.done.insert(place, index);
        if let Some(share) = self.callers.get_mut(&caller) {
            share.bytes += length;
            share.done.insert(place, index);
        }
    }

    /// Makes room for so many more entries and bytes of a caller.
    ///
    /// # Errors
    /// The time after which there is some.
    fn make_room(
        &mut self,
        limits: &OnceLimits,
        caller: &Identity,
        entries: usize,
        bytes: usize,
        now: Instant,
    ) -> Result<(), Duration> {
        loop {
            let share = self.callers.get(caller);
            let (own, own_bytes) = share.map_or((0, 0), |share| (share.entries, share.bytes));
            let oldest = if own + entries > limits.entries.div_ceil(2)
                || own_bytes + bytes > limits.bytes.div_ceil(2)
            {
                share.and_then(|share| share.done.first_key_value())
            } else if self.all.len() + entries > limits.entries || self.bytes + bytes > limits.bytes
            {
                self.done.first_key_value()
            } else {
                return Ok(());
            };
            // What runs ends at some time.
            let Some(&oldest) = oldest.map(|(_, index)| index) else {
                return Err(Duration::from_secs(1));
            };
            let age = self.age(oldest, now);
            if age < limits.at_least {
                return Err(limits.at_least - age);
            }
            self.remove(oldest);
        }
    }

    /// Forgets what was remembered for long enough.
    fn expire(&mut self, limits: &OnceLimits, now: Instant) {
        while let Some(&index) = self.done.first_key_value().map(|(_, index)| index)
            && self.age(index, now) >= limits.keep_for
        {
            self.remove(index);
        }
    }

    fn age(&self, index: usize, now: Instant) -> Duration {
        match self.all[index].run {
            Run::Done { at, .. } => now.saturating_duration_since(at),
            Run::Running(_) => Duration::ZERO,
        }
    }

    fn remove(&mut self, index: usize) {
        let entry = self.all.remove(index);
        self.names.remove(&entry.name);
        self.bytes -= entry.bytes;
        let place = match entry.run {
            Run::Done { place, .. } => self.done.remove(&place).map(|_| place),
            Run::Running(_) => None,
        };
        let caller = entry.name.caller;
        if let Some(share) = self.callers.get_mut(&caller) {
            share.entries -= 1;
            share.bytes -= entry.bytes;
            if let Some(place) = place {
                share.done.remove(&place);
            }
            if share.entries == 0 {
                self.callers.remove(&caller);
            }
        }
    }
}

/// The bytes that an answer takes.
fn length(outcome: &Outcome) -> usize {
    match outcome {
        Ok(value) | Err(Failure::Application(value)) => value.len(),
        Err(Failure::Status(status)) => {
            let details = status.details().map(|(name, bytes)| name.len() + bytes.len());
            status.message().len() + details.sum::<usize>()
        }
    }
}

/// A copy that holds what it is counted for, and no more.
fn compact(outcome: &Outcome) -> Outcome {
    match outcome {
        Ok(value) => Ok(Payload::copy_from_slice(value)),
        Err(Failure::Application(error)) => {
            Err(Failure::Application(Payload::copy_from_slice(error)))
        }
        Err(Failure::Status(status)) => Err(Failure::Status(status.clone())),
    }
}

fn full(message: &'static str, after: Duration) -> Status {
    Status::not_started(Code::ResourceExhausted, message).with_retry_after(after)
}

/// The end of a call whose first run has no answer any more.
pub(super) fn unanswered() -> Status {
    Status::new(
        Code::Aborted,
        "a call with this idempotency key has run, and its answer was not kept",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn name(caller: &str, key: u32) -> Name {
        let key = IdempotencyKey::new(key.to_le_bytes()).unwrap();
        Name { caller: Identity::Named(caller.into()), method: 7, key }
    }

    fn answer(length: usize) -> Outcome {
        Ok(vec![7; length].into())
    }

    /// The state of the entries, all of it counted.
    #[track_caller]
    fn check(entries: &Entries) {
        let bytes: usize = entries.all.iter().map(|(_, entry)| entry.bytes).sum();
        let shares: usize = entries.callers.values().map(|share| share.bytes).sum();
        let counted: usize = entries.callers.values().map(|share| share.entries).sum();
        assert_eq!((entries.bytes, shares, counted), (bytes, bytes, entries.all.len()));
        assert_eq!(entries.names.len(), entries.all.len());
        let done: usize = entries.callers.values().map(|share| share.done.len()).sum();
        assert_eq!(entries.done.len(), done);
    }

    /// Runs a call to its end; gives whether it was the first.
    fn run(
        entries: &mut Entries,
        limits: &OnceLimits,
        name: Name,
        length: usize,
        now: Instant,
    ) -> Result<bool, Status> {
        let first = match entries.begin(limits, name, 1, now) {
            Begun::First(index, _) => {
                entries.finish(limits, index, Some(&answer(length)), now);
                Ok(true)
            }
            Begun::Refused(status) => Err(status),
            Begun::Running(_) | Begun::Done(_) => Ok(false),
        };
        check(entries);
        first
    }

    #[test]
    fn a_key_names_one_run_of_one_caller_for_as_long_as_it_is_remembered() {
        let (limits, now) = (OnceLimits::new(), Instant::now());
        let mut entries = Entries::default();
        let Begun::First(index, _) = entries.begin(&limits, name("ada", 1), 1, now) else {
            panic!()
        };
        assert!(matches!(entries.begin(&limits, name("ada", 1), 1, now), Begun::Running(_)));
        assert!(matches!(entries.begin(&limits, name("bob", 1), 1, now), Begun::First(..)));
        let Begun::Refused(status) = entries.begin(&limits, name("ada", 1), 2, now) else {
            panic!()
        };
        assert_eq!((status.code(), status.may_have_run()), (Code::InvalidArgument, false));
        entries.finish(&limits, index, Some(&answer(3)), now);
        let Begun::Done(outcome) = entries.begin(&limits, name("ada", 1), 1, now) else { panic!() };
        assert_eq!(outcome, answer(3));
        let later = now + limits.keep_for;
        assert!(matches!(entries.begin(&limits, name("ada", 1), 1, later), Begun::First(..)));
        check(&entries);
    }

    #[test]
    fn what_was_not_started_is_forgotten_and_what_broke_off_is_not_run_again() {
        let (limits, now) = (OnceLimits::new(), Instant::now());
        let mut entries = Entries::default();
        let Begun::First(index, _) = entries.begin(&limits, name("ada", 1), 1, now) else {
            panic!()
        };
        let refused =
            Err(Failure::Status(Status::not_started(Code::InvalidArgument, "unreadable")));
        entries.finish(&limits, index, Some(&refused), now);
        let Begun::First(index, _) = entries.begin(&limits, name("ada", 1), 2, now) else {
            panic!()
        };
        entries.finish(&limits, index, None, now);
        let Begun::Done(Err(Failure::Status(status))) =
            entries.begin(&limits, name("ada", 1), 2, now)
        else {
            panic!()
        };
        assert_eq!(status, unanswered());
        check(&entries);
    }

    #[test]
    fn the_oldest_give_way_but_none_before_its_time_and_others_keep_their_half() {
        let limits = OnceLimits::new().max_entries(20);
        let (mut entries, now) = (Entries::default(), Instant::now());
        for key in 0..10 {
            assert_eq!(run(&mut entries, &limits, name("ada", key), 8, now), Ok(true));
        }
        let refused =
            run(&mut entries, &limits, name("ada", 10), 8, now + 50 * SECOND).unwrap_err();
        assert_eq!(
            (refused.code(), refused.retry_after()),
            (Code::ResourceExhausted, Some(10 * SECOND))
        );
        assert!(!refused.may_have_run());
        assert_eq!(run(&mut entries, &limits, name("bob", 0), 8, now), Ok(true));
        // A minute later the oldest gives way, and only that.
        let later = now + 60 * SECOND;
        assert_eq!(run(&mut entries, &limits, name("ada", 10), 8, later), Ok(true));
        assert_eq!(run(&mut entries, &limits, name("ada", 1), 8, later), Ok(false));
        assert_eq!(run(&mut entries, &limits, name("bob", 0), 8, later), Ok(false));
    }

    #[test]
    fn an_answer_that_is_too_long_is_not_kept_and_its_call_not_run_again() {
        let limits = OnceLimits::new().max_bytes(4000);
        let (mut entries, now) = (Entries::default(), Instant::now());
        assert_eq!(run(&mut entries, &limits, name("ada", 1), 4000, now), Ok(true));
        let Begun::Done(outcome) = entries.begin(&limits, name("ada", 1), 1, now) else { panic!() };
        assert_eq!(outcome, Err(Failure::Status(unanswered())));
        assert!(entries.bytes < 300);
    }

    #[test]
    fn only_so_many_run_at_once() {
        let limits = OnceLimits::new().max_running(2);
        let (mut entries, now) = (Entries::default(), Instant::now());
        let begun: Vec<_> =
            (0..3).map(|key| entries.begin(&limits, name("ada", key), 1, now)).collect();
        assert!(matches!(begun[..], [Begun::First(..), Begun::First(..), Begun::Refused(_)]));
        check(&entries);
    }
}
