//! The calls that this side opened: a slab of slots, the id is the index.
//!
//! ```text
//!            open                     promote            reply
//!  (free) ────────▶ Queued ──────────────────▶ Sent ───────────▶ Done ──take──▶ (free)
//!                     │ cancel                  │ cancel, deadline
//!                     ▼                         ▼
//!                  Withdrawn ──promote──▶ (free)   Abandoned ──reply──▶ (free)
//! ```
//!
//! A call waits in the queue while the peer's limits do not allow it to be sent: the caller sees one
//! future either way. An id is free again only when the peer can no longer speak of it.

use std::{
    task::{Poll, Waker},
    time::Instant,
};

use slab::Slab;

use super::{
    queue::{Lane, QueuedCall, Queues},
    shares::{Class, Share, Shares},
    slot::{Ordinal, Rare, Slot, SlotState},
    waiter::Waiter,
};
use crate::proto::{CallId, Codec, Ended, Metadata, Opening, Order, Outcome, Payload};

#[derive(Debug, Default)]
pub(super) struct Outbound {
    pub(super) slots: Slab<Slot>,
    /// Calls to be sent when the limits allow it.
    pub(super) queues: Queues,
    /// A share of the limit was freed with nothing to be written or read: queued calls wait for it.
    pub(super) share_freed: bool,
    /// What the calls take of the peer's limits that were sent and not ended.
    pub(super) shares: Shares,
    /// Bytes of one-way calls that were sent, less those that the peer has given credit for.
    pub(super) oneway: usize,
    /// Requests sent on this connection, one-way calls included.
    pub(super) sent: u64,
    /// No live slot has an earlier deadline than this.
    pub(super) next_deadline: Option<Instant>,
}

impl Outbound {
    /// Enters a call that waits to be sent.
    pub(super) fn insert_queued(&mut self, queued: QueuedCall) -> CallId {
        let (lane, impatient) = (queued.lane(), queued.is_impatient());
        let ordered = queued.opening.order == Order::Kept;
        let slot = self.slot_of(&queued.opening);
        let slot = Slot { state: SlotState::Queued(Box::new(queued)), ..slot };
        let id = CallId(self.slots.insert(slot) as u32);
        self.queues.push(id, lane, ordered, impatient);
        id
    }

    /// Enters a call that is about to be sent.
    pub(super) fn insert_sending(&mut self, opening: &Opening, share: Share) -> CallId {
        let slot = self.slot_of(opening);
        let id = CallId(self.slots.insert(slot) as u32);
        self.take_share(id, share);
        id
    }

    /// A slot for a call of which no frame has left.
    fn slot_of(&mut self, opening: &Opening) -> Slot {
        let &Opening { deadline, parent, codec, .. } = opening;
        self.next_deadline = earlier(self.next_deadline, deadline);
        let is_rare = deadline.is_some() || parent.is_some();
        let rare = is_rare.then(|| Box::new(Rare { deadline, parent, ..Rare::default() }));
        Slot { state: SlotState::Sent(None), ordinal: Ordinal::unsent(codec), rare }
    }

    /// Enters a call whose first frame is on its way.
    pub(super) fn insert_sent(&mut self, codec: Codec) -> CallId {
        let ordinal = Ordinal::new(self.sent, codec);
        self.sent += 1;
        self.shares.calls += 1;
        let slot = Slot { state: SlotState::Sent(None), ordinal, rare: None };
        CallId(self.slots.insert(slot) as u32)
    }

    /// Enters a call whose reply nobody waits for.
    pub(super) fn insert_abandoned(&mut self, codec: Codec, share: Share) -> CallId {
        let ordinal = Ordinal::unsent(codec);
        let slot = Slot { state: SlotState::Abandoned, ordinal, rare: None };
        let id = CallId(self.slots.insert(slot) as u32);
        self.take_share(id, share);
        id
    }

    /// A call takes its share of the peer's limits.
    pub(super) fn take_share(&mut self, id: CallId, share: Share) {
        self.shares.take(share);
        if !share.is_plain()
            && let Some(slot) = self.slot(id)
        {
            slot.rare.get_or_insert_default().share = share;
        }
    }

    /// A call that the peer has ended, or never learns of, gives its share back.
    #[inline]
    pub(super) fn give_back(&mut self, share: Share) {
        self.shares.give_back(share);
        // Calls of the program wait for as long as it takes.
        let lane = match share.class {
            Class::Call => Lane::Nested,
            Class::Stream => Lane::Streams,
        };
        self.queues.progressed(lane);
    }

    pub(super) fn slot(&mut self, id: CallId) -> Option<&mut Slot> {
        self.slots.get_mut(id.0 as usize)
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
            SlotState::Done(_) => {
                let metadata = slot.rare.as_mut().and_then(|rare| rare.metadata.take());
                let done = match slot.is_owed() {
                    true => std::mem::replace(&mut slot.state, SlotState::Abandoned),
                    false => self.slots.remove(index).state,
                };
                let SlotState::Done(outcome) = done else { unreachable!("matched above") };
                return Poll::Ready((outcome, metadata));
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

    /// Leaves the waker of who has just opened a call.
    #[inline]
    pub(super) fn wait(&mut self, id: CallId, waker: Waker) {
        match self.slots.get_mut(id.0 as usize).map(|slot| &mut slot.state) {
            Some(SlotState::Sent(waiting)) => *waiting = Some(waker),
            Some(SlotState::Queued(queued)) => queued.waker = Some(waker),
            _ => debug_assert!(false, "call {id} was not just opened"),
        }
    }

    /// Ends a plain call with a plain value, as nearly all end. False, with nothing done, for any other.
    #[inline]
    pub(super) fn complete_plain(
        &mut self,
        id: CallId,
        codec: Codec,
        payload: impl FnOnce() -> Payload,
        wakes: &mut Vec<Waker>,
    ) -> bool {
        let Some(slot) = self.slots.get_mut(id.0 as usize) else { return false };
        let SlotState::Sent(waker) = &mut slot.state else { return false };
        if slot.rare.is_some() || slot.ordinal.is_unsent() || slot.ordinal.codec() != codec {
            return false;
        }
        if let Some(waker) = waker.take() {
            wakes.push(waker);
        }
        slot.state = SlotState::Done(Ok(payload()));
        self.give_back(Share::default());
        true
    }

    /// Ends a call on this side with what the peer replied. Returns false if the peer has no business
    /// replying to it.
    #[inline]
    pub(super) fn complete(
        &mut self,
        id: CallId,
        outcome: Outcome,
        metadata: Option<Box<Metadata>>,
        wakes: &mut Vec<Waker>,
    ) -> bool {
        let Some(slot) = self.slots.get_mut(id.0 as usize) else { return false };
        if slot.ordinal.is_unsent() {
            return false;
        }
        let mut share = Share::default();
        match &mut slot.state {
            SlotState::Sent(waker) => {
                wakes.extend(waker.take());
                slot.state = SlotState::Done(outcome);
                if let Some(rare) = slot.rare.take() {
                    share = rare.share;
                }
                if metadata.is_some() {
                    slot.rare = Some(Box::new(Rare { metadata, ..Rare::default() }));
                }
            }
            SlotState::Done(_) if slot.rare.as_ref().is_some_and(|rare| rare.owed) => {
                share = slot.share();
                slot.rare = None;
            }
            SlotState::Abandoned => {
                share = slot.share();
                self.slots.remove(id.0 as usize);
            }
            _ => return false,
        }
        self.give_back(share);
        true
    }

    /// The first frame of a call is on its way: from here on the peer may know of it.
    pub(super) fn begin(&mut self, id: CallId) {
        let ordinal = self.sent;
        self.sent += 1;
        if let Some(slot) = self.slot(id) {
            slot.ordinal.send(ordinal);
        }
    }

    /// Gives up a call that the queue names. It is taken off the queue with others, so that each costs
    /// little. Gives the waker of who waited.
    pub(super) fn withdraw(&mut self, id: CallId) -> Option<Waker> {
        let slot = self.slots.get_mut(id.0 as usize)?;
        let SlotState::Queued(queued) = &mut slot.state else { return None };
        let (lane, impatient) = (queued.lane(), queued.is_impatient());
        let ordered = queued.opening.order == Order::Kept;
        let waker = queued.waker.take();
        slot.state = SlotState::Withdrawn;
        if self.queues.withdraw(id, lane, ordered, impatient) {
            self.prune_queue();
        }
        waker
    }

    /// Takes calls off the queues that wait no longer.
    pub(super) fn prune_queue(&mut self) {
        let slots = &mut self.slots;
        self.queues.retain(|id| match slots.get(id.0 as usize).map(|slot| &slot.state) {
            Some(SlotState::Queued(queued)) => Some(queued.is_impatient()),
            Some(SlotState::Withdrawn) => {
                slots.remove(id.0 as usize);
                None
            }
            _ => None,
        });
    }

    /// Whether the peer may still send a reply to this call.
    pub(super) fn awaits_reply(&self, id: CallId) -> bool {
        self.slots
            .get(id.0 as usize)
            .is_some_and(|slot| !slot.ordinal.is_unsent() && slot.is_owed())
    }

    /// The codec that the reply to a call of this side must have.
    pub(super) fn codec(&self, id: CallId) -> Option<Codec> {
        self.slots.get(id.0 as usize).map(|slot| slot.ordinal.codec())
    }
}

/// The earlier of two times, where either may be missing.
pub(super) fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
