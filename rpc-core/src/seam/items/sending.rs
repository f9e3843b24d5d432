//! The sending end of a stream.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll, ready},
};

use super::{
    super::ledger::{Waits, note},
    ItemLink, Part,
};
use crate::proto::{
    CallId, Code, Codec, Gap, Metadata, Payload, Status,
    connection::{Batch, ITEM_OVERHEAD, Pushed, Rest, Room, SMALL_ITEM, Stopped, StreamId},
};

/// Room that any small item fits in: less is not used, so that small items are never split.
const RESERVE: usize = SMALL_ITEM + ITEM_OVERHEAD;

/// Sends the items of one stream.
pub(crate) struct ItemSender {
    link: Arc<dyn ItemLink>,
    batch: Batch,
    /// What may be sent, the batch included.
    room: Room,
    /// What is left of a long item.
    long: Option<Long>,
}

struct Long {
    bytes: Payload,
    /// What its next part costs beyond its bytes.
    overhead: usize,
}

/// An item that the peer does not accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong {
    pub(crate) length: usize,
    pub(crate) limit: usize,
}

/// What follows from an item that was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gathered {
    /// More may be added.
    Some,
    /// So many that they should be flushed.
    Many,
}

impl ItemSender {
    fn new(link: Arc<dyn ItemLink>, stream: StreamId, codec: Codec) -> Self {
        let batch = Batch::new(link.name_sending(stream), codec);
        Self { link, batch, room: Room::default(), long: None }
    }

    /// Sends the items of a call of the peer, beginning with the word that they come.
    pub(crate) fn accepted(
        link: Arc<dyn ItemLink>,
        call: CallId,
        codec: Codec,
        leading: Option<&Metadata>,
    ) -> Self {
        let mut sender = Self::new(link, StreamId::theirs(call), codec);
        sender.batch.accept(leading);
        sender
    }

    /// Sends the items that go with a call of this side.
    pub(crate) fn upload(link: Arc<dyn ItemLink>, call: CallId, codec: Codec) -> Self {
        Self::new(link, StreamId::mine(call), codec)
    }

    /// Whether this side opened the call.
    pub(crate) const fn is_upload(&self) -> bool {
        self.batch.stream().mine
    }

    /// Ends the call with a status of this side's own.
    pub(crate) fn give_up(&self, status: Status) {
        self.link.give_up(self.batch.stream(), status);
    }

    /// Waits until an item may be pushed.
    pub(crate) fn poll_ready(&mut self, cx: &Context<'_>) -> Poll<Result<(), Stopped>> {
        loop {
            if self.long.is_some() {
                ready!(self.poll_long(cx))?;
            } else if self.room.bytes.saturating_sub(self.batch.cost()) >= RESERVE {
                return Poll::Ready(Ok(()));
            } else {
                ready!(self.poll_send(RESERVE, cx))?;
            }
        }
    }

    /// Sends a part of a long item.
    fn poll_long(&mut self, cx: &Context<'_>) -> Poll<Result<(), Stopped>> {
        let Some(long) = &self.long else { return Poll::Ready(Ok(())) };
        let needed = (long.bytes.len() + long.overhead).min(RESERVE);
        ready!(self.poll_send(needed, cx))?;
        let Some(Long { mut bytes, overhead }) = self.long.take() else {
            return Poll::Ready(Ok(()));
        };
        let part = bytes.split_to(self.room.bytes - overhead);
        let cost = part.len() + overhead;
        self.room.bytes -= cost;
        let rest = Rest::of(&bytes);
        let (stream, codec) = (self.batch.stream(), self.batch.codec());
        self.link.send_part(stream, codec, Part { bytes: part, rest, cost });
        if rest == Rest::More {
            self.long = Some(Long { bytes, overhead: 0 });
        }
        Poll::Ready(Ok(()))
    }

    /// Hands on what was gathered, and waits for room.
    fn poll_send(&mut self, needed: usize, cx: &Context<'_>) -> Poll<Result<(), Stopped>> {
        let room = self.link.send_items(&self.batch, needed, cx);
        self.batch.clear();
        match room {
            Poll::Ready(room) => self.room = room?,
            // What was known of the room does not hold: more of the connection may be unwritten.
            Poll::Pending => {
                self.room.bytes = 0;
                note(Waits::Credit);
                return Poll::Pending;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Whether long items are to be expected, of which `push` may be given gaps.
    pub(crate) const fn expects_long(&self) -> bool {
        self.batch.expects_long()
    }

    /// Adds an item that `encode` appends; `poll_ready` must have said that it may.
    ///
    /// # Errors
    /// Those of `encode`; then nothing was added.
    #[inline]
    pub(crate) fn push<X>(
        &mut self,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), X>,
    ) -> Result<Result<Gathered, TooLong>, X> {
        match self.batch.push(self.room.max_item, encode)? {
            Pushed::Added => Ok(Ok(Gathered::Some)),
            pushed => Ok(self.gathered(pushed)),
        }
    }

    /// The same of an item that `encode` appends but for the gaps that it gives.
    ///
    /// # Errors
    /// As for [`Self::push`].
    pub(crate) fn push_with_gaps<X>(
        &mut self,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<Option<Vec<Gap>>, X>,
    ) -> Result<Result<Gathered, TooLong>, X> {
        let pushed = self.batch.push_with_gaps(self.room.max_item, encode)?;
        Ok(self.gathered(pushed))
    }

    #[inline(never)]
    fn gathered(&mut self, pushed: Pushed) -> Result<Gathered, TooLong> {
        match pushed {
            Pushed::Added => Ok(Gathered::Some),
            Pushed::Full => Ok(Gathered::Many),
            Pushed::Long(bytes) => {
                self.long = Some(Long { bytes, overhead: ITEM_OVERHEAD });
                Ok(Gathered::Many)
            }
            Pushed::TooLong(length) => Err(TooLong { length, limit: self.room.max_item }),
        }
    }

    /// Hands on what was gathered. Leaves the waker of `cx`, which is woken when the stream is stopped.
    pub(crate) fn poll_flush(&mut self, cx: &Context<'_>) -> Poll<Result<(), Stopped>> {
        if self.long.is_some() {
            ready!(self.poll_long(cx))?;
        }
        self.poll_send(0, cx)
    }

    /// Waits until all is handed on, and ends an upload.
    pub(crate) fn poll_finish(&mut self, cx: &Context<'_>) -> Poll<Result<(), Stopped>> {
        while self.long.is_some() {
            ready!(self.poll_long(cx))?;
        }
        self.link.end_items(&self.batch);
        self.batch.clear();
        Poll::Ready(Ok(()))
    }
}

impl Drop for ItemSender {
    /// A stream that panics has brought what it brought; nobody is to wait for the rest.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        if self.is_upload() {
            let message = "the stream that was sent with the call panicked";
            self.give_up(Status::new(Code::Internal, message));
        } else if !self.batch.frames().is_empty() {
            self.link.end_items(&self.batch);
        }
    }
}

impl fmt::Debug for ItemSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ItemSender").field("stream", &self.batch.stream()).finish_non_exhaustive()
    }
}
