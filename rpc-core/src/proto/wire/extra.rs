//! Extension frames: room for kinds that version 1 began without (PROTOCOL §23). Their subtype says whether whoever
//! does not know it may pass it over.
//!
//! ```text
//! u16 subtype, whose highest bit says that it must be understood; then as the subtype says:
//!     1  acknowledgement   u64 bytes of the session received        2  leave   nothing
//!     3  load              u32 calls in flight, u32 microseconds that a call waits for its handler
//! ```

use std::time::Duration;

use super::{Fields, FrameError, HEAD_LEN, Head, Kind};
use crate::proto::Load;

/// The bit of a subtype that whoever does not know it must not pass over.
const CRITICAL: u16 = 0x8000;

const ACKNOWLEDGEMENT: u16 = 1;
const LEAVE: u16 = 2;
const LOAD: u16 = 3;

/// The bytes of a whole acknowledgement.
pub(crate) const ACKNOWLEDGEMENT_LEN: usize = HEAD_LEN + 2 + 8;

/// An extension frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Extra {
    /// So many bytes of the session have been received (PROTOCOL §25).
    Acknowledgement(u64),
    /// The sender ends the session in good order, and closes the transport (PROTOCOL §25).
    Leave,
    /// How much the sender has to do (PROTOCOL §26).
    Load(Load),
    /// One that is not known and may be passed over.
    Unknown,
}

impl Extra {
    /// Reads the payload.
    ///
    /// # Errors
    /// It ends early, or has to be understood and is not known.
    pub fn decode(payload: &[u8]) -> Result<Self, FrameError> {
        let mut fields = Fields::new(Kind::Extension, payload);
        match fields.u16()? {
            ACKNOWLEDGEMENT => {
                let received = fields.u64()?;
                fields.finish()?;
                Ok(Self::Acknowledgement(received))
            }
            LEAVE => Ok(Self::Leave),
            LOAD => {
                let (in_flight, micros) = (fields.u32()?, fields.u32()?);
                let queue_delay = Duration::from_micros(micros.into());
                Ok(Self::Load(Load { in_flight, queue_delay }))
            }
            subtype if subtype & CRITICAL == 0 => Ok(Self::Unknown),
            subtype => Err(FrameError::Subtype(subtype)),
        }
    }

    /// Appends the whole frame. One that is not known has none.
    pub fn encode(self, out: &mut Vec<u8>) {
        let (subtype, fields) = match self {
            Self::Acknowledgement(received) => (ACKNOWLEDGEMENT, Some(received.to_le_bytes())),
            Self::Leave => (LEAVE, None),
            Self::Load(Load { in_flight, queue_delay }) => {
                let micros = u32::try_from(queue_delay.as_micros()).unwrap_or(u32::MAX);
                let fields = u64::from(in_flight) | u64::from(micros) << 32;
                (LOAD, Some(fields.to_le_bytes()))
            }
            Self::Unknown => return,
        };
        let fields = fields.as_ref().map_or(&[][..], |fields| &fields[..]);
        let head = Head::control(Kind::Extension, 2 + fields.len() as u32);
        out.extend_from_slice(&head.encode());
        out.extend_from_slice(&subtype.to_le_bytes());
        out.extend_from_slice(fields);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_passed_over_unless_it_says_otherwise() {
        assert_eq!(Extra::decode(&[7, 0, 1, 2, 3]), Ok(Extra::Unknown));
        assert_eq!(Extra::decode(&[7, 0x80]), Err(FrameError::Subtype(0x8007)));
        assert_eq!(Extra::decode(&[7]), Err(FrameError::Short(Kind::Extension)));
    }

    #[test]
    fn what_is_known_survives() {
        let load = Load { in_flight: 7, queue_delay: Duration::from_micros(1500) };
        for (extra, length) in [
            (Extra::Acknowledgement(1 << 40), ACKNOWLEDGEMENT_LEN),
            (Extra::Leave, HEAD_LEN + 2),
            (Extra::Load(load), HEAD_LEN + 2 + 8),
        ] {
            let mut bytes = Vec::new();
            extra.encode(&mut bytes);
            assert_eq!(bytes.len(), length);
            assert_eq!(Extra::decode(&bytes[HEAD_LEN..]), Ok(extra));
        }
        assert_eq!(
            Extra::decode(&[1, 0, 1, 2, 3]),
            Err(FrameError::Short(Kind::Extension)),
            "an acknowledgement that ends early"
        );
        let longer = Extra::decode(&[3, 0, 7, 0, 0, 0, 220, 5, 0, 0, 99]);
        assert_eq!(longer, Ok(Extra::Load(load)), "a report may grow");
    }
}
