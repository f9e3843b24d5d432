//! Calls that wait until the peer's limits allow them to be sent: a lane for each limit, so that one kind of call does
//! not hold another up. Ordered calls keep their order across the lanes.

use std::{collections::VecDeque, task::Waker, time::Instant};

use crate::proto::{CallId, Opening, Order, Payload, Streams};

/// A call that waits to be sent.
#[derive(Debug)]
pub(super) struct QueuedCall {
    pub(super) opening: Opening,
    pub(super) arguments: Payload,
    pub(super) reply: Reply,
    /// That of the caller.
    pub(super) waker: Option<Waker>,
}

/// The reply that a caller expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Expected,
    None,
}

impl QueuedCall {
    /// Its turn among the others.
    pub(super) fn turn(&self) -> Turn {
        let lane = Lane::of(self.reply, &self.opening);
        // What these wait for may wait for them, or last for as long as the connection.
        let patience = match self.opening.parent.is_some() || lane == Lane::Streams {
            true => Patience::Bounded,
            false => Patience::Endless,
        };
        Turn { lane, order: self.opening.order, patience }
    }
}

/// The turn of a call among those that wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    pub(super) lane: Lane,
    pub(super) order: Order,
    pub(super) patience: Patience,
}

/// The time for which a call may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// As long as it takes.
    Endless,
    /// Only so long without progress in its lane.
    Bounded,
}

/// What a call waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// Calls with a reply and without items.
    Calls,
    /// The same, made by handlers: they have more room.
    Nested,
    /// Calls with items.
    Streams,
    /// Calls without a reply.
    Oneway,
    /// The same, made by handlers.
    NestedOneway,
}

impl Lane {
    pub(super) const ALL: [Self; 5] =
        [Self::Nested, Self::Calls, Self::Streams, Self::NestedOneway, Self::Oneway];

    /// The lane of a call.
    pub(super) fn of(reply: Reply, opening: &Opening) -> Self {
        match (reply, opening.parent) {
            (Reply::None, None) => Self::Oneway,
            (Reply::None, Some(_)) => Self::NestedOneway,
            (Reply::Expected, _) if opening.streams != Streams::NONE => Self::Streams,
            (Reply::Expected, None) => Self::Calls,
            (Reply::Expected, Some(_)) => Self::Nested,
        }
    }
}

/// Made when a call waits for the first time: on most connections none ever does.
#[derive(Debug, Default)]
pub(super) struct Queues(Option<Box<Lanes>>);

#[derive(Debug, Default)]
struct Lanes {
    lanes: [Queue; 5],
    /// The ordered ones of all lanes. Bounded by: these.
    ordered: VecDeque<CallId>,
}

#[derive(Debug, Default)]
struct Queue {
    /// In the order opened. Bounded by: the callers, each of which waits for its own, and as many that were
    /// withdrawn.
    ids: VecDeque<CallId>,
    /// How many of them are withdrawn.
    withdrawn: usize,
    /// How many of them are not to wait for ever: see [`Queues::patience_began`].
    impatient: usize,
    /// When a call of this lane last left, or the first one came; `None` until a time is known.
    since: Option<Instant>,
}

impl Queues {
    pub(super) fn is_empty(&self) -> bool {
        self.lanes().iter().all(|lane| lane.ids.is_empty())
    }

    pub(super) fn len(&self) -> usize {
        self.lanes().iter().map(|lane| lane.ids.len()).sum()
    }

    fn lanes(&self) -> &[Queue] {
        self.0.as_ref().map_or(&[], |lanes| &lanes.lanes)
    }

    fn lanes_mut(&mut self) -> &mut [Queue] {
        self.0.as_mut().map_or(&mut [], |lanes| &mut lanes.lanes)
    }

    fn lane(&self, lane: Lane) -> Option<&Queue> {
        self.lanes().get(lane as usize)
    }

    /// Whether nothing waits that a new call would have to wait behind.
    pub(super) fn lets_pass(&self, lane: Lane, order: Order) -> bool {
        let Some(lanes) = &self.0 else { return true };
        lanes.lanes[lane as usize].ids.is_empty()
            && (order == Order::Any || lanes.ordered.is_empty())
    }

    pub(super) fn push(&mut self, id: CallId, turn: Turn) {
        let lanes = self.0.get_or_insert_default();
        let queue = &mut lanes.lanes[turn.lane as usize];
        if queue.ids.is_empty() {
            queue.since = None;
        }
        queue.ids.push_back(id);
        queue.impatient += usize::from(turn.patience == Patience::Bounded);
        if turn.order == Order::Kept {
            lanes.ordered.push_back(id);
        }
    }

    pub(super) fn front(&self, lane: Lane) -> Option<CallId> {
        self.lane(lane)?.ids.front().copied()
    }

    /// Whether an ordered call is the next of all ordered ones.
    pub(super) fn is_next(&self, id: CallId) -> bool {
        self.0.as_ref().is_some_and(|lanes| lanes.ordered.front() == Some(&id))
    }

    /// The ordered ones of all lanes, in their order.
    pub(super) fn ordered(&self) -> impl Iterator<Item = CallId> {
        self.0.iter().flat_map(|lanes| lanes.ordered.iter().copied())
    }

    /// Takes the call with this turn off, the first of its lane, which is sent or over.
    pub(super) fn pop(&mut self, now: Instant, turn: Turn) {
        let Some(queue) = self.lanes_mut().get_mut(turn.lane as usize) else { return };
        let id = queue.ids.pop_front();
        queue.since = Some(now);
        queue.impatient -= usize::from(turn.patience == Patience::Bounded);
        debug_assert!(queue.impatient <= queue.ids.len(), "more impatient calls than calls");
        if let Some(id) = id.filter(|_| turn.order == Order::Kept) {
            self.forget_order(id);
        }
    }

    /// Takes note that a call waits no longer; tells whether it is time to take those off that do not.
    pub(super) fn withdraw(&mut self, id: CallId, turn: Turn) -> bool {
        if turn.order == Order::Kept {
            self.forget_order(id);
        }
        let Some(queue) = self.lanes_mut().get_mut(turn.lane as usize) else { return false };
        queue.withdrawn += 1;
        queue.impatient -= usize::from(turn.patience == Patience::Bounded);
        2 * queue.withdrawn > queue.ids.len()
    }

    fn forget_order(&mut self, id: CallId) {
        let Some(Lanes { ordered, .. }) = self.0.as_deref_mut() else { return };
        if let Some(at) = ordered.iter().position(|ordered| *ordered == id) {
            ordered.remove(at);
        }
    }

    /// Keeps the calls that wait: `waits` tells the turn of each that does.
    pub(super) fn retain(&mut self, mut waits: impl FnMut(CallId) -> Option<Turn>) {
        let Some(Lanes { lanes, ordered }) = self.0.as_deref_mut() else { return };
        let mut left = Vec::new();
        for queue in lanes {
            (queue.withdrawn, queue.impatient) = (0, 0);
            let impatient = &mut queue.impatient;
            queue.ids.retain(|&id| match waits(id) {
                Some(turn) => {
                    *impatient += usize::from(turn.patience == Patience::Bounded);
                    true
                }
                None => {
                    left.push(id);
                    false
                }
            });
        }
        if !ordered.is_empty() {
            ordered.retain(|id| !left.contains(id));
        }
    }

    pub(super) fn ids(&self, lane: Lane) -> impl Iterator<Item = CallId> {
        self.lane(lane).into_iter().flat_map(|queue| queue.ids.iter().copied())
    }

    /// A call of this lane has ended, so that others of it may go on.
    pub(super) fn progressed(&mut self, lane: Lane) {
        if let Some(queue) = self.lanes_mut().get_mut(lane as usize) {
            queue.since = None;
        }
    }

    /// Notes the present for lanes in which something has happened at a time that was not known.
    pub(super) fn note_time(&mut self, now: Instant) {
        for queue in self.lanes_mut() {
            if !queue.ids.is_empty() {
                queue.since.get_or_insert(now);
            }
        }
    }

    /// Whether a lane waits for the present to be told.
    pub(super) fn wants_time(&self) -> bool {
        self.lanes().iter().any(|queue| queue.impatient > 0 && queue.since.is_none())
    }

    /// Since when no call of a lane has gone on, if some of those that wait in it are not to wait for ever.
    pub(super) fn patience_began(&self, lane: Lane) -> Option<Instant> {
        let queue = self.lane(lane)?;
        queue.since.filter(|_| queue.impatient > 0)
    }
}
