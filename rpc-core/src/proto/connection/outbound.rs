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
    collections::VecDeque,
    task::{Context, Poll, Waker},
    time::Instant,
};

use slab::Slab;

use crate::proto::{
    CallId, Codec, Metadata, MethodKey, Payload, Status,
    frame::{Failure, Streams},
};

/// How a call ended: with the encoded value, or without.
pub type Outcome = Result<Payload, Failure>;

/// A call to be opened.
#[derive(Debug)]
pub struct NewCall<'a> {
    /// Which method and signature.
    pub key: MethodKey,
    /// How the arguments are encoded; the reply comes in the same codec.
    pub codec: Codec,
    /// When the caller stops waiting.
    pub deadline: Option<Instant>,
    /// What travels beside the arguments.
    pub metadata: Option<&'a Metadata>,
    /// The encoded arguments.
    pub arguments: &'a Payload,
    /// Which ways the call streams.
    pub streams: Streams,
    /// The peer's call on this connection whose handler makes this one.
    pub within: Option<CallId>,
    /// Whether the request is to arrive behind all ordered ones that were sent before it.
    pub ordered: bool,
}

impl NewCall<'_> {
    /// Whether the call is its key and its arguments and nothing else, as most are.
    pub(super) fn is_plain(&self) -> bool {
        self.deadline.is_none()
            && self.metadata.is_none_or(Metadata::is_empty)
            && self.streams == Streams::NONE
            && self.within.is_none()
            && !self.ordered
    }
}

/// One cache line: with many calls in flight, on several cores, it is fetched anew for each step of a call.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Slot {
    pub(super) state: SlotState,
    /// The call is the connection's n-th request, counted from 0; `UNSENT` before its first frame.
    pub(super) ordinal: u64,
    /// What most calls do not have.
    rare: Option<Box<Rare>>,
}

/// What few calls have.
#[derive(Debug, Default)]
struct Rare {
    deadline: Option<Instant>,
    /// The peer's call whose handler makes this one.
    within: Option<CallId>,
    /// The call has ended on this side alone: the peer has not ended it yet.
    owed: bool,
}

#[derive(Debug)]
pub(super) enum SlotState {
    /// Not sent yet.
    Queued(Box<QueuedCall>),
    /// Cancelled before it was sent; the queue still names it.
    Withdrawn,
    /// Sent, or about to be; the peer has not ended it yet. With the waker of who waits.
    Sent(Option<Waker>),
    /// Ended; the caller has not fetched the outcome yet.
    Done(Outcome),
    /// Sent, and nobody waits for it any more; the peer has not ended it yet.
    Abandoned,
}

/// What a queued call needs to be sent later.
#[derive(Debug)]
pub(super) struct QueuedCall {
    pub(super) key: MethodKey,
    pub(super) codec: Codec,
    pub(super) metadata: Option<Box<Metadata>>,
    pub(super) arguments: Payload,
    pub(super) streams: Streams,
    pub(super) within: Option<CallId>,
    pub(super) ordered: bool,
    /// Whether a reply is expected.
    pub(super) reply: bool,
    /// Of who waits.
    pub(super) waker: Option<Waker>,
}

/// The ordinal of a call of which no frame has left yet.
pub(super) const UNSENT: u64 = u64::MAX;

#[derive(Debug, Default)]
pub(super) struct Outbound {
    pub(super) slots: Slab<Slot>,
    /// Calls to be sent when the limits allow it, in the order opened. Bounded by: the callers, each
    /// of which waits for its own, and as many that were withdrawn.
    pub(super) queue: VecDeque<CallId>,
    /// How many calls of the queue are withdrawn.
    withdrawn: usize,
    /// A share of the limit was freed with nothing to be written or read: queued calls wait for it.
    pub(super) share_freed: bool,
    /// Calls sent and not ended.
    pub(super) in_flight: u32,
    /// Requests sent on this connection, one-way calls included.
    pub(super) sent: u64,
    /// No live slot has an earlier deadline than this.
    pub(super) next_deadline: Option<Instant>,
}

impl Outbound {
    pub(super) fn insert(
        &mut self,
        state: SlotState,
        deadline: Option<Instant>,
        within: Option<CallId>,
    ) -> CallId {
        self.next_deadline = earlier(self.next_deadline, deadline);
        let is_rare = deadline.is_some() || within.is_some();
        let rare = is_rare.then(|| Box::new(Rare { deadline, within, owed: false }));
        let slot = Slot { state, ordinal: UNSENT, rare };
        CallId(self.slots.insert(slot) as u32)
    }

    /// Enters a call whose first frame is on its way.
    pub(super) fn insert_sent(&mut self) -> CallId {
        let ordinal = self.sent;
        self.sent += 1;
        self.in_flight += 1;
        let slot = Slot { state: SlotState::Sent(None), ordinal, rare: None };
        CallId(self.slots.insert(slot) as u32)
    }

    pub(super) fn slot(&mut self, id: CallId) -> Option<&mut Slot> {
        self.slots.get_mut(id.0 as usize)
    }

    /// Takes the outcome of a call, or leaves the caller's waker with it.
    pub(super) fn poll(&mut self, id: CallId, cx: &Context<'_>) -> Poll<Outcome> {
        let index = id.0 as usize;
        let Some(slot) = self.slots.get_mut(index) else {
            debug_assert!(false, "outcome of call {id} was taken already");
            return Poll::Pending;
        };
        let waker = match &mut slot.state {
            SlotState::Sent(waker) => waker,
            SlotState::Queued(queued) => &mut queued.waker,
            SlotState::Done(_) => {
                let done = match slot.is_owed() {
                    true => std::mem::replace(&mut slot.state, SlotState::Abandoned),
                    false => self.slots.remove(index).state,
                };
                let SlotState::Done(outcome) = done else { unreachable!("matched above") };
                return Poll::Ready(outcome);
            }
            // Nobody waits for these.
            SlotState::Withdrawn | SlotState::Abandoned => return Poll::Pending,
        };
        match waker {
            Some(waker) => waker.clone_from(cx.waker()),
            None => *waker = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    /// Ends a call on this side with what the peer replied. Returns false if the peer has no business
    /// replying to it.
    pub(super) fn complete(
        &mut self,
        id: CallId,
        outcome: Outcome,
        wakes: &mut Vec<Waker>,
    ) -> bool {
        let Some(slot) = self.slots.get_mut(id.0 as usize) else { return false };
        if slot.ordinal == UNSENT {
            return false;
        }
        match &mut slot.state {
            SlotState::Sent(waker) => {
                wakes.extend(waker.take());
                slot.state = SlotState::Done(outcome);
                slot.rare = None;
            }
            SlotState::Done(_) if slot.rare.as_ref().is_some_and(|rare| rare.owed) => {
                slot.rare = None;
            }
            SlotState::Abandoned => {
                self.slots.remove(id.0 as usize);
            }
            _ => return false,
        }
        self.in_flight -= 1;
        true
    }

    /// The first frame of a call is on its way: from here on the peer may know of it.
    pub(super) fn begin(&mut self, id: CallId) {
        let ordinal = self.sent;
        self.sent += 1;
        if let Some(slot) = self.slot(id) {
            slot.ordinal = ordinal;
        }
    }

    /// Gives up a call that the queue names. It is taken off the queue with others, so that each costs
    /// little.
    pub(super) fn withdraw(&mut self, id: CallId) {
        if let Some(slot) = self.slot(id) {
            slot.state = SlotState::Withdrawn;
            self.withdrawn += 1;
        }
        if 2 * self.withdrawn > self.queue.len() {
            self.prune_queue();
        }
    }

    /// Takes calls off the queue that wait no longer.
    pub(super) fn prune_queue(&mut self) {
        self.withdrawn = 0;
        let slots = &mut self.slots;
        self.queue.retain(|id| match slots.get(id.0 as usize).map(|slot| &slot.state) {
            Some(SlotState::Queued(_)) => true,
            Some(SlotState::Withdrawn) => {
                slots.remove(id.0 as usize);
                false
            }
            _ => false,
        });
    }

    /// Whether the peer may still send a reply to this call.
    pub(super) fn awaits_reply(&self, id: CallId) -> bool {
        self.slots.get(id.0 as usize).is_some_and(|slot| slot.ordinal != UNSENT && slot.is_owed())
    }
}

impl Slot {
    /// Whether the peer has the call, or will have it, and has not ended it.
    pub(super) const fn is_owed(&self) -> bool {
        match self.state {
            SlotState::Sent(_) | SlotState::Abandoned => true,
            SlotState::Done(_) => matches!(&self.rare, Some(rare) if rare.owed),
            SlotState::Queued(_) | SlotState::Withdrawn => false,
        }
    }

    /// The peer will not speak of a call again that has ended.
    pub(super) fn disown(&mut self) {
        if let SlotState::Done(_) = self.state {
            self.rare = None;
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.rare.as_ref()?.deadline
    }

    pub(super) fn clear_deadline(&mut self) {
        if let Some(rare) = &mut self.rare {
            rare.deadline = None;
        }
    }

    /// The peer's call whose handler makes this one.
    pub(super) fn within(&self) -> Option<CallId> {
        self.rare.as_ref()?.within
    }

    /// Takes a queued call to be sent.
    pub(super) fn dequeue(&mut self) -> Option<Box<QueuedCall>> {
        let SlotState::Queued(queued) = &mut self.state else { return None };
        let sent = SlotState::Sent(queued.waker.take());
        match std::mem::replace(&mut self.state, sent) {
            SlotState::Queued(queued) => Some(queued),
            _ => None,
        }
    }

    /// A one-way call that waited is on its way.
    pub(super) fn finish_oneway(&mut self, wakes: &mut Vec<Waker>) {
        self.end(Ok(Payload::new()), false, wakes);
    }

    /// Ends the call on this side alone; `owed` says whether the peer may still speak of it.
    pub(super) fn settle(&mut self, status: Status, owed: bool, wakes: &mut Vec<Waker>) {
        self.end(Err(Failure::Status(status)), owed, wakes);
    }

    fn end(&mut self, outcome: Outcome, owed: bool, wakes: &mut Vec<Waker>) {
        let waker = match &mut self.state {
            SlotState::Sent(waker) => waker.take(),
            SlotState::Queued(queued) => queued.waker.take(),
            _ => None,
        };
        wakes.extend(waker);
        self.state = SlotState::Done(outcome);
        self.rare = owed.then(|| Box::new(Rare { owed, ..Rare::default() }));
    }
}

/// The earlier of two times, where either may be missing.
pub(super) fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_one_cache_line() {
        assert_eq!(size_of::<Slot>(), 64);
    }
}
