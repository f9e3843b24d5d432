//! What readers of items do, and what arrives for them.

use std::task::{Context, Poll, Waker};

use super::{
    super::{Connection, ConnectionError, Outcome},
    Items, StreamId,
    receiving::{Part, Receiving, Refusal},
};
use crate::proto::{
    CallId, Code, Codec, Decoder, Payload, Piece, Status,
    frame::{Credit, Failure, Flags, FrameError, Head, Kind},
    limits::EARLY_CALLS,
};

impl Connection {
    /// Fetches the items that have come, or leaves the waker of `cx`. What was fetched counts against the
    /// window until it is consumed.
    ///
    /// Once this has given [`Items::End`] it is not to be called again for the same call.
    pub fn poll_items(&mut self, stream: StreamId, cx: &Context<'_>) -> Poll<Items> {
        let Some(receiving) = self.streams.receiving(stream) else {
            let gone = Status::new(Code::Cancelled, "the call that this stream belongs to is over");
            return Poll::Ready(Items::End(Err(Failure::Status(gone))));
        };
        if !receiving.segments.is_empty() {
            return Poll::Ready(Items::Some(std::mem::take(&mut receiving.segments)));
        }
        if stream.mine {
            if let Poll::Ready(outcome) = self.outbound.poll(stream.call, cx) {
                self.streams.receiving.remove(&stream.key());
                return Poll::Ready(Items::End(outcome));
            }
        } else if receiving.cut {
            let cut = Status::new(Code::Cancelled, "the caller cancelled the call");
            return Poll::Ready(Items::End(Err(Failure::Status(cut))));
        } else if receiving.ended {
            return Poll::Ready(Items::End(Ok(Payload::new())));
        }
        receiving.wait(cx.waker());
        let grant = receiving.grant_partial();
        self.send_credit(stream, grant);
        Poll::Pending
    }

    /// Waits until the handler of a streaming call goes on with items. `Err`: it has ended before, and
    /// this is how.
    pub fn poll_accepted(&mut self, call: CallId, cx: &Context<'_>) -> Poll<Result<(), Outcome>> {
        let stream = StreamId::mine(call);
        let receiving = self.streams.receiving(stream);
        if receiving.as_ref().is_some_and(|receiving| receiving.accepted) {
            return Poll::Ready(Ok(()));
        }
        if let Poll::Ready(outcome) = self.outbound.poll(call, cx) {
            self.streams.receiving.remove(&stream.key());
            return Poll::Ready(Err(outcome));
        }
        if let Some(receiving) = receiving {
            receiving.wait(cx.waker());
        }
        Poll::Pending
    }

    /// Takes note that so many bytes of what was fetched are consumed, and allows the peer more.
    pub fn consume(&mut self, stream: StreamId, bytes: usize) {
        if let Some(receiving) = self.streams.receiving(stream) {
            receiving.held = receiving.held.saturating_sub(bytes);
            let grant = receiving.grant();
            self.send_credit(stream, grant);
        }
    }

    /// Nobody reads a stream any more that the peer sends in a call of its own: it is asked to stop.
    pub fn drop_reader(&mut self, stream: StreamId) {
        let Some(receiving) = self.streams.receiving(stream) else { return };
        if receiving.discards || receiving.ended {
            return;
        }
        receiving.discard();
        let head = Head { kind: Kind::Cancel, flags: Flags::NONE, id: stream.call, length: 0 };
        self.outbox.append(|out| out.extend_from_slice(&head.encode()));
    }

    fn send_credit(&mut self, stream: StreamId, grant: Option<u32>) {
        if let Some(bytes) = grant
            && self.closing.error.is_none()
        {
            self.outbox.append(|out| Credit { bytes }.encode(stream.call, stream.mine, out));
        }
    }

    /// Enters a stream that the peer is going to send.
    pub(in super::super) fn enter_receiving(&mut self, stream: StreamId, codec: Codec) {
        let serial = self.streams.next_serial();
        let receiving = Receiving::new(serial, self.config.limits.window, codec == Codec::Json);
        self.streams.receiving.insert(stream, receiving);
    }

    /// Whether the peer goes on with the stream of a call that has this id.
    pub(in super::super) fn is_discarding(&self, call: CallId) -> bool {
        !self.streams.receiving.is_empty()
            && self.streams.receiving.contains_key(&StreamId::theirs(call))
    }

    /// Nobody waits for the items of a call that this side opened.
    pub(in super::super) fn forget_items(&mut self, call: CallId) {
        if !self.streams.receiving.is_empty() {
            self.streams.receiving.remove(&StreamId::mine(call));
        }
    }

    /// A call of the peer has ended: what it still sends is thrown away, until it ends that.
    pub(in super::super) fn finish_receiving(&mut self, call: CallId) {
        if self.streams.receiving.is_empty() {
            return;
        }
        let stream = StreamId::theirs(call);
        let Some(receiving) = self.streams.receiving(stream) else { return };
        self.wakes.extend(receiving.waker.take());
        if receiving.ended {
            self.streams.receiving.remove(&stream.key());
            return;
        }
        receiving.discard();
        self.streams.discarding += 1;
        // Calls that were sent before the limit was known may be among them.
        if self.streams.discarding > self.config.limits.max_calls + EARLY_CALLS {
            self.fail(ConnectionError::TooManyCalls(self.config.limits.max_calls));
        }
    }

    /// Ends all streams of the peer's calls: the connection is over.
    pub(in super::super) fn end_receiving(&mut self) {
        self.streams.receiving.retain(|stream, receiving| {
            self.wakes.extend(receiving.waker.take());
            stream.mine
        });
        self.streams.discarding = 0;
    }

    pub(in super::super) fn handle_item(
        &mut self,
        piece: &Piece<'_>,
    ) -> Result<(), ConnectionError> {
        let Piece { head, payload, left } = *piece;
        let stream = StreamId::of(head.id, !head.flags.contains(Flags::MINE));
        let max_item = self.config.limits.max_message;
        let Some(receiving) = self.streams.receiving(stream) else {
            return self.pass_over(stream, head.kind);
        };
        let part = Part {
            bytes: payload,
            left,
            json: head.flags.contains(Flags::JSON),
            more: head.flags.contains(Flags::MORE),
        };
        receiving.accepted = true;
        let whole = receiving
            .add(&part, max_item as usize)
            .map_err(|refusal| refused(refusal, head, max_item))?;
        let grant = if whole {
            self.wakes.extend(receiving.waker.take());
            None
        } else {
            receiving.grant_partial()
        };
        self.send_credit(stream, grant);
        Ok(())
    }

    /// Handles the items that come right behind one of the same stream, with one look-up.
    pub(in super::super) fn handle_items_like(
        &mut self,
        head: Head,
        decoder: &Decoder,
        input: &mut &[u8],
    ) -> Result<(), ConnectionError> {
        let stream = StreamId::of(head.id, !head.flags.contains(Flags::MINE));
        let max_item = self.config.limits.max_message;
        if head.flags.contains(Flags::MORE) {
            return Ok(());
        }
        let Some(receiving) = self.streams.receiving(stream) else { return Ok(()) };
        let json = head.flags.contains(Flags::JSON);
        while let Some(bytes) = decoder.next_like(head, input) {
            let part = Part { bytes, left: 0, json, more: false };
            receiving
                .add(&part, max_item as usize)
                .map_err(|refusal| refused(refusal, head, max_item))?;
        }
        Ok(())
    }

    pub(in super::super) fn handle_end(
        &mut self,
        head: Head,
        payload: &[u8],
    ) -> Result<(), ConnectionError> {
        if !head.flags.contains(Flags::MINE) {
            return Err(ConnectionError::WrongOpener(head.kind, head.id));
        }
        if !payload.is_empty() {
            return Err(FrameError::Trailing(head.kind).into());
        }
        let stream = StreamId::theirs(head.id);
        match self.streams.receiving.get(&stream) {
            None => return self.pass_over(stream, head.kind),
            Some(receiving) if receiving.ended => {
                return Err(ConnectionError::UnknownStream(head.kind, head.id));
            }
            // Who was told to stop may do so in the middle of an item.
            Some(receiving) if receiving.is_partial() && !receiving.discards => {
                return Err(ConnectionError::MixedMessage(head.id));
            }
            Some(_) => {}
        }
        self.end_upload(head.id);
        Ok(())
    }

    /// Whether the caller may still send items.
    pub(in super::super) fn receives_upload(&mut self, call: CallId) -> bool {
        self.streams.receiving(StreamId::theirs(call)).is_some_and(|receiving| !receiving.ended)
    }

    /// The caller cancels its call: what it sent is not whole, unless it has said that it is.
    pub(in super::super) fn cut_upload(&mut self, call: CallId) {
        if let Some(receiving) = self.streams.receiving(StreamId::theirs(call)) {
            receiving.cut = !receiving.ended;
        }
    }

    /// The caller sends no more items: it has said so, or has cancelled its call.
    pub(in super::super) fn end_upload(&mut self, call: CallId) {
        let stream = StreamId::theirs(call);
        let Some(receiving) = self.streams.receiving(stream) else { return };
        receiving.ended = true;
        self.wakes.extend(receiving.waker.take());
        if !self.inbound.open.contains_key(&call) {
            self.streams.receiving.remove(&stream.key());
            self.streams.discarding = self.streams.discarding.saturating_sub(1);
        }
    }

    pub(in super::super) fn handle_accept(
        &mut self,
        head: Head,
        payload: &[u8],
    ) -> Result<(), ConnectionError> {
        if !payload.is_empty() {
            return Err(FrameError::Trailing(head.kind).into());
        }
        let stream = StreamId::mine(head.id);
        let Some(receiving) = self.streams.receiving(stream) else {
            return self.pass_over(stream, head.kind);
        };
        receiving.accepted = true;
        self.wakes.extend(receiving.waker.take());
        Ok(())
    }

    /// A frame of a stream that nobody reads: of a call that this side gave up, or one that came after
    /// this side's goaway. Anything else is a mistake of the peer.
    pub(super) fn pass_over(&self, stream: StreamId, kind: Kind) -> Result<(), ConnectionError> {
        let known = match stream.mine {
            true => self.outbound.awaits_reply(stream.call),
            false => self.closing.local,
        };
        if known { Ok(()) } else { Err(ConnectionError::UnknownStream(kind, stream.call)) }
    }

    /// Bytes held of each stream.
    #[cfg(test)]
    pub(in super::super) fn held_items(&self) -> impl Iterator<Item = usize> {
        self.streams.receiving.values().map(|receiving| receiving.held)
    }

    /// How many streams are known, both ways.
    #[cfg(test)]
    pub(in super::super) fn streams(&self) -> (usize, usize) {
        (self.streams.sending.len(), self.streams.receiving.len())
    }
}

#[cold]
fn refused(refusal: Refusal, head: Head, limit: u32) -> ConnectionError {
    match refusal {
        Refusal::Codec => ConnectionError::MixedMessage(head.id),
        Refusal::Credit => ConnectionError::CreditExceeded(head.id),
        Refusal::Length => ConnectionError::MessageTooLong { id: head.id, limit },
        Refusal::Ended => ConnectionError::UnknownStream(head.kind, head.id),
    }
}

impl Receiving {
    fn wait(&mut self, waker: &Waker) {
        match &mut self.waker {
            Some(own) => own.clone_from(waker),
            None => self.waker = Some(waker.clone()),
        }
    }
}
