//! A link without a connection, for tests of what stands on the seam: it records what is sent over it, and gives what a
//! test put in.

use std::{
    collections::VecDeque,
    future::ready,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::sync::watch;

use super::{
    Caller, Origin, Phase, Phases, Place, Remote, Supply, Waiting,
    items::{ItemLink, Part},
};
use crate::{
    proto::{
        CallId, Codec, Ended, Limits, Metadata, Opening, Outcome, Payload, Status,
        connection::{Batch, ConnectionError, Items, Room, Segment, Stopped, StreamId},
    },
    transport::{Peer, PeerAddress},
};

#[derive(Debug)]
pub(crate) struct Double {
    pub(crate) seen: Mutex<Seen>,
    place: Place,
    phase: watch::Sender<Phase>,
    peer: Peer,
}

/// What happened, and what is to happen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Metadata beside the reply.
    pub(crate) beside: Option<Metadata>,
    /// Metadata ahead of items; there once the call was accepted.
    pub(crate) accepted: Option<Option<Box<Metadata>>>,
    /// Items that were sent, whole.
    pub(crate) items: Vec<Vec<u8>>,
    long: Vec<u8>,
    /// Bytes of items that may be sent.
    pub(crate) room: usize,
    pub(crate) stopped: bool,
    /// Items that are to be read; the end follows them if it is here.
    pub(crate) uploads: VecDeque<Segment>,
    pub(crate) end: Option<Outcome>,
    pub(crate) readers_dropped: u32,
    waker: Option<Waker>,
    /// Calls that were opened on this link, and those that were given up.
    pub(crate) opened: Vec<(Opening, Payload)>,
    pub(crate) cancelled: Vec<CallId>,
    /// How the calls end, in their order; none keeps a call open.
    pub(crate) outcomes: VecDeque<Outcome>,
    /// Why the next call cannot be opened.
    pub(crate) refused: Option<Status>,
}

impl Double {
    pub(crate) fn new() -> Arc<Self> {
        Self::of(Peer::new(PeerAddress::Memory))
    }

    /// A link to this peer.
    pub(crate) fn of(peer: Peer) -> Arc<Self> {
        let seen = Seen { room: 1 << 20, ..Seen::default() };
        Arc::new(Self {
            seen: Mutex::new(seen),
            place: Place::default(),
            phase: watch::channel(Phase::Ready).0,
            peer,
        })
    }

    /// Changes what is to happen, and wakes who waits.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Seen)) {
        let mut seen = self.seen.lock();
        change(&mut seen);
        let waker = seen.waker.take();
        drop(seen);
        waker.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn be(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    fn wait<T>(seen: &mut Seen, cx: &Context<'_>) -> Poll<T> {
        seen.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Seen {
    fn take(&mut self, batch: &Batch) {
        if let Some(metadata) = batch.accepted() {
            self.accepted = Some(metadata);
        }
        self.items.extend(batch.items().map(<[u8]>::to_vec));
        self.room = self.room.saturating_sub(batch.cost());
    }
}

impl ItemLink for Double {
    fn name_sending(&self, stream: StreamId) -> StreamId {
        stream
    }

    fn name_receiving(&self, stream: StreamId) -> StreamId {
        stream
    }

    fn send_items(
        &self,
        batch: &Batch,
        needed: usize,
        cx: &Context<'_>,
    ) -> Poll<Result<Room, Stopped>> {
        let mut seen = self.seen.lock();
        seen.take(batch);
        match () {
            () if seen.stopped => Poll::Ready(Err(Stopped)),
            () if seen.room < needed => Self::wait(&mut seen, cx),
            () => Poll::Ready(Ok(Room { bytes: seen.room, max_item: 1 << 20 })),
        }
    }

    fn send_part(&self, _stream: StreamId, _codec: Codec, part: Part) {
        let mut seen = self.seen.lock();
        seen.room -= part.cost;
        seen.long.extend_from_slice(&part.bytes);
        if part.rest == crate::proto::connection::Rest::Nothing {
            let item = std::mem::take(&mut seen.long);
            seen.items.push(item);
        }
    }

    fn end_items(&self, batch: &Batch) {
        self.seen.lock().take(batch);
    }

    fn give_up(&self, _stream: StreamId, status: Status) {
        self.seen.lock().refused = Some(status);
    }

    fn poll_items(&self, _stream: StreamId, _consumed: usize, cx: &Context<'_>) -> Poll<Items> {
        let mut seen = self.seen.lock();
        if !seen.uploads.is_empty() {
            return Poll::Ready(Items::Some(std::mem::take(&mut seen.uploads)));
        }
        match seen.end.take() {
            Some(end) => Poll::Ready(Items::End((end, None))),
            None => Self::wait(&mut seen, cx),
        }
    }

    fn consume(&self, _stream: StreamId, _consumed: usize) {}

    fn drop_reader(&self, _stream: StreamId) {
        self.seen.lock().readers_dropped += 1;
    }

    fn cancel(&self, call: CallId) {
        self.seen.lock().cancelled.push(call);
    }
}

impl Remote for Double {
    fn peer(&self) -> &Peer {
        &self.peer
    }

    fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    fn phases(&self) -> Phases {
        Phases(self.phase.subscribe())
    }
}

impl Origin for Double {
    fn set_reply_metadata(&self, _call: CallId, metadata: Metadata) {
        self.seen.lock().beside = Some(metadata);
    }

    fn place(&self) -> &Place {
        &self.place
    }

    fn caller(self: Arc<Self>) -> Arc<dyn Caller> {
        self
    }
}

impl Caller for Double {
    fn open(
        &self,
        opening: &Opening,
        arguments: &Payload,
        cx: &Context<'_>,
    ) -> Result<CallId, Status> {
        let mut seen = self.seen.lock();
        if let Some(status) = seen.refused.take() {
            return Err(status);
        }
        match seen.outcomes.is_empty() {
            true => seen.waker = Some(cx.waker().clone()),
            false => cx.waker().wake_by_ref(),
        }
        seen.opened.push((opening.clone(), arguments.clone()));
        Ok(CallId::new(seen.opened.len() as u32))
    }

    fn open_oneway(
        &self,
        opening: &Opening,
        arguments: &Payload,
        cx: &Context<'_>,
    ) -> Result<Option<CallId>, Status> {
        self.open(opening, arguments, cx).map(|_| None)
    }

    fn take_outcome(&self, _id: CallId) -> Option<Outcome> {
        self.seen.lock().outcomes.pop_front()
    }

    fn poll_outcome(&self, _id: CallId, cx: &Context<'_>) -> Poll<Ended> {
        let mut seen = self.seen.lock();
        match seen.outcomes.pop_front() {
            Some(outcome) => Poll::Ready((outcome, None)),
            None => Self::wait(&mut seen, cx),
        }
    }

    fn poll_accepted(
        &self,
        _id: CallId,
        cx: &Context<'_>,
    ) -> Poll<Result<Option<Box<Metadata>>, Ended>> {
        let mut seen = self.seen.lock();
        match seen.accepted.take() {
            Some(leading) => Poll::Ready(Ok(leading)),
            None => Self::wait(&mut seen, cx),
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
        "double".to_owned()
    }

    fn peer_limits(&self) -> Option<Limits> {
        Some(Limits::default())
    }

    fn open_calls(&self) -> usize {
        self.seen.lock().opened.len()
    }

    fn drain(&self) {
        self.be(Phase::Draining);
    }

    fn ready(&self) -> Waiting<'_, Result<(), ConnectionError>> {
        Box::pin(ready(Ok(())))
    }

    fn ping(&self) -> Waiting<'_, Result<Duration, ConnectionError>> {
        Box::pin(ready(Ok(Duration::ZERO)))
    }

    fn closed(&self) -> Waiting<'_, ConnectionError> {
        Box::pin(ready(ConnectionError::Closed))
    }

    fn error(&self) -> Option<ConnectionError> {
        (self.phase() >= Phase::Over).then_some(ConnectionError::Closed)
    }

    fn supply(&self) -> Option<Arc<dyn Supply>> {
        None
    }
}
