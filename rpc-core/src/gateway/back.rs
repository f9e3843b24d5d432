//! Calls to the side that makes calls here. Over a WebSocket there may be some; over HTTP itself there are none, and whoever
//! tries is told so.

use std::{
    future::ready,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use super::{session::Session, socket::Back};
use crate::{
    proto::{
        CallId, Code, Ended, Failure, Limits, Metadata, Opening, Outcome, Payload, Status,
        connection::ConnectionError,
    },
    seam::{Caller, Names, Phase, Remote as _, Supply, Waiting, items::ItemLink},
};

/// The end of a call that cannot be made.
fn unserved() -> Status {
    let message = "the other side calls over HTTP, where nothing can be called back";
    Status::not_started(Code::Unimplemented, message)
}

impl Caller for Session {
    fn open(
        &self,
        opening: &Opening,
        arguments: &Payload,
        cx: &Context<'_>,
    ) -> Result<CallId, Status> {
        self.back.as_ref().ok_or_else(unserved)?.open(opening, arguments, cx)
    }

    fn open_oneway(
        &self,
        opening: &Opening,
        arguments: &Payload,
        _cx: &Context<'_>,
    ) -> Result<Option<CallId>, Status> {
        self.back.as_ref().ok_or_else(unserved)?.notify(opening, arguments)?;
        Ok(None)
    }

    fn take_outcome(&self, _id: CallId) -> Option<Outcome> {
        None
    }

    fn poll_outcome(&self, id: CallId, cx: &Context<'_>) -> Poll<Ended> {
        match &self.back {
            Some(back) => back.poll_outcome(id, cx),
            None => Poll::Ready((Err(Failure::Status(unserved())), None)),
        }
    }

    fn poll_accepted(
        &self,
        id: CallId,
        cx: &Context<'_>,
    ) -> Poll<Result<Option<Box<Metadata>>, Ended>> {
        match &self.back {
            Some(back) => back.poll_accepted(id, cx),
            None => Poll::Ready(Err((Err(Failure::Status(unserved())), None))),
        }
    }

    fn cancel(&self, id: CallId) {
        ItemLink::cancel(self, id);
    }

    fn items(self: Arc<Self>) -> Arc<dyn ItemLink> {
        self
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
        self.back.as_ref().map_or(0, Back::open_calls)
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

    fn names(&self) -> Option<&Names> {
        self.back.as_ref().map(Back::names)
    }
}
