//! Requests on their way out: whether they may leave, and their order among those that wait.

use std::time::{Duration, Instant};

use super::{
    Connection,
    error::outcome as outcome_words,
    queue::{Lane, QueuedCall, Reply},
    shares::{Class, FREE_LENGTH, Nesting, Share},
    slot::{Peer, SlotState},
    streams::{StreamId, Tell},
};
use crate::proto::{
    CallId, Code, Execution, Limits, Opening, Order, Payload, Side, Status, Streams,
    limits::{EARLY_CALLS, EARLY_MESSAGE, ONEWAY_OVERHEAD},
    wire::{Flags, Head, KEY, Kind},
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
        // Invariant: the queues name calls that are Queued or Withdrawn; see `prune_queue`.
        let SlotState::Queued(queued) = &slot.state else {
            self.outbound.prune_queue();
            return true;
        };
        let (opening, impatient) = (&queued.opening, queued.is_impatient());
        let ordered = opening.order == Order::Kept;
        let length = length(opening, &queued.arguments);
        let fits = self.within_message_limit(length);
        if fits.is_ok() {
            let in_turn = !ordered || self.outbound.queues.is_next(id);
            let allowed = match queued.reply {
                Reply::Expected => self.limits_allow(opening, Share::of(opening, length), length),
                Reply::None => self.oneway_allowed(opening, length),
            };
            if !in_turn || !allowed {
                return false;
            }
        }
        self.outbound.queues.pop(lane, now, ordered, impatient);
        self.send_queued(now, id, length, fits);
        true
    }

    fn send_queued(&mut self, now: Instant, id: CallId, length: usize, fits: Result<(), Status>) {
        let Some(slot) = self.outbound.slots.get_mut(id.0 as usize) else { return };
        let Some(queued) = slot.dequeue() else { return };
        if let Err(status) = fits {
            slot.settle(status, Peer::Done, &mut self.wakes);
            self.stop_upload(id, Tell::Nothing);
            return;
        }
        let QueuedCall { opening, arguments, reply, .. } = &*queued;
        match reply {
            Reply::None => {
                slot.finish_oneway(&mut self.wakes);
                self.send_oneway(now, opening, arguments);
            }
            Reply::Expected => {
                self.outbound.take_share(id, Share::of(opening, length));
                self.send(now, id, opening, arguments);
            }
        }
    }

    pub(super) fn check_open(
        &self,
        now: Instant,
        opening: &Opening,
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
        if opening.deadline.is_some_and(|deadline| deadline <= now) {
            let message = "the deadline had passed before the call was sent";
            return Err(Status::not_started(Code::DeadlineExceeded, message));
        }
        self.within_message_limit(length)
    }

    /// Refuses a call that would wait for itself: the limit is reached, and every call that is in flight
    /// waits, as far as this side can tell, for a call that waits here (PROTOCOL §13).
    pub(super) fn check_progress(&self, opening: &Opening) -> Result<(), Status> {
        let Some(parent) = opening.parent else { return Ok(()) };
        if self.peer.is_none() {
            return Ok(());
        }
        let (class, lane, in_flight) = match opening.streams {
            Streams::NONE => (Class::Call, Lane::Nested, self.outbound.shares.calls),
            _ => (Class::Stream, Lane::Streams, self.outbound.shares.streams),
        };
        let most = self.outbound.shares.open() as usize;
        let mut stuck = Vec::new();
        self.follow_chain(parent, most, &mut stuck);
        // Where many wait, each of them would look at all others; those wait no longer than `PATIENCE`.
        if self.outbound.queues.len() <= FEW {
            for id in self.outbound.queues.ids(lane) {
                let Some(slot) = self.outbound.slots.get(id.0 as usize) else { continue };
                if let (SlotState::Queued(_), Some(parent)) = (&slot.state, slot.parent()) {
                    self.follow_chain(parent, most, &mut stuck);
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
            let ours = self.inbound.open.get(&theirs).and_then(|call| call.parent());
            let Some(slot) = ours.and_then(|ours| self.outbound.slots.get(ours.0 as usize)) else {
                return;
            };
            let Some(ours) = ours.filter(|ours| slot.is_owed() && !stuck.contains(ours)) else {
                return;
            };
            stuck.push(ours);
            at = slot.parent();
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

    pub(super) fn may_send(&self, opening: &Opening, share: Share, length: usize) -> bool {
        self.is_next(Reply::Expected, opening) && self.limits_allow(opening, share, length)
    }

    /// Tells whether no call waits that one with this head would have to wait behind.
    fn is_next(&self, reply: Reply, opening: &Opening) -> bool {
        let ordered = opening.order == Order::Kept;
        self.outbound.queues.lets_pass(Lane::of(reply, opening), ordered)
    }

    fn limits_allow(&self, opening: &Opening, share: Share, length: usize) -> bool {
        match &self.peer {
            Some(peer) => self.outbound.shares.admit(&peer.limits, Nesting::of(opening), share),
            None => self.may_go_early(length),
        }
    }

    /// Whether a call may precede the peer's hello. An acceptor speaks second: nothing may precede its preface.
    fn may_go_early(&self, length: usize) -> bool {
        self.side == Side::Dialer
            && self.outbound.sent < u64::from(EARLY_CALLS)
            && length <= EARLY_MESSAGE
    }

    pub(super) fn may_send_oneway(&self, opening: &Opening, length: usize) -> bool {
        self.is_next(Reply::None, opening) && self.oneway_allowed(opening, length)
    }

    /// Whether the peer has given credit for a one-way call. One alone always may go; handlers may go as far again.
    fn oneway_allowed(&self, opening: &Opening, length: usize) -> bool {
        if self.outbox.unsent() > MAX_UNSENT_ONEWAY {
            return false;
        }
        let Some(peer) = &self.peer else { return self.may_go_early(length) };
        if !self.outbox.fits_one_frame(length) {
            // It travels as a call whose reply nobody waits for.
            let share = Share::new(Class::Call, length);
            return self.outbound.shares.admit(&peer.limits, Nesting::of(opening), share);
        }
        let window = peer.limits.oneway_window as usize * Nesting::of(opening).times() as usize;
        self.outbound.oneway == 0 || self.outbound.oneway + length + ONEWAY_OVERHEAD <= window
    }

    /// Whether nothing stands in the way of a plain call: neither a limit nor another call.
    pub(super) fn may_send_at_once(&self, arguments: &Payload) -> bool {
        let Some(peer) = &self.peer else { return false };
        self.closing.is_open()
            && self.outbound.queues.lets_pass(Lane::Calls, false)
            && self.outbound.shares.calls < peer.limits.max_calls
            && KEY + arguments.len() <= FREE_LENGTH
    }

    /// Sends a plain call that may be sent at once.
    pub(super) fn send_plain(&mut self, opening: &Opening, arguments: &Payload) -> CallId {
        let id = self.outbound.insert_sent(opening.codec);
        let flags = Flags::MINE.with(Flags::of(opening.codec));
        let front = opening.key.to_u64().to_le_bytes();
        self.outbox.frame(request_head(id, flags), &front, arguments);
        id
    }

    pub(super) fn enqueue(
        &mut self,
        opening: &Opening,
        arguments: &Payload,
        reply: Reply,
    ) -> CallId {
        let (opening, arguments) = (opening.clone(), arguments.clone());
        self.outbound.insert_queued(QueuedCall { opening, arguments, reply, waker: None })
    }

    pub(super) fn send(
        &mut self,
        now: Instant,
        id: CallId,
        opening: &Opening,
        arguments: &Payload,
    ) {
        let credit = if opening.streams.down() { self.initial_credit(id) } else { 0 };
        let ordered = opening.order == Order::Kept;
        let at_once = with_front(now, opening, credit, |front, flags| {
            self.outbox.request(request_head(id, flags), front, arguments, ordered)
        });
        if at_once {
            self.outbound.begin(id);
        }
        if opening.streams.up() {
            self.begin_sending(StreamId::mine(id), !at_once);
        }
    }

    /// A one-way call is one frame (PROTOCOL §9); a larger one travels as a call whose reply is ignored.
    pub(super) fn send_oneway(&mut self, now: Instant, opening: &Opening, arguments: &Payload) {
        let ordered = opening.order == Order::Kept;
        with_front(now, opening, 0, |front, flags| {
            let length = front.len() + arguments.len();
            if self.outbox.fits_one_frame(length) {
                self.outbound.oneway += length + ONEWAY_OVERHEAD;
                let head = request_head(CallId::NO_REPLY, flags);
                if self.outbox.request(head, front, arguments, ordered) {
                    self.outbound.sent += 1;
                }
            } else {
                let share = Share::of(opening, length);
                let id = self.outbound.insert_abandoned(opening.codec, share);
                self.outbox.request(request_head(id, flags), front, arguments, ordered);
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

const fn request_head(id: CallId, flags: Flags) -> Head {
    Head { kind: Kind::Request, flags, id, length: 0 }
}

/// Encodes what precedes the arguments: without an allocation where it is the key alone.
fn with_front<R>(
    now: Instant,
    opening: &Opening,
    credit: u32,
    then: impl FnOnce(&[u8], Flags) -> R,
) -> R {
    let length = opening.encoded_len(credit);
    if length == KEY {
        let flags = Flags::MINE.with(Flags::of(opening.codec));
        return then(&opening.key.to_u64().to_le_bytes(), flags);
    }
    let mut front = Vec::with_capacity(length);
    let flags = opening.encode(now, credit, &mut front);
    then(&front, flags)
}

/// The length that a request has at most: a stream may begin without credit of its own.
pub(super) fn length(opening: &Opening, arguments: &Payload) -> usize {
    opening.encoded_len(u32::from(opening.streams.down())) + arguments.len()
}
