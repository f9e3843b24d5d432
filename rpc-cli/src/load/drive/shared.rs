//! What all callers of a load share: where they record, what they send, and when they may begin.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rpc_core::proto::Payload;
use tokio::time::Instant;

use crate::load::{
    plan::Bound,
    pool::Pool,
    record::{DIGITS, Ended, Recorder},
};

/// Makes one call at a time; as many of them as there are calls in flight.
pub(crate) trait Caller: Clone + Send + Sync + 'static {
    /// Makes a call and waits for its end.
    fn call(&self, arguments: &Payload) -> impl Future<Output = Ended> + Send;
}

/// What all callers of a load share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub recorder: Recorder,
    pub pool: Pool,
    pub gate: Gate,
}

impl Shared {
    /// The window opens at this time.
    pub(crate) fn new(bound: Bound, opened: Instant, pool: Pool) -> Self {
        Self { recorder: Recorder::new(SHARDS, DIGITS), pool, gate: Gate::new(bound, opened) }
    }
}

/// Says of each call whether it may be begun, and whether it counts: by the clock, and not by when somebody
/// saw that the window opened. Callers have read the clock already.
#[derive(Debug)]
pub(super) struct Gate {
    opened: Instant,
    closed: AtomicBool,
    /// Calls that may still be begun, if they are numbered.
    left: Option<AtomicU64>,
}

/// A call that may be begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    WarmUp,
    /// Counted if the window is open when it ends.
    Timed,
    /// Counted whenever it ends.
    Numbered,
}

impl Gate {
    pub(super) const fn new(bound: Bound, opened: Instant) -> Self {
        let left = match bound {
            Bound::Time(_) => None,
            Bound::Count(count) => Some(AtomicU64::new(count)),
        };
        Self { opened, closed: AtomicBool::new(false), left }
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    pub(super) fn turn(&self, now: Instant) -> Option<Turn> {
        match &self.left {
            _ if self.is_closed() => None,
            None => Some(Turn::Timed),
            Some(_) if now < self.opened => Some(Turn::WarmUp),
            Some(left) => {
                let less = |left: u64| left.checked_sub(1);
                left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).ok()?;
                Some(Turn::Numbered)
            }
        }
    }

    pub(super) fn counts(&self, turn: Turn, now: Instant) -> bool {
        match turn {
            Turn::WarmUp => false,
            Turn::Timed => self.opened <= now && !self.is_closed(),
            Turn::Numbered => true,
        }
    }
}

/// More than machines have workers for, few enough to be taken out in no time.
const SHARDS: usize = 16;
