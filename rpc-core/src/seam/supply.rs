//! What gives callers, one after the other or of many: the seam between calls and a channel that comes back, or has several
//! servers behind it.

use std::{
    fmt,
    sync::{Arc, Weak},
    time::Instant,
};

use tokio::sync::watch;

use super::{Caller, Retries, Waiting};
use crate::{
    proto::{CallId, MemoryId, Order, Status, connection::ConnectionError},
    transport::Peer,
};

/// Gives callers to one place, another one when the last takes no more calls; or to several places.
///
/// ```text
/// present ──some──▶ open on it ──not started, and its link drains or is over──▶ retire ─┐
///    └──────none──▶ next (waits for a link) ◀───────────────────────────────────────────┘
/// ```
pub(crate) trait Supply: fmt::Debug + Send + Sync + 'static {
    /// The caller for a call of this order that is made now, if none has to be waited for. It may have ended meanwhile.
    fn present(&self, order: Order) -> Option<Arc<dyn Caller>>;

    /// Waits for a caller as it is wanted. While somebody waits, links are opened.
    ///
    /// The errors are statuses of calls that were not started, without the words for that.
    fn next(self: Arc<Self>, wanted: Wanted) -> Waiting<'static, Result<Arc<dyn Caller>, Status>>;

    /// Has an ordered call wait behind those that were made before it: in its own place, where `from` had not started it when
    /// it took no more calls. Nothing where no order is kept from one caller to the next, or the place is taken.
    fn line_up(self: Arc<Self>, from: Option<(&Arc<dyn Caller>, CallId)>) -> Option<Turn> {
        let _ = from;
        None
    }

    /// Gives no more calls to a caller that takes none.
    fn retire(&self, caller: &Arc<dyn Caller>);

    /// How it stands at present.
    fn standing(&self) -> Standing;

    /// Tells of every change of how it stands, but for what the present caller tells by its phases.
    fn changes(&self) -> watch::Receiver<Course>;

    /// Who is at the other end, or was last, or will be.
    fn peer(&self) -> Peer;

    /// Calls that wait for a caller.
    fn waiting(&self) -> usize;

    /// How calls are made again.
    fn retries(&self) -> &Retries;

    /// The calls that `caller` counts with, by the place in memory of what they are counted by, and how many were sent.
    fn counted(&self, caller: &Arc<dyn Caller>) -> (usize, u64) {
        (Arc::as_ptr(caller).cast::<()>() as usize, caller.sent_calls())
    }

    /// Another caller than this one for the same call, if there is one elsewhere.
    #[cfg(feature = "fleet")]
    fn other(&self, than: &Arc<dyn Caller>) -> Option<Arc<dyn Caller>> {
        let _ = than;
        None
    }

    /// How long calls took that go by it.
    #[cfg(feature = "fleet")]
    fn latencies(&self) -> Option<&super::RecentTimes> {
        None
    }

    /// Drains the present link, and opens no other.
    fn close(&self);

    /// Resolves when there will be no further caller and the last links are closed; gives the reason.
    fn closed(self: Arc<Self>) -> Waiting<'static, ConnectionError>;
}

/// The place of an ordered call among those that wait; the next one goes on when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    number: u64,
    turns: Weak<dyn Turns>,
}

/// What gives ordered calls their turns.
pub(crate) trait Turns: fmt::Debug + Send + Sync + 'static {
    /// The call with this number waits no longer.
    fn leave(&self, number: u64);
}

impl Turn {
    pub(crate) fn new(number: u64, turns: &Arc<impl Turns>) -> Self {
        let turns: Weak<dyn Turns> = Arc::downgrade(turns) as _;
        Self { number, turns }
    }

    pub(crate) const fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(turns) = self.turns.upgrade() {
            turns.leave(self.number);
        }
    }
}

/// The caller that a call waits for, and how long it does.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(
    not(feature = "fleet"),
    allow(dead_code, reason = "where there is one server, there is no choice")
)]
pub(crate) struct Wanted {
    /// When its caller stops waiting, if that was said.
    pub(crate) deadline: Option<Instant>,
    /// When it first had to wait.
    pub(crate) since: Instant,
    /// Before this it wants none.
    pub(crate) not_before: Option<Instant>,
    pub(crate) order: Order,
    /// The number of its turn among the ordered ones that wait.
    pub(crate) turn: Option<u64>,
    /// The caller that failed it last, by its place in memory: another one is better.
    pub(crate) failed: Option<usize>,
    /// What remembers the attempt that may have run; anybody else is of no use.
    pub(crate) memory: Option<MemoryId>,
}

impl Wanted {
    /// Any caller, for somebody without a deadline who begins to wait now.
    pub(crate) const fn any(now: Instant) -> Self {
        Self {
            deadline: None,
            since: now,
            not_before: None,
            order: Order::Any,
            turn: None,
            failed: None,
            memory: None,
        }
    }
}

/// How far a supply is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Course {
    /// It gives callers.
    Open,
    /// It gives none any more.
    Over,
}

/// How a supply stands.
#[derive(Clone, Debug)]
pub(crate) enum Standing {
    /// Nobody has needed a link yet.
    Idle,
    /// A link is being opened.
    Dialing,
    /// There is a link, which may have ended meanwhile.
    Linked(Arc<dyn Caller>),
    /// There was one; a status for calls, which were not started.
    Lost(Status),
    /// There will be none any more; with the last one, where it may have to be waited for.
    Over(ConnectionError, Option<Arc<dyn Caller>>),
}
