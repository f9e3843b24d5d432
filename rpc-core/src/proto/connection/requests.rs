//! Requests on their way out: whether they may leave, how long they are, and their order among those that
//! wait.

use std::time::Instant;

use super::{
    Connection,
    calls::codec_flag,
    error::outcome as outcome_words,
    outbound::{NewCall, QueuedCall, Slot, SlotState},
    streams::StreamId,
};
use crate::proto::{
    CallId, Code, Codec, Metadata, Side, Status,
    frame::{Extension, Flags, Head, Kind, RequestHead, Streams},
    limits::{EARLY_CALLS, EARLY_MESSAGE},
};

/// Bytes that may wait to be written before one-way calls wait with them.
pub(super) const MAX_UNSENT_ONEWAY: usize = 256 << 10;

/// Bytes of a method key, of an extension's length, and of a deadline in it.
pub(super) const KEY: usize = 8;
const EXTENSION: usize = 2;
const TIMEOUT: usize = 11;
const STREAMS: usize = 4;
const WITHIN: usize = 7;

impl Connection {
    /// Sends queued calls as far as the peer's limits allow it.
    pub(super) fn promote(&mut self, now: Instant) {
        self.outbound.share_freed = false;
        while let Some(&id) = self.outbound.queue.front() {
            let Some(slot) = self.outbound.slot(id) else { break };
            let deadline = slot.deadline();
            // Invariant: the queue names calls that are Queued or Withdrawn; see `prune_queue`.
            let SlotState::Queued(queued) = &slot.state else {
                self.outbound.prune_queue();
                continue;
            };
            let reply = queued.reply;
            let length = message_bound(
                queued.arguments.len(),
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
        let Some(queued) = slot.dequeue() else { return };
        if let Err(status) = fits {
            slot.settle(status, false, &mut self.wakes);
            self.stop_upload(id, false);
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

    pub(super) fn check_open(&self, now: Instant, call: &NewCall<'_>) -> Result<(), Status> {
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
    pub(super) fn check_progress(&self, call: &NewCall<'_>) -> Result<(), Status> {
        let (mut waiting, mut at) = (0, call.within);
        while let Some(theirs) = at
            && waiting < self.outbound.in_flight
        {
            let Some(ours) = self.inbound.open.get(&theirs).and_then(|call| call.within) else {
                break;
            };
            waiting += 1;
            at = self.outbound.slots.get(ours.value() as usize).and_then(Slot::within);
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

    pub(super) fn may_send(&self, call: &NewCall<'_>) -> bool {
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

    /// Whether nothing stands in the way of a plain call: neither a limit nor another call.
    pub(super) fn may_send_at_once(&self, call: &NewCall<'_>) -> bool {
        let Some(peer) = &self.peer else { return false };
        let length = KEY + call.arguments.len();
        self.closing.is_open()
            && self.outbound.queue.is_empty()
            && self.outbound.in_flight < peer.limits.max_calls
            && length <= peer.limits.max_message as usize
            && self.outbox.fits_one_frame(length)
    }

    /// Sends a plain call that may be sent at once.
    pub(super) fn send_plain(&mut self, call: &NewCall<'_>) -> CallId {
        let id = self.outbound.insert_sent();
        let head = request_head(id, call.codec, false);
        self.outbox.frame(head, &call.key.to_u64().to_le_bytes(), call.arguments);
        id
    }

    pub(super) fn enqueue(&mut self, call: &NewCall<'_>, reply: bool) -> CallId {
        let queued = QueuedCall {
            key: call.key,
            codec: call.codec,
            metadata: call.metadata.map(|metadata| Box::new(metadata.clone())),
            arguments: call.arguments.clone(),
            streams: call.streams,
            within: call.within,
            ordered: call.ordered,
            reply,
            waker: None,
        };
        let id =
            self.outbound.insert(SlotState::Queued(Box::new(queued)), call.deadline, call.within);
        self.outbound.queue.push_back(id);
        id
    }

    pub(super) fn send(&mut self, now: Instant, id: CallId, call: &NewCall<'_>) {
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
    pub(super) fn send_oneway(&mut self, now: Instant, call: &NewCall<'_>) {
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
}

fn request_head(id: CallId, codec: Codec, extended: bool) -> Head {
    let flags = Flags::MINE.with(codec_flag(codec));
    let flags = if extended { flags.with(Flags::EXT) } else { flags };
    Head { kind: Kind::Request, flags, id, length: 0 }
}

/// The length that the request of `call` has at most.
fn bound_of(call: &NewCall<'_>) -> usize {
    message_bound(call.arguments.len(), call.deadline, call.metadata, call.streams, call.within)
}

/// The length that a request has at most; without metadata, exactly.
fn message_bound(
    arguments: usize,
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
    KEY + extension + arguments
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
