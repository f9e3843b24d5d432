//! Items of one stream on their way to be sent: gathered as whole frames by whoever has them, so that many leave under
//! one lock and in one write.

use bytes::Bytes;

use super::{ITEM_OVERHEAD, SMALL_ITEM, StreamId};
use crate::proto::{
    Codec, Gap, Metadata, Payload,
    wire::{HEAD_LEN, Head, Kind, accept},
};

/// Bytes of small items that are gathered before they are handed on.
const FULL: usize = 16 << 10;

/// The most room that is made for an item before its length is known.
const LONGEST_HINT: usize = 128 << 10;

/// Small items of one stream, in their order.
#[derive(Debug)]
pub struct Batch {
    stream: StreamId,
    codec: Codec,
    /// Whole frames; more at the end while an item is being encoded.
    frames: Vec<u8>,
    whole: usize,
    cost: usize,
    /// The length of what was written of the last long item: the next may be as long.
    hint: usize,
    /// Whether one of the items was long.
    seen_long: bool,
}

/// The outcome of adding an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// There is room for more.
    Added,
    /// So many are gathered that they should be handed on.
    Full,
    /// A long item, which no batch takes: it follows what was gathered.
    Long(Payload),
    /// An item of this length, which the peer does not accept.
    TooLong(usize),
}

impl Batch {
    /// No items of a stream yet.
    #[must_use]
    pub const fn new(stream: StreamId, codec: Codec) -> Self {
        Self { stream, codec, frames: Vec::new(), whole: 0, cost: 0, hint: 0, seen_long: false }
    }

    /// The stream that the items are of.
    #[must_use]
    pub const fn stream(&self) -> StreamId {
        self.stream
    }

    /// How the items are encoded.
    #[must_use]
    pub const fn codec(&self) -> Codec {
        self.codec
    }

    /// Adds the word that the items of a call of the peer come, with the metadata ahead of them.
    pub fn accept(&mut self, leading: Option<&Metadata>) {
        self.stream.encode_accept(leading, &mut self.frames);
        self.whole = self.frames.len();
    }

    /// Whether long items are to be expected, whose bytes are worth a look for what need not be copied.
    #[must_use]
    pub const fn expects_long(&self) -> bool {
        self.seen_long
    }

    /// Adds an item that `encode` appends, and that is at most `longest` bytes.
    ///
    /// # Errors
    /// Those of `encode`; then nothing was added.
    #[inline]
    pub fn push<X>(
        &mut self,
        longest: usize,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), X>,
    ) -> Result<Pushed, X> {
        let start = self.begin_item();
        if let Err(error) = encode(&mut self.frames) {
            self.frames.truncate(start);
            return Err(error);
        }
        let length = self.frames.len() - start - HEAD_LEN;
        if length > SMALL_ITEM.min(longest) {
            return Ok(self.end_long(start, None, longest));
        }
        Ok(self.end_short(start, length))
    }

    /// The same of an item that `encode` appends but for the gaps that it gives.
    ///
    /// # Errors
    /// As for [`Self::push`].
    pub fn push_with_gaps<X>(
        &mut self,
        longest: usize,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<Option<Vec<Gap>>, X>,
    ) -> Result<Pushed, X> {
        let start = self.begin_item();
        match encode(&mut self.frames) {
            Ok(gaps) => Ok(self.end_long(start, gaps, longest)),
            Err(error) => {
                self.frames.truncate(start);
                Err(error)
            }
        }
    }

    /// Leaves room for the head of an item; where that is.
    #[inline]
    fn begin_item(&mut self) -> usize {
        let start = self.frames.len();
        self.frames.reserve(self.hint);
        self.frames.extend_from_slice(&[0; HEAD_LEN]);
        start
    }

    /// Makes the item that ends here, with its head at `start`, one of those that were gathered.
    #[inline]
    fn end_short(&mut self, start: usize, length: usize) -> Pushed {
        let head = self.stream.item_head(self.codec, length);
        self.frames[start..start + HEAD_LEN].copy_from_slice(&head);
        self.cost += length + ITEM_OVERHEAD;
        self.whole = self.frames.len();
        if self.whole >= FULL { Pushed::Full } else { Pushed::Added }
    }

    /// The same of an item that may be long, or longer than the peer accepts.
    #[inline(never)]
    fn end_long(&mut self, start: usize, gaps: Option<Vec<Gap>>, longest: usize) -> Pushed {
        let written = self.frames.len() - start - HEAD_LEN;
        let missing = |gaps: &Vec<Gap>| gaps.iter().map(|gap| gap.bytes.len()).sum::<usize>();
        let length = written + gaps.as_ref().map_or(0, missing);
        if length > longest {
            self.frames.truncate(start);
            return Pushed::TooLong(length);
        }
        if length > SMALL_ITEM {
            self.seen_long = true;
            self.hint = (HEAD_LEN + written).min(LONGEST_HINT);
            return Pushed::Long(self.take_long(start, gaps));
        }
        self.end_short(start, length)
    }

    /// Takes a long item off the end, where its frame would begin at `start`.
    fn take_long(&mut self, start: usize, gaps: Option<Vec<Gap>>) -> Payload {
        let item = start + HEAD_LEN;
        let written = if start == 0 && gaps.is_none() {
            Bytes::from(std::mem::take(&mut self.frames)).slice(item..)
        } else {
            Bytes::copy_from_slice(&self.frames[item..])
        };
        self.frames.truncate(start);
        let Some(mut gaps) = gaps else { return Payload::from(written) };
        gaps.iter_mut().for_each(|gap| gap.at -= item);
        Payload::with_gaps(&written, gaps)
    }

    /// The frames of the items, without one that is being encoded.
    #[must_use]
    pub fn frames(&self) -> &[u8] {
        &self.frames[..self.whole]
    }

    /// Bytes that the items take of the credit.
    #[must_use]
    pub const fn cost(&self) -> usize {
        self.cost
    }

    /// The items themselves, for links that have no frames.
    pub fn items(&self) -> impl Iterator<Item = &[u8]> {
        self.messages().filter(|(kind, _)| *kind == Kind::Item).map(|(_, item)| item)
    }

    /// The metadata ahead of the items, if the batch begins with the word that they come.
    #[must_use]
    pub fn accepted(&self) -> Option<Option<Box<Metadata>>> {
        let (_, payload) = self.messages().find(|(kind, _)| *kind == Kind::Accept)?;
        accept::decode(payload).ok()
    }

    fn messages(&self) -> impl Iterator<Item = (Kind, &[u8])> {
        let mut rest = self.frames();
        std::iter::from_fn(move || {
            let (head, behind) = rest.split_first_chunk::<HEAD_LEN>()?;
            let head = Head::decode(*head).ok()?;
            let (payload, behind) = behind.split_at_checked(head.length as usize)?;
            rest = behind;
            Some((head.kind, payload))
        })
    }

    /// Forgets what was handed on.
    pub fn clear(&mut self) {
        self.frames.clear();
        (self.whole, self.cost) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::CallId;

    fn batch() -> Batch {
        Batch::new(StreamId::mine(CallId::new(0)), Codec::Bincode)
    }

    fn encode(written: &[u8], gaps: &[(usize, Bytes)], out: &mut Vec<u8>) -> Option<Vec<Gap>> {
        let start = out.len();
        out.extend_from_slice(written);
        let gap = |(at, bytes): &(usize, Bytes)| Gap { at: start + at, bytes: bytes.clone() };
        (!gaps.is_empty()).then(|| gaps.iter().map(gap).collect())
    }

    #[test]
    fn bytes_in_gaps_leave_where_they_are_whatever_was_gathered_before() {
        for before in [&[][..], b"short"] {
            let mut batch = batch();
            if !before.is_empty() {
                let added =
                    batch.push_with_gaps(1 << 20, |out| Ok::<_, ()>(encode(before, &[], out)));
                assert_eq!(added, Ok(Pushed::Added));
            }
            let gathered = batch.frames().to_vec();
            let long = Bytes::from(vec![7; 64 << 10]);
            let gaps = [(1, long.clone()), (2, long.clone())];
            let pushed =
                batch.push_with_gaps(1 << 20, |out| Ok::<_, ()>(encode(b"abc", &gaps, out)));
            let Ok(Pushed::Long(item)) = pushed else { panic!("{pushed:?}") };
            let parts = item.to_parts();
            assert_eq!(parts.len(), 5);
            assert!([1, 3].iter().all(|&n| parts[n].as_ptr() == long.as_ptr()));
            assert_eq!(*item, *[b"a", &*long, b"b", &*long, b"c"].concat());
            assert_eq!(batch.frames(), gathered);
            assert!(batch.expects_long());
        }
    }

    #[test]
    fn an_item_is_too_long_by_all_its_bytes() {
        let mut batch = batch();
        let gaps = [(0, Bytes::from(vec![7; 64 << 10]))];
        let pushed = batch.push_with_gaps(64 << 10, |out| Ok::<_, ()>(encode(b"a", &gaps, out)));
        assert_eq!(pushed, Ok(Pushed::TooLong((64 << 10) + 1)));
        assert!(batch.frames().is_empty());
    }
}
