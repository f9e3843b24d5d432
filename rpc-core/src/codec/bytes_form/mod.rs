//! Bytes as one piece rather than element by element: the same wire form, read and written at the speed
//! of a copy, or without one. A slice keeps alive the whole message that it was cut from.

use std::{cell::RefCell, fmt, marker::PhantomData};

use bytes::Bytes;
use serde::{
    Deserializer,
    de::{self, Unexpected, Visitor},
};

thread_local! {
    /// The message that is being read, for slices of it.
    static SOURCE: RefCell<Option<Bytes>> = const { RefCell::new(None) };
}

/// Runs `read`, in which slices of `source` are made without a copy.
pub(super) fn with_source<R>(source: Option<&Bytes>, read: impl FnOnce() -> R) -> R {
    let Some(source) = source else { return read() };
    let outer = SOURCE.replace(Some(source.clone()));
    let _restore = Restore(outer);
    read()
}

/// Puts the outer message back, even if a type's own code panics.
struct Restore(Option<Bytes>);

impl Drop for Restore {
    fn drop(&mut self) {
        SOURCE.set(self.0.take());
    }
}

/// `bytes` as a slice of the message that is being read; a copy if they are no part of it.
fn slice_or_copy(bytes: &[u8]) -> Bytes {
    SOURCE.with_borrow(|source| match source {
        Some(source) if source.as_ptr_range().contains(&bytes.as_ptr()) => source.slice_ref(bytes),
        _ => Bytes::copy_from_slice(bytes),
    })
}

/// Reads bytes in any form that serde may offer them: in one piece, element by element, or as text.
pub(super) fn read<'de, D: Deserializer<'de>, T: From<Vec<u8>> + Piece>(
    deserializer: D,
) -> Result<T, D::Error> {
    let readable = deserializer.is_human_readable();
    deserializer.deserialize_byte_buf(BytesVisitor { readable, made: PhantomData })
}

/// A type that holds bytes in one piece.
pub(super) trait Piece {
    /// Keeps a part of the message that is being read.
    fn borrowed(bytes: &[u8]) -> Self;

    /// Copies bytes that do not outlive the call.
    fn copied(bytes: &[u8]) -> Self;
}

impl Piece for Bytes {
    fn borrowed(bytes: &[u8]) -> Self {
        slice_or_copy(bytes)
    }

    fn copied(bytes: &[u8]) -> Self {
        Self::copy_from_slice(bytes)
    }
}

impl Piece for Vec<u8> {
    fn borrowed(bytes: &[u8]) -> Self {
        bytes.to_vec()
    }

    fn copied(bytes: &[u8]) -> Self {
        bytes.to_vec()
    }
}

struct BytesVisitor<T> {
    /// True if the format is text, so that bytes in one piece are those of a string and must be UTF-8:
    /// serde_json does not check that where bytes are asked for, and other readers of JSON would refuse it.
    readable: bool,
    made: PhantomData<T>,
}

impl<T> BytesVisitor<T> {
    fn check<E: de::Error>(&self, bytes: &[u8]) -> Result<(), E> {
        if self.readable && str::from_utf8(bytes).is_err() {
            return Err(E::invalid_value(Unexpected::Other("text that is not UTF-8"), &EXPECTED));
        }
        Ok(())
    }
}

const EXPECTED: &str = "bytes: an array of numbers from 0 to 255, or text";

impl<'de, T: From<Vec<u8>> + Piece> Visitor<'de> for BytesVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_borrowed_bytes<E: de::Error>(self, bytes: &'de [u8]) -> Result<T, E> {
        self.check(bytes).map(|()| T::borrowed(bytes))
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<T, E> {
        self.check(bytes).map(|()| T::copied(bytes))
    }

    fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<T, E> {
        self.check(&bytes).map(|()| bytes.into())
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<T, E> {
        Ok(T::borrowed(text.as_bytes()))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        Ok(T::copied(text.as_bytes()))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut elements: A) -> Result<T, A::Error> {
        let mut bytes = Vec::with_capacity(elements.size_hint().unwrap_or(0).min(4096));
        while let Some(byte) = elements.next_element()? {
            bytes.push(byte);
        }
        Ok(bytes.into())
    }
}

#[cfg(test)]
mod tests;
