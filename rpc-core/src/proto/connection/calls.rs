//! What callers and handlers do: open, cancel and await calls of this side; finish those of the peer.

use std::{
    task::{Poll, Waker},
    time::Instant,
};

use super::{
    Connection, Event,
    inbound::Halted,
    outbound::Abandoned,
    outbox::{Place, Withdrawn},
    queue::Reply,
    requests::length,
    shares::Share,
    slot::Peer,
    streams::{StreamId, Tell},
    waiter::Waiter,
};
use crate::proto::{
    CallId, Code, Codec, Ended, Failure, Metadata, Opening, Outcome, Payload, Status, Streams,
    encoder::encode_frame,
    limits::EARLY_MESSAGE,
    wire::{APPLICATION, Credit, Flags, Head, Kind, extension::encode_reply},
};

impl Connection {
    /// Opens a call: sends it, or queues it until the peer's limits allow it. Its end is fetched with
    /// [`Self::poll_outcome`]; every id must be polled to its end or cancelled.
    ///
    /// # Errors
    /// A status that says why the call cannot be made on this connection; it was not started.
    pub fn open(
        &mut self,
        now: Instant,
        opening: &Opening,
        arguments: &Payload,
    ) -> Result<CallId, Status> {
        if opening.is_plain() && self.may_send_at_once(arguments) {
            return Ok(self.send_plain(opening, arguments));
        }
        let length = length(opening, arguments);
        self.check_open(now, opening, length)?;
        let share = Share::of(opening, length);
        let send = self.may_send(opening, share, length);
        let id = if send {
            self.outbound.start(opening, share)
        } else {
            self.check_progress(opening)?;
            self.enqueue(opening, arguments, Reply::Expected)
        };
        if opening.streams != Streams::NONE {
            self.enter_streams(id, opening);
        }
        if send {
            self.send(now, id, opening, arguments);
        }
        Ok(id)
    }

    /// Enters the streams of a call that this side opens.
    fn enter_streams(&mut self, id: CallId, opening: &Opening) {
        if opening.streams.up() {
            self.enter_sending(StreamId::mine(id));
        }
        if opening.streams.down() {
            self.enter_receiving(StreamId::mine(id), opening.codec);
        }
    }

    /// Opens a call that expects no reply. `None`: it is on its way. Otherwise it waits its turn, and
    /// [`Self::poll_outcome`] tells when it has left.
    ///
    /// # Errors
    /// As for [`Self::open`].
    pub fn open_oneway(
        &mut self,
        now: Instant,
        opening: &Opening,
        arguments: &Payload,
    ) -> Result<Option<CallId>, Status> {
        let length = length(opening, arguments);
        self.check_open(now, opening, length)?;
        if !self.may_send_oneway(opening, length) {
            return Ok(Some(self.enqueue(opening, arguments, Reply::None)));
        }
        self.send_oneway(now, opening, arguments);
        Ok(None)
    }

    /// Leaves the waker of who has just opened a call.
    #[inline]
    pub fn wait(&mut self, id: CallId, waker: Waker) {
        self.outbound.wait(id, waker);
    }

    /// The end of a call that this side opened, if it has come and nothing beside it.
    #[inline]
    pub fn take_outcome(&mut self, id: CallId) -> Option<Outcome> {
        self.outbound.take_plain(id)
    }

    /// The end of a call that this side opened, with the metadata that came beside it; keeps the waker of `waiter`
    /// until then.
    pub fn poll_outcome(&mut self, id: CallId, waiter: &mut Waiter<'_>) -> Poll<Ended> {
        self.outbound.poll(id, waiter)
    }

    /// Gives a call up whose outcome nobody will fetch: the peer is asked to end it.
    pub fn cancel(&mut self, id: CallId) {
        self.forget_items(id);
        self.stop_upload(id, Tell::Nothing);
        if self.outbound.abandon(id, &mut self.wakers) == Abandoned::Sent
            && self.stop(id) == Peer::Done
        {
            self.outbound.forget(id);
        }
    }

    /// Ends a call of this side with a status of its own: what it was to send cannot be sent. Another call may have
    /// its id by now: nothing happens if the stream does not go on.
    pub fn give_up(&mut self, stream: StreamId, status: Status) {
        let id = stream.call;
        if !self.sends(stream) {
            return;
        }
        if self.outbound.queued(id).is_some() {
            self.stop_upload(id, Tell::Nothing);
            self.outbound.end_queued(&status, |own, _| own == id, &mut self.wakers);
        } else if self.outbound.is_awaited(id) {
            let peer = self.stop(id);
            self.outbound.settle(id, status, peer, &mut self.wakers);
        }
    }

    /// Takes back what is unsent of a call, or asks the peer to end it; whether the peer owes its reply.
    pub(super) fn stop(&mut self, id: CallId) -> Peer {
        self.stop_upload(id, Tell::Nothing);
        self.outbox.withdraw_items(id);
        let peer = match self.outbox.withdraw(Kind::Request, id) {
            Withdrawn::Whole => Peer::Done,
            Withdrawn::Begun | Withdrawn::Absent => {
                let head = Head { kind: Kind::Cancel, flags: Flags::MINE, id, length: 0 };
                self.outbox.append_in_place(|out| out.extend_from_slice(&head.encode()));
                Peer::Owes
            }
        };
        self.wake_waiting();
        peer
    }

    /// Ends a call of the peer: its handler is over, and this is the reply. To be called exactly once
    /// for each [`Event::Request`] that expects a reply; see [`Self::finish_oneway`].
    pub fn finish(&mut self, id: CallId, codec: Codec, outcome: &Outcome) {
        if let Some(mut call) = self.inbound.end(id) {
            let behind = self.finish_sending(id);
            let metadata = call.take_metadata();
            self.reply(id, codec, outcome, metadata.as_deref(), behind);
            self.finish_receiving(id);
        }
        self.release_held();
    }

    /// The handler of a one-way call of the peer has ended, which took `cost` of its window.
    pub fn finish_oneway(&mut self, cost: u32) {
        self.inbound.end_oneway(cost as usize);
        self.give_credit_if_due();
        self.release_held();
    }

    /// Gives the credit back of one-way calls that are over. A frame for each would cost more than the calls.
    pub(super) fn give_credit_if_due(&mut self) {
        let due = self.inbound.take_oneway_credit(self.config.limits.oneway_window as usize / 4);
        if let Some(bytes) = due
            && self.closing.error.is_none()
        {
            self.outbox.append(|out| Credit { bytes }.encode(CallId::NO_REPLY, Flags::NONE, out));
        }
    }

    /// Sends key-value pairs beside the reply of a call of the peer; with its accept, if it streams and has not been
    /// accepted yet.
    pub fn set_reply_metadata(&mut self, id: CallId, metadata: Metadata) {
        if let Some(call) = self.inbound.call(id) {
            call.set_metadata(metadata);
        }
    }

    /// The metadata that goes ahead of the items of a call of the peer.
    pub fn take_reply_metadata(&mut self, id: CallId) -> Option<Box<Metadata>> {
        self.inbound.call(id)?.take_metadata()
    }

    /// Ends a call of the peer that no handler was started for.
    pub(super) fn refuse(&mut self, id: CallId, status: Status) {
        if self.inbound.end(id).is_some() {
            let behind = self.finish_sending(id);
            let outcome = Err(Failure::Status(status));
            self.reply(id, Codec::Bincode, &outcome, None, behind);
            self.finish_receiving(id);
        }
    }

    pub(super) fn handle_cancel(&mut self, id: CallId) {
        self.cut_upload(id);
        self.end_upload(id);
        match self.inbound.cancel(id) {
            Some(Halted::Receiving) => {
                self.partials.remove(Kind::Request, id);
                let message = "cancelled before the request was complete";
                self.refuse(id, Status::not_started(Code::Cancelled, message));
            }
            Some(Halted::Held) => {
                let message = "cancelled before the handler was started";
                self.refuse(id, Status::not_started(Code::Cancelled, message));
            }
            Some(Halted::Running) => self.events.push_back(Event::Cancelled(id)),
            None => {}
        }
    }

    /// Appends the terminal frame of a call of the peer.
    fn reply(
        &mut self,
        id: CallId,
        codec: Codec,
        outcome: &Outcome,
        metadata: Option<&Metadata>,
        place: Place,
    ) {
        let limit = self.longest_reply();
        let flags = Flags::of(codec);
        let head = |kind| Head { kind, flags, id, length: 0 };
        let (kind, prefix, body) = match outcome {
            Ok(value) => (Kind::Response, &[][..], value),
            Err(Failure::Application(error)) => (Kind::Error, &[APPLICATION][..], error),
            Err(Failure::Status(status)) => return self.reply_status(id, status, metadata, place),
        };
        let length = prefix.len() + body.len();
        if length > limit {
            let message = format!("reply of {length} bytes is over the caller's limit of {limit}");
            let status = Status::new(Code::ResourceExhausted, message);
            return self.reply_status(id, &status, metadata, place);
        }
        let Some(metadata) = metadata else {
            return match place {
                Place::Any => drop(self.outbox.message(head(kind), prefix, body)),
                Place::Behind => self.outbox.message_behind(head(kind), prefix, body),
            };
        };
        let mut front = Vec::new();
        encode_reply(metadata, &mut front);
        front.extend_from_slice(prefix);
        let head = Head { flags: flags.with(Flags::EXT), ..head(kind) };
        match place {
            Place::Any => drop(self.outbox.message(head, &front, body)),
            Place::Behind => self.outbox.message_behind(head, &front, body),
        }
    }

    fn reply_status(
        &mut self,
        id: CallId,
        status: &Status,
        metadata: Option<&Metadata>,
        place: Place,
    ) {
        if metadata.is_some() || status.is_rich() {
            return self.reply_rich_status(id, status, metadata, place);
        }
        let head = Head { kind: Kind::Error, flags: Flags::NONE, id, length: 0 };
        let write = |out: &mut Vec<u8>| Failure::encode_status(status, out);
        if place == Place::Behind {
            let mut payload = Vec::new();
            write(&mut payload);
            return self.outbox.message_behind(head, &[], &payload.into());
        }
        self.outbox.append_answer(|out| encode_frame(head, out, write));
    }

    /// The same with what travels beside it; without, if that is more than the caller accepts.
    fn reply_rich_status(
        &mut self,
        id: CallId,
        status: &Status,
        metadata: Option<&Metadata>,
        place: Place,
    ) {
        let mut beside = metadata.cloned().unwrap_or_default();
        // What does not fit any more stays behind: the status matters more.
        let _ = beside.append_all(status.metadata());
        let (mut payload, mut flags) = (Vec::new(), Flags::NONE);
        if !beside.is_empty() {
            encode_reply(&beside, &mut payload);
            flags = Flags::EXT;
        }
        Failure::encode_status(status, &mut payload);
        if payload.len() > self.longest_reply() {
            return self.reply_status(id, &status.clone().bare(), None, place);
        }
        let head = Head { kind: Kind::Error, flags, id, length: 0 };
        match place {
            Place::Any => drop(self.outbox.message(head, &[], &payload.into())),
            Place::Behind => self.outbox.message_behind(head, &[], &payload.into()),
        }
    }

    fn longest_reply(&self) -> usize {
        self.peer.as_ref().map_or(EARLY_MESSAGE, |peer| peer.limits.max_message as usize)
    }
}
