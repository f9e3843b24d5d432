//! Bytes on their way to the transport: small frames back to back, large messages by reference.
//!
//! Each write starts with what a former write left of a frame, then all small frames, then chunks of
//! large messages: so a large message delays a small one by one write at most (PROTOCOL §10). Where the
//! order of frames means something, `Outbox::fill` keeps it.

use std::{collections::VecDeque, io::IoSlice};

use bytes::{Buf, Bytes};

use super::session::{Journal, Replay};
use crate::proto::{
    Payload,
    encoder::{MAGIC, PREFACE_LEN},
    wire::{Flags, HEAD_LEN, Head, Kind},
};

/// Chunks of large messages in one write; figures in docs/decisions.md.
pub(super) const CHUNKS_PER_WRITE: usize = 7;

/// Bytes of written frames that are kept in front of those that are not, rather than moving these.
const WORTH_DROPPING: usize = 4 << 10;

/// Most slices of one write: a rest of two parts, the small frames, two for each chunk, a ping.
pub(crate) const MAX_SLICES: usize = 4 + 2 * CHUNKS_PER_WRITE;

/// A frame that is not copied together: its head, with what precedes the body, and the body.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) head: Payload,
    pub(super) head_sent: usize,
    pub(super) body: Bytes,
    /// Whether it is the first of a request.
    pub(super) opens: bool,
}

impl Chunk {
    fn len(&self) -> usize {
        self.head.len() - self.head_sent + self.body.len()
    }

    fn advance(&mut self, count: usize) {
        let of_head = count.min(self.head.len() - self.head_sent);
        self.head_sent += of_head;
        self.body.advance(count - of_head);
    }
}

/// What is to be written next. Taken out of the connection for the time of a write, so that no lock is
/// held meanwhile.
#[derive(Debug, Default)]
pub struct Transmit {
    /// What is written ahead of all else: it was written before, over another transport.
    pub(super) replay: Option<Box<Replay>>,
    /// A chunk of which a part is written.
    rest: Option<Chunk>,
    pub(super) small: Vec<u8>,
    small_sent: usize,
    /// Bounded by: `CHUNKS_PER_WRITE`.
    pub(super) chunks: VecDeque<Chunk>,
}

impl Transmit {
    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rest.is_none()
            && self.small.len() == self.small_sent
            && self.chunks.is_empty()
            && self.replay.is_none()
    }

    /// The bytes to write, in order; fills as many slices as there are and returns how many.
    pub fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>; MAX_SLICES]) -> usize {
        let mut count = 0;
        let mut push = |bytes: &'a [u8]| {
            if !bytes.is_empty() {
                slices[count] = IoSlice::new(bytes);
                count += 1;
            }
        };
        if let Some(replay) = &self.replay {
            replay.piece(MAX_SLICES).for_each(push);
            return count;
        }
        if let Some(rest) = &self.rest {
            push(&rest.head[rest.head_sent..]);
            push(&rest.body);
        }
        push(&self.small[self.small_sent..]);
        for chunk in &self.chunks {
            push(&chunk.head);
            push(&chunk.body);
        }
        count
    }

    /// Takes note that the first `count` bytes are written.
    pub fn advance(&mut self, mut count: usize) {
        if let Some(rest) = &mut self.rest {
            let written = count.min(rest.len());
            rest.advance(written);
            count -= written;
            if rest.len() > 0 {
                return;
            }
            self.rest = None;
        }
        let written = count.min(self.small.len() - self.small_sent);
        self.small_sent += written;
        count -= written;
        if self.small_sent == self.small.len() {
            self.small.clear();
            self.small_sent = 0;
        }
        while count > 0 {
            let Some(mut chunk) = self.chunks.pop_front() else { return };
            let written = count.min(chunk.len());
            count -= written;
            if written < chunk.len() {
                chunk.advance(written);
                self.rest = Some(chunk);
            }
        }
    }

    /// Takes note that the first `count` bytes are written, if they are of what was written before; false if there is
    /// nothing of that kind.
    pub(super) fn advance_replay(&mut self, count: usize) -> bool {
        let Some(replay) = &mut self.replay else { return false };
        if replay.advance(count) {
            self.replay = None;
        }
        true
    }

    /// Enters the first `count` bytes in a journal: they are written.
    pub(super) fn record(&self, mut count: usize, journal: &mut Journal) {
        let chunk = |chunk: &Chunk, count, journal: &mut Journal| {
            let left = journal.copy(&chunk.head[chunk.head_sent..], count);
            journal.share(&chunk.body, left)
        };
        if let Some(rest) = &self.rest {
            count = chunk(rest, count, journal);
        }
        count = journal.copy(&self.small[self.small_sent..], count);
        for next in &self.chunks {
            if count == 0 {
                return;
            }
            count = chunk(next, count, journal);
        }
    }

    /// Adds a small frame behind the others.
    pub(super) fn append_small(&mut self, frame: &[u8]) {
        if self.small.len() == self.small_sent {
            self.small.clear();
            self.small_sent = 0;
        }
        self.small.extend_from_slice(frame);
    }

    /// How many requests it holds of whose first frames nothing is written.
    pub(super) fn waiting_requests(&self) -> usize {
        let opening = self.chunks.iter().filter(|chunk| chunk.opens).count();
        count_requests(&self.small, self.small_sent) + opening
    }

    /// Drops what belongs to calls of this side and was not begun to be written, and long messages: the connection is
    /// over, and what was not written is said not to have been. Gives how many bytes that were.
    pub(super) fn abandon(&mut self) -> usize {
        let chunks = self.chunks.drain(..).map(|chunk| chunk.len()).sum::<usize>();
        chunks + drop_mine(&mut self.small, self.small_sent)
    }

    /// All bytes that are to be written for the first time.
    pub(super) fn len(&self) -> usize {
        let rest = self.rest.as_ref().map_or(0, Chunk::len);
        let chunks = self.chunks.iter().map(Chunk::len).sum::<usize>();
        rest + self.small.len() - self.small_sent + chunks
    }

    /// The bytes of small frames that are not written.
    pub(super) const fn small_left(&self) -> usize {
        self.small.len() - self.small_sent
    }

    /// Whether chunks wait, of which nothing is written.
    pub(super) fn has_chunks(&self) -> bool {
        !self.chunks.is_empty()
    }

    /// Whether the first chunk of a request waits, of which nothing is written.
    pub(super) fn has_opening(&self) -> bool {
        self.chunks.iter().any(|chunk| chunk.opens)
    }

    /// Takes over the small frames that were appended since the last write. The buffers change places
    /// where nothing is left of the former, which is the common case.
    pub(super) fn take_small(&mut self, appended: &mut Vec<u8>) {
        if self.small.len() == self.small_sent {
            self.small.clear();
            self.small_sent = 0;
            std::mem::swap(&mut self.small, appended);
        } else {
            self.drop_written();
            self.small.append(appended);
        }
    }

    /// Drops the frames that are written, once they are half of all: a peer that always reads a part, and never all,
    /// would have them kept for as long as it does. Each is looked at once.
    fn drop_written(&mut self) {
        if self.small_sent < WORTH_DROPPING || 2 * self.small_sent < self.small.len() {
            return;
        }
        // The frame that was begun stays whole: it is told from those that are not by its head.
        let written = written_frames(&self.small, self.small_sent);
        self.small.drain(..written);
        self.small_sent -= written;
    }

    /// The buffer of small frames, if it is empty: so that idle connections hold none.
    pub fn take_spare(&mut self) -> Option<Vec<u8>> {
        (self.small.is_empty() && self.small.capacity() > 0)
            .then(|| std::mem::take(&mut self.small))
    }
}

/// The length of the frames in front that end at `sent` or before.
fn written_frames(frames: &[u8], sent: usize) -> usize {
    let mut at = if frames.starts_with(&MAGIC) { PREFACE_LEN } else { 0 };
    while let Some(head) = frames.get(at..).and_then(|rest| rest.first_chunk::<HEAD_LEN>()) {
        let Ok(head) = Head::decode(*head) else { break };
        let end = at + HEAD_LEN + head.length as usize;
        if end > sent {
            break;
        }
        at = end;
    }
    at.min(sent)
}

/// Takes the frames that begin at `from` or behind it and are about calls of their sender out of a run of whole
/// frames; gives how many bytes that were.
pub(super) fn drop_mine(frames: &mut Vec<u8>, from: usize) -> usize {
    let before = frames.len();
    let mut at = if frames.starts_with(&MAGIC) { PREFACE_LEN } else { 0 };
    while let Some(head) = frames.get(at..).and_then(|rest| rest.first_chunk::<HEAD_LEN>()) {
        let Ok(head) = Head::decode(*head) else { break };
        let end = at + HEAD_LEN + head.length as usize;
        if at >= from && head.flags.contains(Flags::MINE) {
            frames.drain(at..end);
        } else {
            at = end;
        }
    }
    before - frames.len()
}

/// How many requests begin in a run of whole frames at `from` or behind it.
pub(super) fn count_requests(frames: &[u8], from: usize) -> usize {
    // The preface goes ahead of all frames.
    let mut at = if frames.starts_with(&MAGIC) { PREFACE_LEN } else { 0 };
    let mut count = 0;
    while let Some(head) = frames.get(at..).and_then(|rest| rest.first_chunk::<HEAD_LEN>()) {
        let Ok(head) = Head::decode(*head) else { break };
        count += usize::from(head.kind == Kind::Request && at >= from);
        at += HEAD_LEN + head.length as usize;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{CallId, encode_preface};

    fn sample() -> Transmit {
        let mut transmit = Transmit::default();
        transmit.take_small(&mut b"small".to_vec());
        for (head, body) in [("h1", &b"body one"[..]), ("h2", b"body two")] {
            let head = Payload::copy_from_slice(head.as_bytes());
            transmit.chunks.push_back(Chunk { head, body: body.into(), ..Chunk::default() });
        }
        transmit
    }

    fn written(transmit: &Transmit, limit: usize) -> Vec<u8> {
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        let count = transmit.slices(&mut slices);
        let mut all: Vec<u8> = slices[..count].iter().flat_map(|s| s.iter().copied()).collect();
        all.truncate(limit);
        all
    }

    #[test]
    fn any_sequence_of_partial_writes_gives_the_same_bytes() {
        for step in 1..30 {
            let mut transmit = sample();
            let mut all = Vec::new();
            while !transmit.is_empty() {
                let bytes = written(&transmit, step);
                transmit.advance(bytes.len());
                all.extend(bytes);
            }
            assert_eq!(all, b"smallh1body oneh2body two", "step {step}");
        }
    }

    #[test]
    fn what_is_written_is_not_kept_though_there_is_always_more() {
        let mut transmit = Transmit::default();
        let head = Head { kind: Kind::Item, flags: Flags::NONE, id: CallId::new(1), length: 100 };
        let frame = [&head.encode()[..], &[7; 100]].concat();
        let (mut appended, mut sent) = (Vec::new(), Vec::new());
        encode_preface(&mut appended);
        let mut all = appended.clone();
        for _ in 0..10_000 {
            for _ in 0..10 {
                appended.extend_from_slice(&frame);
                all.extend_from_slice(&frame);
            }
            transmit.take_small(&mut appended);
            // A peer that reads as much as comes, and leaves a part of a frame each time.
            let bytes = written(&transmit, transmit.len().saturating_sub(150));
            transmit.advance(bytes.len());
            sent.extend(bytes);
            assert!(
                transmit.small.capacity() < 8 * WORTH_DROPPING,
                "{}",
                transmit.small.capacity()
            );
        }
        sent.extend(written(&transmit, usize::MAX));
        assert!(sent == all, "the same bytes in the same order");
    }

    #[test]
    fn requests_are_counted_and_dropped_from_where_nothing_is_written() {
        let frame = |kind, flags, length: usize| {
            let head = Head { kind, flags, id: CallId::new(1), length: length as u32 };
            [&head.encode()[..], &vec![7; length]].concat()
        };
        let mut preface = Vec::new();
        encode_preface(&mut preface);
        let request = frame(Kind::Request, Flags::MINE, 10);
        let response = frame(Kind::Response, Flags::NONE, 3);
        let mut frames = [&preface[..], &request, &response, &request, &response].concat();
        assert_eq!(count_requests(&frames, 0), 2);
        assert_eq!(count_requests(&frames, 8), 2);
        assert_eq!(count_requests(&frames, 9), 1);
        assert_eq!(drop_mine(&mut frames, 9), 18);
        assert_eq!(frames, [&preface[..], &request, &response, &response].concat());
        assert_eq!(count_requests(&frames, 9), 0);
    }

    #[test]
    fn small_frames_overtake_chunks_but_never_cut_one() {
        let mut transmit = sample();
        transmit.advance(5 + 4);
        transmit.take_small(&mut b"next".to_vec());
        assert_eq!(written(&transmit, 99), b"dy onenexth2body two");
    }
}
