//! The items of streams on a connection: what the two ends of a stream do under its lock.

use std::task::{Context, Poll};

use super::{caller::Holds, scratch};
use crate::{
    proto::{
        CallId, Codec, Status,
        connection::{Batch, Items, Room, Stopped, StreamId, Waiter},
    },
    seam::items::{ItemLink, Part},
};

impl<T: Holds> ItemLink for T {
    fn name_sending(&self, stream: StreamId) -> StreamId {
        self.live().with(|state| state.machine.name_sending(stream))
    }

    fn name_receiving(&self, stream: StreamId) -> StreamId {
        self.live().with(|state| state.machine.name_receiving(stream))
    }

    fn send_items(
        &self,
        batch: &Batch,
        needed: usize,
        cx: &Context<'_>,
    ) -> Poll<Result<Room, Stopped>> {
        let (stream, frames) = (batch.stream(), batch.frames());
        let mut waiter = Waiter::new(cx.waker());
        let mut state = self.live().state.lock();
        if !frames.is_empty() {
            state.machine.give_buffer(scratch::take_buffer);
            state.machine.send_items(stream, frames, batch.cost());
        }
        let mut room = state.machine.poll_room(stream, needed, &mut waiter);
        let wakes = state.machine.has_wakes();
        if !frames.is_empty() || wakes {
            self.live().request_flush(state);
        } else {
            drop(state);
        }
        if waiter.lacks_waker() {
            waiter.supply();
            room = self.live().with(|state| state.machine.poll_room(stream, needed, &mut waiter));
        }
        room
    }

    fn send_part(&self, stream: StreamId, codec: Codec, part: Part) {
        let mut state = self.live().state.lock();
        let Part { bytes, rest, cost } = part;
        state.machine.send_part(stream, codec, &bytes, rest, cost);
        self.live().request_flush(state);
    }

    fn end_items(&self, batch: &Batch) {
        let stream = batch.stream();
        let mut state = self.live().state.lock();
        state.machine.give_buffer(scratch::take_buffer);
        state.machine.send_items(stream, batch.frames(), batch.cost());
        if stream.mine {
            state.machine.end_items(stream);
        }
        self.live().request_flush(state);
    }

    fn give_up(&self, stream: StreamId, status: Status) {
        let mut state = self.live().state.lock();
        state.machine.give_up(stream, status);
        self.live().request_flush(state);
    }

    fn poll_items(&self, stream: StreamId, consumed: usize, cx: &Context<'_>) -> Poll<Items> {
        let mut waiter = Waiter::new(cx.waker());
        let mut consumed = consumed;
        loop {
            let mut state = self.live().state.lock();
            state.machine.give_buffer(scratch::take_buffer);
            state.machine.consume(stream, std::mem::take(&mut consumed));
            let items = state.machine.poll_items(stream, &mut waiter);
            if state.machine.wants_write() || state.machine.has_retired() {
                self.live().request_flush(state);
            } else {
                drop(state);
            }
            if items.is_ready() || !waiter.lacks_waker() {
                return items;
            }
            waiter.supply();
        }
    }

    fn consume(&self, stream: StreamId, consumed: usize) {
        let mut state = self.live().state.lock();
        state.machine.give_buffer(scratch::take_buffer);
        state.machine.consume(stream, consumed);
        if state.machine.wants_write() {
            self.live().request_flush(state);
        }
    }

    fn drop_reader(&self, stream: StreamId) {
        let mut state = self.live().state.lock();
        state.machine.drop_reader(stream);
        self.live().request_flush(state);
    }

    fn cancel(&self, call: CallId) {
        let mut state = self.live().state.lock();
        state.machine.cancel(call);
        self.live().request_flush(state);
    }
}
