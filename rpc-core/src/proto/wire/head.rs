//! The frame head: one little-endian u64 that holds length, kind, flags and call id (PROTOCOL §3).
//!
//! ```text
//! bits  0..24  payload length      24..28  kind      28..32  flags      32..64  call id
//! ```

use thiserror::Error;

use super::{Kind, kinds::About};
use crate::proto::{CallId, Codec};

/// Bytes of a frame head.
pub const HEAD_LEN: usize = 8;

/// The four flags of a frame head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(u8);

impl Flags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// The message goes on in a later frame.
    pub const MORE: Self = Self(1);
    /// The payload is JSON; clear means bincode.
    pub const JSON: Self = Self(2);
    /// A header extension precedes the value.
    pub const EXT: Self = Self(4);
    /// The frame is about a call that its sender opened.
    pub const MINE: Self = Self(8);

    /// The flag of a payload in this codec.
    #[must_use]
    pub const fn of(codec: Codec) -> Self {
        match codec {
            Codec::Bincode => Self::NONE,
            Codec::Json => Self::JSON,
        }
    }

    /// The codec of the payload.
    #[must_use]
    pub const fn codec(self) -> Codec {
        if self.contains(Self::JSON) { Codec::Json } else { Codec::Bincode }
    }

    /// Whether all flags of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These flags and `other`'s.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These flags less `other`'s.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// The fixed prefix of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// What the frame is for.
    pub kind: Kind,
    /// Its flags.
    pub flags: Flags,
    /// The call it is about; zero for frames about the connection.
    pub id: CallId,
    /// Bytes of payload that follow, below 2^24.
    pub length: u32,
}

/// A head that no version of the protocol allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HeadError {
    /// The kind is reserved.
    #[error("frame kind {0} is not one that protocol version 1 knows")]
    Kind(u8),
    /// The kind does not allow one of the flags.
    #[error("{0} frame has a flag that its kind does not allow")]
    Flags(Kind),
    /// A frame about the connection names a call.
    #[error("{0} frame names a call")]
    Id(Kind),
}

impl Head {
    /// A head for a frame about the connection.
    #[must_use]
    pub const fn control(kind: Kind, length: u32) -> Self {
        Self { kind, flags: Flags::NONE, id: CallId(0), length }
    }

    /// The eight bytes on the wire.
    #[must_use]
    pub fn encode(self) -> [u8; HEAD_LEN] {
        let bits = u64::from(self.length & 0x00ff_ffff)
            | u64::from(self.kind as u8) << 24
            | u64::from(self.flags.0) << 28
            | u64::from(self.id.value()) << 32;
        bits.to_le_bytes()
    }

    /// The length in a head that is this one but for its length.
    pub(crate) fn length_if_same(self, bytes: [u8; HEAD_LEN]) -> Option<u32> {
        let (bits, own) = (u64::from_le_bytes(bytes), u64::from_le_bytes(self.encode()));
        (bits >> 24 == own >> 24).then_some((bits & 0x00ff_ffff) as u32)
    }

    /// Reads the eight bytes of a head that is right and about a call; nothing of any other.
    #[inline]
    pub(crate) fn decode_of_call(bytes: [u8; HEAD_LEN]) -> Option<Self> {
        let bits = u64::from_le_bytes(bytes);
        let kind = OF_CALLS[usize::from((bits >> 24) as u8)]?;
        let flags = Flags((bits >> 28) as u8 & 0xf);
        Some(Self {
            kind,
            flags,
            id: CallId((bits >> 32) as u32),
            length: (bits & 0x00ff_ffff) as u32,
        })
    }

    /// Reads the eight bytes.
    ///
    /// # Errors
    /// A reserved kind, a flag that the kind does not allow, or an id where none belongs.
    pub fn decode(bytes: [u8; HEAD_LEN]) -> Result<Self, HeadError> {
        let bits = u64::from_le_bytes(bytes);
        let number = (bits >> 24) as u8 & 0xf;
        let kind = Kind::from_bits(number).ok_or(HeadError::Kind(number))?;
        let flags = Flags((bits >> 28) as u8 & 0xf);
        let id = CallId((bits >> 32) as u32);
        if !kind.row().may.contains(flags) {
            return Err(HeadError::Flags(kind));
        }
        if kind.is_about_connection() && id != CallId(0) {
            return Err(HeadError::Id(kind));
        }
        Ok(Self { kind, flags, id, length: (bits & 0x00ff_ffff) as u32 })
    }
}

/// The kind of a frame about a call, by the byte of the head that holds kind and flags, if the two go together.
static OF_CALLS: [Option<Kind>; 256] = {
    let mut kinds = [None; 256];
    let mut byte = 0;
    while byte < 256 {
        if let Some(kind) = Kind::from_bits(byte as u8 & 0xf)
            && kind.row().may.contains(Flags(byte as u8 >> 4))
            && matches!(kind.row().about, About::Call)
        {
            kinds[byte] = Some(kind);
        }
        byte += 1;
    }
    kinds
};

#[cfg(test)]
mod tests {
    use super::*;

    /// Every value of the 32 bits that are not the id either fails or survives a round trip.
    #[test]
    fn every_kind_and_flag_is_rejected_or_survives() {
        let mut accepted = 0;
        for high in 0..=u8::MAX {
            let bytes = [7, 0, 0, high, 5, 0, 0, 0];
            let of_call = Head::decode(bytes).ok().filter(|head| head.kind != Kind::Extension);
            assert_eq!(Head::decode_of_call(bytes), of_call);
            if let Ok(head) = Head::decode(bytes) {
                assert_eq!(head.encode(), bytes);
                accepted += 1;
            }
        }
        // request and item 16 each, response and error 8 each, cancel, end, credit and extension 2 each, accept 1;
        // frames about the connection may not name call 5
        assert_eq!(accepted, 2 * 16 + 2 * 8 + 4 * 2 + 1);
    }

    #[test]
    fn length_fills_its_24_bits_only() {
        let head = Head { length: 0x00ff_ffff, ..Head::control(Kind::Ping, 0) };
        assert_eq!(head.encode(), [0xff, 0xff, 0xff, 9, 0, 0, 0, 0]);
    }
}
