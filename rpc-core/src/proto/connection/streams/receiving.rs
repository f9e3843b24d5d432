//! The half of a stream that receives: items that have come and nobody has fetched, and the credit that is
//! given for those that were.

use std::{collections::VecDeque, task::Waker};

use bytes::{Bytes, BytesMut};

use super::{ITEM_OVERHEAD, SMALL_ITEM};
use crate::proto::connection::{Outcome, partial::extend};

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
    End(Outcome),
}

#[derive(Debug)]
pub(super) struct Receiving {
    pub(super) serial: u32,
    json: bool,
    window: usize,
    /// Bytes that the peer may still send.
    pub(super) allowed: usize,
    /// Bytes that came and were not consumed.
    pub(super) held: usize,
    pub(super) segments: VecDeque<Segment>,
    /// An item of which parts have come.
    partial: Option<BytesMut>,
    pub(super) waker: Option<Waker>,
    /// The handler goes on with items.
    pub(super) accepted: bool,
    /// The caller has sent its last item.
    pub(super) ended: bool,
    /// It was ended by a cancel: what has come is not all.
    pub(super) cut: bool,
    /// Nobody reads any more.
    pub(super) discards: bool,
}

/// Why an item is refused.
pub(super) enum Refusal {
    Codec,
    Credit,
    Length,
    Ended,
}

/// A part of an item.
pub(super) struct Part<'a> {
    pub(super) bytes: &'a [u8],
    /// Bytes of its frame that are still to come.
    pub(super) left: u32,
    pub(super) json: bool,
    pub(super) more: bool,
}

impl Receiving {
    pub(super) fn new(serial: u32, window: u32, json: bool) -> Self {
        let window = window as usize;
        Self {
            serial,
            json,
            window,
            allowed: window,
            held: 0,
            segments: VecDeque::new(),
            partial: None,
            waker: None,
            accepted: false,
            ended: false,
            cut: false,
            discards: false,
        }
    }

    /// Takes a part of an item in; whether the item is whole now.
    pub(super) fn add(&mut self, part: &Part<'_>, max_item: usize) -> Result<bool, Refusal> {
        if self.ended {
            return Err(Refusal::Ended);
        }
        if part.json != self.json {
            return Err(Refusal::Codec);
        }
        let begins = self.partial.is_none();
        let cost = part.bytes.len() + if begins { ITEM_OVERHEAD } else { 0 };
        self.allowed = self.allowed.checked_sub(cost).ok_or(Refusal::Credit)?;
        if self.discards {
            self.partial = part.more.then(BytesMut::new);
            return Ok(!part.more);
        }
        self.held += cost;
        let length = self.partial.as_ref().map_or(0, BytesMut::len) + part.bytes.len();
        if length > max_item {
            return Err(Refusal::Length);
        }
        if begins && !part.more {
            self.push(part.bytes);
            return Ok(true);
        }
        let partial = self.partial.get_or_insert_default();
        extend(partial, part.bytes, part.left);
        if part.more {
            return Ok(false);
        }
        let whole = self.partial.take().unwrap_or_default();
        self.segments.push_back(Segment::Large(whole.freeze()));
        Ok(true)
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
            let doubled = (2 * items.capacity()).max(64).min(self.window).max(needed);
            items.reserve_exact(doubled - items.len());
        }
        items.extend_from_slice(&(item.len() as u32).to_le_bytes());
        items.extend_from_slice(item);
    }

    /// Whether an item has begun that is not whole.
    pub(super) const fn is_partial(&self) -> bool {
        self.partial.is_some()
    }

    /// What the peer is to be allowed beyond what it has, if it is worth a frame.
    pub(super) fn grant(&mut self) -> Option<u32> {
        let target = self.window.saturating_sub(self.held);
        self.grant_up_to(target)
    }

    /// The same where somebody waits for an item that is longer than what is left of the window.
    pub(super) fn grant_partial(&mut self) -> Option<u32> {
        let waits = self.is_partial() && self.segments.is_empty() && self.waker.is_some();
        if waits { self.grant_up_to(self.window) } else { None }
    }

    fn grant_up_to(&mut self, target: usize) -> Option<u32> {
        let grant = target.saturating_sub(self.allowed);
        if self.ended || self.discards || grant < self.window / 4 {
            return None;
        }
        self.allowed += grant;
        Some(grant as u32)
    }

    /// Reads no more: gives the memory back.
    pub(super) fn discard(&mut self) {
        self.discards = true;
        self.segments = VecDeque::new();
        self.partial = self.partial.take().map(|_| BytesMut::new());
        self.held = 0;
    }
}
