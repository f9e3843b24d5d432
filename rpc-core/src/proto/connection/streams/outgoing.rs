//! The sending half of streams: credit, and the order of their frames among those of other calls.

use std::task::Poll;

use super::{
    super::{Connection, ConnectionError, Waiter, outbox::Place, waiter::Wakers},
    Room, Stopped, StreamId, StreamTable,
    sending::{MAX_CREDIT, Sending, Stage},
};
use crate::proto::{
    CallId, Codec, Payload,
    wire::{Credit, Flags, Head, Kind},
};

/// Bytes that may wait to be written before streams wait with theirs.
const MAX_UNSENT_ITEMS: usize = 256 << 10;

/// Bytes that a stream which was woken is likely to send at once.
const LIKELY_BATCH: usize = 16 << 10;

/// What follows a part of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// More parts of it.
    More,
    /// Nothing: it is the last part.
    Nothing,
}

impl Rest {
    /// Tells whether these bytes of an item are more parts of it.
    #[must_use]
    pub fn of(bytes: &Payload) -> Self {
        if bytes.is_empty() { Self::Nothing } else { Self::More }
    }
}

/// What the peer is to learn of the end of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Tell {
    /// That nothing more comes.
    End,
    /// Nothing: a cancel says so, or it knows of no upload.
    Nothing,
}

impl Connection {
    /// Waits until `needed` bytes of items may be sent; gives how many may. None are needed to know
    /// whether the stream goes on. Keeps the waker of `waiter`,
    /// which is woken when the stream is stopped as well.
    pub fn poll_room(
        &mut self,
        stream: StreamId,
        needed: usize,
        waiter: &mut Waiter<'_>,
    ) -> Poll<Result<Room, Stopped>> {
        // Whoever was woken may have nothing to send: the next one is not to wait for it.
        self.wake_next();
        let room = self.room_for_items();
        let half_closed = self.closing.is_half_closed();
        let Some(sending) = self.streams.sending(stream) else {
            return Poll::Ready(Err(Stopped));
        };
        waiter.wait_in(&mut sending.waker);
        if sending.credit < needed {
            // None comes any more.
            return if half_closed { Poll::Ready(Err(Stopped)) } else { Poll::Pending };
        }
        if room.is_none() {
            if !std::mem::replace(&mut sending.waits, true) {
                self.streams.waiting.push_back(stream.key());
            }
            return Poll::Pending;
        }
        let max_item = self.peer.as_ref().map_or(0, |peer| peer.limits.max_message as usize);
        Poll::Ready(Ok(Room { bytes: sending.credit, max_item }))
    }

    /// Sends whole frames, which cost `cost` of the credit. Nothing is sent if the stream is stopped.
    pub fn send_items(&mut self, stream: StreamId, frames: &[u8], cost: usize) {
        let Some(sending) = self.streams.sending(stream) else { return };
        sending.credit = sending.credit.saturating_sub(cost);
        if sending.place == Place::Behind {
            self.outbox.append_behind(stream.head(Flags::NONE), frames);
        } else {
            self.outbox.append(|out| out.extend_from_slice(frames));
        }
    }

    /// Sends a part of an item that is longer than a small one; `rest` tells what follows.
    pub fn send_part(
        &mut self,
        stream: StreamId,
        codec: Codec,
        part: &Payload,
        rest: Rest,
        cost: usize,
    ) {
        let Some(sending) = self.streams.sending(stream) else { return };
        sending.credit = sending.credit.saturating_sub(cost);
        sending.place = Place::Behind;
        let more = if rest == Rest::More { Flags::MORE } else { Flags::NONE };
        self.outbox.part(stream.head(Flags::of(codec).with(more)), part);
    }

    /// Ends the upload of a call that this side opened.
    pub fn end_items(&mut self, stream: StreamId) {
        let Some(sending) = self.streams.sending(stream) else { return };
        if !sending.has_begun() {
            // The end follows the request.
            sending.stage = Stage::Over;
            return;
        }
        let place = sending.place;
        self.streams.sending.remove(&stream.key());
        if place == Place::Behind {
            self.streams.ended.insert(stream.call);
        }
        self.send_end(stream.call, place);
    }

    fn send_end(&mut self, call: CallId, place: Place) {
        let head = Head { kind: Kind::End, flags: Flags::MINE, id: call, length: 0 };
        match place {
            Place::Behind => self.outbox.append_behind(head, &head.encode()),
            Place::Any => self.outbox.append(|out| out.extend_from_slice(&head.encode())),
        }
    }

    /// Enters a stream whose items may not leave yet.
    pub(in super::super) fn enter_sending(&mut self, stream: StreamId) {
        let serial = self.streams.next_serial();
        self.streams.sending.insert(stream, Sending { serial, ..Sending::default() });
    }

    /// Takes note that the request or accept which the items follow is on its way; `place` tells where.
    pub(in super::super) fn begin_sending(&mut self, stream: StreamId, place: Place) {
        let window = self.peer.as_ref().map(|peer| peer.limits.initial_window as usize);
        let Some(sending) = self.streams.sending(stream) else { return };
        let is_over = sending.stage == Stage::Over;
        sending.stage = Stage::Begun;
        if place == Place::Behind {
            sending.place = place;
        }
        sending.open(window, &mut self.wakers);
        if is_over {
            self.end_items(stream);
        }
    }

    /// Gives the uploads their first credit that went ahead of the peer's hello.
    pub(in super::super) fn open_uploads(&mut self) {
        let window = self.peer.as_ref().map(|peer| peer.limits.initial_window as usize);
        for sending in self.streams.sending.values_mut().filter(|sending| sending.has_begun()) {
            sending.open(window, &mut self.wakers);
        }
    }

    /// The handler of the peer's call has ended; where its reply stands among what is queued.
    pub(in super::super) fn finish_sending(&mut self, call: CallId) -> Place {
        if self.streams.sending.is_empty() {
            return Place::Any;
        }
        let Some(sending) = self.streams.sending.remove(&StreamId::theirs(call)) else {
            return Place::Any;
        };
        self.wake_next();
        self.wakers.retire(sending.waker);
        sending.place
    }

    /// The call that an upload belongs to is over on this side.
    #[inline]
    pub(in super::super) fn stop_upload(&mut self, call: CallId, tell: Tell) {
        if !(self.streams.sending.is_empty() && self.streams.ended.is_empty()) {
            self.stop_one(call, tell);
        }
    }

    // Apart, so that calls of a connection without uploads need no call for it.
    #[cold]
    fn stop_one(&mut self, call: CallId, tell: Tell) {
        let ended = self.streams.ended.remove(&call);
        let stopped = self.streams.sending.remove(&StreamId::mine(call)).map(|mut sending| {
            self.wakers.wake(sending.waker.take());
            sending
        });
        if tell == Tell::Nothing {
            return;
        }
        // What waits is not wanted, and the id may be used again before it would leave.
        if let Some(sending) = stopped.filter(Sending::has_begun) {
            self.outbox.withdraw_items(call);
            self.send_end(call, sending.place);
        } else if ended && self.outbox.withdraw_items(call) {
            self.send_end(call, Place::Behind);
        } else if ended {
            self.outbox.keep_place();
        }
    }

    /// Has every stream look again whether it may go on.
    pub(in super::super) fn wake_sending(&mut self) {
        for sending in self.streams.sending.values_mut() {
            self.wakers.wake(sending.waker.take());
        }
    }

    /// Bytes have left: as many of the streams that waited for that go on as there is room for, in turn.
    pub(in super::super) fn wake_waiting(&mut self) {
        if self.streams.waiting.is_empty() || self.outbox.unsent() > MAX_UNSENT_ITEMS / 2 {
            return;
        }
        for _ in 0..self.room_for_items().unwrap_or_default() / LIKELY_BATCH {
            self.wake_one();
        }
    }

    /// How many bytes of items may be sent now, whatever their streams' credit; nothing if they are to wait until bytes
    /// have left, or have arrived where that is known.
    fn room_for_items(&self) -> Option<usize> {
        let unsent = self.outbox.unsent();
        let room = MAX_UNSENT_ITEMS.checked_sub(unsent)?;
        match &self.session {
            Some(session) => Some(room.min(session.room_for_items(unsent)?)),
            None => Some(room),
        }
    }

    /// Wakes one more stream of those that wait until bytes have left, if there is room for it.
    fn wake_next(&mut self) {
        if !self.streams.waiting.is_empty()
            && self.outbox.unsent() <= MAX_UNSENT_ITEMS / 2
            && self.room_for_items().is_some()
        {
            self.wake_one();
        }
    }

    fn wake_one(&mut self) {
        while let Some(stream) = self.streams.waiting.pop_front() {
            let Some(sending) = self.streams.sending(stream) else { continue };
            sending.waits = false;
            if let Some(waker) = sending.waker.take() {
                return self.wakers.wake(Some(waker));
            }
        }
    }

    /// The peer allowed items with its request.
    pub(in super::super) fn add_credit(&mut self, stream: StreamId, bytes: u32) {
        if let Some(sending) = self.streams.sending(stream) {
            sending.credit = (sending.credit + bytes as usize).min(MAX_CREDIT);
        }
    }

    /// The peer allows more. Credit for a stream of its own call may have crossed the end of it; for one of
    /// ours, it comes before the end.
    pub(in super::super) fn handle_credit(
        &mut self,
        stream: StreamId,
        credit: Credit,
    ) -> Result<(), ConnectionError> {
        let Some(sending) = self.streams.sending(stream) else {
            return if stream.mine { self.pass_over(stream, Kind::Credit) } else { Ok(()) };
        };
        sending.credit += credit.bytes as usize;
        if sending.credit > MAX_CREDIT {
            return Err(ConnectionError::CreditOverflow(stream.call));
        }
        self.wakers.wake(sending.waker.take());
        Ok(())
    }

    /// The peer wants no more items of a call that this side opened.
    pub(in super::super) fn handle_stop(&mut self, call: CallId) -> Result<(), ConnectionError> {
        let stream = StreamId::mine(call);
        let Some(sending) = self.streams.sending(stream) else {
            return self.pass_over(stream, Kind::Cancel);
        };
        self.wakers.wake(sending.waker.take());
        self.outbox.withdraw_items(call);
        self.end_items(stream);
        Ok(())
    }
}

impl StreamTable {
    /// Stops the streams that `which` names: the calls that they belong to are over.
    pub(in super::super) fn stop_sending(
        &mut self,
        which: impl Fn(StreamId) -> bool,
        wakers: &mut Wakers,
    ) {
        self.sending.retain(|&stream, sending| {
            let stops = which(stream);
            if stops {
                wakers.wake(sending.waker.take());
            }
            !stops
        });
    }
}
