//! The half of a stream that receives: items that have come and nobody has fetched, and the credit that is
//! given for those that were.

use std::{collections::VecDeque, task::Waker};

use bytes::{Buf as _, Bytes, BytesMut};

use super::{ITEM_OVERHEAD, SMALL_ITEM, pool::Pool};
use crate::proto::{
    Codec, Ended, Limits, Metadata, Status,
    connection::partial::extend,
    wire::{FrameError, Kind, extension::decode_reply},
};

/// Items that have come, in their order.
#[derive(Debug)]
pub enum Segment {
    /// Short items back to back, each behind its length as a `u32`.
    Small(Vec<u8>),
    /// One long item.
    Large(Bytes),
}

/// What a reader gets.
#[derive(Debug)]
pub enum Items {
    /// Items, at least one.
    Some(VecDeque<Segment>),
    /// No more come. For a call that this side opened, how it ended; otherwise whether the caller ended
    /// the stream in good order.
    End(Ended),
}

/// A stream that this side receives.
#[derive(Debug)]
pub(super) struct Receiving {
    pub(super) serial: u32,
    codec: Codec,
    pub(super) flow: Flow,
    /// Why what has come is not all: it was ended by a cancel, or by an item that cannot be understood.
    pub(super) cut: Option<Status>,
    /// The most that it may grow to.
    most: usize,
    /// What it may hold without the pool.
    first: usize,
    /// What it has of the pool.
    extra: usize,
    /// Bytes that the peer may still send.
    pub(super) allowed: usize,
    /// Bytes that came and were not consumed.
    pub(super) held: usize,
    pub(super) segments: VecDeque<Segment>,
    partial: Option<Partial>,
    pub(super) waker: Option<Waker>,
    /// What came ahead of the items.
    pub(super) metadata: Option<Box<Metadata>>,
}

/// How far a stream has got. Those of this side's calls end with the call, and are never discarded.
///
/// ```text
/// Announced ─accept, item─▶ Flowing ─end, cancel─▶ Ended ─ handler ends ─▶ (gone)
///     │                        │                     ▲
///     └──── nobody reads ──────┴──▶ Discarding ─ end ┴─ handler has ended ─▶ (gone)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// Nothing has come.
    Announced,
    /// The handler goes on with items, or items come.
    Flowing,
    /// Nobody reads any more: what comes is thrown away.
    Discarding,
    /// The caller has sent its last item.
    Ended,
}

/// An item of which parts have come.
#[derive(Debug)]
struct Partial {
    bytes: BytesMut,
    /// Whether something stands in front of its value.
    extended: bool,
}

/// Why an item is refused.
pub(super) enum Refusal {
    Codec,
    Credit,
    Length,
    Ended,
    Extension(FrameError),
}

/// A part of an item.
pub(super) struct Part<'a> {
    pub(super) bytes: &'a [u8],
    /// Bytes of its frame that are still to come.
    pub(super) left: u32,
    pub(super) codec: Codec,
    pub(super) more: bool,
    /// Whether something stands in front of the item's value; told by its first part.
    pub(super) extended: bool,
}

impl Receiving {
    pub(super) fn new(serial: u32, limits: &Limits, codec: Codec) -> Self {
        let (most, first) = (limits.window as usize, limits.initial_window as usize);
        Self {
            serial,
            codec,
            flow: Flow::Announced,
            cut: None,
            most,
            first: first.min(most),
            extra: 0,
            allowed: first.min(most),
            held: 0,
            segments: VecDeque::new(),
            partial: None,
            waker: None,
            metadata: None,
        }
    }

    /// Takes note that the handler goes on with items.
    pub(super) fn begin(&mut self) {
        if self.flow == Flow::Announced {
            self.flow = Flow::Flowing;
        }
    }

    /// Tells whether nothing more is to be read of it.
    pub(super) const fn is_over(&self) -> bool {
        matches!(self.flow, Flow::Ended | Flow::Discarding)
    }

    /// What it may hold.
    const fn window(&self) -> usize {
        self.first + self.extra
    }

    /// Takes a part of an item in; whether the item is whole now.
    pub(super) fn add(&mut self, part: &Part<'_>, max_item: usize) -> Result<bool, Refusal> {
        if self.flow == Flow::Ended {
            return Err(Refusal::Ended);
        }
        if part.codec != self.codec {
            return Err(Refusal::Codec);
        }
        let begins = self.partial.is_none();
        let cost = part.bytes.len() + if begins { ITEM_OVERHEAD } else { 0 };
        self.allowed = self.allowed.checked_sub(cost).ok_or(Refusal::Credit)?;
        match self.flow {
            Flow::Discarding => {
                let discarded = || Partial { bytes: BytesMut::new(), extended: false };
                self.partial = part.more.then(discarded);
                return Ok(!part.more);
            }
            _ => self.flow = Flow::Flowing,
        }
        self.held += cost;
        if begins && !part.more && !part.extended {
            if part.bytes.len() > max_item {
                return Err(Refusal::Length);
            }
            self.push(part.bytes);
            return Ok(true);
        }
        self.add_part(part, max_item)
    }

    /// Adds to an item that comes in parts, or that is extended; whether it is whole now.
    fn add_part(&mut self, part: &Part<'_>, max_item: usize) -> Result<bool, Refusal> {
        let partial = self
            .partial
            .get_or_insert_with(|| Partial { bytes: BytesMut::new(), extended: part.extended });
        if partial.bytes.len() + part.bytes.len() > max_item {
            return Err(Refusal::Length);
        }
        extend(&mut partial.bytes, part.bytes, part.left);
        if part.more {
            return Ok(false);
        }
        if let Some(whole) = self.partial.take() {
            self.push_whole(whole)?;
        }
        Ok(true)
    }

    /// Adds an item that was put together from parts.
    fn push_whole(&mut self, whole: Partial) -> Result<(), Refusal> {
        let mut item = whole.bytes.freeze();
        if whole.extended {
            let value = decode_reply(Kind::Item, &item, &mut None).map_err(Refusal::Extension)?;
            let front = item.len() - value.len();
            item.advance(front);
            // Its reader consumes the value alone.
            self.held -= front;
        }
        // A short one in memory of its own would cost many times its length.
        if item.len() <= SMALL_ITEM {
            self.push(&item);
        } else {
            self.segments.push_back(Segment::Large(item));
        }
        Ok(())
    }

    fn push(&mut self, item: &[u8]) {
        if item.len() > SMALL_ITEM {
            self.segments.push_back(Segment::Large(Bytes::copy_from_slice(item)));
            return;
        }
        if !matches!(self.segments.back(), Some(Segment::Small(_))) {
            self.segments.push_back(Segment::Small(Vec::new()));
        }
        let Some(Segment::Small(items)) = self.segments.back_mut() else { return };
        let needed = items.len() + 4 + item.len();
        if needed > items.capacity() {
            // Twice as much, but no more than the window can bring.
            let doubled = (2 * items.capacity()).max(64).min(self.most).max(needed);
            items.reserve_exact(doubled - items.len());
        }
        items.extend_from_slice(&(item.len() as u32).to_le_bytes());
        items.extend_from_slice(item);
    }

    /// Lets the stream grow out of the pool: somebody reads it.
    fn grow(&mut self, pool: &mut Pool) {
        let window = self.window();
        if window < self.most {
            self.extra += pool.take(window.min(self.most - window));
        }
    }

    /// What the peer is allowed with the request, beyond the window of hello.
    pub(super) fn grow_at_start(&mut self, pool: &mut Pool) -> u32 {
        let wanted = (FIRST_CREDIT.min(self.most)).saturating_sub(self.first).min(pool.free() / 8);
        let extra = pool.take(wanted);
        self.extra += extra;
        self.allowed += extra;
        extra as u32
    }

    /// What the peer is to be allowed beyond what it has, if it is worth a frame.
    pub(super) fn grant(&mut self, pool: &mut Pool) -> Option<u32> {
        if self.is_over() {
            return None;
        }
        if self.window().saturating_sub(self.held) >= self.allowed + self.window() / 4 {
            self.grow(pool);
        }
        let target = self.window().saturating_sub(self.held);
        self.grant_up_to(target)
    }

    /// Whether somebody waits for an item that is longer than what is left of the window.
    pub(super) fn waits_for_long(&self) -> bool {
        self.is_partial()
            && self.segments.is_empty()
            && self.waker.is_some()
            && self.allowed + self.window() / 4 <= self.window()
    }

    /// Lets more of a long item in.
    pub(super) fn grant_long(&mut self, pool: &mut Pool) -> Option<u32> {
        self.grow(pool);
        self.grant_up_to(self.window())
    }

    fn grant_up_to(&mut self, target: usize) -> Option<u32> {
        let grant = target.saturating_sub(self.allowed);
        if self.is_over() || grant < self.window() / 4 {
            return None;
        }
        self.allowed += grant;
        Some(grant as u32)
    }

    /// Whether an item has begun that is not whole.
    pub(super) const fn is_partial(&self) -> bool {
        self.partial.is_some()
    }

    /// Gives back what it has of the pool: it is over, or nobody reads it.
    pub(super) const fn leave(&mut self, pool: &mut Pool) {
        pool.give_back(self.extra);
        self.extra = 0;
    }

    /// Reads no more: gives the memory back.
    pub(super) fn discard(&mut self) {
        self.flow = Flow::Discarding;
        self.segments = VecDeque::new();
        let partial = self.partial.take();
        self.partial = partial.map(|_| Partial { bytes: BytesMut::new(), extended: false });
        self.held = 0;
    }
}

/// What a stream of a call of this side may have from its start, if the pool has much.
const FIRST_CREDIT: usize = 64 << 10;
