//! Entries: how everything that may grow is written. A tag (1 byte), a length (2 bytes), and as many bytes. A reader
//! passes over tags that it does not know, unless they have the bit that says that it must not (PROTOCOL §1).

use super::{Fields, FrameError, Kind};

/// The bit of a tag that whoever does not know it must not pass over.
pub(crate) const CRITICAL: u8 = 0x80;

/// Bytes of an entry beside its own.
pub(super) const ENTRY: usize = 3;

/// Appends one entry, whose bytes are `parts` back to back.
pub(super) fn entry(tag: u8, parts: &[&[u8]], out: &mut Vec<u8>) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    debug_assert!(length <= usize::from(u16::MAX), "an entry of {length} bytes");
    out.push(tag);
    out.extend_from_slice(&(length as u16).to_le_bytes());
    for part in parts {
        out.extend_from_slice(part);
    }
}

/// Appends what `write` appends behind its length in two bytes.
pub(super) fn block(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 2]);
    write(out);
    let length = (out.len() - start - 2) as u16;
    out[start..start + 2].copy_from_slice(&length.to_le_bytes());
}

/// Reads entries one after the other.
#[derive(Debug)]
pub(super) struct Entries<'a> {
    fields: Fields<'a>,
    kind: Kind,
}

impl<'a> Entries<'a> {
    pub(super) const fn new(kind: Kind, bytes: &'a [u8]) -> Self {
        Self { fields: Fields::new(kind, bytes), kind }
    }

    /// The block of entries at the front of `fields`, behind its length in two bytes.
    pub(super) fn block(kind: Kind, fields: &mut Fields<'a>) -> Result<Self, FrameError> {
        let length = fields.u16()?;
        Ok(Self::new(kind, fields.take(usize::from(length))?))
    }

    /// The next entry; `None` after the last.
    pub(super) fn next(&mut self) -> Result<Option<(u8, Fields<'a>)>, FrameError> {
        if self.fields.rest().is_empty() {
            return Ok(None);
        }
        let (tag, length) = (self.fields.u8()?, self.fields.u16()?);
        let bytes = self.fields.take(usize::from(length))?;
        Ok(Some((tag, Fields::new(self.kind, bytes))))
    }

    /// Passes over an entry whose tag is not known, if it may be.
    pub(super) const fn unknown(kind: Kind, tag: u8) -> Result<(), FrameError> {
        if tag & CRITICAL == 0 { Ok(()) } else { Err(FrameError::Critical(kind, tag)) }
    }

    /// Reads all entries, and passes over every one.
    pub(super) fn pass_over(mut self) -> Result<(), FrameError> {
        while self.next()?.is_some() {}
        Ok(())
    }
}
