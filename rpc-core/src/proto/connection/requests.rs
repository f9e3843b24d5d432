//! Requests on their way out: whether they may leave, and their order among those that wait.

use std::time::{Duration, Instant};

use super::{
    Connection,
    calls::codec_flag,
    error::outcome as outcome_words,
    new_call::{KEY, NewCall, QueuedCall, Reply},
    queue::Lane,
    shares::{Class, FREE_LENGTH, Origin, Share},
    slot::{Peer, SlotState},
    streams::{StreamId, Tell},
};
use crate::proto::{
    CallId, Code, Codec, Execution, Limits, Side, Status,
    limits::{EARLY_CALLS, EARLY_MESSAGE, ONEWAY_OVERHEAD},
    wire::{Extension, Flags, Head, Kind, RequestHead, Streams},
};

/// Bytes that may wait to be written before one-way calls wait with them.
const MAX_UNSENT_ONEWAY: usize = 256 << 10;

/// How long a call may wait that is not to wait for ever, while no other one of its lane goes on.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

impl Connection {
    /// Sends queued calls as far as the peer's limits allow it.
    pub(super) fn promote(&mut self, now: Instant) {
        self.outbound.share_freed = false;
        if self.outbound.queues.is_empty() {
            return;
        }
        self.outbound.queues.note_time(now);
        // A call of one lane may wait for an ordered one of another.
        let mut went_on = true;
        while went_on {
            went_on = false;
            for lane in Lane::ALL {
                while self.promote_first(now, lane) {
                    went_on = true;
                }
            }
        }
    }

    /// Sends or ends the first call of a lane; whether there may be another.
    fn promote_first(&mut self, now: Instant, lane: Lane) -> bool {
        let Some(id) = self.outbound.queues.front(lane) else { return false };
        let Some(slot) = self.outbound.slots.get(id.0 as usize) else { return false };
        let deadline = slot.deadline();
        // Invariant: the queues name calls that are Queued or Withdrawn; see `prune_queue`.
        let SlotState::Queued(queued) = &slot.state else {
            self.outbound.prune_queue();
            return true;
        };
        let (ordered, impatient) = (queued.ordered, queued.is_impatient());
        let call = queued.as_call(deadline);
        let length = call.length();
        let fits = self.within_message_limit(length);
        if fits.is_ok() {
            let in_turn = !ordered || self.outbound.queues.is_next(id);
            let allowed = match queued.reply {
                Reply::Expected => self.limits_allow(call.origin(), call.share(length), length),
                Reply::None => self.oneway_allowed(call.origin(), length),
            };
            if !in_turn || !allowed {
                return false;
            }
        }
        self.outbound.queues.pop(lane, now, ordered, impatient);
        self.send_queued(now, id, deadline, fits);
        true
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
            slot.settle(status, Peer::Done, &mut self.wakes);
            self.stop_upload(id, Tell::Nothing);
            return;
        }
        let call = queued.as_call(deadline);
        match queued.reply {
            Reply::None => {
                slot.finish_oneway(&mut self.wakes);
                self.send_oneway(now, &call);
            }
            Reply::Expected => {
                self.outbound.take_share(id, call.share(call.length()));
                self.send(now, id, &call);
            }
        }
    }

    pub(super) fn check_open(
        &self,
        now: Instant,
        call: &NewCall<'_>,
        length: usize,
    ) -> Result<(), Status> {
        if let Some(error) = &self.closing.error {
            return Err(error.status(Execution::NotStarted));
        }
        if self.closing.is_draining() {
            let words = outcome_words(Execution::NotStarted);
            let message = format!("connection is draining; {words}");
            return Err(Status::not_started(Code::Unavailable, message));
        }
        if call.deadline.is_some_and(|deadline| deadline <= now) {
            let message = "the deadline had passed before the call was sent";
            return Err(Status::not_started(Code::DeadlineExceeded, message));
        }
        self.within_message_limit(length)
    }

    /// Refuses a call that would wait for itself: the limit is reached, and every call that is in flight
    /// waits, as far as this side can tell, for a call that waits here (PROTOCOL §13).
    pub(super) fn check_progress(&self, call: &NewCall<'_>) -> Result<(), Status> {
        let Some(within) = call.within else { return Ok(()) };
        if self.peer.is_none() {
            return Ok(());
        }
        let (class, lane, in_flight) = match call.streams {
            Streams::NONE => (Class::Call, Lane::Nested, self.outbound.shares.calls),
            _ => (Class::Stream, Lane::Streams, self.outbound.shares.streams),
        };
        let most = self.outbound.shares.open() as usize;
        let mut stuck = Vec::new();
        self.follow_chain(within, most, &mut stuck);
        // Where many wait, each of them would look at all others; those wait no longer than `PATIENCE`.
        if self.outbound.queues.len() <= FEW {
            for id in self.outbound.queues.ids(lane) {
                let Some(slot) = self.outbound.slots.get(id.0 as usize) else { continue };
                if let (SlotState::Queued(_), Some(within)) = (&slot.state, slot.within()) {
                    self.follow_chain(within, most, &mut stuck);
                }
            }
        }
        let of_class = |id: &&CallId| {
            let slot = self.outbound.slots.get(id.0 as usize);
            slot.is_some_and(|slot| slot.share().class == class)
        };
        let waiting = stuck.iter().filter(of_class).count();
        if waiting == 0 || waiting < in_flight as usize {
            return Ok(());
        }
        let message = format!(
            "all {in_flight} calls of this kind that the peer accepts at once wait for this one or for others that \
             wait with it: calls are nested too deep, or its limit of calls is too low"
        );
        Err(Status::not_started(Code::ResourceExhausted, message))
    }

    /// Adds the calls of this side that wait, through the peer's handlers, for the handler of the peer's call `at`.
    fn follow_chain(&self, at: CallId, most: usize, stuck: &mut Vec<CallId>) {
        let mut at = Some(at);
        while let Some(theirs) = at
            && stuck.len() < most
        {
            let ours = self.inbound.open.get(&theirs).and_then(|call| call.within());
            let Some(slot) = ours.and_then(|ours| self.outbound.slots.get(ours.0 as usize)) else {
                return;
            };
            let Some(ours) = ours.filter(|ours| slot.is_owed() && !stuck.contains(ours)) else {
                return;
            };
            stuck.push(ours);
            at = slot.within();
        }
    }

    /// Ends the calls that have waited too long and are not to wait for ever.
    pub(super) fn lose_patience(&mut self, now: Instant) {
        for lane in Lane::ALL {
            let began = self.outbound.queues.patience_began(lane);
            if began.is_none_or(|began| now.saturating_duration_since(began) < PATIENCE) {
                continue;
            }
            let limits = self.peer.as_ref().map(|peer| peer.limits).unwrap_or_default();
            let status = Status::not_started(Code::ResourceExhausted, waited(lane, &limits));
            for id in self.outbound.queues.ids(lane).collect::<Vec<_>>() {
                let Some(slot) = self.outbound.slots.get_mut(id.0 as usize) else { continue };
                let SlotState::Queued(queued) = &slot.state else { continue };
                if queued.is_impatient() {
                    slot.settle(status.clone(), Peer::Done, &mut self.wakes);
                }
            }
        }
        self.outbound.prune_queue();
        self.stop_orphans();
    }

    /// When a call has waited too long that is not to wait for ever.
    pub(super) fn patience_due(&self) -> Option<Instant> {
        if self.outbound.queues.is_empty() || self.peer.is_none() {
            return None;
        }
        if self.outbound.queues.wants_time() {
            // Any time in the past will do: the present is to be told.
            return Some(self.created);
        }
        let began = |lane| self.outbound.queues.patience_began(lane);
        Lane::ALL.into_iter().filter_map(began).min()?.checked_add(PATIENCE)
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

    pub(super) fn may_send(&self, call: &NewCall<'_>, share: Share, length: usize) -> bool {
        let lane = Lane::of(Reply::Expected, call.streams, call.within.is_some());
        self.outbound.queues.lets_pass(lane, call.ordered)
            && self.limits_allow(call.origin(), share, length)
    }

    fn limits_allow(&self, origin: Origin, share: Share, length: usize) -> bool {
        match &self.peer {
            Some(peer) => self.outbound.shares.admit(&peer.limits, origin, share),
            None => self.may_go_early(length),
        }
    }

    /// Whether a call may precede the peer's hello. An acceptor speaks second: nothing may precede its preface.
    fn may_go_early(&self, length: usize) -> bool {
        self.side == Side::Dialer
            && self.outbound.sent < u64::from(EARLY_CALLS)
            && length <= EARLY_MESSAGE
    }

    pub(super) fn may_send_oneway(&self, call: &NewCall<'_>, length: usize) -> bool {
        let lane = Lane::of(Reply::None, call.streams, call.within.is_some());
        self.outbound.queues.lets_pass(lane, call.ordered)
            && self.oneway_allowed(call.origin(), length)
    }

    /// Whether the peer has given credit for a one-way call. One alone always may go; handlers may go as far again.
    fn oneway_allowed(&self, origin: Origin, length: usize) -> bool {
        if self.outbox.unsent() > MAX_UNSENT_ONEWAY {
            return false;
        }
        let Some(peer) = &self.peer else { return self.may_go_early(length) };
        if !self.outbox.fits_one_frame(length) {
            // It travels as a call whose reply nobody waits for.
            return self.outbound.shares.admit(
                &peer.limits,
                origin,
                Share::new(Default::default(), length),
            );
        }
        let window = peer.limits.oneway_window as usize * origin.times() as usize;
        self.outbound.oneway == 0 || self.outbound.oneway + length + ONEWAY_OVERHEAD <= window
    }

    /// Whether nothing stands in the way of a plain call: neither a limit nor another call.
    pub(super) fn may_send_at_once(&self, call: &NewCall<'_>) -> bool {
        let Some(peer) = &self.peer else { return false };
        self.closing.is_open()
            && self.outbound.queues.lets_pass(Lane::Calls, false)
            && self.outbound.shares.calls < peer.limits.max_calls
            && KEY + call.arguments.len() <= FREE_LENGTH
    }

    /// Sends a plain call that may be sent at once.
    pub(super) fn send_plain(&mut self, call: &NewCall<'_>) -> CallId {
        let id = self.outbound.insert_sent(call.codec);
        let head = request_head(id, call.codec, false);
        self.outbox.frame(head, &call.key.to_u64().to_le_bytes(), call.arguments);
        id
    }

    pub(super) fn enqueue(&mut self, call: &NewCall<'_>, reply: Reply) -> CallId {
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
        self.outbound.insert_queued(queued, call.deadline)
    }

    pub(super) fn send(&mut self, now: Instant, id: CallId, call: &NewCall<'_>) {
        let credit = if call.streams.down() { self.initial_credit(id) } else { 0 };
        let at_once = with_front(now, call, credit, |front, extended| {
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
        with_front(now, call, 0, |front, extended| {
            let length = front.len() + call.arguments.len();
            if self.outbox.fits_one_frame(length) {
                self.outbound.oneway += length + ONEWAY_OVERHEAD;
                let head = request_head(CallId::NO_REPLY, call.codec, extended);
                if self.outbox.request(head, front, call.arguments, call.ordered) {
                    self.outbound.sent += 1;
                }
            } else {
                let id = self.outbound.insert_abandoned(call.codec, call.share(length));
                let head = request_head(id, call.codec, extended);
                self.outbox.request(head, front, call.arguments, call.ordered);
            }
        });
    }

    /// The peer's handlers of one-way calls have ended that took so many bytes.
    pub(super) fn handle_oneway_credit(&mut self, bytes: usize) {
        self.outbound.oneway = self.outbound.oneway.saturating_sub(bytes);
        self.outbound.queues.progressed(Lane::NestedOneway);
    }
}

/// Calls that are few enough to look at all of them for each that is to wait.
const FEW: usize = 64;

/// Why a call waits no longer.
fn waited(lane: Lane, limits: &Limits) -> String {
    let seconds = PATIENCE.as_secs();
    match lane {
        Lane::Streams => format!(
            "the peer accepts {} streams at once (max_streams) or so many bytes of their requests, all are open, and \
             none has ended for {seconds} s: end some, raise its limit, or connect once more",
            limits.max_streams
        ),
        Lane::Nested | Lane::Calls => format!(
            "a handler's call back waited for room among the {} that the peer accepts at once (max_calls), and none of \
             them has ended for {seconds} s: calls may be waiting for each other",
            limits.max_calls
        ),
        Lane::NestedOneway | Lane::Oneway => format!(
            "a handler's one-way call waited for credit, and none has come for {seconds} s: handlers may be waiting \
             for each other"
        ),
    }
}

fn request_head(id: CallId, codec: Codec, extended: bool) -> Head {
    let flags = Flags::MINE.with(codec_flag(codec));
    let flags = if extended { flags.with(Flags::EXT) } else { flags };
    Head { kind: Kind::Request, flags, id, length: 0 }
}

/// Encodes what precedes the arguments: without an allocation where it is the key alone.
fn with_front<R>(
    now: Instant,
    call: &NewCall<'_>,
    credit: u32,
    then: impl FnOnce(&[u8], bool) -> R,
) -> R {
    let timeout = call.deadline.map(|deadline| deadline.saturating_duration_since(now));
    let extension = Extension { credit, ..call.extension(timeout) };
    if extension.is_empty() {
        return then(&call.key.to_u64().to_le_bytes(), false);
    }
    let mut front = Vec::with_capacity(32);
    let extended = RequestHead::encode(call.key, &extension, &mut front);
    then(&front, extended)
}
