//! What gives callers, one after the other, to the same place: the seam between calls and a channel that comes back.

use std::{fmt, sync::Arc, time::Instant};

use tokio::sync::watch;

use super::{Caller, Retries, Waiting};
use crate::{
    proto::{Status, connection::ConnectionError},
    transport::Peer,
};

/// Gives callers to one place: another one when the last takes no more calls.
///
/// ```text
/// present ──some──▶ open on it ──not started, and its link drains or is over──▶ retire ─┐
///    └──────none──▶ next (waits for a link) ◀───────────────────────────────────────────┘
/// ```
pub(crate) trait Supply: fmt::Debug + Send + Sync + 'static {
    /// The caller for a call that is made now, if none has to be waited for. It may have ended meanwhile.
    fn present(&self) -> Option<Arc<dyn Caller>>;

    /// Waits for a caller, for as long as `patience` says. While somebody waits, links are opened.
    ///
    /// The errors are statuses of calls that were not started, without the words for that.
    fn next(
        self: Arc<Self>,
        patience: Patience,
    ) -> Waiting<'static, Result<Arc<dyn Caller>, Status>>;

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

    /// Drains the present link, and opens no other.
    fn close(&self);
}

/// How long a call waits for a caller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// When its caller stops waiting, if that was said.
    pub(crate) deadline: Option<Instant>,
    /// When it first had to wait.
    pub(crate) since: Instant,
    /// Before this it wants none.
    pub(crate) not_before: Option<Instant>,
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
