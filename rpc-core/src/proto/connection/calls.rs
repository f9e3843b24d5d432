//! What callers and handlers do: open, cancel and await calls of this side; finish those of the peer.

use std::{
    task::{Context, Poll},
    time::Instant,
};

use super::{
    Connection, Event,
    inbound::Progress,
    outbound::{NewCall, Outcome, SlotState},
    outbox::Withdrawn,
    requests::MAX_UNSENT_ONEWAY,
    streams::StreamId,
};
use crate::proto::{
    CallId, Code, Codec, Status,
    encoder::encode_frame,
    frame::{Failure, Flags, Head, Kind, Streams},
    limits::EARLY_MESSAGE,
};

impl Connection {
    /// Opens a call: sends it, or queues it until the peer's limits allow it. Its end is fetched with
    /// [`Self::poll_outcome`]; every id must be polled to its end or cancelled.
    ///
    /// # Errors
    /// A status that says why the call cannot be made on this connection; it was not started.
    pub fn open(&mut self, now: Instant, call: &NewCall<'_>) -> Result<CallId, Status> {
        if call.is_plain() && self.may_send_at_once(call) {
            return Ok(self.send_plain(call));
        }
        self.check_open(now, call)?;
        let send = self.may_send(call);
        if !send {
            self.check_progress(call)?;
        }
        let id = if send {
            self.outbound.insert(SlotState::Sent(None), call.deadline, call.within)
        } else {
            self.enqueue(call, true)
        };
        if call.streams != Streams::NONE {
            self.enter_streams(id, call);
        }
        if send {
            self.send(now, id, call);
        }
        Ok(id)
    }

    /// Enters the streams of a call that this side opens.
    fn enter_streams(&mut self, id: CallId, call: &NewCall<'_>) {
        if call.streams.up() {
            self.enter_sending(StreamId::mine(id));
        }
        if call.streams.down() {
            self.enter_receiving(StreamId::mine(id), call.codec);
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
        call: &NewCall<'_>,
    ) -> Result<Option<CallId>, Status> {
        self.check_open(now, call)?;
        if !self.may_send(call) || self.outbox.unsent() > MAX_UNSENT_ONEWAY {
            return Ok(Some(self.enqueue(call, false)));
        }
        self.send_oneway(now, call);
        Ok(None)
    }

    /// The end of a call that this side opened; leaves the waker of `cx` until then.
    pub fn poll_outcome(&mut self, id: CallId, cx: &Context<'_>) -> Poll<Outcome> {
        self.outbound.poll(id, cx)
    }

    /// Gives a call up whose outcome nobody will fetch: the peer is asked to end it.
    pub fn cancel(&mut self, id: CallId) {
        self.forget_items(id);
        self.stop_upload(id, false);
        let Some(slot) = self.outbound.slot(id) else { return };
        slot.clear_deadline();
        match slot.state {
            SlotState::Queued(_) => self.outbound.withdraw(id),
            SlotState::Done(_) if slot.is_owed() => slot.state = SlotState::Abandoned,
            SlotState::Done(_) => {
                self.outbound.slots.remove(id.0 as usize);
            }
            SlotState::Sent(_) => {
                slot.state = SlotState::Abandoned;
                if !self.stop(id) {
                    self.outbound.slots.remove(id.0 as usize);
                }
            }
            SlotState::Withdrawn | SlotState::Abandoned => {}
        }
    }

    /// Ends a call of this side with a status of its own: what it was to send cannot be sent. Another call may have
    /// its id by now: nothing happens if the stream does not go on.
    pub fn give_up(&mut self, stream: StreamId, status: Status) {
        let id = stream.call;
        if !self.sends(stream) {
            return;
        }
        match self.outbound.slot(id).map(|slot| &slot.state) {
            Some(SlotState::Sent(_)) => {
                let known = self.stop(id);
                if let Some(slot) = self.outbound.slot(id) {
                    slot.settle(status, known, &mut self.wakes);
                }
            }
            Some(SlotState::Queued(_)) => {
                self.stop_upload(id, false);
                if let Some(slot) = self.outbound.slot(id) {
                    slot.settle(status, false, &mut self.wakes);
                }
                self.outbound.prune_queue();
            }
            _ => {}
        }
    }

    /// Takes back what is unsent of a call, or asks the peer to end it; whether the peer knows of it.
    pub(super) fn stop(&mut self, id: CallId) -> bool {
        self.stop_upload(id, false);
        self.outbox.withdraw_items(id);
        let known = self.outbox.withdraw(Kind::Request, id) != Withdrawn::Whole;
        if known {
            let head = Head { kind: Kind::Cancel, flags: Flags::MINE, id, length: 0 };
            self.outbox.append_in_place(|out| out.extend_from_slice(&head.encode()));
        } else {
            self.outbound.in_flight -= 1;
            self.outbound.share_freed = true;
        }
        self.wake_waiting();
        known
    }

    /// Ends a call of the peer: its handler is over, and this is the reply. To be called exactly once
    /// for each [`Event::Request`].
    pub fn finish(&mut self, id: CallId, codec: Codec, outcome: &Outcome) {
        self.inbound.running = self.inbound.running.saturating_sub(1);
        if id.expects_reply() && self.inbound.open.remove(&id).is_some() {
            let behind = self.finish_sending(id);
            self.reply(id, codec, outcome, behind);
            self.finish_receiving(id);
        }
        if let Some(request) = self.inbound.held.pop_front() {
            self.inbound.running += 1;
            self.events.push_back(Event::Request(request));
        }
    }

    /// Ends a call of the peer that no handler was started for.
    pub(super) fn refuse(&mut self, id: CallId, status: Status) {
        if self.inbound.open.remove(&id).is_some() {
            let behind = self.finish_sending(id);
            self.reply(id, Codec::Bincode, &Err(Failure::Status(status)), behind);
            self.finish_receiving(id);
        }
    }

    pub(super) fn handle_cancel(&mut self, id: CallId) {
        self.cut_upload(id);
        self.end_upload(id);
        let Some(call) = self.inbound.open.get_mut(&id) else { return };
        match call.progress {
            Progress::Receiving => {
                self.partials.remove(Kind::Request, id);
                let message = "cancelled before the request was complete";
                self.refuse(id, Status::not_started(Code::Cancelled, message));
            }
            Progress::Running => {
                call.progress = Progress::Ending;
                let held = self.inbound.held.iter().position(|request| request.id == id);
                if let Some(at) = held {
                    self.inbound.held.remove(at);
                    let message = "cancelled before the handler was started";
                    self.refuse(id, Status::not_started(Code::Cancelled, message));
                } else {
                    self.events.push_back(Event::Cancelled(id));
                }
            }
            Progress::Ending => {}
        }
    }

    /// Appends the terminal frame of a call of the peer; `behind` items that may wait to leave.
    fn reply(&mut self, id: CallId, codec: Codec, outcome: &Outcome, behind: bool) {
        let limit =
            self.peer.as_ref().map_or(EARLY_MESSAGE, |peer| peer.limits.max_message as usize);
        let flags = codec_flag(codec);
        let head = |kind| Head { kind, flags, id, length: 0 };
        let (kind, prefix, body) = match outcome {
            Ok(value) => (Kind::Response, &[][..], value),
            Err(Failure::Application(error)) => {
                (Kind::Error, &[crate::proto::frame::APPLICATION][..], error)
            }
            Err(Failure::Status(status)) => return self.reply_status(id, status, behind),
        };
        let length = prefix.len() + body.len();
        if length > limit {
            let message = format!("reply of {length} bytes is over the caller's limit of {limit}");
            return self.reply_status(id, &Status::new(Code::ResourceExhausted, message), behind);
        }
        if behind {
            self.outbox.message_behind(head(kind), prefix, body);
        } else {
            self.outbox.message(head(kind), prefix, body);
        }
    }

    fn reply_status(&mut self, id: CallId, status: &Status, behind: bool) {
        let head = Head { kind: Kind::Error, flags: Flags::NONE, id, length: 0 };
        if behind {
            let mut payload = Vec::new();
            Failure::encode_status(status, &mut payload);
            return self.outbox.message_behind(head, &[], &payload.into());
        }
        self.outbox.append_answer(|out| {
            encode_frame(head, out, |out| Failure::encode_status(status, out));
        });
    }
}

pub(super) const fn codec_flag(codec: Codec) -> Flags {
    match codec {
        Codec::Bincode => Flags::NONE,
        Codec::Json => Flags::JSON,
    }
}
