//! The seam between a link to a peer and what calls or serves over it: traits of which either side knows the other.
//!
//! ```text
//!   call (values) ──open, poll──▶ Caller ─┐              ┌─ Origin ◀──reply metadata── service (handlers)
//!                                         ├── Remote ────┤
//!   Streaming, uploads ──items──▶ ────────┘              └──IncomingCall──▶ Serve ──▶ HandlerSlot ─▶ Reply
//! ```
//!
//! A connection of the machine is one implementation of all three; whatever else brings calls is another `Origin`, and
//! whatever else takes them another `Caller`. Calls and streams are named by ids, so that a seam costs a call no
//! allocation, and small items cross it by the batch.

pub(crate) mod buckets;
mod guard;
pub(crate) mod items;
pub(crate) mod ledger;
#[cfg(feature = "tower")]
mod left;
mod load;
mod names;
mod phase;
mod place;
#[cfg(feature = "fleet")]
mod recent;
mod retry;
mod slot;
mod supply;
#[cfg(feature = "tower")]
mod watch;

pub(crate) use guard::SlowGuard;
#[cfg(feature = "tower")]
pub(crate) use left::{Leave, Left};
pub use load::PeerLoad;
pub(crate) use load::{Gauge, LoadCell};
pub(crate) use names::Names;
pub(crate) use phase::{Phase, Phases};
pub(crate) use place::Place;
#[cfg(feature = "fleet")]
pub(crate) use recent::RecentTimes;
pub use retry::Retry;
pub(crate) use retry::{PATIENCE, Retries};
pub use slot::HandlerSlot;
pub(crate) use slot::{CallEnd, Reply, panicked};
pub(crate) use supply::{Course, Standing, Supply, Turn, Turns, Wanted};
#[cfg(feature = "tower")]
pub(crate) use watch::Watch;

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use crate::{
    proto::{
        CallId, Ended, Limits, MemoryId, Metadata, MethodKey, Opening, Outcome, Payload, Status,
        connection::{ConnectionError, Request},
    },
    transport::Peer,
};
use items::ItemLink;

/// The other end of a link: its address, and how far the link is in its life.
pub(crate) trait Remote: fmt::Debug + Send + Sync + 'static {
    /// Who is at the other end.
    fn peer(&self) -> &Peer;

    /// How far the link is.
    fn phase(&self) -> Phase;

    /// The phases of the link, to be waited for. It holds nothing of the link.
    fn phases(&self) -> Phases;
}

/// Takes encoded calls and gives their outcomes. Every id that it gives is to be polled to its end, or cancelled.
pub(crate) trait Caller: Remote {
    /// Opens a call and leaves the waker of `cx` with it.
    ///
    /// # Errors
    /// Why the call cannot be made; it was not started.
    fn open(
        &self,
        opening: &Opening,
        arguments: &Payload,
        cx: &Context<'_>,
    ) -> Result<CallId, Status>;

    /// Opens a call that expects no reply; `None` if it is on its way, else its outcome says when it is.
    ///
    /// # Errors
    /// As for [`Self::open`].
    fn open_oneway(
        &self,
        opening: &Opening,
        arguments: &Payload,
        cx: &Context<'_>,
    ) -> Result<Option<CallId>, Status>;

    /// The end of a call, if it has come and nothing beside it.
    fn take_outcome(&self, id: CallId) -> Option<Outcome>;

    /// The end of a call, with what came beside it.
    fn poll_outcome(&self, id: CallId, cx: &Context<'_>) -> Poll<Ended>;

    /// The word that the items of a call come, with the metadata ahead of them; or its end.
    fn poll_accepted(
        &self,
        id: CallId,
        cx: &Context<'_>,
    ) -> Poll<Result<Option<Box<Metadata>>, Ended>>;

    /// Gives up a call whose outcome was not taken: the peer is asked to end it.
    fn cancel(&self, id: CallId);

    /// Gives up a call since another server has answered in its place: here it takes too long.
    #[cfg(feature = "fleet")]
    fn cancel_late(&self, id: CallId) {
        self.cancel(id);
    }

    /// What carries the items of calls that were opened here.
    fn items(self: Arc<Self>) -> Arc<dyn ItemLink>;

    /// Spawns a task where the link runs, wherever the caller does.
    fn spawn(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>);

    /// What the peer calls itself; empty before it has said so.
    fn peer_name(&self) -> String;

    /// What the peer accepts; `None` before it has said so.
    fn peer_limits(&self) -> Option<Limits>;

    /// What remembers the calls that the peer has run once, as it has said, if anything does.
    fn peer_memory(&self) -> Option<MemoryId> {
        None
    }

    /// How much the peer has to do, as it has last said; `None` until it has, or if it does not. It takes no lock.
    fn peer_load(&self) -> Option<PeerLoad> {
        None
    }

    /// Calls of this side that were sent.
    fn sent_calls(&self) -> u64 {
        0
    }

    /// Calls of this side that have not ended, those that wait to be sent included.
    fn open_calls(&self) -> usize;

    /// Starts no more calls; the link ends when what runs is finished.
    fn drain(&self);

    /// Resolves when the peer has said hello.
    fn ready(&self) -> Waiting<'_, Result<(), ConnectionError>>;

    /// Sends a ping and waits for its answer; gives the time between.
    fn ping(&self) -> Waiting<'_, Result<Duration, ConnectionError>>;

    /// Resolves when the link is over and its transport is closed; gives the reason.
    fn closed(&self) -> Waiting<'_, ConnectionError>;

    /// Why the link is over, if it is.
    fn error(&self) -> Option<ConnectionError>;

    /// What gives another caller when this one takes no more calls, if anything does.
    fn supply(&self) -> Option<Arc<dyn Supply>>;

    /// Where names are to be told of the methods that are called: at the other end there are no keys, and JSON alone.
    fn names(&self) -> Option<&Names> {
        None
    }
}

/// A future of a trait's method.
pub(crate) type Waiting<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where calls come from that are served here.
///
/// Whoever brings a call also ends it: by dropping its [`Reply`] when the caller gives up, its deadline passes or the
/// link is lost. The items of a call are those of the stream that the peer's call id names.
pub(crate) trait Origin: Remote + ItemLink {
    /// Sends metadata beside the reply of a call, which follows.
    fn set_reply_metadata(&self, call: CallId, metadata: Metadata);

    /// What the program keeps with the link.
    fn place(&self) -> &Place;

    /// What calls back to the side that makes these calls.
    fn caller(self: Arc<Self>) -> Arc<dyn Caller>;

    /// Whether that side can be called with what others have encoded: it has keys of methods, and each codec.
    fn takes_encoded(&self) -> bool {
        true
    }
}

/// A call on its way to its handler.
#[derive(Debug)]
pub(crate) struct IncomingCall {
    pub(crate) request: Request,
    pub(crate) origin: Arc<dyn Origin>,
}

/// How the handler of a call is to be run.
#[derive(Debug)]
pub(crate) struct Schedule<'a> {
    /// What watches the method.
    pub(crate) guard: &'a Arc<SlowGuard>,
    /// Handlers of one link with the same number run one after the other.
    pub(crate) order: Option<u32>,
}

/// Finds the handlers of calls.
pub(crate) trait Serve: Send + Sync + 'static {
    /// Puts the handler of `call` into `slot`; says how to run it, if its method is known.
    fn serve(&self, call: IncomingCall, slot: &mut HandlerSlot) -> Option<Schedule<'_>>;

    /// How a call with this head would be run, if its method is known; nothing of it has been read.
    fn schedule(&self, opening: &Opening) -> Option<Schedule<'_>> {
        let _ = opening;
        None
    }

    /// What remembers the calls that were run once, if anything does.
    fn memory(&self) -> Option<MemoryId> {
        None
    }

    /// The methods whose replies are short whatever they say, in order.
    fn brief(&self) -> Arc<[MethodKey]> {
        Arc::default()
    }

    /// The peer has said hello, and none of its calls has been served yet.
    fn connected(&self, origin: &Arc<dyn Origin>) {
        let _ = origin;
    }
}

#[cfg(test)]
pub(crate) mod double;
