//! What becomes of ordered calls with their connection: those that have not ended when it takes no more calls, in their order.

use super::{
    super::{
        outbox::Outbox,
        slot::{Ordinal, Slot, SlotState},
    },
    Outbound,
};
use crate::proto::{CallId, Execution, Failure, Outcome, connection::Connection};

/// How an ordered call stands whose connection takes no more calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// The peer has it, and has not ended it.
    Runs,
    /// It was not started, and its caller has not seen that.
    Unseen,
    /// Its caller has seen its end, or is gone; or it has ended otherwise.
    Over,
}

/// An ordered call that had not ended when its connection took no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LeftCall {
    pub(crate) id: CallId,
    /// Whether the peer has it and goes on with it; it was not started otherwise.
    pub(crate) runs: bool,
}

impl Outbound {
    /// The connection takes no more calls: notes the ordered ones that have not ended, in the order in which they were opened.
    /// The peer has the first `accepted` that were sent; they go on, or may have run and end.
    pub(in super::super) fn note_left(&mut self, outbox: &Outbox, accepted: u64, go_on: bool) {
        let is_ordered = |slot: &Slot| {
            slot.ordinal.is_ordered()
                && matches!(slot.state, SlotState::Sent(_) | SlotState::Queued(_))
        };
        let id = |index: usize| CallId(index as u32);
        let ordered = self.slots.iter().filter(|(_, slot)| is_ordered(slot));
        let begun = ordered.filter(|(_, slot)| !slot.ordinal.is_unsent());
        let mut begun: Vec<_> = begun.map(|(at, slot)| (slot.ordinal, id(at))).collect();
        begun.sort_unstable_by_key(|(ordinal, _)| ordinal.number());
        let runs = |ordinal: Ordinal| ordinal.is_among(accepted);
        let begun = begun.into_iter().map(|(at, id)| LeftCall { id, runs: runs(at) });
        let unbegun = outbox.unbegun_requests().chain(self.queues.ordered());
        let waits = |call: &CallId| self.slot(*call).is_some_and(is_ordered);
        let unbegun = unbegun.filter(waits).map(|id| LeftCall { id, runs: false });
        self.left = begun.filter(|call| go_on || !call.runs).chain(unbegun).collect();
    }

    /// The ordered calls that had not ended when the connection took no more, in their order.
    pub(in super::super) fn left(&self) -> &[LeftCall] {
        &self.left
    }

    fn stands(&self, id: CallId) -> Left {
        let ended = |outcome: &Outcome| match outcome {
            Err(Failure::Status(status)) if status.execution() == Execution::NotStarted => {
                Left::Unseen
            }
            _ => Left::Over,
        };
        match self.slot(id).map(|slot| &slot.state) {
            Some(SlotState::Queued(_) | SlotState::Sent(_)) => Left::Runs,
            Some(SlotState::Settled(outcome)) => ended(outcome),
            Some(SlotState::Done(outcome)) => ended(outcome),
            Some(SlotState::Withdrawn | SlotState::Abandoned) | None => Left::Over,
        }
    }
}

impl Connection {
    /// The ordered calls of this side that had not ended when the connection took no more calls, in their order; without those
    /// that may have run and are over.
    pub(crate) fn left_ordered(&self) -> &[LeftCall] {
        self.outbound.left()
    }

    /// How one of them stands now.
    pub(crate) fn stands(&self, id: CallId) -> Left {
        self.outbound.stands(id)
    }
}
