//! The bytes of one message, from the frame to the codec and back. Small ones are held in place: most calls
//! carry a few bytes, and an allocation would cost more than all else that is done with them.

use std::{fmt, ops::Deref};

use bytes::Bytes;

/// Most bytes that are held in place; with them a payload is as large as [`Bytes`] and a tag.
const INLINE: usize = 38;

/// The bytes of one message. Up to 38 are held without an allocation; more are shared.
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

    /// The bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        match &self.0 {
            Held::Inline { length, bytes } => &bytes[..usize::from(*length)],
            Held::Shared(bytes) => bytes,
        }
    }

    /// The bytes in their shared form, if they are not held in place.
    #[must_use]
    pub const fn shared(&self) -> Option<&Bytes> {
        match &self.0 {
            Held::Inline { .. } => None,
            Held::Shared(bytes) => Some(bytes),
        }
    }

    /// The bytes as [`Bytes`]; a copy if they are held in place.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Held::Inline { length, bytes } => Bytes::copy_from_slice(&bytes[..usize::from(length)]),
            Held::Shared(bytes) => bytes,
        }
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

    /// Appends the bytes to `out`; of those held in place all, and then as many are taken off as do not count.
    #[inline]
    pub(crate) fn append_to(&self, out: &mut Vec<u8>) {
        match &self.0 {
            Held::Inline { length, bytes } => {
                let end = out.len() + usize::from(*length);
                out.extend_from_slice(bytes);
                out.truncate(end);
            }
            Held::Shared(bytes) => out.extend_from_slice(bytes),
        }
    }

    /// The room that [`Self::append_to`] takes for a while.
    #[inline]
    pub(crate) fn room(&self) -> usize {
        match &self.0 {
            Held::Inline { .. } => INLINE,
            Held::Shared(bytes) => bytes.len(),
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
}
