//! Hello: the first frame each way, with what its sender accepts and who it is (PROTOCOL §5).
//!
//! ```text
//! entries: u8 tag, u16 length, bytes      tags 1..=4, 6: u32 limits      5: name in UTF-8
//! ```
//! Tags that a reader does not know are passed over; limits that are missing have their defaults.

use super::{Fields, FrameError, Head, Kind, clip};
use crate::proto::Limits;

/// The payload of a hello frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hello {
    /// What the sender accepts.
    pub limits: Limits,
    /// What the sender calls itself, for logs; may be empty.
    pub name: String,
}

const TAG_MAX_FRAME: u8 = 1;
const TAG_MAX_MESSAGE: u8 = 2;
const TAG_MAX_CALLS: u8 = 3;
const TAG_MAX_PARTIAL: u8 = 4;
const TAG_NAME: u8 = 5;
const TAG_WINDOW: u8 = 6;

const MAX_NAME: usize = 256;

impl Hello {
    /// Appends the whole frame.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[0; 8]);
        for (tag, value) in [
            (TAG_MAX_FRAME, self.limits.max_frame),
            (TAG_MAX_MESSAGE, self.limits.max_message),
            (TAG_MAX_CALLS, self.limits.max_calls),
            (TAG_MAX_PARTIAL, self.limits.max_partial),
            (TAG_WINDOW, self.limits.window),
        ] {
            entry(tag, &value.to_le_bytes(), out);
        }
        if !self.name.is_empty() {
            entry(TAG_NAME, clip(&self.name, MAX_NAME).as_bytes(), out);
        }
        let head = Head::control(Kind::Hello, (out.len() - start - 8) as u32);
        out[start..start + 8].copy_from_slice(&head.encode());
    }

    /// Reads the payload.
    ///
    /// # Errors
    /// An entry that ends early, a limit that is not four bytes or out of range, a name that is not
    /// UTF-8.
    pub fn decode(payload: &[u8]) -> Result<Self, FrameError> {
        let mut fields = Fields::new(Kind::Hello, payload);
        let mut hello = Self::default();
        while !fields.rest().is_empty() {
            let (tag, length) = (fields.u8()?, fields.u16()?);
            let mut value = Fields::new(Kind::Hello, fields.take(usize::from(length))?);
            let limit = match tag {
                TAG_MAX_FRAME => &mut hello.limits.max_frame,
                TAG_MAX_MESSAGE => &mut hello.limits.max_message,
                TAG_MAX_CALLS => &mut hello.limits.max_calls,
                TAG_MAX_PARTIAL => &mut hello.limits.max_partial,
                TAG_WINDOW => &mut hello.limits.window,
                TAG_NAME => {
                    hello.name = value.text(usize::from(length), "name")?.to_owned();
                    continue;
                }
                _ => continue,
            };
            *limit = u32::from_le_bytes(value.array()?);
            value.finish()?;
        }
        hello.limits.check().map_err(|_| FrameError::Field(Kind::Hello, "limit"))?;
        Ok(hello)
    }
}

fn entry(tag: u8, value: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(&(value.len() as u16).to_le_bytes());
    out.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(hello: &Hello) -> Vec<u8> {
        let mut out = Vec::new();
        hello.encode(&mut out);
        out.split_off(8)
    }

    #[test]
    fn hello_survives_and_unknown_tags_are_passed_over() {
        let hello =
            Hello { limits: Limits { max_calls: 7, ..Limits::default() }, name: "a".into() };
        let mut bytes = payload(&hello);
        assert_eq!(Hello::decode(&bytes), Ok(hello.clone()));
        bytes.extend_from_slice(&[200, 3, 0, 1, 2, 3]);
        assert_eq!(Hello::decode(&bytes), Ok(hello));
    }

    #[test]
    fn limits_out_of_range_and_cut_entries_are_errors() {
        let hello =
            Hello { limits: Limits { max_calls: 0, ..Limits::default() }, ..Hello::default() };
        assert_eq!(Hello::decode(&payload(&hello)), Err(FrameError::Field(Kind::Hello, "limit")));
        let whole = payload(&Hello::default());
        for cut in (1..whole.len()).filter(|cut| cut % 7 != 0) {
            assert_eq!(Hello::decode(&whole[..cut]), Err(FrameError::Short(Kind::Hello)));
        }
    }
}
