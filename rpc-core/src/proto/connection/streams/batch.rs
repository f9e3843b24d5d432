//! Items of one stream on their way to be sent: gathered as whole frames by whoever has them, so that many leave under
//! one lock and in one write.

use bytes::Bytes;

use super::{ITEM_OVERHEAD, SMALL_ITEM, StreamId};
use crate::proto::{
    Codec, Metadata,
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
    /// The length of the last long item: the next may be as long.
    hint: usize,
}

/// The outcome of adding an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// There is room for more.
    Added,
    /// So many are gathered that they should be handed on.
    Full,
    /// A long item, which no batch takes: it follows what was gathered.
    Long(Bytes),
    /// An item of this length, which the peer does not accept.
    TooLong(usize),
}

impl Batch {
    /// No items of a stream yet.
    #[must_use]
    pub const fn new(stream: StreamId, codec: Codec) -> Self {
        Self { stream, codec, frames: Vec::new(), whole: 0, cost: 0, hint: 0 }
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

    /// Adds an item that `encode` appends and that is at most `longest` bytes.
    ///
    /// # Errors
    /// Those of `encode`; then nothing was added.
    pub fn push<X>(
        &mut self,
        longest: usize,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), X>,
    ) -> Result<Pushed, X> {
        let start = self.frames.len();
        self.frames.reserve(self.hint);
        self.frames.extend_from_slice(&[0; HEAD_LEN]);
        if let Err(error) = encode(&mut self.frames) {
            self.frames.truncate(start);
            return Err(error);
        }
        let length = self.frames.len() - start - HEAD_LEN;
        if length > longest {
            self.frames.truncate(start);
            return Ok(Pushed::TooLong(length));
        }
        if length > SMALL_ITEM {
            self.hint = (HEAD_LEN + length).min(LONGEST_HINT);
            let item = if start == 0 {
                Bytes::from(std::mem::take(&mut self.frames)).slice(HEAD_LEN..)
            } else {
                let item = Bytes::copy_from_slice(&self.frames[start + HEAD_LEN..]);
                self.frames.truncate(start);
                item
            };
            return Ok(Pushed::Long(item));
        }
        let head = self.stream.item_head(self.codec, length);
        self.frames[start..start + HEAD_LEN].copy_from_slice(&head);
        self.cost += length + ITEM_OVERHEAD;
        self.whole = self.frames.len();
        Ok(if self.whole >= FULL { Pushed::Full } else { Pushed::Added })
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
