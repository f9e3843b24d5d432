//! Which calls start, which wait, and which are refused: all of it but the clock, the lock and the tasks.

use std::time::{Duration, Instant};

use super::{
    demand::{Demand, Standing},
    line::{Line, Place, Rank, Waiting},
    options::Overload,
    pace::Pace,
};

/// Calls that may wait for each thread, however long they take.
const LEAST_ROOM: usize = 4;

/// The time after which other tasks of the runtime, and its sockets, are to have their turn.
const REST_EVERY: Duration = Duration::from_millis(1);

/// Why a call is not started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// More come than can be served.
    Overload,
    /// The line is as long as it may be.
    QueueFull,
    /// It could not be answered before its deadline.
    TooLate,
    /// Its deadline has passed.
    Expired,
}

impl Cause {
    pub(super) const ALL: [Self; 4] =
        [Self::Overload, Self::QueueFull, Self::TooLate, Self::Expired];
}

/// What is asked for a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask {
    pub(super) rank: Rank,
    pub(super) deadline: Option<Instant>,
    /// What such a call takes at least, most of the time.
    pub(super) takes: Duration,
}

/// What becomes of a call that comes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It starts.
    Start,
    /// It waits here.
    Wait(Place),
    Refuse(Cause),
}

/// What becomes of a call that has waited.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<T> {
    /// It starts; it has waited for so long.
    Start(T, Duration),
    Drop(T, Cause),
}

/// Whether the thread is to turn to other tasks, and to its sockets, before a handler starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    First,
    No,
}

/// The calls of one runtime that could start.
#[derive(Debug)]
pub(super) struct Limiter<T> {
    target: Duration,
    max_queue: usize,
    /// The threads that handlers run on: so many calls may be handed to the runtime which it has not come to. How many run is
    /// what it comes to: as many as there are threads where handlers compute, and any number of those that wait.
    threads: u32,
    /// Those that are.
    handed: u32,
    /// Those that the runtime has come to, and that have not been polled to their first pause.
    computing: u32,
    line: Line<T>,
    /// Calls that were taken off the line since it was last in time: callers who do not wait make it no shorter.
    given_up: usize,
    pace: Pace,
    demand: Demand,
    rested: Option<Instant>,
}

impl<T> Limiter<T> {
    pub(super) fn new(options: &Overload, threads: u32) -> Self {
        let threads = threads.max(1);
        Self {
            target: options.target,
            max_queue: options.max_queue,
            threads,
            handed: 0,
            computing: 0,
            line: Line::default(),
            given_up: 0,
            pace: Pace::new(threads),
            demand: Demand::default(),
            rested: None,
        }
    }

    /// Judges a call that has come; `call` is asked for if it is to wait. Those that are displaced by it, or by what it shows,
    /// are added to `displaced`.
    pub(super) fn offer(
        &mut self,
        now: Instant,
        ask: Ask,
        call: impl FnOnce() -> T,
        displaced: &mut Vec<T>,
    ) -> Verdict {
        if ask.deadline.is_some_and(|deadline| deadline <= now) {
            return Verdict::Refuse(Cause::Expired);
        }
        if self.line.is_empty() && self.handed < self.threads {
            self.look(now, displaced);
            self.handed += 1;
            self.pace.begin(now);
            return Verdict::Start;
        }
        let latest = ask.deadline.map(|deadline| deadline.checked_sub(ask.takes).unwrap_or(now));
        let ahead = u32::try_from(self.line.ahead(ask.rank)).unwrap_or(u32::MAX);
        let starts = now.checked_add(self.pace.gap(now).saturating_mul(ahead));
        if latest.is_some_and(|latest| starts.is_none_or(|starts| latest < starts)) {
            return Verdict::Refuse(Cause::TooLate);
        }
        if let Some(cause) = self.is_full(now) {
            self.demand.refused();
            if !self.line.has_worse(ask.rank) {
                self.look(now, displaced);
                return Verdict::Refuse(cause);
            }
            displaced.extend(self.line.pop_last().map(|waiting| waiting.call));
        }
        let waiting = Waiting { call: call(), since: now, latest, deadline: ask.deadline };
        let place = self.line.push(ask.rank, waiting);
        self.look(now, displaced);
        Verdict::Wait(place)
    }

    /// The next call that starts or is dropped; `None` while none may start.
    pub(super) fn next(&mut self, now: Instant) -> Option<Next<T>> {
        if self.handed >= self.threads {
            return None;
        }
        let Waiting { call, since, latest, deadline } = self.line.pop_first()?;
        if latest.is_some_and(|latest| latest < now) {
            self.given_up += 1;
            let expired = deadline.is_some_and(|deadline| deadline <= now);
            return Some(Next::Drop(call, if expired { Cause::Expired } else { Cause::TooLate }));
        }
        self.handed += 1;
        self.pace.start(now);
        Some(Next::Start(call, now.saturating_duration_since(since)))
    }

    /// The runtime has come to a call that was handed to it.
    pub(super) const fn begin(&mut self) {
        self.handed -= 1;
        self.computing += 1;
    }

    /// The handler has been polled once, or will not be.
    pub(super) const fn end(&mut self) {
        self.computing -= 1;
    }

    /// Takes a call off that waits; false if it does not.
    pub(super) fn withdraw(&mut self, place: Place) -> bool {
        let withdrawn = self.line.withdraw(place);
        self.given_up += usize::from(withdrawn);
        withdrawn
    }

    /// Whether the handler that starts next is to let others have their turn first: not where another thread can.
    pub(super) fn rest(&mut self, now: Instant) -> Rest {
        if self.computing + 1 < self.threads {
            return Rest::No;
        }
        let rested = *self.rested.get_or_insert(now);
        if now.saturating_duration_since(rested) < REST_EVERY {
            return Rest::No;
        }
        self.rested = Some(now);
        Rest::First
    }

    /// The time after which a call that was refused does well to come again.
    pub(super) fn retry_after(&self) -> Duration {
        2 * self.target
    }

    pub(super) fn is_overloaded(&self) -> bool {
        self.demand.is_excessive()
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.line.len()
    }

    /// How long a call may wait while more come than can be served: those that take long have to wait for a few others.
    fn most_wait(&self, gap: Duration) -> Duration {
        self.target.max(gap.saturating_mul(LEAST_ROOM as u32))
    }

    /// Calls that may wait while more come than can be served.
    fn room(&self, gap: Duration) -> usize {
        let least = LEAST_ROOM * self.threads as usize;
        let fit = self.target.as_nanos().checked_div(gap.as_nanos());
        fit.map_or(least, |fit| usize::try_from(fit).unwrap_or(usize::MAX)).max(least)
    }

    fn is_full(&self, now: Instant) -> Option<Cause> {
        let length = self.line.len();
        if length >= self.max_queue {
            return Some(Cause::QueueFull);
        }
        let full = self.demand.is_excessive() && length >= self.room(self.pace.gap(now));
        full.then_some(Cause::Overload)
    }

    /// Looks whether more come than can be served. When that is found out, all that cannot start in time make room.
    fn look(&mut self, now: Instant, displaced: &mut Vec<T>) {
        let (length, gap) = (self.line.len(), self.pace.gap(now));
        let most = self.most_wait(gap);
        let first = self.line.first_since();
        let waited = first.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        let ahead = u32::try_from(length).unwrap_or(u32::MAX);
        let late = waited > most || gap.saturating_mul(ahead) > most;
        let standing = if late { Standing::Late } else { Standing::InTime };
        if !late {
            self.given_up = 0;
        }
        if self.demand.look(now, length + self.given_up, standing, gap) {
            let room = self.room(gap);
            while self.line.len() > room
                && let Some(waiting) = self.line.pop_last()
            {
                displaced.push(waiting.call);
            }
        }
    }
}
