//! What a connection is to those above it: calls are made on it, and come from it.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use super::{live::Live, scratch};
use crate::{
    proto::{
        CallId, Ended, Limits, MemoryId, Metadata, Opening, Outcome, Payload, Status,
        connection::{ConnectionError, Waiter},
    },
    seam::{
        Caller, Origin, PeerLoad, Phase, Phases, Place, Remote, Supply, Waiting, items::ItemLink,
    },
    time::now,
    transport::Peer,
};

/// What the peer is told.
pub(super) const CLIENT_CLOSED: &str = "the client has closed its side";

/// What holds a live connection: that itself, or a handle which ends it.
pub(super) trait Holds: fmt::Debug + Send + Sync + 'static {
    fn live(&self) -> &Live;

    /// What gives another connection when this one is over.
    fn supply(&self) -> Option<&Arc<dyn Supply>> {
        None
    }
}

impl Holds for Live {
    fn live(&self) -> &Live {
        self
    }
}

impl<T: Holds> Remote for T {
    fn peer(&self) -> &Peer {
        &self.live().peer
    }

    fn phase(&self) -> Phase {
        self.live().with(|state| state.phase())
    }

    fn phases(&self) -> Phases {
        self.live().phases()
    }
}

impl Origin for Live {
    fn set_reply_metadata(&self, call: CallId, metadata: Metadata) {
        self.state.lock().machine.set_reply_metadata(call, metadata);
    }

    fn place(&self) -> &Place {
        &self.place
    }

    fn caller(self: Arc<Self>) -> Arc<dyn Caller> {
        self
    }
}

impl<T: Holds> Caller for T {
    fn open(
        &self,
        opening: &Opening,
        arguments: &Payload,
        cx: &Context<'_>,
    ) -> Result<CallId, Status> {
        if opening.streams.down() {
            return self.live().open_stream(opening, arguments, cx);
        }
        // Wakers are code of others: cloned where no lock is held.
        let waker = cx.waker().clone();
        let mut state = self.live().state.lock();
        state.machine.give_buffer(scratch::take_buffer);
        let present = state.present_for(opening);
        let id = state.machine.open(present, opening, arguments)?;
        state.machine.wait(id, waker);
        self.live().send_opened(state, opening);
        Ok(id)
    }

    fn open_oneway(
        &self,
        opening: &Opening,
        arguments: &Payload,
        cx: &Context<'_>,
    ) -> Result<Option<CallId>, Status> {
        let mut waiter = Waiter::supplied(cx.waker());
        let mut state = self.live().state.lock();
        state.machine.give_buffer(scratch::take_buffer);
        let present = state.present_for(opening);
        let id = state.machine.open_oneway(present, opening, arguments)?;
        if let Some(id) = id {
            let pending = state.machine.poll_outcome(id, &mut waiter).is_pending();
            debug_assert!(pending, "a call that was just queued has not ended");
        }
        let rearm = state.must_rearm(opening);
        self.live().request_flush(state);
        if rearm {
            self.live().driver.wake();
        }
        Ok(id)
    }

    #[inline]
    fn take_outcome(&self, id: CallId) -> Option<Outcome> {
        self.live().state.lock().machine.take_outcome(id)
    }

    fn poll_outcome(&self, id: CallId, cx: &Context<'_>) -> Poll<Ended> {
        self.live().poll_waiting(cx, |state, waiter| state.machine.poll_outcome(id, waiter))
    }

    fn poll_accepted(
        &self,
        id: CallId,
        cx: &Context<'_>,
    ) -> Poll<Result<Option<Box<Metadata>>, Ended>> {
        self.live().poll_waiting(cx, |state, waiter| {
            let accepted = std::task::ready!(state.machine.poll_accepted(id, waiter));
            Poll::Ready(accepted.map(|()| state.machine.take_leading_metadata(id)))
        })
    }

    fn cancel(&self, id: CallId) {
        ItemLink::cancel(self, id);
    }

    fn items(self: Arc<Self>) -> Arc<dyn ItemLink> {
        self
    }

    fn spawn(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>) {
        match &self.live().runtime {
            Some(runtime) => drop(runtime.spawn(task)),
            None => drop(tokio::spawn(task)),
        }
    }

    fn peer_name(&self) -> String {
        let state = self.live().state.lock();
        state.machine.peer().map(|hello| hello.name.clone()).unwrap_or_default()
    }

    fn peer_limits(&self) -> Option<Limits> {
        self.live().with(|state| state.machine.peer().map(|hello| hello.limits))
    }

    fn open_calls(&self) -> usize {
        self.live().with(|state| state.machine.open_calls())
    }

    fn peer_memory(&self) -> Option<MemoryId> {
        self.live().with(|state| state.machine.peer().and_then(|hello| hello.memory))
    }

    fn peer_load(&self) -> Option<PeerLoad> {
        self.live().load.load()
    }

    fn sent_calls(&self) -> u64 {
        self.live().with(|state| state.machine.sent_calls())
    }

    fn drain(&self) {
        self.live().drain(CLIENT_CLOSED);
    }

    fn ready(&self) -> Waiting<'_, Result<(), ConnectionError>> {
        Box::pin(self.live().ready())
    }

    fn ping(&self) -> Waiting<'_, Result<Duration, ConnectionError>> {
        Box::pin(async {
            let (live, sent) = (self.live(), now());
            let pinging = Pinging { live, token: live.ping() };
            std::future::poll_fn(|cx| pinging.live.poll_pong(pinging.token, cx)).await?;
            Ok(now().saturating_duration_since(sent))
        })
    }

    fn closed(&self) -> Waiting<'_, ConnectionError> {
        Box::pin(self.live().closed())
    }

    fn error(&self) -> Option<ConnectionError> {
        self.live().with(|state| state.machine.error().cloned())
    }

    fn supply(&self) -> Option<Arc<dyn Supply>> {
        Holds::supply(self).cloned()
    }
}

impl Live {
    /// Opens a call that brings items.
    fn open_stream(
        &self,
        opening: &Opening,
        arguments: &Payload,
        cx: &Context<'_>,
    ) -> Result<CallId, Status> {
        let mut waiter = Waiter::new(cx.waker());
        // It waits in two places, for its start and for its end, and both may come once the lock is released.
        waiter.supply();
        let mut state = self.state.lock();
        state.machine.give_buffer(scratch::take_buffer);
        let present = state.present_for(opening);
        let id = state.machine.open(present, opening, arguments)?;
        let pending = state.machine.poll_accepted(id, &mut waiter).is_pending();
        debug_assert!(pending, "a call that was just opened has not ended");
        self.send_opened(state, opening);
        Ok(id)
    }
}

/// A future that waits for the answer to a ping, until it is dropped.
struct Pinging<'a> {
    live: &'a Live,
    token: u64,
}

impl Drop for Pinging<'_> {
    fn drop(&mut self) {
        self.live.forget_pong(self.token);
    }
}
