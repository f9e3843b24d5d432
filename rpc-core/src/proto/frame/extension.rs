//! The header extension of a request: remaining time and metadata (PROTOCOL §8).
//!
//! ```text
//! u16 length of all entries, then entries: u8 tag, u16 length, bytes
//! tag 1: remaining time, u64 nanoseconds      tag 2: metadata pair, u8 key length, key, value
//! tag 3: streams, u8: 1 the caller sends items, 2 it expects items
//! tag 4: u32, the receiver's call that the handler serves which makes this one
//! ```
//! Tags that a reader does not know are passed over, so that later versions may add some.

use std::time::Duration;

use crate::proto::{
    CallId, Metadata,
    frame::{Fields, FrameError, Kind, RequestHead, Streams},
};

const TAG_TIMEOUT: u8 = 1;
const TAG_METADATA: u8 = 2;
const TAG_STREAMS: u8 = 3;
const TAG_WITHIN: u8 = 4;

/// What travels beside key and arguments.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extension<'a> {
    /// How long the caller still waits.
    pub timeout: Option<Duration>,
    /// Key-value pairs.
    pub metadata: Option<&'a Metadata>,
    /// Which ways the call streams.
    pub streams: Streams,
    /// The receiver's call whose handler makes this one.
    pub within: Option<CallId>,
}

impl Extension<'_> {
    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.timeout.is_none()
            && self.metadata.is_none_or(Metadata::is_empty)
            && self.streams == Streams::NONE
            && self.within.is_none()
    }
}

/// Appends the extension for these fields.
pub(super) fn encode(extension: &Extension<'_>, out: &mut Vec<u8>) {
    let Extension { timeout, metadata, streams, within } = *extension;
    let start = out.len();
    out.extend_from_slice(&[0; 2]);
    if let Some(timeout) = timeout {
        let nanos = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
        entry(TAG_TIMEOUT, &[&nanos.to_le_bytes()], out);
    }
    for (key, value) in metadata.into_iter().flat_map(Metadata::iter) {
        // A key is at most 64 bytes long and a pair at most 8 KiB: `Metadata::set` sees to it.
        entry(TAG_METADATA, &[&[key.len() as u8], key.as_bytes(), value.as_bytes()], out);
    }
    if streams != Streams::NONE {
        entry(TAG_STREAMS, &[&[streams.bits()]], out);
    }
    if let Some(call) = within {
        entry(TAG_WITHIN, &[&call.value().to_le_bytes()], out);
    }
    let length = (out.len() - start - 2) as u16;
    out[start..start + 2].copy_from_slice(&length.to_le_bytes());
}

fn entry(tag: u8, parts: &[&[u8]], out: &mut Vec<u8>) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    out.push(tag);
    out.extend_from_slice(&(length as u16).to_le_bytes());
    for part in parts {
        out.extend_from_slice(part);
    }
}

/// Which ways a call streams whose extension breaks a rule in another entry.
pub(super) fn streams(fields: &mut Fields<'_>) -> Result<Streams, FrameError> {
    let length = fields.u16()?;
    let mut entries = Fields::new(Kind::Request, fields.take(usize::from(length))?);
    loop {
        let (tag, length) = (entries.u8()?, entries.u16()?);
        let mut entry = Fields::new(Kind::Request, entries.take(usize::from(length))?);
        if tag == TAG_STREAMS {
            return entry.u8().map(Streams::from_bits);
        }
    }
}

/// Reads an extension off the front of `fields`, into `head`.
pub(super) fn decode(fields: &mut Fields<'_>, head: &mut RequestHead) -> Result<(), FrameError> {
    let length = fields.u16()?;
    let mut entries = Fields::new(Kind::Request, fields.take(usize::from(length))?);
    while !entries.rest().is_empty() {
        let (tag, length) = (entries.u8()?, entries.u16()?);
        let mut entry = Fields::new(Kind::Request, entries.take(usize::from(length))?);
        match tag {
            TAG_TIMEOUT => {
                head.timeout = Some(Duration::from_nanos(entry.u64()?));
                entry.finish()?;
            }
            TAG_METADATA => {
                let key_length = entry.u8()?;
                let key = entry.text(usize::from(key_length), "metadata key")?;
                let value = entry.text(entry.rest().len(), "metadata value")?;
                head.metadata
                    .get_or_insert_default()
                    .set(key, value)
                    .map_err(|_| FrameError::Field(Kind::Request, "metadata pair"))?;
            }
            TAG_WITHIN => {
                head.within = Some(CallId::new(u32::from_le_bytes(entry.array()?)));
                entry.finish()?;
            }
            TAG_STREAMS => {
                head.streams = Streams::from_bits(entry.u8()?);
                entry.finish()?;
            }
            _ => {}
        }
    }
    Ok(())
}
