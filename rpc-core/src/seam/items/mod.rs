//! The two ends of a stream of items: a sender that gathers small ones to one lock and one write, a reader that fetches
//! all which has come at once. Neither knows what carries them.

mod receiving;
mod sending;

pub(crate) use receiving::{ItemReader, Next};
pub(crate) use sending::{Gathered, ItemSender, TooLong};

use std::task::{Context, Poll};

use crate::proto::{
    CallId, Codec, Payload, Status,
    connection::{Batch, Items, Rest, Room, Stopped, StreamId},
};

/// A part of a long item.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) bytes: Payload,
    pub(crate) rest: Rest,
    /// Bytes that it takes of the credit.
    pub(crate) cost: usize,
}

/// Carries the items of streams. A stream is named by its call and by who opened that.
pub(crate) trait ItemLink: Send + Sync + 'static {
    /// Names the stream that this side sends in a call, for as long as it goes on.
    fn name_sending(&self, stream: StreamId) -> StreamId;

    /// Names the stream that this side receives in a call, for as long as it goes on.
    fn name_receiving(&self, stream: StreamId) -> StreamId;

    /// Sends a batch, which may be empty, and waits for room of `needed` bytes for more. Leaves the waker of `cx`, which is
    /// woken when the stream is stopped as well.
    fn send_items(
        &self,
        batch: &Batch,
        needed: usize,
        cx: &Context<'_>,
    ) -> Poll<Result<Room, Stopped>>;

    /// Sends a part of a long item.
    fn send_part(&self, stream: StreamId, codec: Codec, part: Part);

    /// Sends the last items of a stream, and the end of an upload.
    fn end_items(&self, batch: &Batch);

    /// Ends a call of this side with a status of its own, if the stream that it sends goes on.
    fn give_up(&self, stream: StreamId, status: Status);

    /// Takes note of what was consumed, and fetches the items that have come since.
    fn poll_items(&self, stream: StreamId, consumed: usize, cx: &Context<'_>) -> Poll<Items>;

    /// Takes note of what was consumed.
    fn consume(&self, stream: StreamId, consumed: usize);

    /// Wants no more of the items that the peer sends with a call of its own.
    fn drop_reader(&self, stream: StreamId);

    /// Gives up a call of this side: the peer is asked to end it.
    fn cancel(&self, call: CallId);
}
