//! The front of a request's payload, which the arguments follow: the method key and, if flagged, the header extension
//! (PROTOCOL §7, §8).
//!
//! ```text
//! u64 key; with EXT: u16 length of all entries, then entries:
//!     1 remaining time, u64 nanoseconds     2 metadata pair, u8 key length, key, value
//!     3 streams, u8: 1 the caller sends items, 2 it expects items
//!     4 the receiver's call that the handler serves which makes this one, u32
//!     5 credit for items beyond the receiver's hello, u32
//!     6 priority, u8: 0 critical to 3 shed first     7 idempotency key, 1 to 64 bytes
//!     8 how often the call was sent before, u8     10 token, 1 to 4096 bytes
//! ```
//!
//! An attribute that most calls do not have is a field of [`Opening`], a line in `entries` and an arm in `decode_entry`.

use std::time::{Duration, Instant};

use super::{
    Fields, Flags, FrameError, Kind,
    entries::{ENTRY, Entries, entry},
    extension::{TAG_METADATA, decode_pair, pairs},
};
use crate::proto::{CallId, IdempotencyKey, MethodKey, Opening, Priority, Streams, Token};

const TAG_TIMEOUT: u8 = 1;
const TAG_STREAMS: u8 = 3;
const TAG_PARENT: u8 = 4;
const TAG_CREDIT: u8 = 5;
const TAG_PRIORITY: u8 = 6;
const TAG_IDEMPOTENCY: u8 = 7;
const TAG_ATTEMPT: u8 = 8;
const TAG_TOKEN: u8 = 10;

/// Bytes of a method key.
pub(crate) const KEY: usize = 8;

impl Opening {
    /// Appends the front of a request that is sent at `now` and allows the receiver `credit` bytes of items beyond the
    /// window of the sender's hello. Gives the flags of the request's first frame.
    pub fn encode(&self, now: Instant, credit: u32, out: &mut Vec<u8>) -> Flags {
        out.extend_from_slice(&self.key.to_u64().to_le_bytes());
        let length = self.encoded_len(credit) - KEY;
        let flags = Flags::MINE.with(Flags::of(self.codec));
        if length == 0 {
            return flags;
        }
        out.extend_from_slice(&((length - 2) as u16).to_le_bytes());
        let remaining = self.deadline.map(|deadline| deadline.saturating_duration_since(now));
        self.entries(remaining, credit, |tag, parts| entry(tag, parts, out));
        flags.with(Flags::EXT)
    }

    /// The number of bytes that [`Self::encode`] appends, whenever that is.
    #[must_use]
    pub fn encoded_len(&self, credit: u32) -> usize {
        let mut length = 0;
        self.entries(self.deadline.map(|_| Duration::ZERO), credit, |_, parts| {
            length += ENTRY + parts.iter().map(|part| part.len()).sum::<usize>();
        });
        if length == 0 { KEY } else { KEY + 2 + length }
    }

    /// Shows `each` the tag and the bytes of every entry.
    fn entries(
        &self,
        remaining: Option<Duration>,
        credit: u32,
        mut each: impl FnMut(u8, &[&[u8]]),
    ) {
        if let Some(remaining) = remaining {
            let nanos = u64::try_from(remaining.as_nanos()).unwrap_or(u64::MAX);
            each(TAG_TIMEOUT, &[&nanos.to_le_bytes()]);
        }
        if let Some(metadata) = &self.metadata {
            pairs(metadata, &mut each);
        }
        if self.streams != Streams::NONE {
            each(TAG_STREAMS, &[&[self.streams.bits()]]);
        }
        if let Some(parent) = self.parent {
            each(TAG_PARENT, &[&parent.value().to_le_bytes()]);
        }
        if credit > 0 {
            each(TAG_CREDIT, &[&credit.to_le_bytes()]);
        }
        if self.priority != Priority::Normal {
            each(TAG_PRIORITY, &[&[self.priority.value()]]);
        }
        if let Some(key) = &self.idempotency {
            each(TAG_IDEMPOTENCY, &[key.as_bytes()]);
        }
        if self.attempt > 0 {
            each(TAG_ATTEMPT, &[&[self.attempt]]);
        }
        if let Some(token) = &self.token {
            each(TAG_TOKEN, &[token.as_bytes()]);
        }
    }

    /// Reads the payload of a request that has these flags and has arrived at `now`. Gives the credit and the arguments
    /// with it.
    ///
    /// # Errors
    /// A payload that ends early, or an extension that breaks its rules.
    pub fn decode(
        flags: Flags,
        payload: &[u8],
        now: Instant,
    ) -> Result<(Self, u32, &[u8]), FrameError> {
        let mut fields = Fields::new(Kind::Request, payload);
        let mut opening = Self::new(MethodKey::from_u64(fields.u64()?), flags.codec());
        let mut credit = 0;
        if flags.contains(Flags::EXT) {
            let mut entries = Entries::block(Kind::Request, &mut fields)?;
            while let Some((tag, bytes)) = entries.next()? {
                opening.decode_entry(tag, bytes, now, &mut credit)?;
            }
        }
        Ok((opening, credit, fields.rest()))
    }

    fn decode_entry(
        &mut self,
        tag: u8,
        mut bytes: Fields<'_>,
        now: Instant,
        credit: &mut u32,
    ) -> Result<(), FrameError> {
        match tag {
            TAG_TIMEOUT => self.deadline = now.checked_add(Duration::from_nanos(bytes.u64()?)),
            TAG_METADATA => return decode_pair(Kind::Request, bytes, &mut self.metadata),
            TAG_STREAMS => self.streams = Streams::from_bits(bytes.u8()?),
            TAG_PARENT => self.parent = Some(CallId::new(bytes.u32()?)),
            TAG_CREDIT => *credit = bytes.u32()?,
            TAG_IDEMPOTENCY => {
                let wrong = |_| FrameError::Field(Kind::Request, "idempotency key");
                self.idempotency = Some(IdempotencyKey::new(bytes.rest()).map_err(wrong)?);
                return Ok(());
            }
            TAG_PRIORITY => self.priority = Priority::from_value(bytes.u8()?),
            TAG_ATTEMPT => self.attempt = bytes.u8()?,
            TAG_TOKEN => {
                let token = Token::from(bytes.rest());
                let wrong = |_| FrameError::Field(Kind::Request, "token");
                token.check_for_call().map_err(wrong)?;
                self.token = Some(token);
                return Ok(());
            }
            _ => return Entries::unknown(Kind::Request, tag),
        }
        bytes.finish()
    }

    /// Reads the ways in which the call of an extended request streams that [`Self::decode`] refuses, as far as they can
    /// be told: its caller does not know that it is refused, and sends its items.
    #[must_use]
    pub fn streams_of(payload: &[u8]) -> Streams {
        let streams = || -> Result<Streams, FrameError> {
            let mut fields = Fields::new(Kind::Request, payload);
            fields.u64()?;
            let mut entries = Entries::block(Kind::Request, &mut fields)?;
            while let Some((tag, mut bytes)) = entries.next()? {
                if tag == TAG_STREAMS {
                    return bytes.u8().map(Streams::from_bits);
                }
            }
            Ok(Streams::NONE)
        };
        streams().unwrap_or(Streams::NONE)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::proto::{Codec, Metadata, Order};

    const SENT: Flags = Flags::MINE;
    const EXTENDED: Flags = Flags::MINE.with(Flags::EXT);

    fn plain() -> Opening {
        Opening::new(MethodKey::from_u64(7), Codec::Bincode)
    }

    fn metadata(pairs: &[(String, Vec<u8>)]) -> Option<Box<Metadata>> {
        let mut metadata = Metadata::new();
        for (key, value) in pairs {
            metadata.append_bin(&format!("{key}-bin"), value).unwrap();
        }
        (!pairs.is_empty()).then(|| Box::new(metadata))
    }

    #[test]
    fn a_plain_request_costs_its_key_alone() {
        let mut out = Vec::new();
        assert_eq!(plain().encode(Instant::now(), 0, &mut out), SENT);
        assert_eq!(out, 7u64.to_le_bytes());
    }

    proptest! {
        #[test]
        fn any_opening_survives_has_the_length_that_it_tells_and_every_cut_is_an_error(
            key: u64,
            json: bool,
            streams in 0..4u8,
            parent: Option<u32>,
            remaining in proptest::option::of(0..1u64 << 60),
            pairs in proptest::collection::vec(("[a-z]{1,9}", any::<Vec<u8>>()), 0..4),
            credit in prop_oneof![Just(0), any::<u32>()],
            token in proptest::option::of(proptest::collection::vec(any::<u8>(), 1..99)),
            idempotency in proptest::option::of(proptest::collection::vec(any::<u8>(), 1..=64)),
            attempt in prop_oneof![Just(0), any::<u8>()],
            priority in 0..4u8,
        ) {
            let now = Instant::now();
            let opening = Opening {
                key: MethodKey::from_u64(key),
                codec: if json { Codec::Json } else { Codec::Bincode },
                streams: Streams::from_bits(streams),
                order: Order::Any,
                parent: parent.map(CallId::new),
                deadline: remaining.map(|nanos| now + Duration::from_nanos(nanos)),
                metadata: metadata(&pairs),
                token: token.map(Token::new),
                idempotency: idempotency.map(|key| IdempotencyKey::new(key).unwrap()),
                attempt,
                priority: Priority::from_value(priority),
            };
            let mut out = Vec::new();
            let flags = opening.encode(now, credit, &mut out);
            let front = out.len();
            prop_assert_eq!(front, opening.encoded_len(credit));
            prop_assert_eq!(front == KEY, opening.is_plain() && credit == 0);
            prop_assert_eq!(flags.contains(Flags::EXT), front > KEY);
            out.extend_from_slice(b"arguments");
            let expected = (opening, credit, &b"arguments"[..]);
            prop_assert_eq!(Opening::decode(flags, &out, now), Ok(expected));
            for cut in 0..front {
                prop_assert!(Opening::decode(flags, &out[..cut], now).is_err(), "cut at {}", cut);
            }
        }
    }

    #[test]
    fn the_longest_head_fits_an_extension() {
        let mut metadata = Metadata::new();
        // Many small pairs cost most beside what is counted.
        for _ in 1..Metadata::MAX_PAIRS {
            metadata.append("k", "").unwrap();
        }
        let rest = Metadata::MAX_SIZE - Metadata::MAX_PAIRS * 9;
        metadata.append("k", &"v".repeat(rest)).unwrap();
        assert!(metadata.clone().set("more", "").is_err());
        let now = Instant::now();
        let opening = Opening {
            streams: Streams::from_bits(3),
            parent: Some(CallId::new(1)),
            deadline: Some(now + Duration::from_secs(1)),
            metadata: Some(Box::new(metadata)),
            token: Some(Token::new(vec![b't'; 4096])),
            idempotency: IdempotencyKey::new([b'k'; 64]).ok(),
            attempt: 1,
            priority: Priority::from_value(3),
            ..plain()
        };
        let mut out = Vec::new();
        opening.encode(now, u32::MAX, &mut out);
        assert!(out.len() - KEY - 2 <= u16::MAX.into(), "{} bytes", out.len());
        let (read, _, _) = Opening::decode(EXTENDED, &out, now).unwrap();
        assert_eq!(read.metadata, opening.metadata);
        assert_eq!(read.token, opening.token);
    }

    #[test]
    fn an_idempotency_key_has_1_to_64_bytes() {
        for length in [0u8, 65] {
            let mut out = 7u64.to_le_bytes().to_vec();
            out.extend_from_slice(&[3 + length, 0, TAG_IDEMPOTENCY, length, 0]);
            out.extend(std::iter::repeat_n(b'k', length.into()));
            let error = Opening::decode(EXTENDED, &out, Instant::now()).unwrap_err();
            assert_eq!(error, FrameError::Field(Kind::Request, "idempotency key"));
        }
    }

    #[test]
    fn unknown_entries_are_passed_over() {
        let mut out = 7u64.to_le_bytes().to_vec();
        out.extend_from_slice(&[5, 0, 99, 2, 0, b'h', b'i', b'!']);
        let read = Opening::decode(EXTENDED, &out, Instant::now());
        assert_eq!(read, Ok((plain(), 0, &b"!"[..])));
    }

    #[test]
    fn an_entry_that_must_be_understood_is_an_error() {
        let mut out = 7u64.to_le_bytes().to_vec();
        out.extend_from_slice(&[5, 0, 0x80 | 99, 2, 0, b'h', b'i', b'!']);
        let error = Opening::decode(EXTENDED, &out, Instant::now()).unwrap_err();
        assert_eq!(error, FrameError::Critical(Kind::Request, 0x80 | 99));
    }
}
