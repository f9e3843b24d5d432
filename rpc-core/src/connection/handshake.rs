//! The connections of one server whose peers have not said hello: how many there may be, and who has to go when one
//! more comes. Whoever says nothing costs its peer nothing, so their number needs a bound of its own.

use std::{
    collections::BTreeMap,
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;

/// All of them.
#[derive(Debug)]
pub(crate) struct Handshakes {
    limit: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    /// How many connections there have been.
    count: u64,
    /// By age. Bounded by: `limit`.
    by_age: BTreeMap<u64, Arc<Verdict>>,
}

/// Whether a connection has to go.
#[derive(Debug, Default)]
struct Verdict {
    given_up: AtomicBool,
    driver: AtomicWaker,
}

/// One of them, until this is dropped: its peer has said hello then, or it is gone.
#[derive(Debug)]
pub(crate) struct Handshake {
    all: Arc<Handshakes>,
    number: u64,
    verdict: Arc<Verdict>,
}

impl Handshakes {
    /// At most `limit` connections, and one at least.
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit: limit.max(1), open: Mutex::default() })
    }

    /// Counts a connection; the oldest is given up if there are too many.
    pub(crate) fn begin(self: &Arc<Self>) -> Handshake {
        let verdict = Arc::<Verdict>::default();
        let mut open = self.open.lock();
        let full = open.by_age.len() >= self.limit;
        let oldest = full.then(|| open.by_age.pop_first()).flatten();
        let number = open.count;
        open.count += 1;
        open.by_age.insert(number, Arc::clone(&verdict));
        drop(open);
        if let Some((_, oldest)) = oldest {
            oldest.given_up.store(true, Ordering::Release);
            oldest.driver.wake();
        }
        Handshake { all: Arc::clone(self), number, verdict }
    }
}

impl Handshake {
    /// Resolves when the connection has to go.
    pub(crate) async fn given_up(&self) {
        poll_fn(|cx| if self.is_given_up(cx) { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    /// Whether the connection has to go; if not, leaves the waker of `cx`. To be asked when what the peer has sent is
    /// read: its hello may have come before others did.
    pub(super) fn is_given_up(&self, cx: &Context<'_>) -> bool {
        self.verdict.driver.register(cx.waker());
        self.verdict.given_up.load(Ordering::Acquire)
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        self.all.open.lock().by_age.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_that_is_left_has_to_go() {
        let all = Handshakes::new(2);
        let cx = Context::from_waker(std::task::Waker::noop());
        let (first, second) = (all.begin(), all.begin());
        drop(first);
        let third = all.begin();
        assert!(!second.is_given_up(&cx));
        let fourth = all.begin();
        assert!(second.is_given_up(&cx));
        drop(second);
        assert!([&third, &fourth].iter().all(|handshake| !handshake.is_given_up(&cx)));
        let _fifth = all.begin();
        assert!(third.is_given_up(&cx) && !fourth.is_given_up(&cx));
    }

    #[test]
    fn one_is_let_in_whatever_the_limit() {
        let all = Handshakes::new(0);
        let cx = Context::from_waker(std::task::Waker::noop());
        let first = all.begin();
        assert!(!first.is_given_up(&cx));
        let _second = all.begin();
        assert!(first.is_given_up(&cx));
    }
}
