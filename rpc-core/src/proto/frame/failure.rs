//! The error frame: a call ended with the trait's own error, or with a status (PROTOCOL §7).
//!
//! ```text
//! u8 0, then the application's error in the frame's codec
//! u8 1, u8 code, u8 execution (0 not started, 1 may have run), then the message in UTF-8
//! ```

use super::{Fields, FrameError, Kind, clip};
use crate::proto::{Code, Execution, Payload, Status};

/// How a call ended that did not end with a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// The handler returned the trait's own error: its encoded value.
    Application(Payload),
    /// The framework, or a handler in its words, ended the call.
    Status(Status),
}

/// First byte of the payload of an application error.
pub(crate) const APPLICATION: u8 = 0;
const STATUS: u8 = 1;

/// Longest status message that is sent; longer ones are cut at a character.
const MAX_MESSAGE: usize = 8 << 10;

impl Failure {
    /// Appends the payload of an error frame with this status.
    pub fn encode_status(status: &Status, out: &mut Vec<u8>) {
        out.extend_from_slice(&[STATUS, status.code().value(), status.may_have_run().into()]);
        out.extend_from_slice(clip(status.message(), MAX_MESSAGE).as_bytes());
    }

    /// Reads the payload of an error frame. `shared` makes a payload of the application's bytes.
    ///
    /// # Errors
    /// A payload that ends early or has an unknown origin or execution. A message that is not UTF-8
    /// is repaired: the status matters more.
    pub fn decode(payload: &[u8]) -> Result<Self, FrameError> {
        let mut fields = Fields::new(Kind::Error, payload);
        match fields.u8()? {
            APPLICATION => Ok(Self::Application(Payload::copy_from_slice(fields.rest()))),
            STATUS => {
                let code = Code::from_value(fields.u8()?);
                let execution = match fields.u8()? {
                    0 => Execution::NotStarted,
                    1 => Execution::MayHaveRun,
                    _ => return Err(FrameError::Field(Kind::Error, "execution")),
                };
                let message = String::from_utf8_lossy(fields.rest()).into_owned();
                Ok(Self::Status(match execution {
                    Execution::NotStarted => Status::not_started(code, message),
                    Execution::MayHaveRun => Status::new(code, message),
                }))
            }
            _ => Err(FrameError::Field(Kind::Error, "origin")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_survive() {
        for status in [Status::new(Code::Internal, "ü"), Status::not_started(Code::Unavailable, "")]
        {
            let mut out = Vec::new();
            Failure::encode_status(&status, &mut out);
            assert_eq!(Failure::decode(&out), Ok(Failure::Status(status)));
        }
    }

    #[test]
    fn long_messages_are_cut_at_a_character() {
        let mut out = Vec::new();
        Failure::encode_status(&Status::new(Code::Internal, "ü".repeat(10_000)), &mut out);
        assert_eq!(out.len(), 3 + MAX_MESSAGE);
        assert!(Failure::decode(&out).is_ok());
    }

    #[test]
    fn bad_payloads_are_named() {
        for (payload, error) in [
            (&[][..], FrameError::Short(Kind::Error)),
            (&[2][..], FrameError::Field(Kind::Error, "origin")),
            (&[1, 13][..], FrameError::Short(Kind::Error)),
            (&[1, 13, 7][..], FrameError::Field(Kind::Error, "execution")),
        ] {
            assert_eq!(Failure::decode(payload), Err(error));
        }
    }
}
