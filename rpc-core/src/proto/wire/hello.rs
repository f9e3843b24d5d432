//! Hello: the first frame each way, with what its sender accepts and who it is (PROTOCOL §5).
//!
//! ```text
//! entries      tags 1..=4, 6..=9: u32 limits      5: name in UTF-8      10: features, a set of bits
//!              11: token, 1 to 2048 bytes         12: session, id, proof, u64 bytes received
//!              13: why the session that was named does not go on, in UTF-8      14: memory, 16 bytes
//! ```
//! Limits that are missing have their defaults.

use super::{
    Fields, FrameError, Head, Kind, clip,
    entries::{Entries, entry},
};
use crate::proto::{Limits, MemoryId, SessionEntry, SessionId, Token};

/// The payload of a hello frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hello {
    /// What the sender accepts.
    pub limits: Limits,
    /// What the sender calls itself, for logs; may be empty.
    pub name: String,
    /// What the sender can do beyond what every side of this version can; what both can holds.
    pub features: Features,
    /// What proves who the sender is.
    pub token: Option<Token>,
    /// The session that the sender offers, or resumes.
    pub session: Option<SessionEntry>,
    /// Why the session that the other side named does not go on.
    pub refused: Option<String>,
    /// What remembers the calls that the sender has run once, if it does.
    pub memory: Option<MemoryId>,
}

/// A set of abilities that a version of the protocol does not ask of every side (PROTOCOL §5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features(u64);

impl Features {
    /// None.
    pub const NONE: Self = Self(0);
    /// The connection can go on over another transport (PROTOCOL §25).
    pub const RESUMPTION: Self = Self(1);
    /// The sides tell each other how much they have to do (PROTOCOL §26).
    pub const LOAD: Self = Self(8);

    /// The set with these bits on the wire.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The bits on the wire.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether all of `other` are among them.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What both sides can.
    #[must_use]
    pub const fn of_both(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

const TAG_MAX_FRAME: u8 = 1;
const TAG_MAX_MESSAGE: u8 = 2;
const TAG_MAX_CALLS: u8 = 3;
const TAG_MAX_PARTIAL: u8 = 4;
const TAG_NAME: u8 = 5;
const TAG_WINDOW: u8 = 6;
const TAG_MAX_STREAMS: u8 = 7;
const TAG_ONEWAY_WINDOW: u8 = 8;
const TAG_REQUEST_WINDOW: u8 = 9;
const TAG_FEATURES: u8 = 10;
const TAG_TOKEN: u8 = 11;
const TAG_SESSION: u8 = 12;
const TAG_REFUSED: u8 = 13;
const TAG_MEMORY: u8 = 14;

const MAX_NAME: usize = 256;
const MAX_REFUSED: usize = 256;

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
            (TAG_WINDOW, self.limits.initial_window.min(self.limits.window)),
            (TAG_MAX_STREAMS, self.limits.max_streams),
            (TAG_ONEWAY_WINDOW, self.limits.oneway_window),
            (TAG_REQUEST_WINDOW, self.limits.request_window),
        ] {
            entry(tag, &[&value.to_le_bytes()], out);
        }
        if !self.name.is_empty() {
            entry(TAG_NAME, &[clip(&self.name, MAX_NAME).as_bytes()], out);
        }
        if self.features != Features::NONE {
            entry(TAG_FEATURES, &[&self.features.bits().to_le_bytes()], out);
        }
        if let Some(token) = &self.token {
            entry(TAG_TOKEN, &[token.as_bytes()], out);
        }
        if let Some(SessionEntry { id, proof, received }) = &self.session {
            entry(TAG_SESSION, &[&id.0, proof, &received.to_le_bytes()], out);
        }
        if let Some(why) = &self.refused {
            entry(TAG_REFUSED, &[clip(why, MAX_REFUSED).as_bytes()], out);
        }
        if let Some(MemoryId(memory)) = &self.memory {
            entry(TAG_MEMORY, &[memory], out);
        }
        let head = Head::control(Kind::Hello, (out.len() - start - 8) as u32);
        out[start..start + 8].copy_from_slice(&head.encode());
    }

    /// Reads the payload.
    ///
    /// # Errors
    /// An entry that ends early or that must be understood and is not, a limit that is not four bytes or out of
    /// range, a name that is not UTF-8 or too long, a token that is empty or too long, a session or a memory of another
    /// length.
    pub fn decode(payload: &[u8]) -> Result<Self, FrameError> {
        let mut entries = Entries::new(Kind::Hello, payload);
        let mut hello = Self::default();
        while let Some((tag, mut value)) = entries.next()? {
            let limits = &mut hello.limits;
            let limit = match tag {
                TAG_MAX_FRAME => &mut limits.max_frame,
                TAG_MAX_MESSAGE => &mut limits.max_message,
                TAG_MAX_CALLS => &mut limits.max_calls,
                TAG_MAX_PARTIAL => &mut limits.max_partial,
                TAG_WINDOW => &mut limits.initial_window,
                TAG_MAX_STREAMS => &mut limits.max_streams,
                TAG_ONEWAY_WINDOW => &mut limits.oneway_window,
                TAG_REQUEST_WINDOW => &mut limits.request_window,
                TAG_NAME => {
                    hello.name = text(value, MAX_NAME, "name")?;
                    continue;
                }
                TAG_SESSION => {
                    let (id, proof) = (SessionId(value.array()?), value.array()?);
                    hello.session = Some(SessionEntry { id, proof, received: value.u64()? });
                    value.finish()?;
                    continue;
                }
                TAG_REFUSED => {
                    hello.refused = Some(text(value, MAX_REFUSED, "reason")?);
                    continue;
                }
                TAG_FEATURES => {
                    // Later versions may know more of them than eight bytes hold.
                    let mut bits = [0; 8];
                    let known = value.rest().len().min(8);
                    bits[..known].copy_from_slice(&value.rest()[..known]);
                    hello.features = Features(u64::from_le_bytes(bits));
                    continue;
                }
                TAG_TOKEN => {
                    let token = Token::from(value.rest());
                    let wrong = |_| FrameError::Field(Kind::Hello, "token");
                    token.check_for_connection().map_err(wrong)?;
                    hello.token = Some(token);
                    continue;
                }
                TAG_MEMORY => {
                    let memory = value.rest().try_into();
                    let memory = memory.map_err(|_| FrameError::Field(Kind::Hello, "memory"))?;
                    hello.memory = Some(MemoryId(memory));
                    continue;
                }
                _ => {
                    Entries::unknown(Kind::Hello, tag)?;
                    continue;
                }
            };
            *limit = value.u32()?;
            value.finish()?;
        }
        hello.limits.check().map_err(|_| FrameError::Field(Kind::Hello, "limit"))?;
        Ok(hello)
    }
}

/// The text of an entry that is no longer than `most`.
fn text(mut value: Fields<'_>, most: usize, name: &'static str) -> Result<String, FrameError> {
    let length = value.rest().len();
    if length > most {
        return Err(FrameError::Field(Kind::Hello, name));
    }
    value.text(length, name).map(ToOwned::to_owned)
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
        let (limits, token) = (Limits::default().max_calls(7), Some(Token::from("secret")));
        let session =
            Some(SessionEntry { id: SessionId([7; 16]), proof: [9; 32], received: 1 << 40 });
        let (name, refused) = ("a".into(), Some("too late".into()));
        let (features, memory) = (Features(5), Some(MemoryId([7; 16])));
        let hello = Hello { limits, token, name, session, refused, features, memory };
        let mut bytes = payload(&hello);
        assert_eq!(Hello::decode(&bytes), Ok(hello.clone()));
        bytes.extend_from_slice(&[100, 3, 0, 1, 2, 3]);
        assert_eq!(Hello::decode(&bytes), Ok(hello));
    }

    #[test]
    fn what_is_said_of_a_session_has_its_length() {
        for (tag, length, wrong) in [
            (TAG_SESSION, 55, FrameError::Short(Kind::Hello)),
            (TAG_SESSION, 57, FrameError::Trailing(Kind::Hello)),
            (TAG_REFUSED, 257, FrameError::Field(Kind::Hello, "reason")),
        ] {
            let mut bytes = Vec::new();
            entry(tag, &[&vec![b'n'; length]], &mut bytes);
            assert_eq!(Hello::decode(&bytes), Err(wrong));
        }
    }

    #[test]
    fn limits_out_of_range_and_cut_entries_are_errors() {
        let hello = Hello { limits: Limits::default().max_calls(0), ..Hello::default() };
        assert_eq!(Hello::decode(&payload(&hello)), Err(FrameError::Field(Kind::Hello, "limit")));
        let mut memory = payload(&Hello { memory: Some(MemoryId([7; 16])), ..Hello::default() });
        let at = memory.len() - 18;
        memory[at] = 15;
        memory.pop();
        assert_eq!(Hello::decode(&memory), Err(FrameError::Field(Kind::Hello, "memory")));
        let whole = payload(&Hello::default());
        for cut in (1..whole.len()).filter(|cut| cut % 7 != 0) {
            assert_eq!(Hello::decode(&whole[..cut]), Err(FrameError::Short(Kind::Hello)));
        }
    }
}
