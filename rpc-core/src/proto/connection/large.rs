//! Messages that leave in more than one frame.

use std::collections::VecDeque;

use bytes::{Buf as _, Bytes};

use super::transmit::Chunk;
use crate::proto::{
    Order, Payload,
    wire::{Flags, HEAD_LEN, Head, Kind},
};

/// A first part of a body up to this length goes with what precedes the body.
const SHORT_PART: usize = 16;

/// A message that leaves in more than one frame.
#[derive(Debug)]
pub(super) struct Large {
    pub(super) head: Head,
    /// What precedes the body in the first frame: a request's key, an error's origin.
    pub(super) prefix: Payload,
    pub(super) body: Bytes,
    /// What of the body follows that.
    pub(super) behind: VecDeque<Bytes>,
    pub(super) form: Form,
    /// Kept for a request that other ordered ones may not overtake.
    pub(super) order: Order,
}

/// What of a large message has left.
///
/// ```text
/// Whole ─ first chunk ─▶ Begun ─ last chunk ─▶ (gone)        Frames ─▶ (gone)
///   └─────────────────── only chunk ─────────────▲
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Nothing.
    Whole,
    /// Its first frames.
    Begun,
    /// Nothing: the body is whole frames that keep their place behind others of their call.
    Frames,
}

impl Large {
    pub(super) const fn new(head: Head, prefix: Payload, body: Bytes) -> Self {
        let behind = VecDeque::new();
        Self { head, prefix, body, behind, form: Form::Whole, order: Order::Any }
    }

    /// A message whose body may be in parts. A short one at its start leaves with the first frame.
    pub(super) fn message(head: Head, prefix: &[u8], body: &Payload) -> Self {
        if let Some(whole) = body.whole() {
            return Self::new(head, Payload::copy_from_slice(prefix), whole.clone());
        }
        let mut behind = VecDeque::from(body.to_parts());
        let mut prefix = Payload::copy_from_slice(prefix);
        let mut body = behind.pop_front().unwrap_or_default();
        if !behind.is_empty() && body.len() <= SHORT_PART {
            prefix = Payload::from([&prefix[..], &body].concat());
            body = behind.pop_front().unwrap_or_default();
        }
        Self { behind, ..Self::new(head, prefix, body) }
    }

    /// The bytes of it that are still to leave.
    pub(super) fn len(&self) -> usize {
        let behind = self.behind.iter().map(Bytes::len).sum::<usize>();
        self.prefix.len() + self.body.len() + behind
    }

    /// Whether it belongs to the call that `head` names, sent by the same side.
    pub(super) const fn is_of(&self, head: Head) -> bool {
        self.head.id.value() == head.id.value()
            && self.head.flags.contains(Flags::MINE) == head.flags.contains(Flags::MINE)
            && !matches!(self.head.kind, Kind::GoAway)
    }

    pub(super) const fn is_unbegun_request(&self) -> bool {
        matches!((self.form, self.head.kind), (Form::Whole, Kind::Request))
    }

    pub(super) fn next_chunk(&mut self, max_frame: usize) -> (Chunk, bool) {
        if self.form == Form::Frames {
            let body = std::mem::take(&mut self.body);
            return (Chunk { body, ..Chunk::default() }, true);
        }
        let mut prefix = std::mem::take(&mut self.prefix);
        // An extension may be longer than a frame: it is cut as the rest is.
        if prefix.len() > max_frame {
            let body = std::mem::replace(&mut self.body, prefix.into_bytes());
            prefix = Payload::default();
            if !body.is_empty() {
                self.behind.push_front(body);
            }
        }
        let body_length = self.body.len().min(max_frame - prefix.len());
        let last = body_length == self.body.len() && self.behind.is_empty();
        let opens = self.is_unbegun_request();
        let mut flags = if last { self.head.flags } else { self.head.flags.with(Flags::MORE) };
        if self.form == Form::Begun {
            flags = flags.without(Flags::EXT);
        }
        self.form = Form::Begun;
        let length = (prefix.len() + body_length) as u32;
        let mut head = [0; HEAD_LEN + 30];
        let head_bytes = Head { flags, length, ..self.head }.encode();
        let head = if prefix.len() <= 30 {
            head[..HEAD_LEN].copy_from_slice(&head_bytes);
            head[HEAD_LEN..HEAD_LEN + prefix.len()].copy_from_slice(&prefix);
            Payload::copy_from_slice(&head[..HEAD_LEN + prefix.len()])
        } else {
            Payload::from([&head_bytes[..], &prefix[..]].concat())
        };
        let body = self.body.copy_to_bytes(body_length);
        if self.body.is_empty()
            && let Some(next) = self.behind.pop_front()
        {
            self.body = next;
        }
        (Chunk { head, head_sent: 0, body, opens }, last)
    }
}
