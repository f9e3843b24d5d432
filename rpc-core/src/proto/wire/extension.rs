//! The header extension of a response, an error and an item, and the payload of an accept: what travels beside a value
//! (PROTOCOL §8). That of a request is in `opening.rs`.
//!
//! ```text
//! u16 length of all entries, then entries:  2 metadata pair, u8 key length, key, value
//! ```

use super::{
    Fields, FrameError, Kind,
    entries::{Entries, block, entry},
};
use crate::proto::Metadata;

pub(super) const TAG_METADATA: u8 = 2;

/// Shows `each` the tag and the bytes of the entry of every pair.
pub(super) fn pairs(metadata: &Metadata, mut each: impl FnMut(u8, &[&[u8]])) {
    for (key, value) in metadata.iter_all() {
        // A key is at most 64 bytes long and a pair at most 60,000: `Metadata` sees to it.
        each(TAG_METADATA, &[&[key.len() as u8], key.as_bytes(), value.as_bytes()]);
    }
}

/// Appends metadata as entries.
pub(super) fn encode_pairs(metadata: &Metadata, out: &mut Vec<u8>) {
    pairs(metadata, |tag, parts| entry(tag, parts, out));
}

/// Appends the block of a reply that carries `metadata`.
pub(crate) fn encode_reply(metadata: &Metadata, out: &mut Vec<u8>) {
    block(out, |out| encode_pairs(metadata, out));
}

/// Reads the block at the front of the payload of a reply or an item. Gives what follows it.
pub(crate) fn decode_reply<'a>(
    kind: Kind,
    payload: &'a [u8],
    metadata: &mut Option<Box<Metadata>>,
) -> Result<&'a [u8], FrameError> {
    let mut fields = Fields::new(kind, payload);
    decode_pairs(kind, Entries::block(kind, &mut fields)?, metadata)?;
    Ok(fields.rest())
}

/// Reads entries of which only pairs of metadata are known.
pub(super) fn decode_pairs(
    kind: Kind,
    mut entries: Entries<'_>,
    metadata: &mut Option<Box<Metadata>>,
) -> Result<(), FrameError> {
    while let Some((tag, bytes)) = entries.next()? {
        match tag {
            TAG_METADATA => decode_pair(kind, bytes, metadata)?,
            _ => Entries::unknown(kind, tag)?,
        }
    }
    Ok(())
}

/// Reads the entry of one pair.
pub(super) fn decode_pair(
    kind: Kind,
    mut bytes: Fields<'_>,
    metadata: &mut Option<Box<Metadata>>,
) -> Result<(), FrameError> {
    let key_length = bytes.u8()?;
    let key = bytes.text(usize::from(key_length), "metadata key")?;
    let metadata = metadata.get_or_insert_default();
    let added = if Metadata::is_binary(key) {
        metadata.append_bin(key, bytes.rest())
    } else {
        metadata.append(key, bytes.text(bytes.rest().len(), "metadata value")?)
    };
    added.map_err(|_| FrameError::Field(kind, "metadata pair"))
}
