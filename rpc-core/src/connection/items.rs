//! The two ends of a stream of items, for what is above the connection: a sender that gathers small items to
//! one lock and one write, a reader that fetches all which has come at once.

use std::{
    collections::VecDeque,
    fmt,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;

use super::Shared;
use crate::proto::{
    CallId, Code, Codec, Ended, Status,
    connection::{ITEM_OVERHEAD, Items, Rest, Room, SMALL_ITEM, Segment, Stopped, StreamId},
};

/// Bytes of small items that are gathered before they are handed on.
const BATCH: usize = 16 << 10;

/// Room that any small item fits in: less is not used, so that small items are never split.
const RESERVE: usize = SMALL_ITEM + ITEM_OVERHEAD;

/// The most room that is made for an item before its length is known.
const LONGEST_HINT: usize = 128 << 10;

/// Bytes that a reader consumes before it says so, unless it runs out of items.
const CONSUMED: usize = 32 << 10;

/// Sends the items of one stream.
pub(crate) struct ItemSender {
    shared: Arc<Shared>,
    stream: StreamId,
    codec: Codec,
    /// Whole frames of small items.
    frames: Vec<u8>,
    /// How much of `frames` is whole; more while an item is being encoded.
    whole: usize,
    /// What these cost.
    cost: usize,
    /// What may be sent, these included.
    room: Room,
    /// What is left of a long item, and whether some of it was sent.
    long: Option<(Bytes, bool)>,
    /// How long the last long item was: the next may be as long.
    length: usize,
}

/// An item that the peer does not accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong {
    pub(crate) length: usize,
    pub(crate) limit: usize,
}

impl ItemSender {
    fn new(shared: Arc<Shared>, stream: StreamId, codec: Codec) -> Self {
        let stream = shared.name_sending(stream);
        let (frames, room) = (Vec::new(), Room::default());
        Self { shared, stream, codec, frames, whole: 0, cost: 0, room, long: None, length: 0 }
    }

    /// Sends the items of a call of the peer, beginning with the word that they come.
    pub(crate) fn accepted(shared: Arc<Shared>, call: CallId, codec: Codec) -> Self {
        let metadata = shared.take_reply_metadata(call);
        let mut sender = Self::new(shared, StreamId::theirs(call), codec);
        sender.stream.encode_accept(metadata.as_deref(), &mut sender.frames);
        sender.whole = sender.frames.len();
        sender
    }

    /// Sends the items that go with a call of this side.
    pub(crate) fn upload(shared: Arc<Shared>, call: CallId, codec: Codec) -> Self {
        Self::new(shared, StreamId::mine(call), codec)
    }

    /// Whether this side opened the call.
    pub(crate) const fn is_upload(&self) -> bool {
        self.stream.mine
    }

    /// Ends the call with a status of this side's own.
    pub(crate) fn give_up(&self, status: Status) {
        self.shared.give_up(self.stream, status);
    }

    /// Waits until an item may be pushed.
    pub(crate) fn poll_ready(&mut self, cx: &Context<'_>) -> Poll<Result<(), Stopped>> {
        loop {
            if self.long.is_some() {
                ready!(self.poll_long(cx))?;
            } else if self.room.bytes.saturating_sub(self.cost) >= RESERVE {
                return Poll::Ready(Ok(()));
            } else {
                ready!(self.poll_send(RESERVE, cx))?;
            }
        }
    }

    /// Sends a part of a long item.
    fn poll_long(&mut self, cx: &Context<'_>) -> Poll<Result<(), Stopped>> {
        let Some((rest, begun)) = &self.long else { return Poll::Ready(Ok(())) };
        let overhead = if *begun { 0 } else { ITEM_OVERHEAD };
        let needed = (rest.len() + overhead).min(RESERVE);
        ready!(self.poll_send(needed, cx))?;
        let Some((mut rest, _)) = self.long.take() else { return Poll::Ready(Ok(())) };
        let part = rest.split_to(rest.len().min(self.room.bytes - overhead));
        let cost = part.len() + overhead;
        self.room.bytes -= cost;
        self.shared.send_part(self.stream, self.codec, part, Rest::of(&rest), cost);
        if !rest.is_empty() {
            self.long = Some((rest, true));
        }
        Poll::Ready(Ok(()))
    }

    /// Hands on what was gathered, and waits for room.
    fn poll_send(&mut self, needed: usize, cx: &Context<'_>) -> Poll<Result<(), Stopped>> {
        let cost = std::mem::take(&mut self.cost);
        let room = self.shared.send_items(self.stream, &self.frames, cost, needed, cx);
        self.frames.clear();
        self.whole = 0;
        match room {
            Poll::Ready(room) => self.room = room?,
            // What was known of the room does not hold: more of the connection may be unwritten.
            Poll::Pending => {
                self.room.bytes = 0;
                return Poll::Pending;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Adds an item that `encode` appends; `poll_ready` must have said that it may. Whether so many are
    /// gathered that they should be flushed.
    ///
    /// # Errors
    /// Those of `encode`; then nothing was added.
    pub(crate) fn push<X>(
        &mut self,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), X>,
    ) -> Result<Result<bool, TooLong>, X> {
        let start = self.frames.len();
        self.frames.reserve(self.length);
        self.frames.extend_from_slice(&[0; ITEM_OVERHEAD]);
        if let Err(error) = encode(&mut self.frames) {
            self.frames.truncate(start);
            return Err(error);
        }
        let length = self.frames.len() - start - ITEM_OVERHEAD;
        if length > self.room.max_item {
            self.frames.truncate(start);
            return Ok(Err(TooLong { length, limit: self.room.max_item }));
        }
        if length > SMALL_ITEM {
            self.length = (ITEM_OVERHEAD + length).min(LONGEST_HINT);
            let item = if start == 0 {
                Bytes::from(std::mem::take(&mut self.frames)).slice(ITEM_OVERHEAD..)
            } else {
                let item = Bytes::copy_from_slice(&self.frames[start + ITEM_OVERHEAD..]);
                self.frames.truncate(start);
                item
            };
            self.long = Some((item, false));
            return Ok(Ok(true));
        }
        let head = self.stream.item_head(self.codec, length);
        self.frames[start..start + ITEM_OVERHEAD].copy_from_slice(&head);
        self.cost += length + ITEM_OVERHEAD;
        self.whole = self.frames.len();
        Ok(Ok(self.frames.len() >= BATCH))
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
        let cost = std::mem::take(&mut self.cost);
        self.shared.end_items(self.stream, &self.frames, cost);
        self.frames.clear();
        Poll::Ready(Ok(()))
    }
}

impl Drop for ItemSender {
    /// A stream that panics has brought what it brought; nobody is to wait for the rest.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        if self.stream.mine {
            let message = "the stream that was sent with the call panicked";
            self.give_up(Status::new(Code::Internal, message));
        } else if self.whole > 0 {
            self.shared.end_items(self.stream, &self.frames[..self.whole], self.cost);
        }
    }
}

impl fmt::Debug for ItemSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ItemSender").field("stream", &self.stream).finish_non_exhaustive()
    }
}

/// Reads the items of one stream. Dropped before the end, it asks the peer to stop.
pub(crate) struct ItemReader {
    shared: Arc<Shared>,
    stream: StreamId,
    segments: VecDeque<Segment>,
    /// Small items back to back, and how many bytes of them were read.
    current: Vec<u8>,
    at: usize,
    /// Bytes that were consumed since the connection was last told.
    consumed: usize,
    ended: bool,
}

/// What a reader fetches.
pub(crate) enum Next {
    /// One long item.
    Large(Bytes),
    /// Short items, for [`ItemReader::next_small`].
    Small,
    End(Ended),
}

impl ItemReader {
    /// Reads the items of a call that this side opened; it owns the call from here on.
    pub(crate) fn of_call(shared: Arc<Shared>, call: CallId) -> Self {
        Self::new(shared, StreamId::mine(call))
    }

    /// Reads the items that the peer sends with a call of its own.
    pub(crate) fn of_upload(shared: Arc<Shared>, call: CallId) -> Self {
        Self::new(shared, StreamId::theirs(call))
    }

    fn new(shared: Arc<Shared>, stream: StreamId) -> Self {
        let stream = shared.name_receiving(stream);
        let (segments, current) = (VecDeque::new(), Vec::new());
        Self { shared, stream, segments, current, at: 0, consumed: 0, ended: false }
    }

    /// The next item if it is a short one that was fetched already.
    #[inline]
    pub(crate) fn next_small(&mut self) -> Option<&[u8]> {
        if self.consumed >= CONSUMED {
            self.tell_consumed();
        }
        let (length, rest) = self.current.get(self.at..)?.split_first_chunk::<4>()?;
        let item = rest.get(..u32::from_le_bytes(*length) as usize)?;
        self.at += 4 + item.len();
        self.consumed += item.len() + ITEM_OVERHEAD;
        Some(item)
    }

    #[cold]
    fn tell_consumed(&mut self) {
        self.shared.consume(self.stream, std::mem::take(&mut self.consumed));
    }

    /// What comes next when [`Self::next_small`] has no more; not to be called after the end.
    pub(crate) fn poll_next(&mut self, cx: &Context<'_>) -> Poll<Next> {
        loop {
            match self.segments.pop_front() {
                Some(Segment::Large(item)) => {
                    self.consumed += item.len() + ITEM_OVERHEAD;
                    if self.consumed >= CONSUMED {
                        self.tell_consumed();
                    }
                    return Poll::Ready(Next::Large(item));
                }
                Some(Segment::Small(items)) => {
                    (self.current, self.at) = (items, 0);
                    return Poll::Ready(Next::Small);
                }
                None => {}
            }
            // Nothing is held while nothing comes.
            self.current = Vec::new();
            let consumed = std::mem::take(&mut self.consumed);
            match ready!(self.shared.poll_items(self.stream, consumed, cx)) {
                Items::Some(segments) => self.segments = segments,
                Items::End(outcome) => {
                    self.ended = true;
                    return Poll::Ready(Next::End(outcome));
                }
            }
        }
    }
}

impl Drop for ItemReader {
    fn drop(&mut self) {
        match self.stream.mine {
            _ if self.ended => {}
            true => self.shared.cancel(self.stream.call),
            false => self.shared.drop_reader(self.stream),
        }
    }
}

impl fmt::Debug for ItemReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ItemReader").field("stream", &self.stream).finish_non_exhaustive()
    }
}
