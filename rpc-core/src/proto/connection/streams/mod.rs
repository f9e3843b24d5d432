//! The items of streaming calls, both ways: what may be sent, what has come, and who waits for either.
//!
//! ```text
//! poll_room ─▶ send_items / send_part ─▶ outbox      item ─▶ Receiving ─▶ poll_items ─▶ consume
//!     ▲                                                                                   │
//!     └────────────────────────────── credit ◀────────────────────────────────────────────┘
//! ```
//!
//! Invariant: what this side holds of a stream never exceeds its window, but for an item that is longer and
//! that somebody waits for; the items of one call arrive in the order sent, between its request or accept
//! and its end.

mod inbound;
mod receiving;
mod sending;

pub use receiving::{Items, Segment};
pub use sending::Room;

use std::{collections::HashMap, hash::BuildHasherDefault};

use self::{receiving::Receiving, sending::Sending};
use crate::proto::{CallId, IdHasher};

/// Bytes that an item costs beyond its own length: those of its frame's head.
pub(crate) const ITEM_OVERHEAD: usize = 8;

/// The longest item that is sent as one small frame, and held back to back with others.
pub(crate) const SMALL_ITEM: usize = 4 << 10;

/// The items of one call. A call has at most one stream each way, so that it is named by the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StreamId {
    /// Whether this side opened the call.
    pub mine: bool,
    /// The call.
    pub call: CallId,
}

impl StreamId {
    /// The stream of a call that this side opened.
    #[must_use]
    pub const fn mine(call: CallId) -> Self {
        Self { mine: true, call }
    }

    /// The stream of a call that the peer opened.
    #[must_use]
    pub const fn theirs(call: CallId) -> Self {
        Self { mine: false, call }
    }
}

/// The stream is over: the call has ended, or the receiver wants no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

type Table<T> = HashMap<StreamId, T, BuildHasherDefault<IdHasher>>;

/// The streams of one connection.
#[derive(Debug, Default)]
pub(super) struct StreamTable {
    /// Bounded by: the calls that are open.
    sending: Table<Sending>,
    /// Bounded by: the calls that are open, and `discarding`.
    receiving: Table<Receiving>,
    /// Streams of the peer that go on although their calls have ended. Bounded by: `max_calls`.
    discarding: u32,
    /// Streams that wait until bytes have left. Bounded by: `sending`.
    waiting: Vec<StreamId>,
}
