//! What precedes the arguments of a request: the method key and, if flagged, the header extension.

use std::time::Duration;

use super::{
    Fields, FrameError, Kind,
    extension::{self, Extension},
};
use crate::proto::{CallId, Metadata, MethodKey};

/// Which ways a call streams, beside its request and its reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streams(u8);

impl Streams {
    /// Neither way.
    pub const NONE: Self = Self(0);
    /// The caller sends items.
    pub const UP: Self = Self(1);
    /// The caller expects items.
    pub const DOWN: Self = Self(2);
    /// Both ways.
    pub const BOTH: Self = Self(3);

    /// Whether the caller sends items.
    #[must_use]
    pub const fn up(self) -> bool {
        self.0 & Self::UP.0 != 0
    }

    /// Whether the caller expects items.
    #[must_use]
    pub const fn down(self) -> bool {
        self.0 & Self::DOWN.0 != 0
    }

    pub(super) const fn bits(self) -> u8 {
        self.0
    }

    /// Bits that this version does not know are passed over.
    pub(super) const fn from_bits(bits: u8) -> Self {
        Self(bits & Self::BOTH.0)
    }
}

/// The front of a request's payload; the arguments follow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHead {
    /// Which method, and which signature of it.
    pub key: MethodKey,
    /// How long the caller still waits.
    pub timeout: Option<Duration>,
    /// What travels beside the arguments.
    pub metadata: Option<Box<Metadata>>,
    /// Which ways the call streams.
    pub streams: Streams,
    /// The receiver's call whose handler makes this one; [`CallId::NO_REPLY`] for that of a one-way call.
    pub within: Option<CallId>,
    /// Bytes of items that the caller accepts at once, beyond the window of its hello.
    pub credit: u32,
}

impl RequestHead {
    /// Appends the front of a request; returns whether it has an extension, which the frame's
    /// EXT flag must tell.
    pub fn encode(key: MethodKey, extension: &Extension<'_>, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(&key.to_u64().to_le_bytes());
        let extended = !extension.is_empty();
        if extended {
            extension::encode(extension, out);
        }
        extended
    }

    /// Splits a request's payload into its front and the arguments.
    ///
    /// # Errors
    /// A payload that ends early, or an extension that breaks its rules.
    pub fn decode(payload: &[u8], extended: bool) -> Result<(Self, &[u8]), FrameError> {
        let mut fields = Fields::new(Kind::Request, payload);
        let key = MethodKey::from_u64(fields.u64()?);
        let mut head = Self {
            key,
            timeout: None,
            metadata: None,
            streams: Streams::NONE,
            within: None,
            credit: 0,
        };
        if extended {
            extension::decode(&mut fields, &mut head)?;
        }
        Ok((head, fields.rest()))
    }

    /// Which ways the call of an extended request streams that [`Self::decode`] refuses, as far as can be told: the
    /// caller does not know that it is refused, and sends its items.
    #[must_use]
    pub fn streams_of(payload: &[u8]) -> Streams {
        let mut fields = Fields::new(Kind::Request, payload);
        let streams = fields.u64().and_then(|_| extension::streams(&mut fields));
        streams.unwrap_or(Streams::NONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_request_costs_its_key_alone() {
        let mut out = Vec::new();
        assert!(!RequestHead::encode(MethodKey::from_u64(7), &Extension::default(), &mut out));
        assert_eq!(out, 7u64.to_le_bytes());
    }

    #[test]
    fn timeout_and_metadata_survive_and_every_cut_is_an_error() {
        let mut metadata = Metadata::new();
        metadata.set("tenant", "acme").unwrap();
        metadata.set("empty", "").unwrap();
        let (key, timeout) = (MethodKey::from_u64(1 << 60), Duration::from_millis(250));
        let mut out = Vec::new();
        let extension = Extension {
            timeout: Some(timeout),
            metadata: Some(&metadata),
            streams: Streams::BOTH,
            within: Some(CallId::new(70_000)),
            credit: 99,
        };
        assert!(RequestHead::encode(key, &extension, &mut out));
        let front = out.len();
        out.extend_from_slice(b"arguments");
        let (head, arguments) = RequestHead::decode(&out, true).unwrap();
        assert_eq!(arguments, b"arguments");
        assert_eq!((head.timeout, head.streams), (Some(timeout), Streams::BOTH));
        assert_eq!((head.within, head.credit), (extension.within, extension.credit));
        assert!(front <= 8 + extension.size_bound());
        assert_eq!(head.metadata.as_deref(), Some(&metadata));
        for cut in 0..front {
            assert!(RequestHead::decode(&out[..cut], true).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn unknown_entries_are_passed_over() {
        let mut out = 7u64.to_le_bytes().to_vec();
        out.extend_from_slice(&[5, 0, 99, 2, 0, b'h', b'i', b'!']);
        let (head, arguments) = RequestHead::decode(&out, true).unwrap();
        assert_eq!((head.timeout, head.metadata, arguments), (None, None, &b"!"[..]));
    }

    #[test]
    fn an_entry_that_must_be_understood_is_an_error() {
        let mut out = 7u64.to_le_bytes().to_vec();
        out.extend_from_slice(&[5, 0, 0x80 | 99, 2, 0, b'h', b'i', b'!']);
        let error = RequestHead::decode(&out, true).unwrap_err();
        assert_eq!(error, FrameError::Critical(Kind::Request, 0x80 | 99));
    }
}
