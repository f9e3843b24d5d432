//! The reader and the crate must agree: same verdict, same value, on what the crate wrote and on what was
//! then damaged.

use std::{collections::BTreeMap, fmt::Debug};

use bincode::config;
use proptest::{collection::vec, prelude::*};
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

/// What the crate makes of the bytes, if it takes all of them. Its memory is limited, because a claimed
/// length would otherwise be allocated.
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

/// Whether the crate would allocate for a length that the bytes do not justify: then it is not asked.
fn claims_much(bytes: &[u8]) -> bool {
    bytes.iter().any(|&byte| matches!(byte, 252..=254))
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
        value in (any::<(u8, i16)>(), ".{0,9}", any::<Option<bool>>(), vec(shape(), 0..3)),
        cut in any::<prop::sample::Index>(),
        damage in any::<(prop::sample::Index, u8)>(),
    ) {
        type Value = ((u8, i16), String, Option<bool>, Vec<Shape>);
        let mut bytes = written(&value);
        compare::<Value>(&bytes[..cut.index(bytes.len() + 1)]);
        let place = damage.0.index(bytes.len());
        bytes[place] = damage.1;
        if !claims_much(&bytes) {
            compare::<Value>(&bytes);
        }
    }

    #[test]
    fn noise_meets_the_same_verdict(bytes in vec(any::<u8>(), 0..40)) {
        if !claims_much(&bytes) {
            compare::<(String, Vec<u16>)>(&bytes);
            compare::<Vec<Shape>>(&bytes);
            compare::<BTreeMap<u8, Option<String>>>(&bytes);
        }
        compare::<(u64, i64, char, bool)>(&bytes);
        compare::<(u128, i128, f32)>(&bytes);
        compare::<Option<Result<u8, i32>>>(&bytes);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = decode::<Everything>(&bytes);
        let _ = decode::<Vec<Everything>>(&bytes);
    }
}
