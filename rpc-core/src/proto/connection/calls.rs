//! What callers and handlers do: open, cancel and await calls of this side; finish those of the peer.

use std::{
    task::{Context, Poll},
    time::Instant,
};

use super::{
    Connection, Event,
    error::outcome as outcome_words,
    inbound::Progress,
    outbound::{NewCall, Outcome, QueuedCall, SlotState},
    outbox::Withdrawn,
    streams::StreamId,
};
use crate::proto::{
    CallId, Code, Codec, Metadata, Side, Status,
    encoder::encode_frame,
    frame::{Extension, Failure, Flags, Head, Kind, RequestHead, Streams},
    limits::{EARLY_CALLS, EARLY_MESSAGE},
};

/// Bytes that may wait to be written before one-way calls wait with them.
const MAX_UNSENT_ONEWAY: usize = 256 << 10;

/// Bytes of a method key, of an extension's length, and of a deadline in it.
const KEY: usize = 8;
const EXTENSION: usize = 2;
const TIMEOUT: usize = 11;
const STREAMS: usize = 4;
const WITHIN: usize = 7;

impl Connection {
    /// Opens a call: sends it, or queues it until the peer's limits allow it. Its end is fetched with
    /// [`Self::poll_outcome`]; every id must be polled to its end or cancelled.
    ///
    /// # Errors
    /// A status that says why the call cannot be made on this connection; it was not started.
    pub fn open(&mut self, now: Instant, call: &NewCall<'_>) -> Result<CallId, Status> {
        self.check_open(now, call)?;
        let send = self.may_send(call);
        if !send {
            self.check_progress(call)?;
        }
        let id = if send {
            self.outbound.insert(SlotState::Sent, call.deadline, call.within)
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
        slot.deadline = None;
        match slot.state {
            SlotState::Queued(_) => self.outbound.withdraw(id),
            SlotState::Done { owed: true, .. } => slot.state = SlotState::Abandoned,
            SlotState::Done { owed: false, .. } => {
                self.outbound.slots.remove(id.0 as usize);
            }
            SlotState::Sent => {
                slot.state = SlotState::Abandoned;
                if !self.stop(id) {
                    self.outbound.slots.remove(id.0 as usize);
                }
            }
            SlotState::Withdrawn | SlotState::Abandoned => {}
        }
    }

    /// Ends a call of this side with a status of its own: what it was to send cannot be sent.
    pub fn give_up(&mut self, id: CallId, status: Status) {
        match self.outbound.slot(id).map(|slot| &slot.state) {
            Some(SlotState::Sent) => {
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

    pub(super) fn handle_cancel(&mut self, _now: Instant, id: CallId) {
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

    /// Sends queued calls as far as the peer's limits allow it.
    pub(super) fn promote(&mut self, now: Instant) {
        self.outbound.share_freed = false;
        while let Some(&id) = self.outbound.queue.front() {
            let Some(slot) = self.outbound.slot(id) else { break };
            let deadline = slot.deadline;
            // Invariant: the queue names calls that are Queued or Withdrawn; see `prune_queue`.
            let SlotState::Queued(queued) = &slot.state else {
                self.outbound.prune_queue();
                continue;
            };
            let reply = queued.reply;
            let length = message_bound(
                &queued.arguments,
                deadline,
                queued.metadata.as_deref(),
                queued.streams,
                queued.within,
            );
            let fits = self.within_message_limit(length);
            let blocked = !reply && self.outbox.unsent() > MAX_UNSENT_ONEWAY;
            if fits.is_ok() && (!self.limits_allow(length) || blocked) {
                return;
            }
            self.outbound.queue.pop_front();
            self.send_queued(now, id, deadline, fits);
        }
    }

    fn send_queued(
        &mut self,
        now: Instant,
        id: CallId,
        deadline: Option<Instant>,
        fits: Result<(), Status>,
    ) {
        let Some(slot) = self.outbound.slots.get_mut(id.0 as usize) else { return };
        let state = std::mem::replace(&mut slot.state, SlotState::Sent);
        let SlotState::Queued(queued) = state else { return };
        if let Err(status) = fits {
            slot.settle(status, false, &mut self.wakes);
            return;
        }
        if !queued.reply {
            slot.finish_oneway(&mut self.wakes);
        }
        let call = NewCall {
            key: queued.key,
            codec: queued.codec,
            deadline,
            metadata: queued.metadata.as_deref(),
            arguments: &queued.arguments,
            streams: queued.streams,
            within: queued.within,
            ordered: queued.ordered,
        };
        if queued.reply { self.send(now, id, &call) } else { self.send_oneway(now, &call) }
    }

    fn check_open(&self, now: Instant, call: &NewCall<'_>) -> Result<(), Status> {
        if let Some(error) = &self.closing.error {
            return Err(error.status(false));
        }
        if self.closing.remote || self.closing.local {
            let message = format!("connection is draining; {}", outcome_words(false));
            return Err(Status::not_started(Code::Unavailable, message));
        }
        if call.deadline.is_some_and(|deadline| deadline <= now) {
            let message = "the deadline had passed before the call was sent";
            return Err(Status::not_started(Code::DeadlineExceeded, message));
        }
        self.within_message_limit(bound_of(call))
    }

    /// Refuses a call that would wait for itself: the limit is reached, and every call that is in flight
    /// waits, through the peer's handlers, for the handler that makes this one.
    fn check_progress(&self, call: &NewCall<'_>) -> Result<(), Status> {
        let (mut waiting, mut at) = (0, call.within);
        while let Some(theirs) = at
            && waiting < self.outbound.in_flight
        {
            let Some(ours) = self.inbound.open.get(&theirs).and_then(|call| call.within) else {
                break;
            };
            waiting += 1;
            at = self.outbound.slots.get(ours.value() as usize).and_then(|slot| slot.within);
        }
        if waiting == 0 || waiting < self.outbound.in_flight {
            return Ok(());
        }
        let message = format!(
            "the peer accepts {waiting} calls at once, and all of them wait for this one: calls are \
             nested too deep, or its limit of calls is too low"
        );
        Err(Status::not_started(Code::ResourceExhausted, message))
    }

    fn within_message_limit(&self, length: usize) -> Result<(), Status> {
        let Some(peer) = &self.peer else { return Ok(()) };
        let limit = peer.limits.max_message as usize;
        if length <= limit {
            return Ok(());
        }
        let message = format!("request of {length} bytes is over the peer's limit of {limit}");
        Err(Status::not_started(Code::ResourceExhausted, message))
    }

    fn may_send(&self, call: &NewCall<'_>) -> bool {
        self.outbound.queue.is_empty() && self.limits_allow(bound_of(call))
    }

    fn limits_allow(&self, length: usize) -> bool {
        match &self.peer {
            Some(peer) => self.outbound.in_flight < peer.limits.max_calls,
            // An acceptor speaks second: nothing may precede its preface.
            None => {
                self.side == Side::Dialer
                    && self.outbound.sent < u64::from(EARLY_CALLS)
                    && length <= EARLY_MESSAGE
            }
        }
    }

    fn enqueue(&mut self, call: &NewCall<'_>, reply: bool) -> CallId {
        let queued = QueuedCall {
            key: call.key,
            codec: call.codec,
            metadata: call.metadata.map(|metadata| Box::new(metadata.clone())),
            arguments: call.arguments.clone(),
            streams: call.streams,
            within: call.within,
            ordered: call.ordered,
            reply,
        };
        let id =
            self.outbound.insert(SlotState::Queued(Box::new(queued)), call.deadline, call.within);
        self.outbound.queue.push_back(id);
        id
    }

    fn send(&mut self, now: Instant, id: CallId, call: &NewCall<'_>) {
        self.outbound.in_flight += 1;
        let at_once = with_front(now, call, |front, extended| {
            let head = request_head(id, call.codec, extended);
            self.outbox.request(head, front, call.arguments, call.ordered)
        });
        if at_once {
            self.outbound.begin(id);
        }
        if call.streams.up() {
            self.begin_sending(StreamId::mine(id), !at_once);
        }
    }

    /// A one-way call is one frame (PROTOCOL §9); a larger one travels as a call whose reply is ignored.
    fn send_oneway(&mut self, now: Instant, call: &NewCall<'_>) {
        with_front(now, call, |front, extended| {
            if self.outbox.fits_one_frame(front.len() + call.arguments.len()) {
                let head = request_head(CallId::NO_REPLY, call.codec, extended);
                if self.outbox.request(head, front, call.arguments, call.ordered) {
                    self.outbound.sent += 1;
                }
            } else {
                let id = self.outbound.insert(SlotState::Abandoned, None, None);
                self.outbound.in_flight += 1;
                let head = request_head(id, call.codec, extended);
                self.outbox.request(head, front, call.arguments, call.ordered);
            }
        });
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

fn request_head(id: CallId, codec: Codec, extended: bool) -> Head {
    let flags = Flags::MINE.with(codec_flag(codec));
    let flags = if extended { flags.with(Flags::EXT) } else { flags };
    Head { kind: Kind::Request, flags, id, length: 0 }
}

const fn codec_flag(codec: Codec) -> Flags {
    match codec {
        Codec::Bincode => Flags::NONE,
        Codec::Json => Flags::JSON,
    }
}

/// The length that the request of `call` has at most.
fn bound_of(call: &NewCall<'_>) -> usize {
    message_bound(call.arguments, call.deadline, call.metadata, call.streams, call.within)
}

/// The length that a request has at most; without metadata, exactly.
fn message_bound(
    arguments: &[u8],
    deadline: Option<Instant>,
    metadata: Option<&Metadata>,
    streams: Streams,
    within: Option<CallId>,
) -> usize {
    let metadata = metadata.map_or(0, Metadata::size);
    let timeout = if deadline.is_some() { TIMEOUT } else { 0 };
    let streams = if streams == Streams::NONE { 0 } else { STREAMS };
    let within = if within.is_some() { WITHIN } else { 0 };
    let entries = timeout + metadata + streams + within;
    let extension = if entries > 0 { EXTENSION + entries } else { 0 };
    KEY + extension + arguments.len()
}

/// Encodes what precedes the arguments: without an allocation where it is the key alone.
fn with_front<R>(now: Instant, call: &NewCall<'_>, then: impl FnOnce(&[u8], bool) -> R) -> R {
    let extension = Extension {
        timeout: call.deadline.map(|deadline| deadline.saturating_duration_since(now)),
        metadata: call.metadata,
        streams: call.streams,
        within: call.within,
    };
    if extension.is_empty() {
        return then(&call.key.to_u64().to_le_bytes(), false);
    }
    let mut front = Vec::with_capacity(32);
    let extended = RequestHead::encode(call.key, &extension, &mut front);
    then(&front, extended)
}
