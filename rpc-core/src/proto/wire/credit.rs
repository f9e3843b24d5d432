//! Credit: how many more bytes of items the peer may send in one stream (PROTOCOL §20).
//!
//! ```text
//! u32 bytes, at least 1
//! ```

use super::{Fields, Flags, FrameError, HEAD_LEN, Head, Kind};
use crate::proto::CallId;

/// The payload of a credit frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credit {
    /// Bytes that may be sent beyond those allowed before.
    pub bytes: u32,
}

impl Credit {
    /// Appends the whole frame; the flag MINE says that its sender opened the call.
    pub fn encode(self, call: CallId, flags: Flags, out: &mut Vec<u8>) {
        let head = Head { kind: Kind::Credit, flags, id: call, length: 4 };
        let mut frame = [0; HEAD_LEN + 4];
        frame[..HEAD_LEN].copy_from_slice(&head.encode());
        frame[HEAD_LEN..].copy_from_slice(&self.bytes.to_le_bytes());
        out.extend_from_slice(&frame);
    }

    /// Reads the payload.
    ///
    /// # Errors
    /// A payload that is not four bytes, or zero.
    pub fn decode(payload: &[u8]) -> Result<Self, FrameError> {
        let mut fields = Fields::new(Kind::Credit, payload);
        let bytes = fields.array().map(u32::from_le_bytes)?;
        fields.finish()?;
        if bytes == 0 {
            return Err(FrameError::Field(Kind::Credit, "number of bytes"));
        }
        Ok(Self { bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credit_survives_and_anything_else_is_an_error() {
        let mut frame = Vec::new();
        Credit { bytes: 70_000 }.encode(CallId::new(3), Flags::MINE, &mut frame);
        let (head, payload) = frame.split_at(HEAD_LEN);
        let head = Head::decode(head.try_into().unwrap()).unwrap();
        assert_eq!((head.kind, head.flags, head.length), (Kind::Credit, Flags::MINE, 4));
        assert_eq!(Credit::decode(payload), Ok(Credit { bytes: 70_000 }));
        assert_eq!(Credit::decode(&payload[..3]), Err(FrameError::Short(Kind::Credit)));
        assert_eq!(Credit::decode(&[1; 5]), Err(FrameError::Trailing(Kind::Credit)));
        assert!(Credit::decode(&[0; 4]).is_err());
    }
}
