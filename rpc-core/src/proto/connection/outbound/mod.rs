//! The calls that this side opened: a slab of slots, the id is the index. `SlotState` draws their states.
//!
//! A call waits in the queue while the peer's limits do not allow it to be sent: the caller sees one
//! future either way. An id is free again only when the peer can no longer speak of it.

mod ends;
mod ordered;
mod reason;

pub(crate) use ordered::{Left, LeftCall};

use std::{
    task::{Poll, Waker},
    time::Instant,
};

use slab::Slab;

use super::{
    queue::{Lane, QueuedCall, Queues},
    shares::{Class, Share, Shares},
    slot::{Ordinal, Rare, Slot, SlotState},
    waiter::{Waiter, Wakers},
};
use crate::proto::{CallId, Codec, Ended, Opening, Order, Outcome};

/// The table of the calls that this side opened.
///
/// Invariant: `shares` is the sum of what the slots hold that are owed, no more and no less.
#[derive(Debug, Default)]
pub(super) struct Outbound {
    slots: Slab<Slot>,
    /// Calls to be sent when the limits allow it.
    queues: Queues,
    /// A share of the limit was freed with nothing to be written or read: queued calls wait for it.
    freed: bool,
    /// The part of the peer's limits that is taken by calls which were sent and have not ended.
    shares: Shares,
    /// Bytes of one-way calls that were sent, less those that the peer has given credit for.
    oneway: usize,
    /// Requests sent on this connection, one-way calls included.
    sent: u64,
    /// No live slot has an earlier deadline than this.
    next_deadline: Option<Instant>,
    /// The ordered calls that had not ended when the connection took no more.
    left: Box<[LeftCall]>,
}

/// The state of a call that was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Abandoned {
    /// It was on its way: the peer is to be asked to end it.
    Sent,
    /// Nothing is to be done.
    Over,
}

/// The step that a queued call goes on to.
pub(super) enum Step {
    /// It is sent, and takes this share.
    Sent(Share),
    /// It ends on this side.
    Ended(Outcome),
}

impl Outbound {
    pub(super) const fn shares(&self) -> &Shares {
        &self.shares
    }

    pub(super) const fn queues(&self) -> &Queues {
        &self.queues
    }

    pub(super) const fn oneway(&self) -> usize {
        self.oneway
    }

    pub(super) const fn sent(&self) -> u64 {
        self.sent
    }

    pub(super) const fn next_deadline(&self) -> Option<Instant> {
        self.next_deadline
    }

    /// Calls that are not finished, waiting ones included.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn slot(&self, id: CallId) -> Option<&Slot> {
        self.slots.get(id.0 as usize)
    }

    /// The call with this id, if it waits in a queue.
    pub(super) fn queued(&self, id: CallId) -> Option<&QueuedCall> {
        match &self.slot(id)?.state {
            SlotState::Queued(queued) => Some(queued),
            _ => None,
        }
    }

    /// Tells whether queued calls are to be looked at although nothing is read or written.
    pub(super) fn wants_promotion(&self) -> bool {
        self.freed && !self.queues.is_empty()
    }

    /// Begins a look at the queued calls; false if there are none.
    pub(super) fn begin_promotion(&mut self, now: Instant) -> bool {
        self.freed = false;
        self.queues.note_time(now);
        !self.queues.is_empty()
    }

    /// Tells the lanes the present.
    pub(super) fn note_time(&mut self, now: Instant) {
        self.queues.note_time(now);
    }

    /// Enters a call that waits to be sent.
    pub(super) fn enqueue(&mut self, queued: QueuedCall) -> CallId {
        let turn = queued.turn();
        let slot = self.slot_of(&queued.opening);
        let slot = Slot { state: SlotState::Queued(Box::new(queued)), ..slot };
        let id = CallId(self.slots.insert(slot) as u32);
        self.queues.push(id, turn);
        id
    }

    /// Enters a call that is about to be sent.
    pub(super) fn start(&mut self, opening: &Opening, share: Share) -> CallId {
        let mut slot = self.slot_of(opening);
        take_share(&mut self.shares, &mut slot, share);
        CallId(self.slots.insert(slot) as u32)
    }

    /// Enters a plain call, whose first frame is on its way: [`Self::start`] and [`Self::begin`] in one.
    pub(super) fn start_plain(&mut self, codec: Codec) -> CallId {
        let ordinal = Ordinal::new(self.sent, codec);
        self.sent += 1;
        self.shares.take(Share::default());
        let slot = Slot { state: SlotState::Sent(None), ordinal, rare: None };
        CallId(self.slots.insert(slot) as u32)
    }

    /// Enters a call whose reply nobody waits for.
    pub(super) fn start_abandoned(&mut self, codec: Codec, share: Share) -> CallId {
        let ordinal = Ordinal::unsent(codec, Order::Any);
        let mut slot = Slot { state: SlotState::Abandoned, ordinal, rare: None };
        take_share(&mut self.shares, &mut slot, share);
        CallId(self.slots.insert(slot) as u32)
    }

    /// A slot for a call of which no frame has left.
    fn slot_of(&mut self, opening: &Opening) -> Slot {
        let &Opening { deadline, parent, codec, order, .. } = opening;
        self.next_deadline = earlier(self.next_deadline, deadline);
        let is_rare = deadline.is_some() || parent.is_some();
        let rare = is_rare.then(|| Box::new(Rare { deadline, parent, ..Rare::default() }));
        Slot { state: SlotState::Sent(None), ordinal: Ordinal::unsent(codec, order), rare }
    }

    /// Gives the share of a call back that the peer has ended, or never learns of.
    #[inline]
    fn give_back(&mut self, share: Share) {
        self.shares.give_back(share);
        // Calls of the program wait for as long as it takes.
        let lane = match share.class {
            Class::Call => Lane::Nested,
            Class::Stream => Lane::Streams,
        };
        self.queues.progressed(lane);
    }

    /// Takes note of a one-way call of so many bytes that is sent.
    pub(super) const fn take_oneway(&mut self, bytes: usize) {
        self.oneway += bytes;
    }

    /// Takes note that the peer's handlers of one-way calls have ended which took so many bytes.
    pub(super) fn give_oneway(&mut self, bytes: usize) {
        self.oneway = self.oneway.saturating_sub(bytes);
        self.queues.progressed(Lane::NestedOneway);
    }

    /// The first call that waits in a lane.
    pub(super) fn first(&mut self, lane: Lane) -> Option<CallId> {
        loop {
            let id = self.queues.front(lane)?;
            if self.queued(id).is_some() {
                return Some(id);
            }
            self.prune_queue();
        }
    }

    /// Takes the first call of a lane off its queue.
    pub(super) fn promote(
        &mut self,
        now: Instant,
        id: CallId,
        step: Step,
        wakers: &mut Wakers,
    ) -> Option<Box<QueuedCall>> {
        let slot = self.slots.get_mut(id.0 as usize)?;
        let SlotState::Queued(queued) = &mut slot.state else { return None };
        let (turn, waker) = (queued.turn(), queued.waker.take());
        self.queues.pop(now, turn);
        let next = match step {
            Step::Sent(share) => {
                take_share(&mut self.shares, slot, share);
                SlotState::Sent(waker)
            }
            Step::Ended(outcome) => {
                wakers.wake(waker);
                slot.rare = None;
                SlotState::Done(outcome)
            }
        };
        match std::mem::replace(&mut slot.state, next) {
            SlotState::Queued(queued) => Some(queued),
            _ => None,
        }
    }

    /// Takes note that the first frame of a request is on its way: from here on the peer may know of it.
    pub(super) fn begin(&mut self, id: CallId) {
        let ordinal = self.sent;
        self.sent += 1;
        if let Some(slot) = self.slots.get_mut(id.0 as usize) {
            slot.ordinal.send(ordinal);
        }
    }

    /// Takes the outcome of a call, with what came beside it, or leaves the caller's waker with it.
    pub(super) fn poll(&mut self, id: CallId, waiter: &mut Waiter<'_>) -> Poll<Ended> {
        let index = id.0 as usize;
        let Some(slot) = self.slots.get_mut(index) else {
            debug_assert!(false, "outcome of call {id} was taken already");
            return Poll::Pending;
        };
        let waker = match &mut slot.state {
            SlotState::Sent(waker) => waker,
            SlotState::Queued(queued) => &mut queued.waker,
            SlotState::Settled(_) => {
                let settled = std::mem::replace(&mut slot.state, SlotState::Abandoned);
                let SlotState::Settled(outcome) = settled else { unreachable!("matched above") };
                return Poll::Ready((*outcome, None));
            }
            SlotState::Done(_) => {
                let Slot { state, rare, .. } = self.slots.remove(index);
                let SlotState::Done(outcome) = state else { unreachable!("matched above") };
                return Poll::Ready((outcome, rare.and_then(|rare| rare.metadata)));
            }
            // Nobody waits for these.
            SlotState::Withdrawn | SlotState::Abandoned => return Poll::Pending,
        };
        waiter.wait_in(waker);
        Poll::Pending
    }

    /// Takes the outcome of a call that has ended and has nothing beside it, as nearly all have.
    #[inline]
    pub(super) fn take_plain(&mut self, id: CallId) -> Option<Outcome> {
        let slot = self.slots.get(id.0 as usize)?;
        if slot.rare.is_some() || !matches!(slot.state, SlotState::Done(_)) {
            return None;
        }
        match self.slots.remove(id.0 as usize).state {
            SlotState::Done(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// Leaves the waker of the task that has just opened a call.
    #[inline]
    pub(super) fn wait(&mut self, id: CallId, waker: Waker) {
        match self.slots.get_mut(id.0 as usize).map(|slot| &mut slot.state) {
            Some(SlotState::Sent(waiting)) => *waiting = Some(waker),
            Some(SlotState::Queued(queued)) => queued.waker = Some(waker),
            _ => debug_assert!(false, "call {id} was not just opened"),
        }
    }

    /// Takes calls off the queues that wait no longer.
    fn prune_queue(&mut self) {
        let slots = &mut self.slots;
        self.queues.retain(|id| match slots.get(id.0 as usize).map(|slot| &slot.state) {
            Some(SlotState::Queued(queued)) => Some(queued.turn()),
            Some(SlotState::Withdrawn) => {
                slots.remove(id.0 as usize);
                None
            }
            _ => None,
        });
    }

    /// Tells whether a caller waits for this call.
    pub(super) fn is_awaited(&self, id: CallId) -> bool {
        let state = self.slot(id).map(|slot| &slot.state);
        matches!(state, Some(SlotState::Queued(_) | SlotState::Sent(_)))
    }

    /// Tells whether the peer may still send a reply to this call.
    pub(super) fn awaits_reply(&self, id: CallId) -> bool {
        self.slot(id).is_some_and(|slot| !slot.ordinal.is_unsent() && slot.is_owed())
    }

    /// The codec that the reply to this call must have.
    pub(super) fn codec(&self, id: CallId) -> Option<Codec> {
        self.slot(id).map(|slot| slot.ordinal.codec())
    }
}

fn take_share(shares: &mut Shares, slot: &mut Slot, share: Share) {
    shares.take(share);
    if !share.is_plain() {
        slot.rare.get_or_insert_default().share = share;
    }
}

/// The earlier of two times, where either may be missing.
#[inline]
pub(super) fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
