//! What is kept of a call of this side until its caller has its end and the peer no longer speaks of it.

use std::{task::Waker, time::Instant};

use super::{queue::QueuedCall, shares::Share};
use crate::proto::{CallId, Codec, Execution, Metadata, Order, Outcome};

/// One cache line: with many calls in flight, on several cores, it is fetched anew for each step of a call.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Slot {
    pub(super) state: SlotState,
    pub(super) ordinal: Ordinal,
    /// What most calls do not have.
    pub(super) rare: Option<Box<Rare>>,
}

/// The call is the connection's n-th request, counted from 0; [`Ordinal::UNSENT`] before its first frame. The two highest
/// bits keep the codec, and whether the call is ordered, so that a slot stays one cache line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ordinal(u64);

impl Ordinal {
    /// No frame has left yet.
    const UNSENT: u64 = u64::MAX >> 2;
    const ORDERED: u64 = 1 << 62;
    const JSON: u64 = 1 << 63;

    pub(super) const fn new(number: u64, codec: Codec) -> Self {
        match codec {
            Codec::Json => Self(number | Self::JSON),
            _ => Self(number),
        }
    }

    pub(super) const fn unsent(codec: Codec, order: Order) -> Self {
        let Self(bits) = Self::new(Self::UNSENT, codec);
        match order {
            Order::Kept => Self(bits | Self::ORDERED),
            Order::Any => Self(bits),
        }
    }

    pub(super) const fn number(self) -> u64 {
        self.0 & Self::UNSENT
    }

    pub(super) const fn is_ordered(self) -> bool {
        self.0 & Self::ORDERED != 0
    }

    pub(super) const fn is_unsent(self) -> bool {
        self.number() == Self::UNSENT
    }

    /// Whether it is one of the first `count` requests.
    pub(super) const fn is_among(self, count: u64) -> bool {
        self.number() < count
    }

    pub(super) const fn codec(self) -> Codec {
        if self.0 & Self::JSON == 0 { Codec::Bincode } else { Codec::Json }
    }

    pub(super) const fn send(&mut self, number: u64) {
        self.0 = number | (self.0 & !Self::UNSENT);
    }
}

/// What few calls have.
#[derive(Debug, Default)]
pub(super) struct Rare {
    pub(super) deadline: Option<Instant>,
    /// The peer's call whose handler makes this one.
    pub(super) parent: Option<CallId>,
    /// What it takes of the peer's limits.
    pub(super) share: Share,
    /// What came beside the reply.
    pub(super) metadata: Option<Box<Metadata>>,
}

/// Where a call stands: what its caller has of it, and what the peer owes.
///
/// ```text
///            nobody owes                        the peer owes its end
///    open ─▶ Queued ───── promote ────────────▶ Sent ─ cancel ─▶ Abandoned ─ reply, lose ─▶ (free)
///              │ cancel                         │  │                 ▲
///              ▼                                │  └─ settle ─▶ Settled
///          Withdrawn ─ prune ─▶ (free)          │                    │ reply, lose
///                         reply, lose, settle   ▼                    ▼
///                              (free) ◀─ take ─ Done ◀───────────────┘
/// ```
#[derive(Debug)]
pub(super) enum SlotState {
    /// Not sent yet.
    Queued(Box<QueuedCall>),
    /// Cancelled before it was sent; the queue still names it.
    Withdrawn,
    /// Sent, or about to be, with the waker of its caller.
    Sent(Option<Waker>),
    /// Ended on this side alone; its caller has not fetched the outcome.
    Settled(Box<Outcome>),
    /// Sent, and nobody waits for it.
    Abandoned,
    /// Ended; its caller has not fetched the outcome.
    Done(Outcome),
}

impl Slot {
    /// Tells whether the peer has the call, or will have it, and has not ended it.
    pub(super) const fn is_owed(&self) -> bool {
        matches!(self.state, SlotState::Sent(_) | SlotState::Settled(_) | SlotState::Abandoned)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.rare.as_ref()?.deadline
    }

    /// What it takes of the peer's limits.
    pub(super) fn share(&self) -> Share {
        self.rare.as_ref().map_or_else(Share::default, |rare| rare.share)
    }

    pub(super) fn clear_deadline(&mut self) {
        if let Some(rare) = &mut self.rare {
            rare.deadline = None;
        }
    }

    /// The peer's call whose handler makes this one.
    pub(super) fn parent(&self) -> Option<CallId> {
        self.rare.as_ref()?.parent
    }

    /// How far a sent call has got that the peer has not ended.
    pub(super) const fn execution(&self) -> Execution {
        // What waits to be written still will be, with the cancel behind it.
        if self.ordinal.is_unsent() { Execution::NotStarted } else { Execution::MayHaveRun }
    }

    /// The peer will not speak of a call again that was settled.
    pub(super) fn disown(&mut self) {
        self.rare = None;
        match std::mem::replace(&mut self.state, SlotState::Withdrawn) {
            SlotState::Settled(outcome) => self.state = SlotState::Done(*outcome),
            other => self.state = other,
        }
    }

    pub(super) fn take_waker(&mut self) -> Option<Waker> {
        match &mut self.state {
            SlotState::Sent(waker) => waker.take(),
            SlotState::Queued(queued) => queued.waker.take(),
            _ => None,
        }
    }
}

/// The part of the peer in the end of a call on this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    /// It owes the reply.
    Owes,
    /// It never learns of the call, or has ended it.
    Done,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_one_cache_line() {
        assert_eq!(size_of::<Slot>(), 64);
    }
}
