//! The receiving end of a stream.

use std::{
    collections::VecDeque,
    fmt,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;

use super::{
    super::ledger::{Waits, note},
    ItemLink,
};
use crate::proto::{
    CallId, Ended,
    connection::{ITEM_OVERHEAD, Items, Segment, StreamId},
};

/// Bytes that a reader consumes before it says so, unless it runs out of items.
const CONSUMED: usize = 32 << 10;

/// Reads the items of one stream. Dropped before the end, it asks the peer to stop.
pub(crate) struct ItemReader {
    link: Arc<dyn ItemLink>,
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
    pub(crate) fn of_call(link: Arc<dyn ItemLink>, call: CallId) -> Self {
        Self::new(link, StreamId::mine(call))
    }

    /// Reads the items that the peer sends with a call of its own.
    pub(crate) fn of_upload(link: Arc<dyn ItemLink>, call: CallId) -> Self {
        Self::new(link, StreamId::theirs(call))
    }

    fn new(link: Arc<dyn ItemLink>, stream: StreamId) -> Self {
        let stream = link.name_receiving(stream);
        let (segments, current) = (VecDeque::new(), Vec::new());
        Self { link, stream, segments, current, at: 0, consumed: 0, ended: false }
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
        self.link.consume(self.stream, std::mem::take(&mut self.consumed));
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
            let items = self.link.poll_items(self.stream, consumed, cx);
            if items.is_pending() {
                note(Waits::Items);
            }
            match ready!(items) {
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
            true => self.link.cancel(self.stream.call),
            false => self.link.drop_reader(self.stream),
        }
    }
}

impl fmt::Debug for ItemReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ItemReader").field("stream", &self.stream).finish_non_exhaustive()
    }
}
