//! Bytes that were handed to a transport and of which the peer has not said that they arrived: what a session sends once
//! more over the next transport. Long ones are held by reference.

use std::{collections::VecDeque, mem::take};

use bytes::{Buf as _, Bytes};

/// Parts of at least this length are not copied.
const SHARED: usize = 4 << 10;

/// Copied bytes are kept in pieces of about this length, each of which goes as a whole.
const PIECE: usize = 16 << 10;

/// Bytes of a session in the order in which they were written.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    /// Bytes still to come that do not count: preface and hello.
    uncounted: usize,
    /// The place of the first byte that is kept: all before it have arrived.
    start: u64,
    /// How many bytes are kept.
    held: usize,
    /// Bounded by: `held`, as is `tail`.
    pieces: VecDeque<Bytes>,
    /// Copied bytes behind the pieces.
    tail: Vec<u8>,
}

impl Journal {
    /// The next so many bytes do not count.
    pub(crate) const fn pass_over(&mut self, count: usize) {
        self.uncounted = count;
    }

    /// The place behind the last byte.
    pub(crate) const fn end(&self) -> u64 {
        self.start + self.held as u64
    }

    /// The place of the first byte that is kept.
    pub(crate) const fn start(&self) -> u64 {
        self.start
    }

    /// How many bytes are kept.
    pub(crate) const fn held(&self) -> usize {
        self.held
    }

    /// Takes note of up to `most` of these bytes, which were written; gives what is left of `most`.
    pub(crate) fn copy(&mut self, bytes: &[u8], most: usize) -> usize {
        let bytes = &bytes[..bytes.len().min(most)];
        let left = most - bytes.len();
        let counted = &bytes[self.uncounted.min(bytes.len())..];
        self.uncounted -= bytes.len() - counted.len();
        self.tail.extend_from_slice(counted);
        self.held += counted.len();
        if self.tail.len() >= PIECE {
            self.close_tail();
        }
        left
    }

    /// The same of bytes that can be shared.
    pub(crate) fn share(&mut self, bytes: &Bytes, most: usize) -> usize {
        let length = bytes.len().min(most);
        if length < SHARED || self.uncounted > 0 {
            return self.copy(bytes, most);
        }
        self.close_tail();
        self.pieces.push_back(bytes.slice(..length));
        self.held += length;
        most - length
    }

    fn close_tail(&mut self) {
        if !self.tail.is_empty() {
            self.pieces.push_back(take(&mut self.tail).into());
        }
    }

    /// All bytes before `place` have arrived: they are let go. Gives their number; nothing if it is not a place of what
    /// is kept.
    pub(crate) fn acknowledge(&mut self, place: u64) -> Option<usize> {
        if !(self.start..=self.end()).contains(&place) {
            return None;
        }
        let arrived = (place - self.start) as usize;
        let mut left = arrived;
        while let Some(first) = self.pieces.front_mut().filter(|_| left > 0) {
            let gone = left.min(first.len());
            first.advance(gone);
            left -= gone;
            if first.is_empty() {
                self.pieces.pop_front();
            }
        }
        if left == self.tail.len() {
            // An idle connection keeps no buffer.
            self.tail = Vec::new();
        } else if left > 0 {
            let mut tail = Bytes::from(take(&mut self.tail));
            tail.advance(left);
            self.pieces.push_back(tail);
        }
        self.held -= arrived;
        self.start = place;
        Some(arrived)
    }

    /// All bytes from the first that is kept.
    pub(crate) fn all(&self) -> VecDeque<Bytes> {
        let mut all = self.pieces.clone();
        if !self.tail.is_empty() {
            all.push_back(Bytes::copy_from_slice(&self.tail));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(journal: &Journal) -> Vec<u8> {
        journal.all().iter().flat_map(|piece| piece.iter().copied()).collect()
    }

    proptest! {
        #[test]
        fn what_has_not_arrived_is_kept_and_nothing_else(
            uncounted in 0_usize..100,
            steps in prop::collection::vec((0_usize..20_000, any::<bool>(), 0.0..1.0_f64), 1..60),
        ) {
            let (mut journal, mut written) = (Journal::default(), Vec::new());
            journal.pass_over(uncounted);
            let mut next = 0_u8;
            for (length, shared, arrived) in steps {
                let bytes: Vec<u8> = (0..length).map(|_| { next = next.wrapping_add(1); next }).collect();
                let most = length / 2 + 3;
                let left = match shared {
                    true => journal.share(&bytes.clone().into(), most),
                    false => journal.copy(&bytes, most),
                };
                written.extend_from_slice(&bytes[..length.min(most)]);
                prop_assert_eq!(left, most - length.min(most));
                let counted = &written[uncounted.min(written.len())..];
                prop_assert_eq!(journal.end(), counted.len() as u64);
                let place = journal.start() + (journal.held() as f64 * arrived) as u64;
                prop_assert_eq!(journal.acknowledge(journal.end() + 1), None);
                prop_assert!(journal.acknowledge(place).is_some());
                if place > 0 {
                    prop_assert_eq!(journal.acknowledge(place - 1), None);
                }
                prop_assert_eq!(whole(&journal), &counted[place as usize..]);
            }
        }
    }
}
