//! The limiter of a runtime, with its lock, and the calls that wait for it.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{
            AtomicU8, AtomicU32,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::{
    Figures, Overload,
    limiter::{Ask, Cause, Limiter, Next, Rest, Verdict},
    line::{Place, Rank},
};
use crate::{
    proto::{Code, Opening, Status},
    seam::{Gauge, SlowGuard},
    time::now,
};

/// After one call that takes long, so many are looked at before they start.
const LOOKS: u32 = 4096;

/// Says which calls of the connections of one runtime start.
pub(crate) struct Shedder {
    limiter: Mutex<Limiter<Arc<Waiter>>>,
    /// Calls that are still to be looked at. Nothing is looked at, and nothing costs anything, where no method takes long.
    looks: AtomicU32,
    gauge: Arc<Gauge>,
    figures: Arc<Figures>,
    retry_after: Duration,
}

/// A call that waits for its turn.
#[derive(Debug, Default)]
struct Waiter {
    /// Zero while it waits, [`TURN`], or [`DROPPED`] and a cause. Written under the lock of the limiter.
    fate: AtomicU8,
    waker: AtomicWaker,
}

const TURN: u8 = 1;
const DROPPED: u8 = 2;

impl Shedder {
    /// One for the runtime that this is called on.
    pub(crate) fn here(options: &Overload, gauge: Arc<Gauge>, figures: Arc<Figures>) -> Arc<Self> {
        let threads = Handle::try_current().map_or(1, |runtime| match runtime.runtime_flavor() {
            RuntimeFlavor::CurrentThread => 1,
            _ => runtime.metrics().num_workers(),
        });
        let limiter = Limiter::new(options, u32::try_from(threads).unwrap_or(u32::MAX));
        Arc::new(Self {
            retry_after: limiter.retry_after(),
            limiter: Mutex::new(limiter),
            looks: AtomicU32::new(0),
            gauge,
            figures,
        })
    }

    /// Whether calls are to be looked at before they start.
    #[inline]
    pub(crate) fn looks(&self) -> bool {
        self.looks.load(Relaxed) != 0
    }

    /// A call takes long: others may do so as well.
    #[inline]
    pub(crate) fn look_on(&self) {
        self.looks.store(LOOKS, Relaxed);
    }

    /// A call was looked at that does not take long. Races between threads lose a count at worst.
    #[inline]
    pub(crate) fn looked_in_vain(&self) {
        self.looks.store(self.looks.load(Relaxed).saturating_sub(1), Relaxed);
    }

    /// Asks for the start of a call that has come.
    ///
    /// # Errors
    /// Why it is not started.
    pub(crate) fn offer(
        self: &Arc<Self>,
        opening: &Opening,
        guard: &SlowGuard,
    ) -> Result<Queued, Status> {
        let (present, mut displaced, mut waits) = (now(), Vec::new(), None);
        let ask = Ask { rank: Rank::of(opening), deadline: opening.deadline, takes: guard.takes() };
        let call = || Arc::clone(waits.insert(Arc::new(Waiter::default())));
        let mut limiter = self.limiter.lock();
        let verdict = limiter.offer(present, ask, call, &mut displaced);
        let overloaded = limiter.is_overloaded();
        for waiter in &displaced {
            waiter.fate.store(DROPPED + Cause::Overload as u8, Release);
        }
        drop(limiter);
        self.figures.set_overloaded(overloaded);
        for waiter in displaced {
            self.figures.count(present, Cause::Overload);
            waiter.waker.wake();
        }
        let shedder = Arc::clone(self);
        match (verdict, waits) {
            (Verdict::Refuse(cause), _) => {
                self.figures.count(present, cause);
                Err(self.status(cause))
            }
            (Verdict::Wait(place), Some(waiter)) => {
                Ok(Queued { shedder, stage: Stage::Waits(waiter, place) })
            }
            _ => Ok(Queued { shedder, stage: Stage::Handed }),
        }
    }

    /// Hands further calls to the runtime, as many as it takes.
    fn go_on(&self) {
        let present = now();
        loop {
            // What becomes of a call is said under the lock, so that whoever drops it knows whether it has its turn.
            let mut limiter = self.limiter.lock();
            let Some(next) = limiter.next(present) else { return };
            let (waiter, fate) = match &next {
                Next::Start(waiter, _) => (waiter, TURN),
                Next::Drop(waiter, cause) => (waiter, DROPPED + *cause as u8),
            };
            waiter.fate.store(fate, Release);
            drop(limiter);
            match next {
                Next::Start(waiter, waited) => {
                    self.gauge.waited(present, waited);
                    waiter.waker.wake();
                }
                Next::Drop(waiter, cause) => {
                    self.figures.count(present, cause);
                    waiter.waker.wake();
                }
            }
        }
    }

    fn status(&self, cause: Cause) -> Status {
        let (code, message) = match cause {
            Cause::Overload => (Code::ResourceExhausted, "the server has too much to do"),
            Cause::QueueFull => (Code::ResourceExhausted, "too many calls wait on the server"),
            Cause::TooLate => {
                (Code::ResourceExhausted, "the server could not answer before the deadline")
            }
            Cause::Expired => {
                (Code::DeadlineExceeded, "the deadline passed before the handler was started")
            }
        };
        let status = Status::not_started(code, message);
        match cause {
            Cause::Expired => status,
            _ => status.with_retry_after(self.retry_after),
        }
    }
}

impl fmt::Debug for Shedder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shedder").field("figures", &self.figures).finish_non_exhaustive()
    }
}

/// A call that is to start when its turn comes. Dropping it takes it off the line, or gives its turn to the next.
#[derive(Debug)]
pub(crate) struct Queued {
    shedder: Arc<Shedder>,
    stage: Stage,
}

/// ```text
/// Waits ──its turn──▶ Handed ──begin──▶ Computes
///   └─────dropped─────────────────────────▶ Over
/// ```
#[derive(Debug)]
enum Stage {
    Waits(Arc<Waiter>, Place),
    /// The runtime is to come to it.
    Handed,
    Computes,
    Over,
}

impl Queued {
    /// Its turn, or why there is none.
    pub(crate) fn poll_turn(&mut self, cx: &Context<'_>) -> Poll<Result<(), Status>> {
        let Stage::Waits(waiter, _) = &self.stage else { return Poll::Ready(Ok(())) };
        waiter.waker.register(cx.waker());
        let (stage, turn) = match waiter.fate.load(Acquire) {
            0 => return Poll::Pending,
            TURN => (Stage::Handed, Ok(())),
            fate => {
                let cause = Cause::ALL[usize::from(fate - DROPPED)];
                (Stage::Over, Err(self.shedder.status(cause)))
            }
        };
        self.stage = stage;
        Poll::Ready(turn)
    }

    /// Whether the thread is to turn to its other tasks, and to its sockets, before the handler starts.
    pub(crate) fn rests(&self) -> bool {
        self.shedder.limiter.lock().rest(now()) == Rest::First
    }

    /// A thread has come to the call: the next one is handed to the runtime. The handler computes until this is dropped.
    pub(crate) fn begin(&mut self) {
        if matches!(self.stage, Stage::Handed) {
            self.stage = Stage::Computes;
            self.shedder.limiter.lock().begin();
            self.shedder.go_on();
        }
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        if let Stage::Waits(waiter, place) = &self.stage {
            let mut limiter = self.shedder.limiter.lock();
            let told = !limiter.withdraw(*place) && waiter.fate.load(Acquire) == TURN;
            drop(limiter);
            // It was told after it last looked.
            self.stage = if told { Stage::Handed } else { Stage::Over };
        }
        self.begin();
        if matches!(self.stage, Stage::Computes) {
            self.shedder.limiter.lock().end();
        }
    }
}
