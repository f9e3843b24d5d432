//! Goaway: its sender starts no further request, and says how many it has accepted (PROTOCOL §12).

use std::fmt;

use super::{Fields, FrameError, Head, Kind, clip, entries::Entries};
use crate::proto::Code;

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum CloseCode {
    /// An orderly end: what was accepted is finished.
    Drain = 0,
    /// The peer broke a rule of the protocol.
    Protocol = 1,
    /// The peer exceeded a limit that it was told.
    Limit = 2,
    /// The peer did not do its part in time.
    Timeout = 3,
    /// The sender gives the connection up: what runs need not be finished.
    Abort = 4,
    /// The peer sends much that brings nothing.
    Calm = 5,
    /// The receiver has not proved who it is: nothing of it was started.
    Unauthenticated = 6,
}

impl CloseCode {
    const fn from_value(value: u8) -> Self {
        match value {
            0 => Self::Drain,
            2 => Self::Limit,
            3 => Self::Timeout,
            4 => Self::Abort,
            5 => Self::Calm,
            6 => Self::Unauthenticated,
            _ => Self::Protocol,
        }
    }

    /// The code of the receiver's calls that end by it.
    pub(crate) const fn of_calls(self) -> Code {
        match self {
            Self::Unauthenticated => Code::Unauthenticated,
            _ => Code::Unavailable,
        }
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Drain => "drain",
            Self::Protocol => "protocol error",
            Self::Limit => "limit exceeded",
            Self::Timeout => "timeout",
            Self::Abort => "aborted",
            Self::Calm => "enhance your calm",
            Self::Unauthenticated => "unauthenticated",
        })
    }
}

/// The payload of a goaway frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoAway {
    /// Why.
    pub code: CloseCode,
    /// How many requests of the receiver were accepted on this connection; later ones never start.
    pub accepted: u64,
    /// Why, for people.
    pub message: String,
}

const MAX_MESSAGE: usize = 1024;

impl GoAway {
    /// Appends the whole frame.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let message = clip(&self.message, MAX_MESSAGE);
        out.extend_from_slice(&Head::control(Kind::GoAway, 11 + message.len() as u32).encode());
        out.push(self.code as u8);
        out.extend_from_slice(&self.accepted.to_le_bytes());
        out.extend_from_slice(&(message.len() as u16).to_le_bytes());
        out.extend_from_slice(message.as_bytes());
    }

    /// Reads the payload. A code that this version does not know counts as a protocol error.
    ///
    /// # Errors
    /// A payload that ends early.
    pub fn decode(payload: &[u8]) -> Result<Self, FrameError> {
        let mut fields = Fields::new(Kind::GoAway, payload);
        let (code, accepted, length) = (fields.u8()?, fields.u64()?, fields.u16()?);
        let message = String::from_utf8_lossy(fields.take(usize::from(length))?).into_owned();
        Entries::new(Kind::GoAway, fields.rest()).pass_over()?;
        Ok(Self { code: CloseCode::from_value(code), accepted, message })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goaway_survives_and_short_ones_do_not() {
        let frame = GoAway { code: CloseCode::Limit, accepted: 3, message: "enough".into() };
        let mut out = Vec::new();
        frame.encode(&mut out);
        assert_eq!(GoAway::decode(&out[8..]), Ok(frame.clone()));
        out.extend_from_slice(&[0x80 | 3, 1, 0, 9]);
        assert_eq!(GoAway::decode(&out[8..]), Ok(frame));
        assert_eq!(GoAway::decode(&out[8..16]), Err(FrameError::Short(Kind::GoAway)));
    }
}
