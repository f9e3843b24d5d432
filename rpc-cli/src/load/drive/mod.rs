//! Drives a load and keeps its time: callers are tasks, and this room opens the window that is counted,
//! takes a sample each interval, and closes. `closed` and `open` are the two loops of a caller.

mod closed;
mod open;
mod shared;

pub(crate) use shared::Caller;

use std::{sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};

use super::{
    cpu::{Meter, Used},
    plan::{Bound, Load, Pace},
    pool::Pool,
    record::{DIGITS, Tally},
};
use crate::connect::short;
use open::Book;
use shared::Shared;

/// What came of a load.
#[derive(Debug)]
pub(crate) struct Measured {
    pub total: Tally,
    /// How long was counted.
    pub elapsed: Duration,
    pub samples: Vec<Sample>,
    pub used: Used,
    /// Calls of an open loop that should have been begun, and were not.
    pub dropped: u64,
    /// Whether the user had enough before the end.
    pub interrupted: bool,
    /// Whether all callers gave up, since the way to the server was gone.
    pub lost: bool,
}

/// What happened in one interval.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// When it ended, from the start of the window.
    pub end: Duration,
    pub length: Duration,
    pub calls: u64,
    pub errors: u64,
    pub p50_us: f64,
    pub p99_us: f64,
}

/// Drives the load with these callers; `watch` gets each sample as it is taken.
pub(crate) async fn drive<C: Caller>(
    callers: Vec<C>,
    load: &Load,
    pool: Pool,
    cpu: &Meter,
    watch: &mut (dyn FnMut(&Sample) + Send),
) -> Measured {
    let begun = Instant::now();
    let opened = begun + load.warm_up;
    let shared = Arc::new(Shared::new(load.bound, opened, pool));
    let mut running = JoinSet::new();
    let book = match load.pace {
        Pace::Closed => {
            for (number, caller) in callers.into_iter().enumerate() {
                running.spawn(closed::repeat(caller, number, Arc::clone(&shared)));
            }
            None
        }
        Pace::Open { rate } => {
            let book = Arc::new(Book::new(begun, rate, load.warm_up, load.bound));
            open::spawn(callers, &book, &shared, &mut running);
            Some(book)
        }
    };
    let mut window = Window { running, watch, samples: Vec::new(), total: Tally::new(DIGITS) };
    let mut end = window.wait(opened).await;
    let before = cpu.read();
    // The callers may all be gone by the time that the window is seen to have opened; what they did counts.
    if end == End::Time || (end == End::Callers && opened <= Instant::now()) {
        end = window.watch(opened, load.interval, book.as_deref(), load.bound, &shared).await;
    }
    let closed = Instant::now();
    shared.gate.close();
    let used = cpu.since(&before);
    let dropped = match &book {
        Some(book) => window.drain(book, end, load.grace, &shared).await,
        None => 0,
    };
    // Calls still in flight are cancelled; a caller that does not let go is left behind.
    let _ = timeout(LETTING_GO, window.running.shutdown()).await;
    let elapsed = closed.saturating_duration_since(opened);
    let counted_all = matches!(load.bound, Bound::Count(count) if window.count() >= count);
    Measured {
        total: window.total,
        elapsed,
        samples: window.samples,
        used,
        dropped,
        interrupted: end == End::Interrupted,
        lost: end == End::Callers && !counted_all,
    }
}

/// Why the waiting is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The time has come.
    Time,
    /// No caller is left.
    Callers,
    /// The user has enough.
    Interrupted,
}

/// The window that is counted.
struct Window<'a> {
    running: JoinSet<()>,
    watch: &'a mut (dyn FnMut(&Sample) + Send),
    samples: Vec<Sample>,
    total: Tally,
}

impl Window<'_> {
    /// Waits for a time, unless the callers or the user have enough before.
    async fn wait(&mut self, until: Instant) -> End {
        let callers = async { while self.running.join_next().await.is_some() {} };
        tokio::select! {
            () = sleep_until(until) => End::Time,
            () = callers => End::Callers,
            Ok(()) = tokio::signal::ctrl_c() => End::Interrupted,
        }
    }

    /// Takes a sample each interval until the end of the load.
    async fn watch(
        &mut self,
        opened: Instant,
        interval: Duration,
        book: Option<&Book>,
        bound: Bound,
        shared: &Shared,
    ) -> End {
        let close = match (book, bound) {
            (Some(book), _) => Some(book.close()),
            (None, Bound::Time(time)) => Some(opened + time),
            (None, Bound::Count(_)) => None,
        };
        let (mut last, mut next) = (opened, opened);
        loop {
            // From the last boundary and not from when it was noticed, so that samples do not drift.
            next += interval;
            let until = close.map_or(next, |close| close.min(next));
            let end = self.wait(until).await;
            let now = Instant::now();
            self.sample(opened, last, now, shared);
            last = now;
            if end != End::Time || Some(until) == close {
                return end;
            }
        }
    }

    fn sample(&mut self, opened: Instant, from: Instant, to: Instant, shared: &Shared) {
        let tally = shared.recorder.take();
        let sample = Sample {
            end: to.saturating_duration_since(opened),
            length: to.saturating_duration_since(from),
            calls: tally.calls,
            errors: tally.failed(),
            p50_us: tally.micros(0.5),
            p99_us: tally.micros(0.99),
        };
        (self.watch)(&sample);
        self.samples.push(sample);
        self.total.add(&tally);
    }

    /// Waits for the calls of an open loop that are on their way: each belongs to an intended time within
    /// the window. Gives the number of those that were never begun.
    async fn drain(&mut self, book: &Book, end: End, grace: Duration, shared: &Shared) -> u64 {
        // What becomes due while others are waited for is of no window.
        let due = if end == End::Interrupted { book.surely_due() } else { book.due() };
        let sent = book.stop();
        self.wait(Instant::now() + grace).await;
        self.total.add(&shared.recorder.take());
        let unfinished = sent.saturating_sub(self.count());
        if unfinished > 0 {
            let example = format!("no end within {} of the last call", short(grace));
            self.total.fail("UNFINISHED".into(), unfinished, example);
        }
        due.saturating_sub(sent)
    }

    fn count(&self) -> u64 {
        self.total.calls + self.total.failed()
    }
}

const LETTING_GO: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
