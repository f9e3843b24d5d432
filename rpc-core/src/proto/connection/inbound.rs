//! The calls that the peer opened, from the first frame of the request to the end of its handler.
//!
//! ```text
//! first frame ─▶ Receiving ─whole─▶ Running ─cancel, deadline─▶ Ending
//!                    │                 └───── handler ended ──────┴─▶ reply, id free
//!                    └─ cancelled, refused ─▶ reply, id free
//! ```
//!
//! Invariant: an id leaves this table only with its terminal frame, which `finish` appends when the
//! handler has ended. A cancel asks for that early; it frees nothing.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    hash::BuildHasherDefault,
    time::{Duration, Instant},
};

use super::{
    Connection, Event,
    event::Request,
    held::{Held, Waiting, class_of},
    shares::{Class, Nesting, Share, Shares},
};
use crate::proto::{CallId, IdHasher, Limits, Metadata};

#[derive(Debug, Default)]
pub(super) struct Inbound {
    /// Bounded by: what the limits allow that were announced, plus the early calls (PROTOCOL §6).
    pub(super) open: HashMap<CallId, InboundCall, BuildHasherDefault<IdHasher>>,
    /// Calls whose handlers are not to start yet: early ones above the limit, and any while too much is unread of what
    /// the peer was answered.
    pub(super) held: Held,
    /// What the calls take of the limits whose requests are whole and whose handlers have not ended.
    pub(super) shares: Shares,
    /// Handlers of one-way calls that have not ended.
    pub(super) oneway_running: u32,
    /// Bytes of one-way calls whose handlers have not ended.
    pub(super) oneway_held: usize,
    /// Bytes of those that have ended, for which no credit was given yet.
    pub(super) oneway_owed: usize,
    /// Bytes of replies that handlers are likely to bring which have been started and have not ended.
    expected: usize,
    /// The methods that are likely to, by the hash of their names. Bounded by: `MOST_LONG`.
    long: VecDeque<u32>,
    /// Requests accepted on this connection.
    pub(super) accepted: u64,
    /// Calls refused because the peer ignored the limit.
    pub(super) refused: u32,
    /// Cancels of calls that were not open.
    pub(super) stray_cancels: u64,
    /// No open call has an earlier deadline than this.
    pub(super) next_deadline: Option<Instant>,
    /// When a held call is started although the replies that are expected are too long.
    pub(super) release_at: Option<Instant>,
}

#[derive(Debug, Default)]
pub(super) struct InboundCall {
    pub(super) progress: Progress,
    /// What it takes of the limits, from when its request is whole.
    share: Option<Share>,
    /// What most calls do not have.
    rare: Option<Box<Rare>>,
}

#[derive(Debug, Default)]
struct Rare {
    deadline: Option<Instant>,
    /// Our call whose handler makes this one.
    parent: Option<CallId>,
    /// What goes beside the accept or the reply.
    metadata: Option<Box<Metadata>>,
    /// Bytes that its reply is likely to have.
    expected: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Progress {
    /// Parts of the request are still to come.
    #[default]
    Receiving,
    /// The handler runs, or waits in `held`.
    Running,
    /// The driver was told to end the handler.
    Ending,
}

impl Inbound {
    /// Enters a plain call that starts at once; false, with nothing done, if its id is open already.
    #[inline]
    pub(super) fn begin(&mut self, id: CallId) -> bool {
        let Entry::Vacant(entry) = self.open.entry(id) else { return false };
        let share = Some(Share::default());
        entry.insert(InboundCall { progress: Progress::Running, share, rare: None });
        self.accepted += 1;
        self.shares.calls += 1;
        true
    }

    /// A request is whole: its call takes its share of the limits.
    pub(super) fn admit(&mut self, id: CallId, share: Share) {
        if let Some(call) = self.open.get_mut(&id) {
            call.progress = Progress::Running;
            call.share = Some(share);
            self.shares.take(share);
        }
    }

    /// Takes a call off that is over.
    pub(super) fn remove(&mut self, id: CallId) -> Option<InboundCall> {
        let call = self.open.remove(&id)?;
        if let Some(share) = call.share {
            self.shares.give_back(share);
        }
        if let Some(rare) = &call.rare {
            self.expected = self.expected.saturating_sub(rare.expected);
        }
        Some(call)
    }

    /// Forgets all calls: nobody is answered any more.
    pub(super) fn clear(&mut self) {
        *self = Self { accepted: self.accepted, ..Self::default() };
    }

    /// Counts the replies no more that the handlers which run are likely to bring.
    fn forget_expected(&mut self) {
        self.expected = 0;
        for call in self.open.values_mut() {
            if let Some(rare) = &mut call.rare {
                rare.expected = 0;
            }
        }
    }

    /// Handlers that run, of all kinds of calls.
    pub(super) const fn running(&self) -> u32 {
        let Waiting { calls, streams, oneway } = self.held.waiting;
        (self.shares.open() + self.oneway_running).saturating_sub(calls + streams + oneway)
    }

    /// Whether the limits allow a call to start: early ones may be above them, and wait.
    pub(super) fn may_start(&self, limits: &Limits, request: &Request) -> bool {
        match class_of(request) {
            Some(Class::Call) => {
                let times = Nesting::of(&request.opening).times();
                self.shares.calls - self.held.waiting.calls < limits.max_calls.saturating_mul(times)
            }
            Some(Class::Stream) => {
                self.shares.streams - self.held.waiting.streams < limits.max_streams
            }
            None => true,
        }
    }
}

impl InboundCall {
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.rare.as_ref()?.deadline
    }

    /// Our call whose handler makes this one.
    pub(super) fn parent(&self) -> Option<CallId> {
        self.rare.as_ref()?.parent
    }

    pub(super) fn set_deadline(&mut self, deadline: Option<Instant>) {
        if deadline.is_some() || self.rare.is_some() {
            self.rare.get_or_insert_default().deadline = deadline;
        }
    }

    pub(super) fn set_parent(&mut self, parent: CallId) {
        self.rare.get_or_insert_default().parent = Some(parent);
    }

    pub(super) fn set_metadata(&mut self, metadata: Metadata) {
        self.rare.get_or_insert_default().metadata = Some(Box::new(metadata));
    }

    pub(super) fn take_metadata(&mut self) -> Option<Box<Metadata>> {
        self.rare.as_mut()?.metadata.take()
    }
}

impl Connection {
    /// Whether no handlers are to be started for the time being: the peer leaves too many bytes of replies unread.
    #[inline]
    pub(super) fn holds_back(&self) -> bool {
        self.outbox.unsent_replies() > MAX_UNSENT_REPLIES
    }

    /// Whether the handlers that run are likely to bring more than may be unread: further ones that bring long replies
    /// wait for them, and no others.
    #[inline]
    pub(super) fn holds_long_back(&self) -> bool {
        self.outbox.unsent_replies() + self.inbound.expected > MAX_UNSENT_REPLIES
    }

    /// Whether a call waits for those that run, because its reply is likely to be long as theirs are.
    pub(super) fn waits_as_long(&self, request: &Request) -> bool {
        self.holds_long_back() && self.inbound.long.contains(&request.opening.key.name_hash())
    }

    /// Takes note that the handler of a call of the method whose name has this hash is likely to bring a reply of so
    /// many bytes.
    pub fn expect_reply(&mut self, id: CallId, name: u32, bytes: usize) {
        if !self.inbound.long.contains(&name) {
            if self.inbound.long.len() == MOST_LONG {
                self.inbound.long.pop_front();
            }
            self.inbound.long.push_back(name);
        }
        if let Some(call) = self.inbound.open.get_mut(&id) {
            let expected = &mut call.rare.get_or_insert_default().expected;
            self.inbound.expected += bytes - std::mem::replace(expected, bytes).min(bytes);
        }
    }

    /// Takes requests back that were given out as events and whose handlers were not started, if they are not to be
    /// for the time being. Keeps their order.
    #[inline]
    pub fn hold_back(&mut self, events: &mut VecDeque<Event>) {
        // No more is unread than unread and expected together.
        if self.holds_long_back() && !events.is_empty() {
            self.hold_events(events);
        }
    }

    #[cold]
    fn hold_events(&mut self, events: &mut VecDeque<Event>) {
        let all = self.holds_back();
        for event in std::mem::take(events).into_iter().rev() {
            match event {
                Event::Request(request) if self.waits_as_long(&request) => {
                    self.inbound.held.put_back_long(request);
                }
                Event::Request(request) if all => self.inbound.held.put_back(request),
                event => events.push_front(event),
            }
        }
    }

    /// Takes events back that were given out and not acted on: they are the next to be given out.
    pub fn put_back(&mut self, events: &mut VecDeque<Event>) {
        events.append(&mut self.events);
        std::mem::swap(&mut self.events, events);
    }

    /// Starts calls that were held back, as far as they may start now.
    #[inline]
    pub(super) fn release_held(&mut self) {
        if !self.inbound.held.is_empty() {
            self.release_some();
        }
    }

    #[cold]
    fn release_some(&mut self) {
        // Each is looked at again before it starts: more at once would be moved back and forth.
        for _ in 0..RELEASED_AT_ONCE {
            if self.holds_back() || !self.release_one() {
                break;
            }
        }
        // One by one: what it is likely to bring is known when it has started.
        if !self.holds_long_back() {
            self.release_long();
        }
    }

    fn release_long(&mut self) {
        if let Some(request) = self.inbound.held.take_long() {
            self.inbound.release_at = None;
            self.events.push_back(Event::Request(request));
        }
    }

    /// Starts the first of the held calls that the limits allow; those of handlers go ahead. Whether there was one.
    fn release_one(&mut self) -> bool {
        for nesting in [Nesting::Nested, Nesting::Outer] {
            let Some(first) = self.inbound.held.first(nesting) else { continue };
            if !self.inbound.may_start(&self.config.limits, first) {
                continue;
            }
            if let Some(request) = self.inbound.held.take(nesting) {
                self.events.push_back(Event::Request(request));
            }
            return true;
        }
        false
    }

    /// Whether calls wait for nothing but the replies that those which run are likely to bring.
    fn waits_for_expected(&self) -> bool {
        self.inbound.held.has_long() && self.outbox.unsent_replies() <= MAX_UNSENT_REPLIES
    }

    /// When a held call is to start although the replies that are expected are too long: they may take as long as the
    /// call that waits, or be shorter.
    pub(super) fn release_due(&self) -> Option<Instant> {
        if !self.waits_for_expected() {
            return None;
        }
        // Any time in the past will do: the present is to be told.
        Some(self.inbound.release_at.unwrap_or(self.created))
    }

    /// Starts a held call if it is time for that.
    pub(super) fn release_late(&mut self, now: Instant) {
        if !self.waits_for_expected() {
            return;
        }
        match self.inbound.release_at {
            Some(due) if due > now => {}
            Some(_) => {
                // Those that run are taken for calls that wait for long: they count no more.
                self.inbound.forget_expected();
                self.release_long();
                self.inbound.release_at = now.checked_add(RELEASE_EVERY);
            }
            None => self.inbound.release_at = now.checked_add(RELEASE_EVERY),
        }
    }
}

/// Bytes of replies that the peer may leave unread before no further handlers are started.
const MAX_UNSENT_REPLIES: usize = 768 << 10;

/// Methods of one connection that are remembered for their long replies.
const MOST_LONG: usize = 64;

/// Held calls that are started at once.
const RELEASED_AT_ONCE: usize = 16;

/// How often a held call is started where only expected replies hold it.
const RELEASE_EVERY: Duration = Duration::from_millis(100);
