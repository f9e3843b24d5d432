//! The reader and the crate must agree: same verdict, same value, on what the crate wrote and on what was
//! then damaged.

use std::{collections::BTreeMap, fmt::Debug};

use bincode::config;
use bytes::Bytes;
use proptest::{collection::vec, prelude::*, sample::Index};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::codec::bincode::{DecodeErrorKind, decode, encode};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Unit,
    Newtype(i32),
    Tuple(u16, char),
    Struct { name: String, on: bool },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    numbers: (u8, u16, u32, u64, u128),
    signed: (i8, i16, i32, i64, i128),
    floats: [f32; 2],
    double: f64,
    text: String,
    maybe: Option<Option<u16>>,
    shapes: Vec<Shape>,
    map: BTreeMap<String, Vec<u8>>,
    pair: (bool, ()),
}

#[derive(Debug, Serialize, Deserialize)]
struct Tree {
    label: char,
    branches: Vec<Self>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Blobs {
    #[serde(with = "crate::codec::byte_vec")]
    own: Vec<u8>,
    #[serde(with = "crate::codec::shared_bytes")]
    shared: Bytes,
    plain: Vec<i8>,
}

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        Just(Shape::Unit),
        any::<i32>().prop_map(Shape::Newtype),
        any::<(u16, char)>().prop_map(|(a, b)| Shape::Tuple(a, b)),
        any::<(String, bool)>().prop_map(|(name, on)| Shape::Struct { name, on }),
    ]
}

fn everything() -> impl Strategy<Value = Everything> {
    let numbers = (any::<(u8, u16, u32, u64, u128)>(), any::<(i8, i16, i32, i64, i128)>());
    let rest = (
        any::<[f32; 2]>(),
        any::<f64>(),
        ".{0,20}",
        any::<Option<Option<u16>>>(),
        vec(shape(), 0..4),
        proptest::collection::btree_map(".{0,4}", vec(any::<u8>(), 0..9), 0..4),
        any::<bool>(),
    );
    (numbers, rest).prop_map(
        |((numbers, signed), (floats, double, text, maybe, shapes, map, on))| {
            let pair = (on, ());
            Everything { numbers, signed, floats, double, text, maybe, shapes, map, pair }
        },
    )
}

fn written<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(value, &mut bytes).unwrap();
    assert_eq!(bytes, bincode::serde::encode_to_vec(value, config::standard()).unwrap());
    bytes
}

/// The value that the crate reads, if it takes all bytes. It is limited because it would otherwise
/// allocate what a length claims; no honest input here comes near the limit. The limit does not hold for
/// elements without content, so no type here has any in a sequence.
fn by_the_crate<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let limited = config::standard().with_limit::<{ 1 << 16 }>();
    let (value, used) = bincode::serde::decode_from_slice(bytes, limited).ok()?;
    (used == bytes.len()).then_some(value)
}

/// Compares the two on bytes that may be damaged. Values are compared as the crate writes them again,
/// because a NaN is not equal to itself.
fn compare<T: DeserializeOwned + Serialize + Debug>(bytes: &[u8]) {
    let theirs: Option<T> = by_the_crate(bytes);
    match (decode::<T>(bytes), theirs) {
        (Ok(ours), Some(theirs)) => assert_eq!(written(&ours), written(&theirs)),
        (Ok(ours), None) => panic!("only ours accepts {bytes:?} as {ours:?}"),
        (Err(error), Some(theirs)) => {
            let own = matches!(error.kind, DecodeErrorKind::Depth | DecodeErrorKind::EmptyElements);
            assert!(own, "only the crate accepts {bytes:?} as {theirs:?}: {error}");
        }
        (Err(_), None) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_the_crate_writes_is_read_the_same(value in everything()) {
        let bytes = written(&value);
        let back: Everything = decode(&bytes).unwrap();
        prop_assert_eq!(written(&back), bytes);
    }

    #[test]
    fn what_is_cut_or_damaged_meets_the_same_verdict(
        value in everything(),
        cut in any::<Index>(),
        damage in vec(any::<(Index, u8)>(), 1..4),
        claim in (any::<Index>(), prop_oneof![Just(251_u8), Just(252), Just(253), Just(254)]),
    ) {
        let mut bytes = written(&value);
        compare::<Everything>(&bytes[..cut.index(bytes.len() + 1)]);
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
            compare::<Everything>(&bytes);
        }
        // A wider number than was written, at any place.
        let place = claim.0.index(bytes.len());
        bytes[place] = claim.1;
        compare::<Everything>(&bytes);
        bytes.push(0);
        compare::<Everything>(&bytes);
    }

    #[test]
    fn numbers_in_longer_forms_than_needed_meet_the_same_verdict(number in any::<u128>(), zeros in 0..16_usize) {
        // Small values in every width, and bytes behind them.
        let number = number >> (zeros * 8);
        for (first, width) in [(251_u8, 2), (252, 4), (253, 8), (254, 16)] {
            let bytes = [&[first][..], &number.to_le_bytes()[..width]].concat();
            compare::<u8>(&bytes);
            compare::<u16>(&bytes);
            compare::<u32>(&bytes);
            compare::<u64>(&bytes);
            compare::<u128>(&bytes);
            compare::<i16>(&bytes);
            compare::<i32>(&bytes);
            compare::<i64>(&bytes);
            compare::<i128>(&bytes);
            compare::<Shape>(&bytes);
            compare::<(u8, u16, u8)>(&bytes);
        }
    }

    #[test]
    fn noise_meets_the_same_verdict(bytes in vec(any::<u8>(), 0..40)) {
        compare::<String>(&bytes);
        compare::<Vec<u16>>(&bytes);
        compare::<Vec<Shape>>(&bytes);
        compare::<BTreeMap<u8, Option<String>>>(&bytes);
        compare::<(u64, i64, char, bool)>(&bytes);
        compare::<(u128, i128, f32)>(&bytes);
        compare::<Option<Result<u8, i32>>>(&bytes);
        compare::<Blobs>(&bytes);
    }

    // Noise is seldom a whole value: this is, more often.
    #[test]
    fn small_bytes_meet_the_same_verdict(bytes in vec(0..4_u8, 0..12)) {
        compare::<Vec<Shape>>(&bytes);
        compare::<Vec<Option<bool>>>(&bytes);
        compare::<BTreeMap<u8, Vec<i16>>>(&bytes);
        compare::<(Option<Option<u16>>, String, Vec<Vec<u8>>)>(&bytes);
        compare::<Tree>(&bytes);
        compare::<Blobs>(&bytes);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = decode::<Everything>(&bytes);
        let _ = decode::<Vec<Everything>>(&bytes);
    }
}
