//! Frames that wait for the next write: small ones encoded back to back, large messages whole, to be cut
//! into chunks as they go. Large messages leave first in, first out.

use std::{collections::VecDeque, time::Instant};

use bytes::Bytes;

use super::{
    large::{Form, Large},
    pace::Pace,
    transmit::{CHUNKS_PER_WRITE, Chunk, Transmit, count_requests, drop_mine},
};
use crate::proto::{
    CallId, Order, Payload, Side,
    wire::{Flags, GoAway, HEAD_LEN, Head, Kind, Ping},
};

/// Payload of one chunk; figures in docs/decisions.md.
const CHUNK: usize = 64 << 10;

#[derive(Debug, Default)]
pub(super) struct Outbox {
    small: Vec<u8>,
    /// The place of the frames in `small`: behind what has left `large` before them, if one of them must be.
    small_place: Place,
    large: VecDeque<Large>,
    /// Bytes appended and not yet written.
    unsent: usize,
    /// Of these, at most so many belong to replies.
    unsent_replies: usize,
    /// Of these, at most so many belong to short answers that no handler was started for.
    unsent_answers: usize,
    /// Bytes of small frames in the `Transmit` that was filled last, when that was.
    small_under_way: usize,
    max_frame: usize,
    /// Kept once an ordered request went through `large`: later ones may not overtake what is left of it.
    order: Order,
    pace: Pace,
}

/// The place of a frame among what waits to be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Place {
    /// Any.
    #[default]
    Any,
    /// Behind what waits of its call among the large messages.
    Behind,
}

/// What became of a message that was to be withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Withdrawn {
    /// Nothing of it was sent.
    Whole,
    /// Its first frames are sent; the peer must be told.
    Begun,
    /// It is not here: sent whole, or never appended.
    Absent,
}

impl Outbox {
    pub(super) fn new(side: Side) -> Self {
        Self { max_frame: CHUNK, pace: Pace::of(side), ..Self::default() }
    }

    pub(super) fn set_max_frame(&mut self, announced: u32) {
        self.max_frame = CHUNK.min(announced as usize);
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.unsent == 0
    }

    pub(super) const fn unsent(&self) -> usize {
        self.unsent
    }

    pub(super) const fn unsent_replies(&self) -> usize {
        self.unsent_replies
    }

    pub(super) const fn unsent_answers(&self) -> usize {
        self.unsent_answers
    }

    /// Bytes of small frames that are not written, as far as is known.
    pub(super) const fn unsent_small(&self) -> usize {
        self.small.len() + self.small_under_way
    }

    /// How many requests wait in whole frames, of which no byte was taken.
    pub(super) fn waiting_requests(&self) -> usize {
        count_requests(&self.small, 0)
    }

    /// The requests among the large messages of which nothing is taken, in their order.
    pub(super) fn unbegun_requests(&self) -> impl Iterator<Item = CallId> {
        let unbegun = self.large.iter().filter(|large| large.is_unbegun_request());
        unbegun.map(|large| large.head.id)
    }

    /// Appends frames by letting `write` encode them.
    pub(super) fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let before = self.small.len();
        write(&mut self.small);
        self.unsent += self.small.len() - before;
    }

    /// Takes note of a frame that goes ahead of what waits here.
    pub(super) const fn note_appended(&mut self, bytes: usize) {
        self.unsent += bytes;
    }

    /// Whether nothing waits here; what is under way in a `Transmit` apart.
    pub(super) fn holds_nothing(&self) -> bool {
        self.small.is_empty() && self.large.is_empty()
    }

    /// Appends frames that answer the peer: it may leave only so many unread.
    pub(super) fn append_answer(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let before = self.unsent;
        self.append(write);
        self.unsent_replies += self.unsent - before;
        self.unsent_answers += self.unsent - before;
    }

    /// Appends frames that follow all which has left the queue of large messages before them.
    pub(super) fn append_in_place(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.append(write);
        self.small_place = Place::Behind;
    }

    /// Appends a goaway. It follows every request that is to be sent: the peer, told that none will
    /// come, may close.
    pub(super) fn goaway(&mut self, frame: &GoAway) {
        if !self.large.iter().any(|large| large.is_unbegun_request()) {
            return self.append_in_place(|out| frame.encode(out));
        }
        let mut bytes = Vec::new();
        frame.encode(&mut bytes);
        let prefix = Payload::copy_from_slice(&bytes[HEAD_LEN..]);
        self.unsent += prefix.len();
        let head = Head::control(Kind::GoAway, 0);
        self.large.push_back(Large::new(head, prefix, Bytes::new()));
    }

    /// Appends a message. Returns whether its first frame is placed at once, rather than in the queue
    /// of large messages.
    pub(super) fn message(&mut self, head: Head, prefix: &[u8], body: &Payload) -> bool {
        let length = prefix.len() + body.len();
        if !head.flags.contains(Flags::MINE) {
            self.unsent_replies += HEAD_LEN + length;
        }
        if length <= self.max_frame {
            match prefix {
                [] => self.frame(head, [], body),
                prefix => self.frame_behind(head, prefix, body),
            }
            return true;
        }
        self.unsent += length;
        self.large.push_back(Large::message(head, prefix, body));
        false
    }

    /// Appends a message that fits one frame and is not to keep its place behind others: a prefix of a known length is
    /// cheaper to copy.
    #[inline]
    pub(super) fn frame<const N: usize>(&mut self, head: Head, prefix: [u8; N], body: &Payload) {
        let length = (N + body.len()) as u32;
        self.pace.small();
        self.append(|out| {
            out.extend_from_slice(&Head { length, ..head }.encode());
            out.extend_from_slice(&prefix);
            body.append_to(out);
        });
    }

    /// The same for a prefix of any length.
    fn frame_behind(&mut self, head: Head, prefix: &[u8], body: &Payload) {
        let length = (prefix.len() + body.len()) as u32;
        self.pace.small();
        self.append(|out| {
            out.reserve(HEAD_LEN + prefix.len() + body.room());
            out.extend_from_slice(&Head { length, ..head }.encode());
            out.extend_from_slice(prefix);
            body.append_to(out);
        });
    }

    /// Appends a request; the value is that of [`Self::message`].
    pub(super) fn request(
        &mut self,
        head: Head,
        prefix: &[u8],
        body: &Payload,
        order: Order,
    ) -> bool {
        if order == Order::Any {
            return self.message(head, prefix, body);
        }
        let length = prefix.len() + body.len();
        if length <= self.max_frame && !self.large.iter().any(|large| large.order == Order::Kept) {
            if self.order == Order::Kept {
                self.small_place = Place::Behind;
            }
            return self.message(head, prefix, body);
        }
        self.order = Order::Kept;
        self.unsent += length;
        self.large.push_back(Large { order, ..Large::message(head, prefix, body) });
        false
    }

    /// Appends the last message of a call whose items may wait in the queue of large messages: it does
    /// not overtake them.
    pub(super) fn message_behind(&mut self, head: Head, prefix: &[u8], body: &Payload) {
        if !self.queues(head) {
            self.message(head, prefix, body);
            self.small_place = Place::Behind;
            return;
        }
        self.unsent += prefix.len() + body.len();
        self.large.push_back(Large::message(head, prefix, body));
    }

    /// Appends whole frames of the call that `head` names, behind what waits of it in the queue of large
    /// messages.
    pub(super) fn append_behind(&mut self, head: Head, frames: &[u8]) {
        if !self.queues(head) {
            return self.append_in_place(|out| out.extend_from_slice(frames));
        }
        self.unsent += frames.len();
        let body = Bytes::copy_from_slice(frames);
        self.large
            .push_back(Large { form: Form::Frames, ..Large::new(head, Payload::new(), body) });
    }

    /// Appends a part of a long item.
    pub(super) fn part(&mut self, head: Head, part: &Payload) {
        self.unsent += part.len();
        self.large.push_back(Large::message(head, &[], part));
    }

    /// Whether frames of this side for the call that `head` names wait in the queue of large messages.
    fn queues(&self, head: Head) -> bool {
        self.large.iter().any(|large| large.is_of(head))
    }

    /// What is appended from here on follows all which has left the queue of large messages.
    pub(super) const fn keep_place(&mut self) {
        self.small_place = Place::Behind;
    }

    /// Takes back the items of a call that this side gives up, and the end of them; whether there were any.
    pub(super) fn withdraw_items(&mut self, id: CallId) -> bool {
        let item = Head { kind: Kind::Item, flags: Flags::MINE, id, length: 0 };
        let (mut withdrawn, before) = (0, self.large.len());
        self.large.retain(|large| {
            let stays = !large.is_of(item) || large.head.kind == Kind::Request;
            withdrawn += if stays { 0 } else { large.len() };
            stays
        });
        self.sent(withdrawn);
        self.large.len() < before
    }

    pub(super) const fn fits_one_frame(&self, length: usize) -> bool {
        length <= self.max_frame
    }

    /// Takes back a message that waits among the large ones.
    pub(super) fn withdraw(&mut self, kind: Kind, id: CallId) -> Withdrawn {
        let same = |large: &Large| large.head.kind == kind && large.head.id == id;
        let Some(at) = self.large.iter().position(same) else { return Withdrawn::Absent };
        let Some(large) = self.large.remove(at) else { return Withdrawn::Absent };
        self.sent(large.len());
        if large.form == Form::Begun { Withdrawn::Begun } else { Withdrawn::Whole }
    }

    /// Moves what may leave next into `transmit`; `begin` learns of each request whose first frame
    /// leaves the queue of large messages. `mark` gives the token of a new ping and the present, where pings may be
    /// sent: they tell how far the peer has read.
    pub(super) fn fill(
        &mut self,
        transmit: &mut Transmit,
        mut begin: impl FnMut(CallId),
        mut mark: Option<impl FnMut() -> (u64, Instant)>,
    ) {
        self.small_under_way = transmit.small_left();
        if !self.small.is_empty() {
            // Requests must arrive in the order in which they are counted, and a cancel or goaway
            // after what it is about: then the small frames wait for the chunks that were taken.
            if transmit.has_opening()
                || (self.small_place == Place::Behind && transmit.has_chunks())
            {
                return;
            }
            self.mark_small(transmit, &mut mark);
            transmit.take_small(&mut self.small);
            self.small_under_way = transmit.small_left();
            self.small_place = Place::Any;
        }
        let paced = mark.is_some() && self.pace.is_on();
        let most = if paced { CHUNKS_PER_WRITE - 1 } else { CHUNKS_PER_WRITE };
        while transmit.chunks.len() < most && !(paced && self.pace.is_full()) {
            let Some(large) = self.large.front_mut() else { return };
            if large.is_unbegun_request() {
                begin(large.head.id);
            }
            let overhead = if large.form == Form::Frames { 0 } else { HEAD_LEN };
            let (chunk, last) = large.next_chunk(self.max_frame);
            self.unsent += overhead;
            let length = chunk.body.len();
            transmit.chunks.push_back(chunk);
            if last {
                self.large.pop_front();
            }
            if let Some(mark) = &mut mark
                && self.pace.sends(length)
            {
                let (token, now) = mark();
                self.pace.mark(token, now);
                let ping = Payload::copy_from_slice(&Ping { token }.frame(Kind::Ping));
                self.unsent += ping.len();
                transmit.chunks.push_back(Chunk { head: ping, ..Chunk::default() });
            }
        }
    }

    /// Has a ping follow the small frames, if many bytes were sent since the last one. Tokens are to grow: it may not
    /// overtake those behind chunks.
    fn mark_small(
        &mut self,
        transmit: &Transmit,
        mark: &mut Option<impl FnMut() -> (u64, Instant)>,
    ) {
        if let Some(mark) = mark
            && self.pace.sends_small(self.small.len())
            && !transmit.has_chunks()
        {
            let (token, now) = mark();
            self.pace.mark(token, now);
            self.append(|out| Ping { token }.encode(Kind::Ping, out));
        }
    }

    /// Whether all that waits has to wait until the peer has read more, if large messages give way.
    pub(super) fn is_held_up(&self) -> bool {
        self.small.is_empty() && !self.large.is_empty() && self.pace.is_full()
    }

    /// The peer has read all that was sent before the ping with this token.
    pub(super) fn answered(&mut self, token: u64, now: Instant) {
        self.pace.answered(token, now);
    }

    /// Since when the peer has not read what was sent, if [`Self::is_held_up`].
    pub(super) fn stalled_since(&self) -> Option<Instant> {
        self.pace.stalled_since().filter(|_| self.is_held_up())
    }

    /// Forgets the large messages, and what belongs to calls of this side: the connection is over.
    pub(super) fn abandon(&mut self) {
        for large in std::mem::take(&mut self.large) {
            self.sent(large.len());
        }
        let dropped = drop_mine(&mut self.small, 0);
        self.sent(dropped);
    }

    /// Takes note that `count` bytes are written, or will never be.
    pub(super) fn sent(&mut self, count: usize) {
        self.unsent = self.unsent.saturating_sub(count);
        self.unsent_replies = self.unsent_replies.min(self.unsent);
        self.unsent_answers = self.unsent_answers.min(self.unsent);
    }

    /// The bytes of what waits here; what is under way in a `Transmit` apart.
    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        self.small.len() + self.large.iter().map(Large::len).sum::<usize>()
    }

    /// Gives a buffer for small frames, if there is none.
    pub(super) fn give_buffer(&mut self, provide: impl FnOnce() -> Vec<u8>) {
        if self.small.capacity() == 0 {
            self.small = provide();
        }
    }
}
