//! Requests on their way out: whether they may leave, and their order among those that wait.

use std::time::{Duration, Instant};

use super::{
    Connection,
    error::outcome as outcome_words,
    outbound::Step,
    outbox::Place,
    queue::{Lane, Patience, QueuedCall, Reply},
    shares::{Class, FREE_LENGTH, Nesting, Share},
    streams::{StreamId, Tell},
};
use crate::proto::{
    CallId, Code, Execution, Failure, Limits, Opening, Order, Payload, Side, Status, Streams,
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
        if !self.outbound.begin_promotion(now) {
            return;
        }
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

    /// Sends or ends the first call of a lane; false if it has to wait, or there is none.
    fn promote_first(&mut self, now: Instant, lane: Lane) -> bool {
        let Some(id) = self.outbound.first(lane) else { return false };
        let Some(queued) = self.outbound.queued(id) else { return false };
        let (opening, reply) = (&queued.opening, queued.reply);
        let length = length(opening, &queued.arguments);
        let share = Share::of(opening, length);
        let fits = self.within_message_limit(length);
        if fits.is_ok() {
            let in_turn = opening.order == Order::Any || self.outbound.queues().is_next(id);
            let allowed = match reply {
                Reply::Expected => self.limits_allow(opening, share, length),
                Reply::None => self.oneway_allowed(opening, length),
            };
            if !in_turn || !allowed {
                return false;
            }
        }
        let is_sent = fits.is_ok();
        let step = match (fits, reply) {
            (Err(status), _) => Step::Ended(Err(Failure::Status(status))),
            (Ok(()), Reply::Expected) => Step::Sent(share),
            (Ok(()), Reply::None) => Step::Ended(Ok(Payload::new())),
        };
        let Some(queued) = self.outbound.promote(now, id, step, &mut self.wakers) else {
            return false;
        };
        match reply {
            _ if !is_sent => self.stop_upload(id, Tell::Nothing),
            Reply::Expected => self.send(now, id, &queued.opening, &queued.arguments),
            Reply::None => self.send_oneway(now, &queued.opening, &queued.arguments),
        }
        true
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
        let (class, lane) = match opening.streams {
            Streams::NONE => (Class::Call, Lane::Nested),
            _ => (Class::Stream, Lane::Streams),
        };
        let in_flight = self.outbound.shares().of(class);
        let most = self.outbound.shares().open() as usize;
        let mut stuck = Vec::new();
        self.follow_chain(parent, most, &mut stuck);
        // Where many wait, each of them would look at all others; those wait no longer than `PATIENCE`.
        if self.outbound.queues().len() <= FEW {
            for id in self.outbound.queues().ids(lane) {
                if let Some(parent) = self.outbound.queued(id).and_then(|call| call.opening.parent)
                {
                    self.follow_chain(parent, most, &mut stuck);
                }
            }
        }
        let of_class =
            |id: &&CallId| self.outbound.slot(**id).is_some_and(|slot| slot.share().class == class);
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
            let ours = self.inbound.parent(theirs);
            let Some(slot) = ours.and_then(|ours| self.outbound.slot(ours)) else { return };
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
            let began = self.outbound.queues().patience_began(lane);
            if began.is_none_or(|began| now.saturating_duration_since(began) < PATIENCE) {
                continue;
            }
            let limits = self.peer.as_ref().map(|peer| peer.limits).unwrap_or_default();
            let status = Status::not_started(Code::ResourceExhausted, waited(lane, &limits));
            let of_lane = |_, queued: &QueuedCall| {
                let turn = queued.turn();
                turn.lane == lane && turn.patience == Patience::Bounded
            };
            self.outbound.end_queued(&status, of_lane, &mut self.wakers);
        }
        self.stop_orphans();
    }

    /// When a call has waited too long that is not to wait for ever.
    #[inline]
    pub(super) fn patience_due(&self) -> Option<Instant> {
        let queues = self.outbound.queues();
        if queues.is_empty() || self.peer.is_none() {
            return None;
        }
        if queues.wants_time() {
            // Any time in the past will do: the present is to be told.
            return Some(self.created);
        }
        let began = |lane| queues.patience_began(lane);
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
        self.outbound.queues().lets_pass(Lane::of(reply, opening), opening.order)
    }

    fn limits_allow(&self, opening: &Opening, share: Share, length: usize) -> bool {
        match &self.peer {
            Some(peer) => self.outbound.shares().admit(&peer.limits, Nesting::of(opening), share),
            None => self.may_go_early(length),
        }
    }

    /// Whether a call may precede the peer's hello. An acceptor speaks second: nothing may precede its preface.
    fn may_go_early(&self, length: usize) -> bool {
        self.side == Side::Dialer
            && self.outbound.sent() < u64::from(EARLY_CALLS)
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
            return self.outbound.shares().admit(&peer.limits, Nesting::of(opening), share);
        }
        let window = peer.limits.oneway_window as usize * Nesting::of(opening).times() as usize;
        self.outbound.oneway() == 0 || self.outbound.oneway() + length + ONEWAY_OVERHEAD <= window
    }

    /// Whether nothing stands in the way of a plain call: neither a limit nor another call.
    pub(super) fn may_send_at_once(&self, arguments: &Payload) -> bool {
        let Some(peer) = &self.peer else { return false };
        self.closing.is_open()
            && self.outbound.queues().lets_pass(Lane::Calls, Order::Any)
            && self.outbound.shares().of(Class::Call) < peer.limits.max_calls
            && KEY + arguments.len() <= FREE_LENGTH
    }

    /// Sends a plain call that may be sent at once.
    pub(super) fn send_plain(&mut self, opening: &Opening, arguments: &Payload) -> CallId {
        let id = self.outbound.start_plain(opening.codec);
        let flags = Flags::MINE.with(Flags::of(opening.codec));
        let front = opening.key.to_u64().to_le_bytes();
        self.outbox.frame(request_head(id, flags), front, arguments);
        id
    }

    pub(super) fn enqueue(
        &mut self,
        opening: &Opening,
        arguments: &Payload,
        reply: Reply,
    ) -> CallId {
        let (opening, arguments) = (opening.clone(), arguments.clone());
        self.outbound.enqueue(QueuedCall { opening, arguments, reply, waker: None })
    }

    pub(super) fn send(
        &mut self,
        now: Instant,
        id: CallId,
        opening: &Opening,
        arguments: &Payload,
    ) {
        let credit = if opening.streams.down() { self.initial_credit(id) } else { 0 };
        let at_once = with_front(now, opening, credit, |front, flags| {
            self.outbox.request(request_head(id, flags), front, arguments, opening.order)
        });
        if at_once {
            self.outbound.begin(id);
        }
        if opening.streams.up() {
            let place = if at_once { Place::Any } else { Place::Behind };
            self.begin_sending(StreamId::mine(id), place);
        }
    }

    /// A one-way call is one frame (PROTOCOL §9); a larger one travels as a call whose reply is ignored.
    pub(super) fn send_oneway(&mut self, now: Instant, opening: &Opening, arguments: &Payload) {
        with_front(now, opening, 0, |front, flags| {
            let length = front.len() + arguments.len();
            if self.outbox.fits_one_frame(length) {
                self.outbound.take_oneway(length + ONEWAY_OVERHEAD);
                let head = request_head(CallId::NO_REPLY, flags);
                if self.outbox.request(head, front, arguments, opening.order) {
                    self.outbound.begin(CallId::NO_REPLY);
                }
            } else {
                let share = Share::of(opening, length);
                let id = self.outbound.start_abandoned(opening.codec, share);
                self.outbox.request(request_head(id, flags), front, arguments, opening.order);
            }
        });
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
