//! Accept: the handler of a streaming call goes on with items (PROTOCOL §20). It carries the metadata that goes ahead
//! of them, as entries.

use super::{
    Flags, FrameError, Head, Kind,
    entries::Entries,
    extension::{decode_pairs, encode_pairs},
};
use crate::proto::{CallId, Metadata, encoder::encode_frame};

/// Appends the whole frame.
pub(crate) fn encode(call: CallId, metadata: Option<&Metadata>, out: &mut Vec<u8>) {
    let head = Head { kind: Kind::Accept, flags: Flags::NONE, id: call, length: 0 };
    encode_frame(head, out, |out| {
        if let Some(metadata) = metadata {
            encode_pairs(metadata, out);
        }
    });
}

/// Reads the payload.
pub(crate) fn decode(payload: &[u8]) -> Result<Option<Box<Metadata>>, FrameError> {
    let mut metadata = None;
    decode_pairs(Kind::Accept, Entries::new(Kind::Accept, payload), &mut metadata)?;
    Ok(metadata)
}

/// Reads the payload of a cancel or an end: entries, of which none is known. Neither can be refused, so that no tag
/// is critical there.
pub(crate) fn pass_over(kind: Kind, payload: &[u8]) -> Result<(), FrameError> {
    Entries::new(kind, payload).pass_over()
}
