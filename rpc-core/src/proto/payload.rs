//! The bytes of one message.
use bytes::Bytes;
use std::ops::Deref;

const INLINE: usize = 38;

/// The bytes of one message.
#[derive(Clone)]
pub struct Payload(Repr);
#[derive(Clone)]
enum Repr {
    Inline { len: u8, data: [u8; INLINE] },
    Shared(Bytes),
}
impl Payload {
    /// Empty.
    #[must_use]
    pub const fn new() -> Self {
        Self(Repr::Inline { len: 0, data: [0; INLINE] })
    }
    /// Copies.
    #[must_use]
    pub fn copy_from_slice(bytes: &[u8]) -> Self {
        if bytes.len() <= INLINE {
            let mut data = [0; INLINE];
            data[..bytes.len()].copy_from_slice(bytes);
            Self(Repr::Inline { len: bytes.len() as u8, data })
        } else {
            Self(Repr::Shared(Bytes::copy_from_slice(bytes)))
        }
    }
    /// Slice.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        match &self.0 {
            Repr::Inline { len, data } => &data[..usize::from(*len)],
            Repr::Shared(b) => b,
        }
    }
    /// Shared.
    #[must_use]
    pub fn shared(&self) -> Option<&Bytes> {
        match &self.0 {
            Repr::Shared(b) => Some(b),
            Repr::Inline { .. } => None,
        }
    }
    /// Bytes.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Repr::Shared(b) => b,
            Repr::Inline { len, data } => Bytes::copy_from_slice(&data[..usize::from(len)]),
        }
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
    fn from(b: Bytes) -> Self {
        if b.len() <= INLINE { Self::copy_from_slice(&b) } else { Self(Repr::Shared(b)) }
    }
}
impl From<Vec<u8>> for Payload {
    fn from(b: Vec<u8>) -> Self {
        if b.len() <= INLINE { Self::copy_from_slice(&b) } else { Self(Repr::Shared(b.into())) }
    }
}
impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Payload({} bytes)", self.len())
    }
}
impl PartialEq for Payload {
    fn eq(&self, o: &Self) -> bool {
        self.as_slice() == o.as_slice()
    }
}
