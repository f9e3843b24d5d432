//! Figures of a method. Each thread has cells of its own, to which it adds without a locked instruction: counting a call that
//! takes half a microsecond is not to cost a tenth of that.

use std::{
    cell::Cell,
    fmt,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use super::{Ledger, latencies::Latencies};
use crate::proto::{Code, Failure, Outcome};

/// Threads that have cells of their own; all others share one set.
const OWN: usize = 64;

thread_local! {
    static THREAD: Cell<Option<Thread>> = const { Cell::new(None) };
}

/// The number of a thread among those that have counted anything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thread(usize);

impl Thread {
    /// That of this thread.
    #[inline]
    pub(crate) fn current() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        if let Some(known) = THREAD.get() {
            return known;
        }
        let thread = Self(NEXT.fetch_add(1, Relaxed));
        THREAD.set(Some(thread));
        thread
    }

    /// Which of so many parts is this thread's.
    pub(super) const fn part_of(self, parts: usize) -> usize {
        self.0 % parts
    }
}

/// What one thread has counted.
#[derive(Default)]
#[repr(align(64))]
struct Cells {
    calls: AtomicU64,
    received: AtomicU64,
    sent: AtomicU64,
}

impl Cells {
    #[cold]
    fn add(&self, arguments: usize, reply: usize) {
        self.calls.fetch_add(1, Relaxed);
        self.received.fetch_add(arguments as u64, Relaxed);
        self.sent.fetch_add(reply as u64, Relaxed);
    }
}

/// Codes, and one more for the errors of methods.
const ENDS: usize = 18;
const APPLICATION: usize = 17;

/// What is counted of one method.
pub(crate) struct Figures {
    method: &'static str,
    ledger: Weak<Ledger>,
    /// By thread. Here and not elsewhere in memory, which would be one more look-up for each call.
    cells: [Cells; OWN],
    /// Of all threads that have none of their own.
    shared: Cells,
    failures: [AtomicU64; ENDS],
    latencies: Latencies,
}

/// What was counted up to now.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) method: &'static str,
    pub(crate) calls: u64,
    /// Bytes of arguments and of replies; without items.
    pub(crate) received: u64,
    pub(crate) sent: u64,
    /// By name.
    pub(crate) failures: Vec<(&'static str, u64)>,
    pub(crate) latencies: Vec<(u16, u64)>,
}

impl Figures {
    pub(super) fn new(method: &'static str, ledger: Weak<Ledger>) -> Arc<Self> {
        Arc::new(Self {
            method,
            ledger,
            cells: std::array::from_fn(|_| Cells::default()),
            shared: Cells::default(),
            failures: Default::default(),
            latencies: Latencies::new(),
        })
    }

    pub(crate) const fn method(&self) -> &'static str {
        self.method
    }

    pub(crate) fn ledger(&self) -> Option<Arc<Ledger>> {
        self.ledger.upgrade()
    }

    /// Counts a call that has ended on this thread, with the bytes of its arguments and of its reply.
    #[inline]
    pub(crate) fn count(&self, thread: Thread, arguments: usize, reply: usize, outcome: &Outcome) {
        match self.cells.get(thread.0) {
            Some(own) => {
                // Nobody else writes here.
                let add = |cell: &AtomicU64, more: usize| {
                    cell.store(cell.load(Relaxed).wrapping_add(more as u64), Relaxed);
                };
                add(&own.calls, 1);
                add(&own.received, arguments);
                add(&own.sent, reply);
            }
            None => self.shared.add(arguments, reply),
        }
        if let Err(failure) = outcome {
            self.count_failure(failure);
        }
    }

    /// Counts a call whose handler was dropped.
    pub(crate) fn count_dropped(&self, arguments: usize) {
        let status = crate::proto::Status::new(Code::Cancelled, "");
        self.count(Thread::current(), arguments, 0, &Err(Failure::Status(status)));
    }

    #[cold]
    fn count_failure(&self, failure: &Failure) {
        let end = match failure {
            Failure::Application(_) => APPLICATION,
            Failure::Status(status) => usize::from(status.code().value()).min(APPLICATION - 1),
        };
        self.failures[end].fetch_add(1, Relaxed);
    }

    /// Takes note of how long `weight` calls took of which this is one.
    pub(crate) fn took(&self, took: Duration, weight: u32) {
        self.latencies.record(took, weight);
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let sum = |cell: fn(&Cells) -> &AtomicU64| {
            let all = self.cells.iter().chain([&self.shared]);
            all.map(|cells| cell(cells).load(Relaxed)).fold(0, u64::wrapping_add)
        };
        let failures = self.failures.iter().enumerate();
        let failures = failures.map(|(end, count)| (end, count.load(Relaxed)));
        let name = |end| match end {
            APPLICATION => "APPLICATION",
            // It fits: there are seventeen.
            code => Code::from_value(code as u8).name(),
        };
        Snapshot {
            method: self.method,
            calls: sum(|cells| &cells.calls),
            received: sum(|cells| &cells.received),
            sent: sum(|cells| &cells.sent),
            failures: failures
                .filter(|(_, count)| *count > 0)
                .map(|(end, count)| (name(end), count))
                .collect(),
            latencies: self.latencies.buckets(),
        }
    }
}

impl fmt::Debug for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Figures").field(&self.method).finish()
    }
}
