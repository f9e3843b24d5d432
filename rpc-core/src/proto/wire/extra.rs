//! Extension frames: room for kinds that version 1 does not have (PROTOCOL §23). Their subtype says whether whoever
//! does not know it may pass it over.
//!
//! ```text
//! u16 subtype, whose highest bit says that it must be understood; then as the subtype says
//! ```

use super::{Fields, FrameError, Kind};

/// The bit of a subtype that whoever does not know it must not pass over.
const CRITICAL: u16 = 0x8000;

/// Reads the payload of an extension frame: none is known yet.
pub(crate) fn decode(payload: &[u8]) -> Result<(), FrameError> {
    let subtype = Fields::new(Kind::Extension, payload).u16()?;
    if subtype & CRITICAL == 0 { Ok(()) } else { Err(FrameError::Subtype(subtype)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_passed_over_unless_it_says_otherwise() {
        assert_eq!(decode(&[7, 0, 1, 2, 3]), Ok(()));
        assert_eq!(decode(&[7, 0x80]), Err(FrameError::Subtype(0x8007)));
        assert_eq!(decode(&[7]), Err(FrameError::Short(Kind::Extension)));
    }
}
