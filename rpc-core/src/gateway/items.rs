//! The items of streams over HTTP and WebSocket, as handlers send and read them.

use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use super::session::{Reader, Session, WINDOW};
use crate::{
    proto::{
        CallId, Code, Codec, Failure, Payload, Status,
        connection::{Batch, ITEM_OVERHEAD, Items, Rest, Room, Stopped, StreamId},
    },
    seam::items::{ItemLink, Part},
};

/// The longest item that a handler may send, and what a stream below its window may send at once.
const LONGEST: usize = 1 << 30;

impl ItemLink for Session {
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
        let mut state = self.state.lock();
        let Some(down) = state.down.get_mut(&batch.stream().call) else {
            return Poll::Ready(Err(Stopped));
        };
        down.take(batch);
        let body = (!batch.frames().is_empty()).then(|| down.body.take()).flatten();
        let bytes = if down.bytes < WINDOW { LONGEST } else { 0 };
        down.handler = Some(cx.waker().clone());
        drop(state);
        body.into_iter().for_each(Waker::wake);
        if bytes < needed {
            return Poll::Pending;
        }
        Poll::Ready(Ok(Room { bytes, max_item: LONGEST - ITEM_OVERHEAD }))
    }

    fn send_part(&self, stream: StreamId, _codec: Codec, part: Part) {
        let mut state = self.state.lock();
        let Some(down) = state.down.get_mut(&stream.call) else { return };
        down.long.extend_from_slice(&part.bytes);
        let mut body = None;
        if part.rest == Rest::Nothing {
            let item = Bytes::from(std::mem::take(&mut down.long));
            down.push(item);
            body = down.body.take();
        }
        drop(state);
        body.into_iter().for_each(Waker::wake);
    }

    fn end_items(&self, batch: &Batch) {
        let mut state = self.state.lock();
        let Some(down) = state.down.get_mut(&batch.stream().call) else { return };
        down.take(batch);
        let body = down.body.take();
        drop(state);
        body.into_iter().for_each(Waker::wake);
    }

    /// No call of this side brings a stream along.
    fn give_up(&self, _stream: StreamId, _status: Status) {}

    fn poll_items(&self, stream: StreamId, consumed: usize, cx: &Context<'_>) -> Poll<Items> {
        self.consume(stream, consumed);
        if let (true, Some(back)) = (stream.mine, &self.back) {
            return back.poll_items(stream.call, cx);
        }
        let mut state = self.state.lock();
        let Some(up) = state.up.get_mut(&stream.call) else {
            let status = Status::new(Code::Cancelled, "the call is over");
            return Poll::Ready(Items::End((Err(Failure::Status(status)), None)));
        };
        if !up.items.is_empty() {
            return Poll::Ready(Items::Some(std::mem::take(&mut up.items)));
        }
        match &up.end {
            Some(Ok(())) => Poll::Ready(Items::End((Ok(Payload::new()), None))),
            Some(Err(status)) => {
                Poll::Ready(Items::End((Err(Failure::Status(status.clone())), None)))
            }
            None => {
                up.handler = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn consume(&self, stream: StreamId, consumed: usize) {
        if let (true, Some(back)) = (stream.mine, &self.back) {
            return back.consume(stream.call, consumed);
        }
        let mut state = self.state.lock();
        let Some(up) = state.up.get_mut(&stream.call) else { return };
        up.bytes = up.bytes.saturating_sub(consumed);
        let body = (up.bytes < WINDOW).then(|| up.body.take()).flatten();
        drop(state);
        body.into_iter().for_each(Waker::wake);
    }

    fn drop_reader(&self, stream: StreamId) {
        let mut state = self.state.lock();
        let Some(up) = state.up.get_mut(&stream.call) else { return };
        up.reader = Reader::Gone;
        let (items, body) = (std::mem::take(&mut up.items), up.body.take());
        up.bytes = 0;
        drop(state);
        drop(items);
        body.into_iter().for_each(Waker::wake);
    }

    fn cancel(&self, call: CallId) {
        if let Some(back) = &self.back {
            back.cancel(call);
        }
    }
}
