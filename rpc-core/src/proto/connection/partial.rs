//! Messages of which parts have arrived. They grow with the bytes that came, never ahead of them.

use bytes::{Bytes, BytesMut};

use super::{ConnectionError, SHORT_READ};
use crate::proto::{
    CallId, Limits,
    wire::{Flags, HEAD_LEN, Head, Kind},
};

/// Fewer bytes than these are not worth a read of their own.
const LEAST_LENT: usize = 4 << 10;

/// Messages from this length on are long: reads are short where the next message may be one, because what comes
/// with its head is copied once more than the rest.
const LONG: usize = 64 << 10;

/// The part of a message that justifies room for all of it, if the last one was as long. Memory that is never
/// written to costs little, so that a peer gains nothing by it.
const JUSTIFIES: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Partials {
    /// Bounded by: `max_partial` announced, plus the frame that the decoder is splitting; each by
    /// `max_message`.
    messages: Vec<Partial>,
    /// How long the last message was that was put together: the next may be as long.
    length: usize,
}

/// Appends a part of a message, with room for the rest of its frame if that is not longer than what came.
pub(super) fn extend(message: &mut BytesMut, part: &[u8], left: u32) {
    message.reserve(part.len() + part.len().min(left as usize));
    message.extend_from_slice(part);
}

#[derive(Debug)]
struct Partial {
    kind: Kind,
    id: CallId,
    flags: Flags,
    bytes: BytesMut,
}

impl Partials {
    pub(super) const fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Bytes of requests of which parts have come.
    pub(super) fn request_bytes(&self) -> usize {
        let requests = self.messages.iter().filter(|partial| partial.kind == Kind::Request);
        requests.map(|partial| partial.bytes.len()).sum()
    }

    /// Whether the next message may be long.
    pub(super) const fn expects_long(&self) -> bool {
        self.length >= LONG
    }

    /// Takes note that so many bytes came at once with which no long message began.
    pub(super) const fn none_in(&mut self, read: usize) {
        if read >= SHORT_READ && self.messages.is_empty() {
            self.length = 0;
        }
    }

    pub(super) fn contains(&self, kind: Kind, id: CallId) -> bool {
        self.position(kind, id).is_some()
    }

    /// Forgets a message of which no more will come.
    pub(super) fn remove(&mut self, kind: Kind, id: CallId) {
        if let Some(at) = self.position(kind, id) {
            self.messages.swap_remove(at);
        }
    }

    /// Adds a part; gives the whole message, and the flags it began with, when this was its last.
    pub(super) fn add(
        &mut self,
        head: Head,
        payload: &[u8],
        left: u32,
        limits: &Limits,
    ) -> Result<Option<(Flags, Bytes)>, ConnectionError> {
        let at = match self.position(head.kind, head.id) {
            Some(at) => at,
            None => self.begin(head, limits)?,
        };
        let partial = &mut self.messages[at];
        let same_codec = partial.flags.contains(Flags::JSON) == head.flags.contains(Flags::JSON);
        if !same_codec || partial.kind != head.kind {
            return Err(ConnectionError::MixedMessage(head.id));
        }
        if partial.bytes.len() + payload.len() > limits.max_message as usize {
            let limit = limits.max_message;
            return Err(ConnectionError::MessageTooLong { id: head.id, limit });
        }
        let length = partial.bytes.len() + payload.len();
        if (self.length / JUSTIFIES..self.length).contains(&length) {
            partial.bytes.reserve(self.length + HEAD_LEN - partial.bytes.len());
        }
        extend(&mut partial.bytes, payload, left);
        Ok(self.end(at, head))
    }

    /// Takes a message out if `head` is that of its last part.
    fn end(&mut self, at: usize, head: Head) -> Option<(Flags, Bytes)> {
        if head.flags.contains(Flags::MORE) {
            return None;
        }
        let whole = self.messages.swap_remove(at);
        self.length = whole.bytes.len();
        Some((whole.flags, whole.bytes.freeze()))
    }

    /// The bytes of a message, with room for some of the `left` ones that are to come in the frame of `head`. None
    /// if that is not worth it, or the frame not in order.
    pub(super) fn lend(&mut self, head: Head, left: usize, limits: &Limits) -> Option<BytesMut> {
        let at = self.position(head.kind, head.id)?;
        let Partial { kind, flags, bytes, .. } = &mut self.messages[at];
        let like =
            *kind == head.kind && flags.contains(Flags::JSON) == head.flags.contains(Flags::JSON);
        let length = bytes.len();
        if !like || left < LEAST_LENT || length + left > limits.max_message as usize {
            return None;
        }
        // As in `add`.
        if (self.length / JUSTIFIES..self.length).contains(&length) {
            bytes.reserve(self.length + HEAD_LEN - length);
        } else if bytes.capacity() - length < left.min(LEAST_LENT) {
            bytes.reserve(length.min(left) + HEAD_LEN);
        }
        (bytes.capacity() - length >= LEAST_LENT).then(|| std::mem::take(bytes))
    }

    /// Takes back what was lent, with the part that `head` describes at its end: gives what `add` does. `Err`: the
    /// message was removed meanwhile.
    pub(super) fn give_back(
        &mut self,
        head: Head,
        bytes: BytesMut,
    ) -> Result<Option<(Flags, Bytes)>, BytesMut> {
        let Some(at) = self.position(head.kind, head.id) else { return Err(bytes) };
        self.messages[at].bytes = bytes;
        Ok(self.end(at, head))
    }

    fn begin(&mut self, head: Head, limits: &Limits) -> Result<usize, ConnectionError> {
        if self.messages.len() > limits.max_partial as usize {
            return Err(ConnectionError::TooManyPartial(limits.max_partial));
        }
        let Head { kind, flags, id, .. } = head;
        self.messages.push(Partial { kind, id, flags, bytes: BytesMut::new() });
        Ok(self.messages.len() - 1)
    }

    /// The two directions have ids of their own; a value and an error are one reply.
    fn position(&self, kind: Kind, id: CallId) -> Option<usize> {
        let opens = kind == Kind::Request;
        let same = |partial: &Partial| partial.id == id && (partial.kind == Kind::Request) == opens;
        self.messages.iter().position(same)
    }
}
