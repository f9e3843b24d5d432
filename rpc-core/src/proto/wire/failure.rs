//! The error frame: a call ended with the trait's own error, or with a status (PROTOCOL §7).
//!
//! ```text
//! u8 0, then the application's error in the frame's codec
//! u8 1, u8 code, u8 execution (0 not started, 1 may have run), u16 length, message in UTF-8, then entries:
//!     1 time before which not to call again, u64 nanoseconds     2 detail, u8 length of the name of its type, name, bytes
//! ```

use std::time::Duration;

use super::{
    Fields, FrameError, Kind, clip,
    entries::{Entries, entry},
};
use crate::proto::{Code, Failure, Payload, Status};

/// First byte of the payload of an application error.
pub(crate) const APPLICATION: u8 = 0;
const STATUS: u8 = 1;

const TAG_DETAIL: u8 = 2;
const TAG_RETRY_AFTER: u8 = 1;

/// Longest status message that is sent; longer ones are cut at a character.
const MAX_MESSAGE: usize = 8 << 10;

impl Failure {
    /// Appends the payload of an error frame with this status.
    pub fn encode_status(status: &Status, out: &mut Vec<u8>) {
        out.extend_from_slice(&[STATUS, status.code().value(), status.may_have_run().into()]);
        let message = clip(status.message(), MAX_MESSAGE);
        out.extend_from_slice(&(message.len() as u16).to_le_bytes());
        out.extend_from_slice(message.as_bytes());
        if let Some(after) = status.retry_after() {
            let nanos = u64::try_from(after.as_nanos()).unwrap_or(u64::MAX);
            entry(TAG_RETRY_AFTER, &[&nanos.to_le_bytes()], out);
        }
        for (name, bytes) in status.details() {
            // A name is at most 255 bytes long, and all details 8 KiB: `Status` sees to it.
            entry(TAG_DETAIL, &[&[name.len() as u8], name.as_bytes(), bytes], out);
        }
    }

    /// Reads the payload of an error frame. What a later version may say and this one does not know, an origin or an
    /// execution, is a failure of unknown kind that may have run.
    ///
    /// # Errors
    /// A payload that ends early. A message that is not UTF-8 is repaired: the status matters more.
    pub fn decode(payload: &[u8]) -> Result<Self, FrameError> {
        let mut fields = Fields::new(Kind::Error, payload);
        match fields.u8()? {
            APPLICATION => Ok(Self::Application(Payload::copy_from_slice(fields.rest()))),
            STATUS => Self::decode_status(fields).map(Self::Status),
            origin => {
                let message =
                    format!("the peer replied with an error of a kind unknown here ({origin})");
                Ok(Self::Status(Status::new(Code::Unknown, message)))
            }
        }
    }

    fn decode_status(mut fields: Fields<'_>) -> Result<Status, FrameError> {
        let (code, execution, length) = (fields.u8()?, fields.u8()?, fields.u16()?);
        let message = String::from_utf8_lossy(fields.take(usize::from(length))?).into_owned();
        let mut status = match execution {
            0 => Status::not_started(Code::from_value(code), message),
            1 => Status::new(Code::from_value(code), message),
            _ => Status::new(Code::Unknown, message),
        };
        let mut entries = Entries::new(Kind::Error, fields.rest());
        while let Some((tag, bytes)) = entries.next()? {
            read_entry(&mut status, tag, bytes);
        }
        Ok(status)
    }
}

/// Adds to a status what an entry says. What is not of its form, what is too much, and what is not known, critical or
/// not, is passed over: the status itself matters more.
fn read_entry(status: &mut Status, tag: u8, mut bytes: Fields<'_>) {
    match tag {
        TAG_RETRY_AFTER => {
            if let (Ok(nanos), true) = (bytes.u64(), bytes.rest().is_empty()) {
                status.set_retry_after(Duration::from_nanos(nanos));
            }
        }
        TAG_DETAIL => {
            let name = bytes.u8().and_then(|length| bytes.text(usize::from(length), "name"));
            if let Ok(name) = name {
                let _ = status.add_detail(name, bytes.rest());
            }
        }
        _ => {}
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
    fn details_and_the_time_to_wait_survive() {
        let status = Status::new(Code::ResourceExhausted, "full")
            .with_detail("a.B", [0, 255])
            .with_detail("c", b"")
            .with_retry_after(Duration::from_millis(1500));
        let mut out = Vec::new();
        Failure::encode_status(&status, &mut out);
        assert_eq!(Failure::decode(&out), Ok(Failure::Status(status)));
    }

    #[test]
    fn entries_of_another_form_are_passed_over() {
        let short = [1, 13, 0, 0, 0, 1, 7, 0, 1, 2, 3, 4, 5, 6, 7];
        let long = [1, 13, 0, 0, 0, 1, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
        let no_name = [1, 13, 0, 0, 0, 2, 2, 0, 0, b'x'];
        let half_a_name = [1, 13, 0, 0, 0, 2, 2, 0, 5, b'x'];
        let no_text = [1, 13, 0, 0, 0, 2, 2, 0, 1, 0xff];
        for payload in [&short[..], &long, &no_name, &half_a_name, &no_text] {
            let expected = Failure::Status(Status::not_started(Code::Internal, ""));
            assert_eq!(Failure::decode(payload), Ok(expected), "{payload:?}");
        }
    }

    #[test]
    fn long_messages_are_cut_at_a_character() {
        let mut out = Vec::new();
        Failure::encode_status(&Status::new(Code::Internal, "ü".repeat(10_000)), &mut out);
        assert_eq!(out.len(), 5 + MAX_MESSAGE);
        assert!(Failure::decode(&out).is_ok());
    }

    #[test]
    fn payloads_that_end_early_are_errors() {
        for payload in
            [&[][..], &[1, 13], &[1, 13, 0, 1], &[1, 13, 0, 2, 0, b'x'], &[1, 13, 0, 0, 0, 7]]
        {
            assert_eq!(
                Failure::decode(payload),
                Err(FrameError::Short(Kind::Error)),
                "{payload:?}"
            );
        }
    }

    #[test]
    fn what_later_versions_say_ends_the_call_as_unknown_and_may_have_run() {
        for payload in [&[2, 9, 9][..], &[1, 13, 7, 0, 0]] {
            let Ok(Failure::Status(status)) = Failure::decode(payload) else {
                panic!("{payload:?}")
            };
            assert_eq!((status.code(), status.may_have_run()), (Code::Unknown, true));
        }
    }

    #[test]
    fn entries_behind_a_status_are_passed_over() {
        let payload = [1, 13, 0, 2, 0, b'h', b'i', 0x80 | 9, 1, 0, 5];
        let expected = Status::not_started(Code::Internal, "hi");
        assert_eq!(Failure::decode(&payload), Ok(Failure::Status(expected)));
    }
}
