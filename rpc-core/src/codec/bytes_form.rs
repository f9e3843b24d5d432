//! Bytes as one piece rather than element by element: the same wire form, read and written at the speed
//! of a copy, or without one.

use std::{cell::RefCell, fmt};

use bytes::Bytes;
use serde::de::{self, Visitor};

thread_local! {
    /// The message that is being read, for slices of it.
    static SOURCE: RefCell<Option<Bytes>> = const { RefCell::new(None) };
}

/// Runs `read` while slices of `source` can be had without a copy.
pub(super) fn with_source<R>(source: Option<&Bytes>, read: impl FnOnce() -> R) -> R {
    let Some(source) = source else { return read() };
    let outer = SOURCE.replace(Some(source.clone()));
    let _restore = Restore(outer);
    read()
}

/// Puts the message back that was being read before, even if a type's own code panics.
struct Restore(Option<Bytes>);

impl Drop for Restore {
    fn drop(&mut self) {
        SOURCE.set(self.0.take());
    }
}

/// `bytes` as a slice of the message that is being read; a copy if it is none.
fn share(bytes: &[u8]) -> Bytes {
    SOURCE.with_borrow(|source| match source {
        Some(source) if source.as_ptr_range().contains(&bytes.as_ptr()) => source.slice_ref(bytes),
        _ => Bytes::copy_from_slice(bytes),
    })
}

/// Takes bytes in any form that serde may offer them: in one piece, element by element, or as text.
pub(super) struct BytesVisitor;

impl<'de> Visitor<'de> for BytesVisitor {
    type Value = Bytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes: an array of numbers from 0 to 255, or text")
    }

    fn visit_borrowed_bytes<E: de::Error>(self, bytes: &'de [u8]) -> Result<Bytes, E> {
        Ok(share(bytes))
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Bytes, E> {
        Ok(Bytes::copy_from_slice(bytes))
    }

    fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
        Ok(bytes.into())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Bytes, E> {
        Ok(Bytes::copy_from_slice(text.as_bytes()))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, elements: A) -> Result<Bytes, A::Error> {
        VecVisitor.visit_seq(elements).map(Bytes::from)
    }
}

/// The same for a vector.
pub(super) struct VecVisitor;

impl<'de> Visitor<'de> for VecVisitor {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        BytesVisitor.expecting(f)
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<u8>, E> {
        Ok(text.as_bytes().to_vec())
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<u8>, A::Error> {
        let mut bytes = Vec::with_capacity(elements.size_hint().unwrap_or(0).min(4096));
        while let Some(byte) = elements.next_element()? {
            bytes.push(byte);
        }
        Ok(bytes)
    }
}
