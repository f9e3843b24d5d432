//! The open loop: calls are begun by the clock, and their latency counts from the time at which they were
//! to be begun, so that a server that stalls cannot hide it by being asked less.
//!
//! ```text
//! pacer (a thread) ──a permit for each call that is due──▶ callers ──▶ the next number, and its time
//! ```

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::{
    sync::Semaphore,
    task::{JoinSet, yield_now},
    time::Instant,
};

use super::shared::{Caller, Shared};
use crate::load::plan::Bound;

/// Which calls are due when, and how many were begun.
#[derive(Debug)]
pub(crate) struct Book {
    start: Instant,
    rate: f64,
    /// The number of the first call that counts.
    first: u64,
    /// The number behind the last call.
    end: u64,
    /// When the last call is over its time.
    close: Instant,
    /// A permit for each call that is due and was not begun.
    permits: Semaphore,
    next: AtomicU64,
}

impl Book {
    /// So many calls a second from `start` on; those of the warm-up come before those that count.
    pub(crate) fn new(start: Instant, rate: f64, warm_up: Duration, bound: Bound) -> Self {
        let numbered = |time: Duration| (time.as_secs_f64() * rate).ceil() as u64;
        let first = numbered(warm_up);
        let (end, close) = match bound {
            Bound::Time(time) => (numbered(warm_up + time), warm_up + time),
            Bound::Count(count) => {
                let end = first.saturating_add(count);
                (end, Duration::from_secs_f64(end as f64 / rate))
            }
        };
        let (permits, next) = (Semaphore::new(0), AtomicU64::new(0));
        Self { start, rate, first, end, close: start + close, permits, next }
    }

    /// When the call with this number is to be begun.
    fn at(&self, number: u64) -> Instant {
        self.start + Duration::from_secs_f64(number as f64 / self.rate)
    }

    /// How many calls were to be begun by `now`.
    fn due_by(&self, now: Instant) -> u64 {
        let elapsed = now.saturating_duration_since(self.start).as_secs_f64();
        ((elapsed * self.rate) as u64 + 1).min(self.end)
    }

    /// When the window closes.
    pub(crate) const fn close(&self) -> Instant {
        self.close
    }

    /// Lets no further call begin, and says how many of those that count were.
    pub(crate) fn stop(&self) -> u64 {
        self.permits.close();
        self.next.load(Ordering::Acquire).saturating_sub(self.first)
    }

    /// How many calls that count were to be begun by now.
    pub(crate) fn due(&self) -> u64 {
        self.due_by(Instant::now()).saturating_sub(self.first)
    }

    /// How many were, of those for which there was time: a run that ends in between cuts others off.
    pub(crate) fn surely_due(&self) -> u64 {
        let now = Instant::now();
        self.due_by(now.checked_sub(COARSEST).unwrap_or(now)).saturating_sub(self.first)
    }

    /// Waits until a call is due; gives its number. What is left of the warm-up when it is over is passed
    /// over: the calls that count are not to wait for it.
    async fn take(&self) -> Option<u64> {
        loop {
            self.permits.acquire().await.ok()?.forget();
            let number = self.next.fetch_add(1, Ordering::AcqRel);
            if number >= self.first || Instant::now() < self.at(self.first) {
                return Some(number);
            }
        }
    }

    /// Adds permits for what became due, and says when the next one will. Nothing more is due after `None`.
    fn release(&self, released: &mut u64, now: Instant) -> Option<Instant> {
        let due = self.due_by(now);
        // Bounded by: what a semaphore holds is far more than any run has.
        self.permits.add_permits((due - *released) as usize);
        *released = due;
        (due < self.end && !self.permits.is_closed()).then(|| self.at(due))
    }
}

/// Starts the callers and what paces them.
pub(crate) fn spawn<C: Caller>(
    callers: Vec<C>,
    book: &Arc<Book>,
    shared: &Arc<Shared>,
    running: &mut JoinSet<()>,
) {
    for (number, caller) in callers.into_iter().enumerate() {
        running.spawn(repeat(caller, number, Arc::clone(book), Arc::clone(shared)));
    }
    let book = Arc::downgrade(book);
    // A thread: the runtime's timers have steps of a millisecond.
    thread::spawn(move || pace(&book));
}

fn pace(book: &Weak<Book>) {
    let mut released = 0;
    while let Some(next) =
        book.upgrade().and_then(|book| book.release(&mut released, Instant::now()))
    {
        let wait = next.saturating_duration_since(Instant::now());
        // The end of the run is seen soon, however slow the rate.
        thread::sleep(wait.clamp(FINEST, COARSEST));
    }
}

/// Makes each call that is due and that no other caller has taken.
async fn repeat<C: Caller>(caller: C, slot: usize, book: Arc<Book>, shared: Arc<Shared>) {
    let mut draws = shared.pool.draws(slot);
    while let Some(number) = book.take().await {
        let intended = book.at(number);
        let late = Instant::now().saturating_duration_since(intended) > LATE;
        let ended = caller.call(draws.next()).await;
        let took = Instant::now().saturating_duration_since(intended);
        let (failed, lost) = (ended.is_err(), ended.as_ref().is_err_and(|failed| failed.lost));
        if number >= book.first {
            let mut tally = shared.recorder.shard(slot);
            tally.late += u64::from(late);
            tally.record(ended, took);
        }
        if lost {
            break;
        }
        if failed {
            // What fails at once would leave no other task its turn.
            yield_now().await;
        }
    }
}

/// Calls that are begun later than this are counted as late.
pub(crate) const LATE: Duration = Duration::from_millis(1);

/// Pauses of the pacer: what the kernel keeps of a sleep, and what the end of a run may take.
const FINEST: Duration = Duration::from_micros(50);
const COARSEST: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{
        pool::Pool,
        record::{Ended, Tally},
    };
    use rpc_core::proto::Payload;

    /// A server that takes its time.
    #[derive(Clone)]
    struct Slow(Duration);

    impl Caller for Slow {
        async fn call(&self, _: &Payload) -> Ended {
            tokio::time::sleep(self.0).await;
            Ok(1)
        }
    }

    /// Runs an open loop of ten calls, 10 ms apart, on a clock that only this test moves.
    async fn ten_calls(callers: usize, each: Duration) -> (Tally, u64, u64) {
        let bound = Bound::Count(10);
        let start = Instant::now();
        let book = Arc::new(Book::new(start, 100.0, Duration::ZERO, bound));
        let shared = Arc::new(Shared::new(bound, start, Pool::of(Payload::new())));
        let mut running = JoinSet::new();
        for slot in 0..callers {
            running.spawn(repeat(Slow(each), slot, Arc::clone(&book), Arc::clone(&shared)));
        }
        let mut released = 0;
        while let Some(next) = book.release(&mut released, Instant::now()) {
            tokio::time::sleep_until(next).await;
        }
        tokio::time::sleep_until(book.close()).await;
        let sent = book.stop();
        while running.join_next().await.is_some() {}
        (shared.recorder.take(), sent, book.due() - sent)
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_find_a_caller_are_neither_late_nor_dropped() {
        let (tally, sent, dropped) = ten_calls(2, Duration::from_millis(10)).await;
        assert_eq!((tally.calls, sent, dropped, tally.late), (10, 10, 0, 0));
        assert!((tally.micros(1.0) - 10_000.0).abs() < 1_010.0, "{}", tally.micros(1.0));
    }

    #[tokio::test(start_paused = true)]
    async fn latency_counts_from_the_intended_time_and_what_is_not_begun_is_dropped() {
        let (tally, sent, dropped) = ten_calls(1, Duration::from_millis(25)).await;
        // Begun at 0, 25, 50 and 75 ms; intended at 0, 10, 20 and 30 ms.
        assert_eq!((tally.calls, sent, dropped, tally.late), (4, 4, 6, 3));
        assert!((tally.micros(1.0) - 70_000.0).abs() < 4_000.0, "{}", tally.micros(1.0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_slow_server_leaves_of_the_warm_up_is_passed_over() {
        let (start, bound) = (Instant::now(), Bound::Count(10));
        let book = Book::new(start, 100.0, Duration::from_millis(100), bound);
        assert_eq!(book.first, 10);
        tokio::time::sleep_until(start + Duration::from_millis(35)).await;
        let mut released = 0;
        book.release(&mut released, Instant::now());
        assert_eq!((released, book.take().await, book.take().await), (4, Some(0), Some(1)));
        tokio::time::sleep_until(start + Duration::from_millis(125)).await;
        book.release(&mut released, Instant::now());
        assert_eq!((released, book.take().await, book.take().await), (13, Some(10), Some(11)));
    }

    #[test]
    fn numbers_have_times_and_times_have_numbers() {
        let start = Instant::now();
        let warm_up = Duration::from_secs(1);
        let book = Book::new(start, 1000.0, warm_up, Bound::Time(Duration::from_secs(2)));
        assert_eq!((book.first, book.end), (1000, 3000));
        assert_eq!(book.at(500), start + Duration::from_millis(500));
        assert_eq!(book.due_by(start), 1);
        assert_eq!(book.due_by(start + Duration::from_micros(2500)), 3);
        assert_eq!(book.due_by(start + Duration::from_secs(60)), 3000);
        assert_eq!(book.close(), start + Duration::from_secs(3));
    }
}
