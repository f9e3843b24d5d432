//! The receiving half of streams: what readers of items do, and what arrives for them.

use std::task::Poll;

use super::{
    super::{Connection, ConnectionError, waiter::Waiter},
    Items, StreamId,
    receiving::{Flow, Part, Receiving, Refusal},
};
use crate::proto::{
    CallId, Code, Codec, Decoder, Ended, Failure, Metadata, Outcome, Payload, Piece, Status,
    limits::EARLY_CALLS,
    wire::{Credit, Flags, FrameError, Head, Kind, accept},
};

impl Connection {
    /// Fetches the items that have come, or keeps the waker of `waiter`. What was fetched counts against the
    /// window until it is consumed.
    ///
    /// Once this has given [`Items::End`] it is not to be called again for the same call.
    pub fn poll_items(&mut self, stream: StreamId, waiter: &mut Waiter<'_>) -> Poll<Items> {
        let Some(receiving) = self.streams.receiving(stream) else {
            let gone = Status::new(Code::Cancelled, "the call that this stream belongs to is over");
            return Poll::Ready(end(Err(Failure::Status(gone))));
        };
        if !receiving.segments.is_empty() {
            let items = std::mem::take(&mut receiving.segments);
            self.end_long(stream);
            return Poll::Ready(Items::Some(items));
        }
        if stream.mine {
            if let Poll::Ready(ended) = self.outbound.poll(stream.call, waiter) {
                self.remove_receiving(stream);
                return Poll::Ready(Items::End(ended));
            }
        } else if let Some(cut) = &receiving.cut {
            return Poll::Ready(end(Err(Failure::Status(cut.clone()))));
        } else if receiving.flow == Flow::Ended {
            return Poll::Ready(end(Ok(Payload::new())));
        }
        let Some(receiving) = self.streams.receiving(stream) else { return Poll::Pending };
        waiter.wait_in(&mut receiving.waker);
        self.grant_long(stream);
        Poll::Pending
    }

    /// Waits until the handler of a streaming call goes on with items. `Err`: it has ended before, and
    /// this is how.
    pub fn poll_accepted(
        &mut self,
        call: CallId,
        waiter: &mut Waiter<'_>,
    ) -> Poll<Result<(), Ended>> {
        let stream = StreamId::mine(call);
        if self.streams.receiving(stream).is_some_and(|receiving| receiving.flow != Flow::Announced)
        {
            return Poll::Ready(Ok(()));
        }
        if let Poll::Ready(ended) = self.outbound.poll(call, waiter) {
            self.remove_receiving(stream);
            return Poll::Ready(Err(ended));
        }
        if let Some(receiving) = self.streams.receiving(stream) {
            waiter.wait_in(&mut receiving.waker);
        }
        Poll::Pending
    }

    /// What came ahead of the items of a call of this side.
    pub fn take_leading_metadata(&mut self, call: CallId) -> Option<Box<Metadata>> {
        self.streams.receiving(StreamId::mine(call))?.metadata.take()
    }

    /// Takes note that so many bytes of what was fetched are consumed, and allows the peer more.
    pub fn consume(&mut self, stream: StreamId, bytes: usize) {
        let Some(receiving) = self.streams.receiving.get_mut(&stream.key()) else { return };
        if stream.serial != 0 && stream.serial != receiving.serial {
            return;
        }
        receiving.held = receiving.held.saturating_sub(bytes);
        let grant = receiving.grant(&mut self.streams.pool);
        self.send_credit(stream, grant);
    }

    /// Allows the peer more of an item that is longer than its window, if somebody waits for it and it is its turn.
    fn grant_long(&mut self, stream: StreamId) {
        let key = stream.key();
        let Some(receiving) = self.streams.receiving.get_mut(&key) else { return };
        if receiving.waits_for_long() && self.streams.pool.begin_long(key) {
            let grant = receiving.grant_long(&mut self.streams.pool);
            self.send_credit(stream, grant);
        }
    }

    /// The long item of a stream was fetched, or its stream is over: the next one may come in.
    fn end_long(&mut self, stream: StreamId) {
        let mut over = stream.key();
        while let Some(next) = self.streams.pool.end_long(over) {
            let waits = self.streams.receiving.get(&next).is_some_and(|next| next.waits_for_long());
            if waits {
                return self.grant_long(next);
            }
            over = next;
        }
    }

    /// Takes a stream off that is over.
    fn remove_receiving(&mut self, stream: StreamId) {
        let Some(mut receiving) = self.streams.receiving.remove(&stream.key()) else { return };
        receiving.leave(&mut self.streams.pool);
        self.wakers.retire(receiving.waker.take());
        self.end_long(stream);
    }

    /// Nobody reads a stream any more that the peer sends in a call of its own: it is asked to stop.
    pub fn drop_reader(&mut self, stream: StreamId) {
        let Some(receiving) = self.streams.receiving(stream) else { return };
        if receiving.is_over() {
            return;
        }
        self.discard(stream);
        let head = Head { kind: Kind::Cancel, flags: Flags::NONE, id: stream.call, length: 0 };
        self.outbox.append(|out| out.extend_from_slice(&head.encode()));
    }

    fn send_credit(&mut self, stream: StreamId, grant: Option<u32>) {
        if let Some(bytes) = grant
            && self.closing.error.is_none()
        {
            self.outbox.append(|out| Credit { bytes }.encode(stream.call, stream.opener(), out));
        }
    }

    /// Nobody reads a stream any more: its room is for others.
    fn discard(&mut self, stream: StreamId) {
        let Some(receiving) = self.streams.receiving.get_mut(&stream.key()) else { return };
        receiving.discard();
        receiving.leave(&mut self.streams.pool);
        self.end_long(stream);
    }

    /// What the peer is allowed to send of the items of a call of this side, beyond what hello allows.
    pub(in super::super) fn initial_credit(&mut self, call: CallId) -> u32 {
        let stream = StreamId::mine(call);
        match self.streams.receiving.get_mut(&stream) {
            Some(receiving) => receiving.grow_at_start(&mut self.streams.pool),
            None => 0,
        }
    }

    /// Enters a stream that the peer is going to send.
    pub(in super::super) fn enter_receiving(&mut self, stream: StreamId, codec: Codec) {
        let serial = self.streams.next_serial();
        let receiving = Receiving::new(serial, &self.config.limits, codec);
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
            self.remove_receiving(StreamId::mine(call));
        }
    }

    /// A call of the peer has ended: what it still sends is thrown away, until it ends that.
    pub(in super::super) fn finish_receiving(&mut self, call: CallId) {
        if self.streams.receiving.is_empty() {
            return;
        }
        let stream = StreamId::theirs(call);
        let Some(receiving) = self.streams.receiving(stream) else { return };
        self.wakers.wake(receiving.waker.take());
        if receiving.flow == Flow::Ended {
            return self.remove_receiving(stream);
        }
        self.discard(stream);
        self.streams.discarding += 1;
        // Calls that were sent before the limit was known may be among them.
        let limit = self.config.limits.max_streams;
        if self.streams.discarding > limit + EARLY_CALLS {
            self.fail(ConnectionError::TooManyCalls(limit));
        }
    }

    /// Ends all streams of the peer's calls: the connection is over.
    pub(in super::super) fn end_receiving(&mut self) {
        self.streams.receiving.retain(|stream, receiving| {
            self.wakers.wake(receiving.waker.take());
            stream.mine
        });
        self.streams.discarding = 0;
    }

    pub(in super::super) fn handle_item(
        &mut self,
        piece: &Piece<'_>,
    ) -> Result<(), ConnectionError> {
        let Piece { head, payload, left } = *piece;
        let stream = StreamId::of_frame(head);
        let max_item = self.config.limits.max_message;
        if payload.is_empty() && head.flags.contains(Flags::MORE) {
            self.charge()?;
        }
        let Some(receiving) = self.streams.receiving(stream) else {
            return self.pass_over(stream, head.kind);
        };
        let part = Part {
            bytes: payload,
            left,
            codec: head.flags.codec(),
            more: head.flags.contains(Flags::MORE),
            extended: head.flags.contains(Flags::EXT),
        };
        match receiving.add(&part, max_item as usize) {
            Ok(true) => self.wakers.wake(receiving.waker.take()),
            Ok(false) => self.grant_long(stream),
            Err(Refusal::Extension(error)) => self.cut_stream(stream, &error),
            Err(refusal) => return Err(refused(refusal, head, max_item)),
        }
        Ok(())
    }

    /// Ends a stream with an item that says something which this side must understand and does not.
    fn cut_stream(&mut self, stream: StreamId, error: &FrameError) {
        let status = Status::new(Code::Unknown, error.to_string());
        if stream.mine {
            let peer = self.stop(stream.call);
            self.outbound.settle(stream.call, status, peer, &mut self.wakers);
        } else {
            self.drop_reader(stream);
            if let Some(receiving) = self.streams.receiving(stream) {
                receiving.cut = Some(status);
            }
        }
        if let Some(receiving) = self.streams.receiving(stream) {
            self.wakers.wake(receiving.waker.take());
        }
    }

    /// Handles the items that come right behind one of the same stream, with one look-up.
    pub(in super::super) fn handle_items_like(
        &mut self,
        head: Head,
        decoder: &Decoder,
        input: &mut &[u8],
    ) -> Result<(), ConnectionError> {
        let stream = StreamId::of_frame(head);
        let max_item = self.config.limits.max_message;
        if head.flags.contains(Flags::MORE) || head.flags.contains(Flags::EXT) {
            return Ok(());
        }
        let Some(receiving) = self.streams.receiving(stream) else { return Ok(()) };
        let codec = head.flags.codec();
        while let Some(bytes) = decoder.next_like(head, input) {
            let part = Part { bytes, left: 0, codec, more: false, extended: false };
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
        accept::pass_over(head.kind, payload)?;
        let stream = StreamId::theirs(head.id);
        match self.streams.receiving.get(&stream) {
            None => return self.pass_over(stream, head.kind),
            Some(receiving) if receiving.flow == Flow::Ended => {
                return Err(ConnectionError::UnknownStream(head.kind, head.id));
            }
            // Who was told to stop may do so in the middle of an item.
            Some(receiving) if receiving.is_partial() && receiving.flow != Flow::Discarding => {
                return Err(ConnectionError::MixedMessage(head.id));
            }
            Some(_) => {}
        }
        self.end_upload(head.id);
        Ok(())
    }

    /// Whether the caller may still send items.
    pub(in super::super) fn receives_upload(&mut self, call: CallId) -> bool {
        self.streams
            .receiving(StreamId::theirs(call))
            .is_some_and(|receiving| receiving.flow != Flow::Ended)
    }

    /// The caller cancels its call: what it sent is not whole, unless it has said that it is.
    pub(in super::super) fn cut_upload(&mut self, call: CallId) {
        if let Some(receiving) = self.streams.receiving(StreamId::theirs(call))
            && receiving.flow != Flow::Ended
        {
            receiving.cut = Some(Status::new(Code::Cancelled, "the caller cancelled the call"));
        }
    }

    /// The caller sends no more items: it has said so, or has cancelled its call.
    pub(in super::super) fn end_upload(&mut self, call: CallId) {
        let stream = StreamId::theirs(call);
        let Some(receiving) = self.streams.receiving(stream) else { return };
        receiving.flow = Flow::Ended;
        self.wakers.wake(receiving.waker.take());
        if !self.inbound.is_open(call) {
            self.remove_receiving(stream);
            self.streams.discarding = self.streams.discarding.saturating_sub(1);
        }
    }

    pub(in super::super) fn handle_accept(
        &mut self,
        head: Head,
        payload: &[u8],
    ) -> Result<(), ConnectionError> {
        let stream = StreamId::mine(head.id);
        let Some(receiving) = self.streams.receiving(stream) else {
            return self.pass_over(stream, head.kind);
        };
        match accept::decode(payload) {
            Ok(metadata) => receiving.metadata = metadata,
            Err(error @ FrameError::Critical(..)) => {
                self.cut_stream(stream, &error);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        receiving.begin();
        self.wakers.wake(receiving.waker.take());
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
        Refusal::Extension(error) => error.into(),
    }
}

/// The end of a stream of the peer's call.
const fn end(outcome: Outcome) -> Items {
    Items::End((outcome, None))
}
