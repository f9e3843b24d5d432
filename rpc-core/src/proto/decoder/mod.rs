//! Bytes ⇒ frames. Takes whatever a read brought and hands out pieces: whole frames where it can, and
//! of large message frames whatever part is there, marked as continued. Chunk boundaries carry no
//! meaning (PROTOCOL §10), so nothing of a message that is larger than `SPLIT` is ever held back here.

use thiserror::Error;

use crate::proto::{
    encoder::{MAGIC, PREFACE_LEN},
    limits::{MAX_ACCEPT, MAX_CONTROL},
    wire::{Flags, HEAD_LEN, Head, HeadError, Kind},
};

/// Frames up to this payload are handed out whole, and all that are not part of a message; longer ones of messages as their
/// bytes come.
const SPLIT: u32 = MAX_CONTROL;

/// A frame, or a part of a message frame: `head.length` is the length of `payload`, and
/// [`Flags::MORE`] is set where the message goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The head, as if the piece were a frame of its own.
    pub head: Head,
    /// The payload.
    pub payload: &'a [u8],
    /// Bytes of the frame that are still to come.
    pub left: u32,
}

/// Bytes that are not the protocol: the connection cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The first bytes are not the preface.
    #[error("peer does not speak this protocol: its first bytes are not the preface")]
    Preface,
    /// The preface names version 0.
    #[error("peer speaks protocol version {0}, this side speaks version 1")]
    Version(u8),
    /// A head breaks a rule.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// The first frame is not hello.
    #[error("first frame is {0}, but must be hello")]
    HelloExpected(Kind),
    /// A frame is longer than its kind or the announced limit allows.
    #[error("{kind} frame of {length} bytes is over the limit of {limit}")]
    TooLong {
        /// The frame's kind.
        kind: Kind,
        /// The length its head claims.
        length: u32,
        /// The most that was allowed.
        limit: u32,
    },
}

/// Splits a byte stream into [`Piece`]s.
#[derive(Debug)]
pub struct Decoder {
    state: State,
    /// The start of a frame whose rest has not come yet. Bounded by: `HEAD_LEN + MAX_ACCEPT`.
    tail: Vec<u8>,
    /// Whether `tail` was handed out and is to be cleared.
    tail_done: bool,
    max_frame: u32,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Preface,
    Hello,
    Frame,
    /// Inside a long message frame, with this much of its payload to come.
    Payload {
        head: Head,
        left: u32,
    },
}

impl Decoder {
    /// A decoder at the start of a connection that accepts frames of up to `max_frame` bytes.
    #[must_use]
    pub const fn new(max_frame: u32) -> Self {
        Self { state: State::Preface, tail: Vec::new(), tail_done: false, max_frame }
    }

    /// Takes the next piece off the front of `input`; `None` when `input` is used up.
    ///
    /// # Errors
    /// Bytes that no version of the protocol allows. The decoder is not to be used after that.
    pub fn next<'a, 'i: 'a>(
        &'a mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<Piece<'a>>, DecodeError> {
        if self.tail_done {
            self.tail.clear();
            self.tail.shrink_to(HEAD_LEN + SPLIT as usize);
            self.tail_done = false;
        }
        if let State::Preface = self.state {
            if !self.preface(input)? {
                return Ok(None);
            }
            self.state = State::Hello;
        }
        if let State::Payload { head, left } = self.state {
            return Ok(self.payload_piece(head, left, input));
        }
        let Some(head) = self.head(input)? else { return Ok(None) };
        if head.kind.is_message() && head.length > SPLIT {
            self.tail.clear();
            return Ok(self.payload_piece(head, head.length, input));
        }
        Ok(self.whole(head, input))
    }

    /// The next frame if it is about a call, short, and all there: nearly every frame is. Gives its head and what
    /// follows that, which is the payload and whatever has come behind it. What this passes over, faults among it,
    /// is for [`Self::next`].
    #[inline]
    pub(crate) fn next_short<'i>(&self, input: &'i [u8]) -> Option<(Head, &'i [u8])> {
        if !self.is_between_frames() {
            return None;
        }
        let (head, rest) = input.split_first_chunk::<HEAD_LEN>()?;
        let head = Head::decode_of_call(*head)?;
        let short = head.length <= SPLIT.min(self.max_frame) && rest.len() >= head.length as usize;
        short.then_some((head, rest))
    }

    /// The payload of the next frame if its head is `like` but for the length, and it is short and all there: so
    /// that a run of items is known to be one.
    pub(crate) fn next_like<'i>(&self, like: Head, input: &mut &'i [u8]) -> Option<&'i [u8]> {
        if !self.is_between_frames() {
            return None;
        }
        let (head, rest) = input.split_first_chunk::<HEAD_LEN>()?;
        let length = like.length_if_same(*head).filter(|length| *length <= SPLIT)?;
        let (payload, rest) = rest.split_at_checked(length as usize)?;
        *input = rest;
        Some(payload)
    }

    /// The head of the long message frame whose payload comes next, and how much of that is to come.
    pub(crate) const fn payload_to_come(&self) -> Option<(Head, u32)> {
        match self.state {
            State::Payload { head, left } => Some((head, left)),
            State::Preface | State::Hello | State::Frame => None,
        }
    }

    /// Takes note that `count` bytes were read, without this decoder, of what [`Self::payload_to_come`] told and
    /// what follows it. Gives the head of the piece that they are, and how much is still to come.
    pub(crate) fn pass(&mut self, count: usize) -> Option<(Head, u32)> {
        let (head, left) = self.payload_to_come()?;
        let passed = count.min(left as usize) as u32;
        Some((self.pass_payload(head, left, passed), left - passed))
    }

    /// Goes on by a part of a payload; gives the head of that.
    fn pass_payload(&mut self, head: Head, left: u32, length: u32) -> Head {
        let goes_on = length < left;
        self.state =
            if goes_on { State::Payload { head, left: left - length } } else { State::Frame };
        let flags = if goes_on { head.flags.with(Flags::MORE) } else { head.flags };
        Head { flags, length, ..head }
    }

    /// Whether the stream may end here: between two frames.
    #[must_use]
    pub fn is_between_frames(&self) -> bool {
        matches!(self.state, State::Frame) && (self.tail.is_empty() || self.tail_done)
    }

    /// Reads the preface; false when more bytes are needed.
    fn preface(&mut self, input: &mut &[u8]) -> Result<bool, DecodeError> {
        fill(&mut self.tail, PREFACE_LEN, input);
        let seen = self.tail.len().min(MAGIC.len());
        if self.tail[..seen] != MAGIC[..seen] {
            return Err(DecodeError::Preface);
        }
        if self.tail.len() < PREFACE_LEN {
            return Ok(false);
        }
        let version = self.tail[MAGIC.len()];
        self.tail.clear();
        // A peer that speaks a later version speaks this one too, once it has seen our preface.
        if version == 0 { Err(DecodeError::Version(version)) } else { Ok(true) }
    }

    /// Reads a head off `tail` and `input` and checks it; leaves it consumed from `input` only where
    /// `tail` holds it.
    fn head(&mut self, input: &mut &[u8]) -> Result<Option<Head>, DecodeError> {
        let bytes = if self.tail.is_empty() && input.len() >= HEAD_LEN {
            input.first_chunk::<HEAD_LEN>()
        } else {
            fill(&mut self.tail, HEAD_LEN, input);
            self.tail.first_chunk::<HEAD_LEN>()
        };
        let Some(bytes) = bytes else { return Ok(None) };
        let head = Head::decode(*bytes)?;
        if matches!(self.state, State::Hello) && head.kind != Kind::Hello {
            return Err(DecodeError::HelloExpected(head.kind));
        }
        let limit = match head.kind {
            kind if kind.is_message() => self.max_frame,
            Kind::Accept => MAX_ACCEPT,
            _ => MAX_CONTROL,
        };
        if head.length > limit {
            return Err(DecodeError::TooLong { kind: head.kind, length: head.length, limit });
        }
        if self.tail.is_empty() && head.kind.is_message() && head.length > SPLIT {
            *input = &input[HEAD_LEN..];
        }
        Ok(Some(head))
    }

    /// A short frame, whole, from `input` itself or, where it was cut, from `tail`.
    fn whole<'a, 'i: 'a>(&'a mut self, head: Head, input: &mut &'i [u8]) -> Option<Piece<'a>> {
        let total = HEAD_LEN + head.length as usize;
        let frame = if self.tail.is_empty() && input.len() >= total {
            let (frame, rest) = input.split_at(total);
            *input = rest;
            frame
        } else {
            fill(&mut self.tail, total, input);
            if self.tail.len() < total {
                return None;
            }
            self.tail_done = true;
            &self.tail[..]
        };
        self.state = State::Frame;
        Some(Piece { head, payload: &frame[HEAD_LEN..], left: 0 })
    }

    /// As much of a long message frame as is there.
    fn payload_piece<'a>(
        &mut self,
        head: Head,
        left: u32,
        input: &mut &'a [u8],
    ) -> Option<Piece<'a>> {
        let (payload, rest) = input.split_at(input.len().min(left as usize));
        *input = rest;
        let length = payload.len() as u32;
        let head = self.pass_payload(head, left, length);
        (length > 0 || left == 0).then_some(Piece { head, payload, left: left - length })
    }
}

/// Moves bytes from `input` to `tail` until `tail` has `len`, or `input` is empty.
fn fill(tail: &mut Vec<u8>, len: usize, input: &mut &[u8]) {
    let wanted = len.saturating_sub(tail.len());
    let (moved, rest) = input.split_at(wanted.min(input.len()));
    tail.extend_from_slice(moved);
    *input = rest;
}

#[cfg(test)]
mod tests;
