//! The items of streaming calls, both ways: what may be sent, what has come, and who waits for either.
//!
//! ```text
//! poll_room ─▶ send_items / send_part ─▶ outbox      item ─▶ Receiving ─▶ poll_items ─▶ consume
//!     ▲                                                                                   │
//!     └────────────────────────────── credit ◀────────────────────────────────────────────┘
//! ```
//!
//! Invariant: what this side holds of all streams never exceeds their first windows and what they share beyond these,
//! but for one item that is longer and that somebody waits for; the items of one call arrive in the order sent, between
//! its request or accept and its end.

mod batch;
mod incoming;
mod outgoing;
mod pool;
mod receiving;
mod sending;

pub use batch::{Batch, Pushed};
pub use outgoing::Rest;
pub(super) use outgoing::Tell;
pub use receiving::{Items, Segment};
pub use sending::Room;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    hash::BuildHasherDefault,
};

use self::{pool::Pool, receiving::Receiving, sending::Sending};
use crate::proto::{
    CallId, Codec, IdHasher, Metadata,
    wire::{Flags, HEAD_LEN, Head, Kind, accept},
};

/// Bytes that an item costs beyond its own length: those of its frame's head.
pub(crate) const ITEM_OVERHEAD: usize = HEAD_LEN;

/// The longest item that is sent as one small frame, and held back to back with others.
pub(crate) const SMALL_ITEM: usize = 4 << 10;

/// The items of one call. A call has at most one stream each way, so that it is named by the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StreamId {
    /// Whether this side opened the call.
    pub mine: bool,
    /// The call.
    pub call: CallId,
    /// Tells streams apart that have the same call id one after the other; zero stands for the present one.
    pub(super) serial: u32,
}

impl StreamId {
    /// The stream of a call that this side opened.
    #[must_use]
    pub const fn mine(call: CallId) -> Self {
        Self { mine: true, call, serial: 0 }
    }

    /// The stream of a call that the peer opened.
    #[must_use]
    pub const fn theirs(call: CallId) -> Self {
        Self { mine: false, call, serial: 0 }
    }

    /// The stream that a frame of the peer is about.
    pub(super) const fn of_frame(head: Head) -> Self {
        Self { mine: !head.flags.contains(Flags::MINE), call: head.id, serial: 0 }
    }

    /// The head of an item that this side sends in one frame.
    pub(crate) fn item_head(self, codec: Codec, length: usize) -> [u8; ITEM_OVERHEAD] {
        Head { length: length as u32, ..self.head(Flags::of(codec)) }.encode()
    }

    /// Appends the frame which says that items of a call of the peer come.
    pub(crate) fn encode_accept(self, metadata: Option<&Metadata>, out: &mut Vec<u8>) {
        accept::encode(self.call, metadata, out);
    }

    const fn head(self, flags: Flags) -> Head {
        Head { kind: Kind::Item, flags: flags.with(self.opener()), id: self.call, length: 0 }
    }

    /// The flag that says who opened the call.
    const fn opener(self) -> Flags {
        if self.mine { Flags::MINE } else { Flags::NONE }
    }

    /// What the stream is found by.
    const fn key(self) -> Self {
        Self { serial: 0, ..self }
    }
}

/// The stream is over: the call has ended, or the receiver wants no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// The serial of a stream that was over before it was named.
const GONE: u32 = u32::MAX;

type Table<T> = HashMap<StreamId, T, BuildHasherDefault<IdHasher>>;

/// The streams of one connection.
#[derive(Debug, Default)]
pub(super) struct StreamTable {
    /// Bounded by: the calls that are open.
    sending: Table<Sending>,
    /// Calls of this side whose uploads have ended, through the queue of large messages. Bounded by: the calls
    /// that are open.
    ended: HashSet<CallId, BuildHasherDefault<IdHasher>>,
    /// Bounded by: the calls that are open, and `discarding`.
    receiving: Table<Receiving>,
    /// Streams of the peer that go on although their calls have ended. Bounded by: `max_calls`, and the
    /// early calls.
    discarding: u32,
    /// Streams that wait until bytes have left, in turn; each is marked. Bounded by: `sending`, twice.
    waiting: VecDeque<StreamId>,
    /// What the peer's streams share beyond their first windows.
    pool: Pool,
    /// The serial of the newest stream.
    serial: u32,
}

impl StreamTable {
    fn next_serial(&mut self) -> u32 {
        // Neither zero nor `GONE`.
        self.serial = self.serial % (GONE - 1) + 1;
        self.serial
    }

    /// The stream that `stream` names, unless the call id has passed on to another one.
    fn sending(&mut self, stream: StreamId) -> Option<&mut Sending> {
        let sending = self.sending.get_mut(&stream.key())?;
        (stream.serial == 0 || stream.serial == sending.serial).then_some(sending)
    }

    fn receiving(&mut self, stream: StreamId) -> Option<&mut Receiving> {
        let receiving = self.receiving.get_mut(&stream.key())?;
        (stream.serial == 0 || stream.serial == receiving.serial).then_some(receiving)
    }

    /// A table for streams that share so many bytes beyond their first windows.
    pub(super) fn new(shared_window: u32) -> Self {
        Self { pool: Pool::new(shared_window), ..Self::default() }
    }
}

impl super::Connection {
    /// Whether the stream goes on.
    pub(super) fn sends(&mut self, stream: StreamId) -> bool {
        self.streams.sending(stream).is_some()
    }

    /// Names the stream that this side sends in a call, for as long as it goes on.
    pub fn name_sending(&mut self, stream: StreamId) -> StreamId {
        let serial = self.streams.sending(stream).map_or(GONE, |sending| sending.serial);
        StreamId { serial, ..stream }
    }

    /// Names the stream that this side receives in a call, for as long as it goes on.
    pub fn name_receiving(&mut self, stream: StreamId) -> StreamId {
        let serial = self.streams.receiving(stream).map_or(GONE, |receiving| receiving.serial);
        StreamId { serial, ..stream }
    }
}
