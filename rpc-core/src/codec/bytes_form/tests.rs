//! Bytes in one piece: the wire form of plain serde, every form that JSON may have, and slices of the message
//! that are not copies.

use std::panic::catch_unwind;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    codec::{self, CodecError, byte_vec, shared_bytes},
    proto::{Codec, Payload},
};

const CODECS: [Codec; 2] = [Codec::Bincode, Codec::Json];

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Fast {
    before: u32,
    #[serde(with = "byte_vec")]
    own: Vec<u8>,
    #[serde(with = "shared_bytes")]
    shared: Bytes,
    after: String,
}

#[derive(Serialize, Deserialize)]
struct Plain {
    before: u32,
    own: Vec<u8>,
    shared: Vec<u8>,
    after: String,
}

fn written<T: Serialize>(codec: Codec, value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    codec::encode(codec, value, &mut out).unwrap();
    out
}

fn json<T>(decode: codec::Decode<T>, text: &[u8]) -> Result<T, CodecError> {
    decode(Codec::Json, (&Payload::copy_from_slice(text)).into())
}

/// True if `part` lies in the memory of `whole`.
fn lies_within(part: &[u8], whole: &[u8]) -> bool {
    let (part, whole) = (part.as_ptr_range(), whole.as_ptr_range());
    whole.start <= part.start && part.end <= whole.end
}

#[test]
fn the_wire_form_is_that_of_plain_serde() {
    for codec in CODECS {
        for len in [0_usize, 1, 250, 251, 70_000] {
            let own: Vec<u8> = (0..len).map(|n| n as u8).collect();
            let shared = Bytes::from(own.clone());
            let plain = written(codec, &own);

            let mut out = Vec::new();
            byte_vec::encode(codec, &own, &mut out).unwrap();
            assert_eq!(out, plain);
            out.clear();
            shared_bytes::encode(codec, &shared, &mut out).unwrap();
            assert_eq!(out, plain);

            let payload = Payload::from(plain);
            assert_eq!(byte_vec::decode(codec, (&payload).into()).unwrap(), own);
            assert_eq!(shared_bytes::decode(codec, (&payload).into()).unwrap(), shared);

            let fast = Fast { before: 1, own: own.clone(), shared, after: "end".into() };
            let plain = Plain { before: 1, own: own.clone(), shared: own, after: "end".into() };
            let bytes = written(codec, &fast);
            assert_eq!(bytes, written(codec, &plain));
            assert_eq!(codec::decode::<Fast>(codec, (&Payload::from(bytes)).into()).unwrap(), fast);
        }
    }
}

#[test]
fn bincode_slices_bytes_out_of_the_message() {
    let shared = Bytes::from(vec![9; 5000]);
    let fast = Fast { before: 1, own: vec![1; 50], shared: shared.clone(), after: "end".into() };
    let payload = Payload::from(written(Codec::Bincode, &fast));
    let back: Fast = codec::decode(Codec::Bincode, (&payload).into()).unwrap();
    assert_eq!(back, fast);
    assert!(lies_within(&back.shared, &payload));
    assert!(!lies_within(&back.own, &payload));

    let payload = Payload::from(written(Codec::Bincode, &&*shared));
    assert!(lies_within(
        &shared_bytes::decode(Codec::Bincode, (&payload).into()).unwrap(),
        &payload
    ));
}

#[test]
fn a_slice_outlives_the_payload_it_was_cut_from() {
    let payload = Payload::from(written(Codec::Bincode, &vec![7_u8; 100]));
    let bytes = shared_bytes::decode(Codec::Bincode, (&payload).into()).unwrap();
    drop(payload);
    assert_eq!(bytes, [7; 100][..]);
}

#[test]
fn json_takes_numbers_and_text() {
    for text in ["[104,105]", "\"hi\"", "\"h\\u0069\"", " [ 104 , 105 ] "] {
        assert_eq!(json(byte_vec::decode, text.as_bytes()).unwrap(), b"hi");
        assert_eq!(json(shared_bytes::decode, text.as_bytes()).unwrap(), &b"hi"[..]);
    }
    let text = format!("\"{}\"", "é".repeat(100));
    let payload = Payload::from(text.into_bytes());
    let bytes = shared_bytes::decode(Codec::Json, (&payload).into()).unwrap();
    assert_eq!(bytes, "é".repeat(100));
    assert!(lies_within(&bytes, &payload), "text without escapes is a slice of the message");
}

#[test]
fn json_refuses_what_is_neither_and_says_what_it_wants() {
    for text in [&b"\"\xff\xfe\""[..], b"\"a\\n\xff\"", b"\"\\ud800\""] {
        assert!(json(byte_vec::decode, text).is_err(), "{text:?}");
        assert!(json(shared_bytes::decode, text).is_err(), "{text:?}");
    }
    for text in ["[256]", "[-1]", "[1.5]", "null", "7", "{}"] {
        assert!(json(byte_vec::decode, text.as_bytes()).is_err(), "{text}");
    }
    let error = json(shared_bytes::decode, b"null").unwrap_err().to_string();
    assert!(
        error.contains("expected bytes: an array of numbers from 0 to 255, or text"),
        "{error}"
    );
}

/// Reads a whole message of its own while another is being read, as a type may.
#[derive(Debug)]
struct Envelope {
    within: Bytes,
    inner: Payload,
}

impl<'de> Deserialize<'de> for Envelope {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let inner = Payload::from(shared_bytes::deserialize(deserializer)?.to_vec());
        let within = shared_bytes::decode(Codec::Bincode, (&inner).into());
        Ok(Self { within: within.map_err(serde::de::Error::custom)?, inner })
    }
}

#[test]
fn a_message_read_within_another_has_slices_of_its_own() {
    #[derive(Deserialize)]
    struct Both {
        envelope: Envelope,
        #[serde(with = "shared_bytes")]
        after: Bytes,
    }

    // The inner message is kept in the value the second time, and has nothing to share.
    for len in [500, 5] {
        let inner = written(Codec::Bincode, &vec![3_u8; len]);
        let payload = Payload::from(written(Codec::Bincode, &(inner, vec![4_u8; 500])));
        let both: Both = codec::decode(Codec::Bincode, (&payload).into()).unwrap();
        assert_eq!(both.envelope.within, vec![3; len]);
        assert_eq!(lies_within(&both.envelope.within, &both.envelope.inner), len == 500);
        assert!(lies_within(&both.after, &payload), "the outer message is the source again");
    }
}

#[test]
fn a_type_that_panics_leaves_no_message_behind() {
    #[derive(Debug)]
    struct Panics;

    impl<'de> Deserialize<'de> for Panics {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            panic!("on purpose");
        }
    }

    let message = Bytes::from(vec![0; 500]);
    let payload = Payload::from(message.clone());
    assert!(catch_unwind(|| codec::decode::<Panics>(Codec::Bincode, (&payload).into())).is_err());
    drop(payload);
    assert!(message.is_unique(), "nothing holds the message any more");
}
