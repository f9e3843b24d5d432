//! The ends of calls that this side opened: by the peer's reply, on this side alone, or with the connection.

use std::time::Instant;

use super::{
    super::{
        queue::{Lane, QueuedCall},
        shares::Share,
        slot::{Peer, Rare, Slot, SlotState},
        waiter::Wakers,
    },
    Abandoned, Outbound, earlier,
};
use crate::proto::{
    CallId, Code, Codec, Execution, Failure, Limits, Metadata, Outcome, Payload, Status,
};

impl Outbound {
    /// Ends a plain call with a plain value, as nearly all end. False, with nothing done, for any other; its twin is
    /// [`Self::complete`].
    #[inline]
    pub(in super::super) fn complete_plain(
        &mut self,
        id: CallId,
        codec: Codec,
        payload: impl FnOnce() -> Payload,
        wakers: &mut Wakers,
    ) -> bool {
        let Some(slot) = self.slots.get_mut(id.0 as usize) else { return false };
        let SlotState::Sent(waker) = &mut slot.state else { return false };
        if slot.rare.is_some() || slot.ordinal.is_unsent() || slot.ordinal.codec() != codec {
            return false;
        }
        wakers.wake(waker.take());
        // It holds nothing any more, which the compiler does not know.
        std::mem::forget(std::mem::replace(&mut slot.state, SlotState::Done(Ok(payload()))));
        self.give_back(Share::default());
        true
    }

    /// Ends a call with what the peer replied. False if the peer has no business replying to it.
    #[inline]
    pub(in super::super) fn complete(
        &mut self,
        id: CallId,
        outcome: Outcome,
        metadata: Option<Box<Metadata>>,
        wakers: &mut Wakers,
    ) -> bool {
        let Some(slot) = self.slots.get_mut(id.0 as usize) else { return false };
        if slot.ordinal.is_unsent() || !slot.is_owed() {
            return false;
        }
        let share = slot.share();
        match &mut slot.state {
            SlotState::Sent(waker) => {
                wakers.wake(waker.take());
                slot.state = SlotState::Done(outcome);
                slot.rare = metadata
                    .map(|metadata| Box::new(Rare { metadata: Some(metadata), ..Rare::default() }));
            }
            SlotState::Abandoned => drop(self.slots.remove(id.0 as usize)),
            _ => slot.disown(),
        }
        self.give_back(share);
        true
    }

    /// Ends a call on this side alone. The peer keeps the share of one that it still owes the reply of.
    pub(in super::super) fn settle(
        &mut self,
        id: CallId,
        status: Status,
        peer: Peer,
        wakers: &mut Wakers,
    ) {
        let Some(slot) = self.slots.get_mut(id.0 as usize) else { return };
        let (owed, share) = (slot.is_owed(), slot.share());
        wakers.wake(slot.take_waker());
        let outcome = Err(Failure::Status(status));
        slot.rare = None;
        match peer {
            // It owes nothing of a call that it has ended.
            Peer::Owes if owed => {
                slot.state = SlotState::Settled(Box::new(outcome));
                if !share.is_plain() {
                    slot.rare = Some(Box::new(Rare { share, ..Rare::default() }));
                }
            }
            Peer::Owes | Peer::Done => {
                slot.state = SlotState::Done(outcome);
                if owed {
                    self.free(share);
                }
            }
        }
    }

    /// Ends a sent call that the peer will not speak of again; its caller, if one waits, gets `status`.
    pub(in super::super) fn lose(&mut self, id: CallId, status: Status, wakers: &mut Wakers) {
        if self.is_awaited(id) {
            self.settle(id, status, Peer::Done, wakers);
        } else {
            self.forget(id);
        }
    }

    /// Forgets what the peer owes of a call that nobody waits for.
    pub(in super::super) fn forget(&mut self, id: CallId) {
        let Some(slot) = self.slots.get_mut(id.0 as usize) else { return };
        let share = slot.share();
        match slot.state {
            SlotState::Abandoned => drop(self.slots.remove(id.0 as usize)),
            SlotState::Settled(_) => slot.disown(),
            _ => return,
        }
        self.free(share);
    }

    fn free(&mut self, share: Share) {
        self.give_back(share);
        self.freed = true;
    }

    /// Gives a call up whose outcome nobody will fetch.
    pub(in super::super) fn abandon(&mut self, id: CallId, wakers: &mut Wakers) -> Abandoned {
        let Some(slot) = self.slots.get_mut(id.0 as usize) else { return Abandoned::Over };
        slot.clear_deadline();
        match &mut slot.state {
            SlotState::Queued(queued) => {
                let turn = queued.turn();
                wakers.retire(queued.waker.take());
                slot.state = SlotState::Withdrawn;
                // It is taken off the queue with others, so that each costs little.
                if self.queues.withdraw(id, turn) {
                    self.prune_queue();
                }
            }
            SlotState::Settled(_) => slot.state = SlotState::Abandoned,
            SlotState::Done(_) => drop(self.slots.remove(id.0 as usize)),
            SlotState::Sent(waker) => {
                wakers.retire(waker.take());
                slot.state = SlotState::Abandoned;
                return Abandoned::Sent;
            }
            SlotState::Withdrawn | SlotState::Abandoned => {}
        }
        Abandoned::Over
    }

    /// Ends the calls that wait in the queues and that `which` names.
    pub(in super::super) fn end_queued(
        &mut self,
        status: &Status,
        which: impl Fn(CallId, &QueuedCall) -> bool,
        wakers: &mut Wakers,
    ) {
        for (index, slot) in &mut self.slots {
            if let SlotState::Queued(queued) = &mut slot.state
                && which(CallId(index as u32), queued)
            {
                wakers.wake(queued.waker.take());
                slot.state = SlotState::Done(Err(Failure::Status(status.clone())));
                slot.rare = None;
            }
        }
        self.prune_queue();
    }

    /// Calls that the peer has not ended, of which `which` tells.
    pub(in super::super) fn owed(&self, which: impl Fn(&Slot) -> bool) -> Vec<CallId> {
        let owed = self.slots.iter().filter(|(_, slot)| slot.is_owed() && which(slot));
        owed.map(|(index, _)| CallId(index as u32)).collect()
    }

    /// Ends the queued calls whose deadlines have passed; `limits` are the peer's, if they are known. Gives the sent ones, with how far they have got.
    pub(in super::super) fn expire(
        &mut self,
        now: Instant,
        limits: Option<&Limits>,
        wakers: &mut Wakers,
    ) -> Vec<(CallId, Execution)> {
        for lane in Lane::ALL {
            if self.queues.ids(lane).next().is_none() {
                continue;
            }
            let reason = self.wait_reason(lane, limits);
            let message = format!("the deadline passed before the call was sent: {reason}");
            let status = Status::not_started(Code::DeadlineExceeded, message);
            let is_due = |queued: &QueuedCall| {
                queued.turn().lane == lane && queued.opening.deadline.is_some_and(|due| due <= now)
            };
            self.end_queued(&status, |_, queued| is_due(queued), wakers);
        }
        let (mut next, mut sent) = (None, Vec::new());
        for (index, slot) in &mut self.slots {
            match slot.deadline() {
                Some(deadline) if deadline <= now => match slot.state {
                    SlotState::Sent(_) => sent.push((CallId(index as u32), slot.execution())),
                    _ => slot.clear_deadline(),
                },
                deadline => next = earlier(next, deadline),
            }
        }
        self.next_deadline = next;
        sent
    }
}
