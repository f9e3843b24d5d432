//! The bytes of one message, from the frame to the codec and back. Small ones are held in place: most calls
//! carry a few bytes, and an allocation would cost more than all else that is done with them.

use std::{
    fmt,
    ops::Deref,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;

/// Most bytes that are held in place; with them a payload is as large as [`Bytes`] and a tag.
const INLINE: usize = 38;

/// The bytes of one message. Up to 38 are held without an allocation; more are shared. Those of a message that is
/// to be sent may be in several parts, so that long bytes of a value leave without a copy.
///
/// ```
/// use rpc_core::proto::Payload;
/// let payload = Payload::copy_from_slice(&[2, 4]);
/// assert_eq!(*payload, [2, 4]);
/// ```
#[derive(Clone)]
pub struct Payload(Held);

#[derive(Clone)]
enum Held {
    Inline { length: u8, bytes: [u8; INLINE] },
    Shared(Bytes),
    Parts(Arc<Parts>),
}

/// A message in several parts, which go to the transport one by one.
struct Parts {
    parts: Vec<Bytes>,
    length: usize,
    /// All in one piece, for who asks for that.
    joined: OnceLock<Bytes>,
}

/// A place in the written form of a value where long bytes are missing, and these bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct Gap {
    pub(crate) at: usize,
    pub(crate) bytes: Bytes,
}

impl Payload {
    /// No bytes.
    #[must_use]
    pub const fn new() -> Self {
        Self(Held::Inline { length: 0, bytes: [0; INLINE] })
    }

    /// A copy of `bytes`.
    #[must_use]
    pub fn copy_from_slice(bytes: &[u8]) -> Self {
        Self::inline(bytes).unwrap_or_else(|| Self(Held::Shared(Bytes::copy_from_slice(bytes))))
    }

    /// The bytes of `parts`, one after the other.
    pub(crate) fn of_parts(parts: Vec<Bytes>) -> Self {
        let length = parts.iter().map(Bytes::len).sum();
        Self(Held::Parts(Arc::new(Parts { parts, length, joined: OnceLock::new() })))
    }

    /// What was `written` of a value, with its gaps filled.
    pub(crate) fn with_gaps(written: &Bytes, gaps: Vec<Gap>) -> Self {
        let mut parts = Vec::with_capacity(2 * gaps.len() + 1);
        let mut from = 0;
        for Gap { at, bytes } in gaps {
            parts.extend([written.slice(from..at), bytes]);
            from = at;
        }
        parts.push(written.slice(from..));
        parts.retain(|part| !part.is_empty());
        Self::of_parts(parts)
    }

    /// How many bytes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Held::Inline { length, .. } => usize::from(*length),
            Held::Shared(bytes) => bytes.len(),
            Held::Parts(parts) => parts.length,
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        match &self.0 {
            Held::Inline { length, bytes } => &bytes[..usize::from(*length)],
            Held::Shared(bytes) => bytes,
            Held::Parts(parts) => parts.joined(),
        }
    }

    /// The bytes in their shared form, if they are not held in place.
    #[must_use]
    pub fn shared(&self) -> Option<&Bytes> {
        match &self.0 {
            Held::Inline { .. } => None,
            Held::Shared(bytes) => Some(bytes),
            Held::Parts(parts) => Some(parts.joined()),
        }
    }

    /// Whether it holds memory apart from its own.
    pub(crate) const fn is_shared(&self) -> bool {
        !matches!(self.0, Held::Inline { .. })
    }

    /// Whether it was in parts and somebody asked for it in one piece.
    #[cfg(test)]
    pub(crate) fn is_joined(&self) -> bool {
        matches!(&self.0, Held::Parts(parts) if parts.joined.get().is_some())
    }

    /// The bytes as [`Bytes`]; a copy if they are held in place.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Held::Inline { length, bytes } => Bytes::copy_from_slice(&bytes[..usize::from(length)]),
            Held::Shared(bytes) => bytes,
            Held::Parts(parts) => parts.joined().clone(),
        }
    }

    /// The bytes in the parts that they are held in.
    pub(crate) fn to_parts(&self) -> Vec<Bytes> {
        match &self.0 {
            Held::Inline { .. } => vec![Bytes::copy_from_slice(self)],
            Held::Shared(bytes) => vec![bytes.clone()],
            Held::Parts(parts) => parts.parts.clone(),
        }
    }

    /// The bytes, if they are held in one shared piece.
    pub(crate) const fn whole(&self) -> Option<&Bytes> {
        match &self.0 {
            Held::Shared(bytes) => Some(bytes),
            Held::Inline { .. } | Held::Parts(_) => None,
        }
    }

    /// Takes the first `length` bytes off; all if there are fewer.
    pub(crate) fn split_to(&mut self, length: usize) -> Self {
        if length >= self.len() {
            return std::mem::take(self);
        }
        if let Held::Shared(bytes) = &mut self.0 {
            return Self(Held::Shared(bytes.split_to(length)));
        }
        let (mut front, mut back) = (Vec::new(), Vec::new());
        let mut left = length;
        for mut part in self.to_parts() {
            let taken = part.split_to(left.min(part.len()));
            left -= taken.len();
            front.extend(Some(taken).filter(|bytes| !bytes.is_empty()));
            back.extend(Some(part).filter(|bytes| !bytes.is_empty()));
        }
        *self = Self::of_parts(back);
        Self::of_parts(front)
    }

    /// A copy of the first `length` bytes of `from`, which must have as many. A read buffer holds more: copying a
    /// fixed number of bytes, of which the length says how many count, is cheaper than copying so many.
    #[inline]
    pub(crate) fn copy_from_start(from: &[u8], length: usize) -> Self {
        match from.first_chunk() {
            Some(&bytes) if length <= INLINE => Self(Held::Inline { length: length as u8, bytes }),
            _ => Self::copy_from_slice(&from[..length]),
        }
    }

    /// A copy of `buffer`, which may be longer afterwards: as in [`Self::copy_from_start`] a fixed number of bytes is cheaper
    /// to copy, and what is not there is made up.
    #[inline]
    pub(crate) fn copy_from_buffer(buffer: &mut Vec<u8>) -> Self {
        let length = buffer.len();
        if length > INLINE {
            return Self::copy_from_slice(buffer);
        }
        buffer.extend_from_slice(&[0; INLINE]);
        Self::copy_from_start(buffer, length)
    }

    /// Appends the bytes to `out`; of those held in place all, and then as many are taken off as do not count.
    #[inline]
    pub(crate) fn append_to(&self, out: &mut Vec<u8>) {
        let Held::Inline { length, bytes } = &self.0 else { return self.append_shared(out) };
        let end = out.len() + usize::from(*length);
        out.extend_from_slice(bytes);
        out.truncate(end);
    }

    // Apart, so that what is short needs no call.
    #[inline(never)]
    fn append_shared(&self, out: &mut Vec<u8>) {
        match &self.0 {
            Held::Inline { .. } => {}
            Held::Shared(bytes) => out.extend_from_slice(bytes),
            Held::Parts(parts) => parts.parts.iter().for_each(|part| out.extend_from_slice(part)),
        }
    }

    /// The room that [`Self::append_to`] takes for a while.
    #[inline]
    pub(crate) fn room(&self) -> usize {
        match &self.0 {
            Held::Inline { .. } => INLINE,
            Held::Shared(_) | Held::Parts(_) => self.len(),
        }
    }

    /// A copy that is held in place, if so many bytes can be.
    #[inline]
    pub(crate) fn inline(from: &[u8]) -> Option<Self> {
        let mut bytes = [0; INLINE];
        bytes.get_mut(..from.len())?.copy_from_slice(from);
        Some(Self(Held::Inline { length: from.len() as u8, bytes }))
    }
}

impl Parts {
    fn joined(&self) -> &Bytes {
        self.joined.get_or_init(|| self.parts.concat().into())
    }
}

impl Default for Payload {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for Payload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self::inline(&bytes).unwrap_or(Self(Held::Shared(bytes)))
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self::inline(&bytes).unwrap_or_else(|| Self(Held::Shared(bytes.into())))
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Payload {}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Bytes that are shown.
        const SHOWN: usize = 16;
        write!(f, "Payload({} bytes:", self.len())?;
        for byte in self.iter().take(SHOWN) {
            write!(f, " {byte:02x}")?;
        }
        f.write_str(if self.len() > SHOWN { " …)" } else { ")" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_five_words() {
        assert_eq!(size_of::<Payload>(), 40);
    }

    #[test]
    fn bytes_of_every_length_come_back() {
        for length in [0, 1, INLINE, INLINE + 1, 5000] {
            let bytes: Vec<u8> = (0..length).map(|n| n as u8).collect();
            let copied = Payload::copy_from_slice(&bytes);
            assert_eq!(copied.shared().is_some(), length > INLINE);
            assert_eq!(*copied, *bytes);
            assert_eq!(Payload::from(bytes.clone()), copied);
            assert_eq!(Payload::from(Bytes::from(bytes.clone())), copied);
            assert_eq!(copied.into_bytes(), bytes);
        }
    }

    #[test]
    fn bytes_are_split_wherever_they_are_held() {
        let whole = Bytes::from((0..100).collect::<Vec<u8>>());
        let held = |bytes: &Bytes| {
            let gap = Gap { at: 3, bytes: bytes.slice(3..70) };
            let written = [&bytes[..3], &bytes[70..]].concat().into();
            [Payload(Held::Shared(bytes.clone())), Payload::with_gaps(&written, vec![gap])]
        };
        for length in [0, 1, 3, 4, 69, 70, 71, 99, 100, 200] {
            for mut payload in held(&whole) {
                let front = payload.split_to(length);
                let at = length.min(100);
                assert_eq!((&*front, &*payload), (&whole[..at], &whole[at..]), "{length}");
                assert_eq!((front.len(), payload.len()), (at, 100 - at));
            }
        }
        let mut short = Payload::copy_from_slice(b"abc");
        assert_eq!((&*short.split_to(1), &*short), (&b"a"[..], &b"bc"[..]));
    }

    #[test]
    fn parts_are_the_bytes_that_they_are_one_after_the_other() {
        let parts: Vec<Bytes> = [&b"ab"[..], b"c", b"def"].map(Bytes::from).into();
        let payload = Payload::of_parts(parts.clone());
        let mut out = b"_".to_vec();
        payload.append_to(&mut out);
        assert_eq!((payload.len(), payload.room(), &*out), (6, 6, &b"_abcdef"[..]));
        assert_eq!(payload.to_parts(), parts);
        assert_eq!(*payload, *b"abcdef");
        assert_eq!(payload.clone().into_bytes(), "abcdef");
    }
}
