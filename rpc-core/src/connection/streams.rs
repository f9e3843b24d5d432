//! What the two ends of a stream do under the connection's lock.

use std::task::{Context, Poll};

use bytes::Bytes;

use super::{scratch, shared::Shared};
use crate::proto::{
    Codec,
    connection::{Items, Rest, Room, Stopped, StreamId, Waiter},
};

impl Shared {
    /// Sends the frames of items, if there are any, and waits for room for more.
    pub(super) fn send_items(
        &self,
        stream: StreamId,
        frames: &[u8],
        cost: usize,
        needed: usize,
        cx: &Context<'_>,
    ) -> Poll<Result<Room, Stopped>> {
        let mut waiter = Waiter::new(cx.waker());
        let mut state = self.state.lock();
        if !frames.is_empty() {
            state.machine.give_buffer(scratch::take_buffer);
            state.machine.send_items(stream, frames, cost);
        }
        let mut room = state.machine.poll_room(stream, needed, &mut waiter);
        let wakes = state.machine.has_wakes();
        if !frames.is_empty() || wakes {
            self.request_flush(state);
        } else {
            drop(state);
        }
        if waiter.lacks_waker() {
            waiter.supply();
            room = self.state.lock().machine.poll_room(stream, needed, &mut waiter);
        }
        room
    }

    /// Sends a part of a long item; `more` if it goes on.
    pub(super) fn send_part(
        &self,
        stream: StreamId,
        codec: Codec,
        part: Bytes,
        rest: Rest,
        cost: usize,
    ) {
        let mut state = self.state.lock();
        state.machine.send_part(stream, codec, part, rest, cost);
        self.request_flush(state);
    }

    /// Sends the frames of the last items of a stream, and the end of an upload.
    pub(super) fn end_items(&self, stream: StreamId, frames: &[u8], cost: usize) {
        let mut state = self.state.lock();
        state.machine.give_buffer(scratch::take_buffer);
        state.machine.send_items(stream, frames, cost);
        if stream.mine {
            state.machine.end_items(stream);
        }
        self.request_flush(state);
    }

    /// Takes note of what was consumed, and fetches the items that have come since.
    pub(super) fn poll_items(
        &self,
        stream: StreamId,
        consumed: usize,
        cx: &Context<'_>,
    ) -> Poll<Items> {
        let mut waiter = Waiter::new(cx.waker());
        let mut consumed = consumed;
        loop {
            let mut state = self.state.lock();
            state.machine.give_buffer(scratch::take_buffer);
            state.machine.consume(stream, std::mem::take(&mut consumed));
            let items = state.machine.poll_items(stream, &mut waiter);
            if state.machine.wants_write() || state.machine.has_retired() {
                self.request_flush(state);
            } else {
                drop(state);
            }
            if items.is_ready() || !waiter.lacks_waker() {
                return items;
            }
            waiter.supply();
        }
    }

    pub(super) fn consume(&self, stream: StreamId, consumed: usize) {
        let mut state = self.state.lock();
        state.machine.give_buffer(scratch::take_buffer);
        state.machine.consume(stream, consumed);
        if state.machine.wants_write() {
            self.request_flush(state);
        }
    }

    /// Names the stream that this side sends in a call.
    pub(super) fn name_sending(&self, stream: StreamId) -> StreamId {
        self.state.lock().machine.name_sending(stream)
    }

    /// Names the stream that this side receives in a call.
    pub(super) fn name_receiving(&self, stream: StreamId) -> StreamId {
        self.state.lock().machine.name_receiving(stream)
    }

    pub(super) fn drop_reader(&self, stream: StreamId) {
        let mut state = self.state.lock();
        state.machine.drop_reader(stream);
        self.request_flush(state);
    }
}
