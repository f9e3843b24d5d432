//! The row of ordered calls that wait for the next connection: each is opened there when it is its turn, so that a later one
//! overtakes no earlier one.
//!
//! ```text
//!                    left on a connection that takes no more calls          made meanwhile
//!                            │                                                    │
//! Lineup:  [ Left ][ Left ][ Came ] … ◀── its caller comes, to its own place    [ Came ] ◀┘ at the end
//!         │
//!         └─▶ opened on the next connection, or over: the one behind it is woken
//! ```
//!
//! A call is a future, and whoever has it may poll another one first. So nobody is waited for who has not come for his turn
//! within a second: his call fails, and was not started. Nobody tells when a call of a lost connection is dropped, or ends: it
//! is looked at.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use futures_util::future::select;
use parking_lot::Mutex;

use super::Line;
use crate::{
    connection::Connection,
    proto::{
        CallId, Code, Order, Status,
        connection::{Left, LeftCall},
    },
    seam::{Caller, Turns},
    time::now,
};

/// How long a call may leave its turn untaken once there is a connection.
const MOST_LATE: Duration = Duration::from_secs(1);

/// How long a caller may take from learning that its call was not started to coming for its turn. It is a moment; who has
/// dropped the call never comes.
const MOMENT: Duration = Duration::from_millis(100);

/// The time between two looks at calls of a connection that takes no more.
const LOOK: Duration = Duration::from_millis(10);

#[derive(Debug, Default)]
pub(super) struct Lineup {
    /// How many wait: each ordered call that is made looks at it.
    length: AtomicUsize,
    places: Mutex<Places>,
}

#[derive(Debug, Default)]
struct Places {
    /// Bounded by: the ordered calls of the channel, each of which has one place.
    row: VecDeque<Place>,
    next: u64,
    /// Since when the first one could have gone on.
    since: Option<Instant>,
}

#[derive(Debug)]
struct Place {
    number: u64,
    call: Waiting,
}

#[derive(Debug)]
enum Waiting {
    /// It had not ended when its connection took no more calls; its caller has not come. Since when the caller is seen to know
    /// of the end, or to be gone.
    Left { connection: Weak<Connection>, call: LeftCall, seen: Option<Instant> },
    /// Its caller waits, and has been woken or not.
    Came { waker: Option<Waker>, woken: bool },
    /// It is being opened.
    Goes,
}

/// What a call sees that looks at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// It is its turn.
    Turn,
    /// Others are ahead of it; after so long it is to look again if nobody wakes it.
    Behind(Duration),
    /// It has come too late.
    Passed,
}

impl Lineup {
    /// Whether no ordered call waits.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.length.load(Ordering::Acquire) == 0
    }

    /// The connection takes no more calls: what it has left of ordered ones goes ahead of all that wait. To be called before
    /// there is another connection.
    pub(super) fn leave_behind(&self, connection: &Arc<Connection>) {
        let left = connection.left_ordered();
        if left.is_empty() {
            return;
        }
        let mut places = self.places.lock();
        for call in left.into_iter().rev() {
            let connection = Arc::downgrade(connection);
            let call = Waiting::Left { connection, call, seen: None };
            let number = places.number();
            places.row.push_front(Place { number, call });
        }
        self.settle(&mut places);
    }

    /// The place of a call whose caller has come: its own where it is one of those that were left, else the last. Nothing
    /// if it has come too late.
    pub(super) fn line_up(&self, from: Option<(&Arc<dyn Caller>, CallId)>) -> Option<u64> {
        let came = Waiting::Came { waker: None, woken: false };
        let mut places = self.places.lock();
        let Some((caller, id)) = from else {
            let number = places.number();
            places.row.push_back(Place { number, call: came });
            self.settle(&mut places);
            return Some(number);
        };
        let place = places.row.iter_mut().find(|place| match &place.call {
            Waiting::Left { connection, call, .. } => {
                !call.runs
                    && call.id == id
                    && std::ptr::addr_eq(connection.as_ptr(), Arc::as_ptr(caller))
            }
            Waiting::Came { .. } | Waiting::Goes => false,
        })?;
        place.call = came;
        Some(place.number)
    }

    /// There is a connection: who does not come for his turn from here on is late.
    pub(super) fn open(&self) {
        self.places.lock().since = Some(now());
    }

    /// What the call with this number sees; `opened` tells whether calls can go on, or fail, by now.
    pub(super) fn look(&self, number: u64, opened: bool) -> View {
        // Wakers are code of others: dropped after the lock.
        let mut passed = Vec::new();
        let mut places = self.places.lock();
        while places.row.front().is_some_and(|first| first.number != number) {
            let since = places.since.filter(|_| opened);
            let late =
                since.is_some_and(|since| now().saturating_duration_since(since) >= MOST_LATE);
            if !places.row[0].is_to_be_passed(late, now()) {
                break;
            }
            passed.extend(places.row.pop_front());
            self.settle(&mut places);
        }
        let Some(at) = places.row.iter().position(|place| place.number == number) else {
            return View::Passed;
        };
        if let own @ Waiting::Goes = &mut places.row[at].call {
            // The connection was lost before it was opened there.
            *own = Waiting::Came { waker: None, woken: false };
        }
        let came = places.row.iter().take(at).any(|place| !place.is_left());
        match (at, came) {
            (0, _) => View::Turn,
            (_, true) => View::Behind(MOST_LATE),
            (_, false) => View::Behind(LOOK),
        }
    }

    /// Waits until the call with this number is woken.
    pub(super) fn poll_woken(&self, number: u64, cx: &Context<'_>) -> Poll<()> {
        // Wakers are code of others: cloned where no lock is held.
        let mut own = Some(cx.waker().clone());
        let mut places = self.places.lock();
        let place = places.row.iter_mut().find(|place| place.number == number);
        let Some(Place { call: Waiting::Came { waker, woken }, .. }) = place else {
            return Poll::Ready(());
        };
        if std::mem::take(woken) {
            return Poll::Ready(());
        }
        std::mem::swap(waker, &mut own);
        drop(places);
        Poll::Pending
    }

    /// The call with this number is opened next; false if it has come too late.
    pub(super) fn go(&self, number: u64) -> bool {
        let mut places = self.places.lock();
        let Some(first) = places.row.front_mut().filter(|place| place.number == number) else {
            return false;
        };
        let former = std::mem::replace(&mut first.call, Waiting::Goes);
        drop(places);
        drop(former);
        true
    }

    /// The row is another one: counts those who wait, and says from when on the first of them is late.
    fn settle(&self, places: &mut Places) {
        self.length.store(places.row.len(), Ordering::Release);
        places.since = Some(now());
    }
}

impl Line {
    /// Waits for the turn of an ordered call.
    pub(super) async fn wait_in_line(
        &self,
        turn: u64,
        deadline: Option<Instant>,
    ) -> Result<(), Status> {
        loop {
            let opened = {
                let state = self.state.lock();
                state.current.is_some() || state.over.is_some()
            };
            let pause = match self.lineup.look(turn, opened) {
                View::Turn => return Ok(()),
                View::Passed => return Err(passed()),
                View::Behind(pause) => pause,
            };
            if deadline.is_some_and(|deadline| deadline <= now()) {
                return Err(self.too_late());
            }
            let again = deadline.into_iter().chain([now() + pause]).min();
            let timer = std::pin::pin!(self.timer(again.unwrap_or_else(now)));
            select(poll_fn(|cx| self.lineup.poll_woken(turn, cx)), timer).await;
        }
    }

    /// Whether a call of this order need not wait for others, by the connection that was at hand a moment ago.
    #[inline]
    pub(super) fn passes(&self, order: Order) -> bool {
        order == Order::Any || self.lineup.is_empty()
    }
}

/// The end of an ordered call that has come too late for its turn.
fn passed() -> Status {
    let message = "the connection was lost, and later calls of its order have gone on without it";
    Status::not_started(Code::Unavailable, message)
}

impl Turns for Lineup {
    fn leave(&self, number: u64) {
        let mut places = self.places.lock();
        let Some(at) = places.row.iter().position(|place| place.number == number) else { return };
        let left = places.row.remove(at);
        if at == 0 {
            self.settle(&mut places);
        } else {
            self.length.store(places.row.len(), Ordering::Release);
        }
        let first = places.row.iter_mut().find(|place| !place.is_left());
        let waker = match first.map(|place| &mut place.call) {
            Some(Waiting::Came { waker, woken }) => {
                *woken = true;
                waker.take()
            }
            _ => None,
        };
        drop(places);
        drop(left);
        waker.into_iter().for_each(Waker::wake);
    }
}

impl Places {
    const fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

impl Place {
    const fn is_left(&self) -> bool {
        matches!(self.call, Waiting::Left { .. })
    }

    /// Whether those behind it need not wait for it, or no longer if it is `late`.
    fn is_to_be_passed(&mut self, late: bool, now: Instant) -> bool {
        let (connection, call, seen) = match &mut self.call {
            Waiting::Left { connection, call, seen } => (connection.upgrade(), call, seen),
            Waiting::Came { .. } => return late,
            Waiting::Goes => return false,
        };
        // Its caller holds the connection until it has seen the end.
        let stands = connection.map_or(Left::Over, |connection| connection.stands(call.id));
        match stands {
            Left::Runs => false,
            _ if call.runs => true,
            Left::Unseen => late,
            Left::Over => {
                let seen = *seen.get_or_insert(now);
                now.saturating_duration_since(seen) >= MOMENT
            }
        }
    }
}
