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

mod release;

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    hash::BuildHasherDefault,
    time::Instant,
};

use super::{
    event::Request,
    held::{Held, Line, Waiting, class_of},
    outbound::earlier,
    shares::{Class, Nesting, Share, Shares},
};
use crate::proto::{CallId, IdHasher, Limits, Metadata};

/// The table of the calls that the peer opened.
#[derive(Debug, Default)]
pub(super) struct Inbound {
    /// Bounded by: what the limits allow that were announced, plus the early calls (PROTOCOL §6).
    open: HashMap<CallId, InboundCall, BuildHasherDefault<IdHasher>>,
    /// Calls whose handlers are not to start yet: early ones above the limit, and any while too much is unread of what
    /// the peer was answered.
    held: Held,
    /// The part of the limits that is taken by calls whose requests are whole and whose handlers have not ended.
    shares: Shares,
    oneway: Oneway,
    /// Bytes of replies that handlers are likely to bring which have been started and have not ended.
    expected: usize,
    /// The methods that are likely to, by the hash of their names. Bounded by: `MOST_LONG`.
    long: VecDeque<u32>,
    /// Requests accepted on this connection.
    accepted: u64,
    /// Calls refused because the peer ignored the limit.
    refused: u32,
    /// Cancels of calls that were not open.
    stray_cancels: u64,
    /// No open call has an earlier deadline than this.
    next_deadline: Option<Instant>,
    /// The time at which a held call is started although the replies that are expected are too long.
    release_at: Option<Instant>,
}

/// The one-way calls of the peer.
#[derive(Debug, Default)]
struct Oneway {
    /// Handlers that have not ended.
    running: u32,
    /// Bytes of the calls whose handlers have not ended.
    held: usize,
    /// Bytes of those that have ended, for which no credit was given yet.
    owed: usize,
}

#[derive(Debug, Default)]
pub(super) struct InboundCall {
    progress: Progress,
    /// Its part of the limits, from when its request is whole.
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
enum Progress {
    /// Parts of the request are still to come.
    #[default]
    Receiving,
    /// The handler runs, or waits in `held`.
    Running,
    /// The driver was told to end the handler.
    Ending,
}

/// Where a call was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Halted {
    /// Its request was not whole.
    Receiving,
    /// It waited to be started.
    Held,
    /// Its handler runs: the driver is to end it.
    Running,
}

/// The room that the limits leave for a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Headroom {
    Some,
    /// None: an early call is above them, and waits.
    None,
}

impl Inbound {
    pub(super) const fn shares(&self) -> &Shares {
        &self.shares
    }

    pub(super) const fn accepted(&self) -> u64 {
        self.accepted
    }

    pub(super) const fn stray_cancels(&self) -> u64 {
        self.stray_cancels
    }

    pub(super) const fn next_deadline(&self) -> Option<Instant> {
        self.next_deadline
    }

    pub(super) fn ids(&self) -> Vec<CallId> {
        self.open.keys().copied().collect()
    }

    pub(super) fn call(&mut self, id: CallId) -> Option<&mut InboundCall> {
        self.open.get_mut(&id)
    }

    pub(super) fn is_open(&self, id: CallId) -> bool {
        self.open.contains_key(&id)
    }

    /// Tells whether parts of a request are still to come.
    pub(super) fn is_receiving(&self, id: CallId) -> bool {
        self.open.get(&id).is_some_and(|call| call.progress == Progress::Receiving)
    }

    /// Our call whose handler makes this one.
    pub(super) fn parent(&self, id: CallId) -> Option<CallId> {
        self.open.get(&id)?.rare.as_ref()?.parent
    }

    /// Tells whether no call that expects a reply is open.
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Tells whether a call of either kind has not ended.
    pub(super) fn has_calls(&self) -> bool {
        self.oneway.running > 0 || !self.open.is_empty()
    }

    /// Enters a request with its first frame; false if its id is open already.
    pub(super) fn begin(&mut self, id: CallId) -> bool {
        self.accepted += 1;
        !id.expects_reply() || self.open.insert(id, InboundCall::default()).is_none()
    }

    /// Enters a plain call that starts at once: [`Self::begin`] and [`Self::admit`] in one. False, with nothing done, if
    /// its id is open already.
    #[inline]
    pub(super) fn begin_plain(&mut self, id: CallId) -> bool {
        let Entry::Vacant(entry) = self.open.entry(id) else { return false };
        let share = Share::default();
        entry.insert(InboundCall { progress: Progress::Running, share: Some(share), rare: None });
        self.accepted += 1;
        self.shares.take(share);
        true
    }

    /// Takes note that a request is whole: its call takes its share of the limits.
    pub(super) fn admit(&mut self, request: &Request, share: Share) {
        let Some(call) = self.open.get_mut(&request.id) else { return };
        let deadline = request.opening.deadline;
        call.set_deadline(deadline);
        call.progress = Progress::Running;
        call.share = Some(share);
        self.shares.take(share);
        self.next_deadline = earlier(self.next_deadline, deadline);
    }

    /// Takes a call off that is over.
    pub(super) fn end(&mut self, id: CallId) -> Option<InboundCall> {
        let call = self.open.remove(&id)?;
        if let Some(share) = call.share {
            self.shares.give_back(share);
        }
        if let Some(rare) = &call.rare {
            self.expected = self.expected.saturating_sub(rare.expected);
        }
        Some(call)
    }

    /// Counts a call that is refused for the limits; gives how many there were.
    pub(super) const fn count_refused(&mut self) -> u32 {
        self.refused += 1;
        self.refused
    }

    pub(super) const fn begin_oneway(&mut self, cost: usize) {
        self.oneway.held += cost;
        self.oneway.running += 1;
    }

    pub(super) const fn end_oneway(&mut self, cost: usize) {
        self.oneway.running = self.oneway.running.saturating_sub(1);
        self.oneway.held = self.oneway.held.saturating_sub(cost);
        self.owe_oneway(cost);
    }

    /// Takes note of credit that the peer has back of a call which was not started.
    pub(super) const fn owe_oneway(&mut self, cost: usize) {
        self.oneway.owed += cost;
    }

    /// Bytes that the peer has no credit for.
    pub(super) const fn oneway_window(&self) -> usize {
        self.oneway.held + self.oneway.owed
    }

    /// Takes the credit that the peer is owed, if it is as much as `least`, or nothing more is to come.
    pub(super) fn take_oneway_credit(&mut self, least: usize) -> Option<u32> {
        let due = self.oneway.owed >= least || self.oneway.held == 0;
        due.then(|| std::mem::take(&mut self.oneway.owed) as u32)
    }

    pub(super) fn hold(&mut self, request: Request, line: Line) {
        self.held.hold(request, line);
    }

    pub(super) fn lets_pass(&self, request: &Request) -> bool {
        self.held.lets_pass(request)
    }

    /// Tells whether calls wait that others wait behind.
    #[inline]
    pub(super) fn makes_wait(&self) -> bool {
        self.held.first(Line::Outer).is_some() || self.held.first(Line::Nested).is_some()
    }

    /// Stops a call that its caller cancels; `None` if there is nothing to do.
    pub(super) fn cancel(&mut self, id: CallId) -> Option<Halted> {
        let Some(call) = self.open.get_mut(&id) else {
            self.stray_cancels += 1;
            return None;
        };
        match call.progress {
            Progress::Receiving => Some(Halted::Receiving),
            Progress::Running => {
                call.progress = Progress::Ending;
                Some(if self.held.withdraw(id) { Halted::Held } else { Halted::Running })
            }
            Progress::Ending => None,
        }
    }

    /// Stops the calls whose deadlines have passed.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<(CallId, Halted)> {
        let (mut next, mut stopped) = (None, Vec::new());
        for (&id, call) in &mut self.open {
            match call.deadline() {
                Some(deadline) if deadline <= now => {
                    call.set_deadline(None);
                    if call.progress == Progress::Running {
                        call.progress = Progress::Ending;
                        let held = self.held.withdraw(id);
                        stopped.push((id, if held { Halted::Held } else { Halted::Running }));
                    }
                }
                deadline => next = earlier(next, deadline),
            }
        }
        self.next_deadline = next;
        stopped
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
        let Waiting { calls, streams, oneway } = self.held.waiting();
        (self.shares.open() + self.oneway.running).saturating_sub(calls + streams + oneway)
    }

    /// The room for the handler of this call.
    pub(super) fn room(&self, limits: &Limits, request: &Request) -> Headroom {
        let waiting = self.held.waiting();
        let free = match class_of(request) {
            Some(class @ Class::Call) => {
                let most = limits.max_calls.saturating_mul(Nesting::of(&request.opening).times());
                self.shares.of(class) - waiting.calls < most
            }
            Some(class @ Class::Stream) => {
                self.shares.of(class) - waiting.streams < limits.max_streams
            }
            None => true,
        };
        if free { Headroom::Some } else { Headroom::None }
    }
}

impl InboundCall {
    fn deadline(&self) -> Option<Instant> {
        self.rare.as_ref()?.deadline
    }

    fn set_deadline(&mut self, deadline: Option<Instant>) {
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
