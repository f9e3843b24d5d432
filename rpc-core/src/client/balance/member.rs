//! One connection of a fleet as calls see it: they go through to the connection, and are counted and timed on the way.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::sync::Notify;

use super::{Fleet, gauge::Gauge};
use crate::{
    connection::Connection,
    proto::{
        CallId, Code, Ended, Failure, Limits, MemoryId, Metadata, Opening, Outcome, Payload,
        Status, Streams, connection::ConnectionError,
    },
    seam::{Caller, Phase, Phases, Remote, Supply, Waiting, items::ItemLink},
    transport::Peer,
};

/// A connection of a fleet.
#[derive(Debug)]
pub(super) struct Member {
    fleet: Arc<Fleet>,
    pub(super) connection: Arc<Connection>,
    pub(super) gauge: Gauge,
    /// Told when so many calls in a row have failed that the server is to be left alone.
    pub(super) fails: Notify,
}

impl Member {
    pub(super) fn new(fleet: &Arc<Fleet>, connection: Arc<Connection>) -> Arc<Self> {
        let (fleet, gauge) = (Arc::clone(fleet), Gauge::new(fleet.fastest()));
        Arc::new(Self { fleet, connection, gauge, fails: Notify::new() })
    }

    /// Its place in memory, by which it is told from others.
    pub(super) fn place(self: &Arc<Self>) -> usize {
        Arc::as_ptr(self) as usize
    }

    /// What remembers the calls that run once there.
    pub(super) fn memory(&self) -> Option<MemoryId> {
        self.connection.peer_memory()
    }

    #[inline]
    fn ended(&self, id: CallId, outcome: &Outcome) {
        let timed = self.gauge.end(id);
        match outcome {
            Ok(_) | Err(Failure::Application(_)) => {
                self.gauge.answered();
                if timed {
                    self.gauge.note(self.fleet.nanos());
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
                self.gauge.note_at_least(self.fleet.nanos());
            }
            _ if timed => self.gauge.forget(),
            _ => {}
        }
        match status.code() {
            Code::Unavailable | Code::DeadlineExceeded => {
                if self.fleet.is_too_often(self.gauge.failed()) {
                    self.fails.notify_one();
                }
            }
            Code::ResourceExhausted => self.gauge.refused(),
            _ => self.gauge.answered(),
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
        let timed = self.gauge.begin();
        let opened = self.connection.open(opening, arguments, cx);
        match &opened {
            // The time of a call with items is theirs.
            Ok(id) if timed && opening.streams == Streams::NONE => {
                self.gauge.time(*id, self.fleet.nanos());
            }
            Ok(_) if timed => self.gauge.forget(),
            Ok(_) => {}
            Err(_) => self.gauge.unopened(timed),
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
            self.gauge.queued();
        }
        opened
    }

    #[inline]
    fn take_outcome(&self, id: CallId) -> Option<Outcome> {
        let outcome = self.connection.take_outcome(id)?;
        self.ended(id, &outcome);
        Some(outcome)
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
                self.gauge.end(id);
                self.gauge.answered();
            }
            Poll::Ready(Err((outcome, _))) => self.ended(id, outcome),
        }
        accepted
    }

    fn cancel(&self, id: CallId) {
        if self.gauge.end(id) {
            self.gauge.note_at_least(self.fleet.nanos());
        }
        Caller::cancel(&*self.connection, id);
    }

    fn items(self: Arc<Self>) -> Arc<dyn ItemLink> {
        Arc::clone(&self.connection) as _
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
