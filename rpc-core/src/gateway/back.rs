//! Calls to the side that calls over HTTP: it serves none, and is told to nobody else.

use std::{
    future::ready,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use super::session::Session;
use crate::{
    proto::{
        CallId, Code, Ended, Failure, Limits, Metadata, Opening, Outcome, Payload, Status,
        connection::ConnectionError,
    },
    seam::{Caller, Phase, Remote as _, Supply, Waiting},
};

/// The end of a call that cannot be made.
fn unserved() -> Status {
    let message = "the other side calls over HTTP, where nothing can be called back";
    Status::not_started(Code::Unimplemented, message)
}

impl Caller for Session {
    fn open(
        &self,
        _opening: &Opening,
        _arguments: &Payload,
        _cx: &Context<'_>,
    ) -> Result<CallId, Status> {
        Err(unserved())
    }

    fn open_oneway(
        &self,
        _opening: &Opening,
        _arguments: &Payload,
        _cx: &Context<'_>,
    ) -> Result<Option<CallId>, Status> {
        Err(unserved())
    }

    fn take_outcome(&self, _id: CallId) -> Option<Outcome> {
        None
    }

    fn poll_outcome(&self, _id: CallId, _cx: &Context<'_>) -> Poll<Ended> {
        Poll::Ready((Err(Failure::Status(unserved())), None))
    }

    fn poll_accepted(
        &self,
        _id: CallId,
        _cx: &Context<'_>,
    ) -> Poll<Result<Option<Box<Metadata>>, Ended>> {
        Poll::Ready(Err((Err(Failure::Status(unserved())), None)))
    }

    fn spawn(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>) {
        tokio::spawn(task);
    }

    fn peer_name(&self) -> String {
        String::new()
    }

    fn peer_limits(&self) -> Option<Limits> {
        None
    }

    fn open_calls(&self) -> usize {
        0
    }

    fn drain(&self) {
        self.tell(Phase::Draining);
    }

    fn ready(&self) -> Waiting<'_, Result<(), ConnectionError>> {
        Box::pin(ready(Ok(())))
    }

    fn ping(&self) -> Waiting<'_, Result<Duration, ConnectionError>> {
        Box::pin(ready(Err(ConnectionError::Foreign("HTTP"))))
    }

    fn closed(&self) -> Waiting<'_, ConnectionError> {
        let phases = self.phases();
        Box::pin(async move {
            phases.reach(Phase::Closed).await;
            ConnectionError::Closed
        })
    }

    fn error(&self) -> Option<ConnectionError> {
        (self.phase() >= Phase::Over).then_some(ConnectionError::Closed)
    }

    fn supply(&self) -> Option<Arc<dyn Supply>> {
        None
    }
}
