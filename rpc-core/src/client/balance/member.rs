//! One connection of a fleet as calls see it: they go through to the connection, and are counted and timed on the way.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use super::{
    Fleet,
    estimate::{Estimate, Nanos},
};
use crate::{
    connection::Connection,
    proto::{
        CallId, Code, Ended, Failure, Limits, MemoryId, Metadata, Opening, Outcome, Payload,
        Status, Streams, connection::ConnectionError,
    },
    seam::{Caller, PeerLoad, Phase, Phases, Remote, Supply, Waiting, items::ItemLink},
    transport::Peer,
};

/// For how long it counts what a server has said of itself.
const FRESH: Duration = Duration::from_secs(1);

/// A connection of a fleet.
#[derive(Debug)]
pub(super) struct Member {
    fleet: Arc<Fleet>,
    pub(super) connection: Arc<Connection>,
    pub(super) estimate: Estimate,
    /// Told when so many calls in a row have failed that the server is to be left alone.
    pub(super) fails: Notify,
}

impl Member {
    pub(super) fn new(fleet: &Arc<Fleet>, connection: Arc<Connection>) -> Arc<Self> {
        let (fleet, estimate) = (Arc::clone(fleet), Estimate::new(fleet.fastest()));
        Arc::new(Self { fleet, connection, estimate, fails: Notify::new() })
    }

    /// Whether it, or its connection, is the caller at this place in memory.
    pub(super) fn is_at(self: &Arc<Self>, place: usize) -> bool {
        Arc::as_ptr(self) as usize == place || Arc::as_ptr(&self.connection) as usize == place
    }

    /// What remembers the calls that run once there.
    pub(super) fn memory(&self) -> Option<MemoryId> {
        self.connection.peer_memory()
    }

    /// How long calls wait there before they start, where the server has said so of late.
    pub(super) fn waits(&self, now: Instant) -> Nanos {
        let told = self.connection.peer_load();
        let fresh = told.filter(|told| now.saturating_duration_since(told.received) < FRESH);
        let delay = fresh.map_or(Duration::ZERO, |told| told.queue_delay);
        Nanos::try_from(delay.as_nanos()).unwrap_or(Nanos::MAX)
    }

    #[inline]
    fn ended(&self, id: CallId, outcome: &Outcome) {
        let timed = self.estimate.end(id);
        match outcome {
            Ok(_) | Err(Failure::Application(_)) => {
                self.estimate.answered();
                if timed {
                    self.estimate.note(self.fleet.settle());
                }
            }
            Err(Failure::Status(status)) => self.failed(timed, status),
        }
    }

    /// A refusal is quick, and says nothing of how long calls take.
    #[cold]
    fn failed(&self, timed: bool, status: &Status) {
        match status.code() {
            Code::DeadlineExceeded | Code::Cancelled if timed => {
                self.estimate.note_at_least(self.fleet.settle());
            }
            _ if timed => {
                self.estimate.forget();
                self.fleet.settle();
            }
            _ => {}
        }
        match status.code() {
            Code::Unavailable | Code::DeadlineExceeded => {
                if self.fleet.is_too_often(self.estimate.failed()) {
                    self.fails.notify_one();
                }
            }
            Code::ResourceExhausted => self.estimate.refused(),
            _ => self.estimate.answered(),
        }
    }
}

impl Remote for Member {
    fn peer(&self) -> &Peer {
        self.connection.peer()
    }

    fn phase(&self) -> Phase {
        self.connection.phase()
    }

    fn phases(&self) -> Phases {
        self.connection.phases()
    }
}

impl Caller for Member {
    #[inline]
    fn open(
        &self,
        opening: &Opening,
        arguments: &Payload,
        cx: &Context<'_>,
    ) -> Result<CallId, Status> {
        let timed = self.estimate.begin();
        let opened = self.connection.open(opening, arguments, cx);
        match &opened {
            // The time of a call with items is theirs.
            Ok(id) if timed && opening.streams == Streams::NONE => {
                self.estimate.time(*id, self.fleet.nanos());
            }
            Ok(_) if timed => self.estimate.forget(),
            Ok(_) => {}
            Err(_) => self.estimate.unopened(timed),
        }
        opened
    }

    fn open_oneway(
        &self,
        opening: &Opening,
        arguments: &Payload,
        cx: &Context<'_>,
    ) -> Result<Option<CallId>, Status> {
        let opened = self.connection.open_oneway(opening, arguments, cx);
        if let Ok(Some(_)) = opened {
            self.estimate.queued();
        }
        opened
    }

    #[inline]
    fn take_outcome(&self, id: CallId) -> Option<Outcome> {
        let outcome = self.connection.take_outcome(id);
        if let Some(outcome) = &outcome {
            self.ended(id, outcome);
        }
        outcome
    }

    fn poll_outcome(&self, id: CallId, cx: &Context<'_>) -> Poll<Ended> {
        let ended = self.connection.poll_outcome(id, cx);
        if let Poll::Ready((outcome, _)) = &ended {
            self.ended(id, outcome);
        }
        ended
    }

    fn poll_accepted(
        &self,
        id: CallId,
        cx: &Context<'_>,
    ) -> Poll<Result<Option<Box<Metadata>>, Ended>> {
        let accepted = self.connection.poll_accepted(id, cx);
        match &accepted {
            Poll::Pending => {}
            // What follows are items, which cost the server as they please.
            Poll::Ready(Ok(_)) => {
                self.estimate.end(id);
                self.estimate.answered();
            }
            Poll::Ready(Err((outcome, _))) => self.ended(id, outcome),
        }
        accepted
    }

    fn cancel(&self, id: CallId) {
        if self.estimate.end(id) {
            self.estimate.note_at_least(self.fleet.settle());
        }
        Caller::cancel(&*self.connection, id);
    }

    fn cancel_late(&self, id: CallId) {
        if self.estimate.end(id) {
            self.estimate.note_late(self.fleet.settle());
        }
        Caller::cancel(&*self.connection, id);
    }

    fn items(self: Arc<Self>) -> Arc<dyn ItemLink> {
        Arc::clone(&self.connection) as _
    }

    fn peer_load(&self) -> Option<PeerLoad> {
        self.connection.peer_load()
    }

    fn spawn(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>) {
        self.connection.spawn(task);
    }

    fn peer_name(&self) -> String {
        self.connection.peer_name()
    }

    fn peer_limits(&self) -> Option<Limits> {
        self.connection.peer_limits()
    }

    fn peer_memory(&self) -> Option<MemoryId> {
        self.connection.peer_memory()
    }

    fn sent_calls(&self) -> u64 {
        self.connection.sent_calls()
    }

    fn open_calls(&self) -> usize {
        self.connection.open_calls()
    }

    fn drain(&self) {
        self.connection.drain();
    }

    fn ready(&self) -> Waiting<'_, Result<(), ConnectionError>> {
        self.connection.ready()
    }

    fn ping(&self) -> Waiting<'_, Result<Duration, ConnectionError>> {
        self.connection.ping()
    }

    fn closed(&self) -> Waiting<'_, ConnectionError> {
        self.connection.closed()
    }

    fn error(&self) -> Option<ConnectionError> {
        self.connection.error()
    }

    fn supply(&self) -> Option<Arc<dyn Supply>> {
        Some(Arc::clone(&self.fleet) as _)
    }
}
