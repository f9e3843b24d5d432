//! Any bytes through the bincode reader, into types of every shape. It must not panic, and must agree with the
//! crate that writes the format: same verdict, same value.
//!
//! `cargo fuzz run --sanitizer none bincode_decode`; that needs no nightly compiler.

#![no_main]

use std::{collections::BTreeMap, fmt::Debug};

use bincode::config;
use libfuzzer_sys::fuzz_target;
use rpc_core::codec::bincode::{DecodeErrorKind, decode};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

#[derive(Debug, Serialize, Deserialize)]
enum Shape {
    Unit,
    Newtype(i32),
    Tuple(u16, char),
    Struct { name: String, on: bool },
    Nested(Vec<Self>),
}

#[derive(Debug, Serialize, Deserialize)]
struct Everything {
    numbers: (u8, u16, u32, u64, u128),
    signed: (i8, i16, i32, i64, i128),
    floats: [f32; 2],
    maybe: Option<Option<f64>>,
    shapes: Vec<Shape>,
    map: BTreeMap<String, Vec<u8>>,
    #[serde(with = "rpc_core::codec::byte_vec")]
    bytes: Vec<u8>,
}

/// Inputs are kept below this, so that the crate's limit stops only lengths that the bytes do not justify.
const LONGEST: usize = 1 << 10;

fuzz_target!(|bytes: &[u8]| {
    // Elements without content are outside the crate's limit, so it is not asked.
    let _ = decode::<Vec<Vec<()>>>(bytes);
    if bytes.len() <= LONGEST {
        compare::<Everything>(bytes);
        compare::<Vec<Shape>>(bytes);
        compare::<BTreeMap<u8, Option<String>>>(bytes);
        compare::<(u64, i64, char, bool, Vec<u8>)>(bytes);
    }
});

fn compare<T: DeserializeOwned + Serialize + Debug>(bytes: &[u8]) {
    let limited = config::standard().with_limit::<{ 1 << 16 }>();
    let theirs = bincode::serde::decode_from_slice::<T, _>(bytes, limited)
        .ok()
        .and_then(|(value, used)| (used == bytes.len()).then_some(value));
    match (decode::<T>(bytes), theirs) {
        // As they are written again, because a NaN is not equal to itself.
        (Ok(ours), Some(theirs)) => assert_eq!(written(&ours), written(&theirs)),
        (Ok(ours), None) => panic!("only ours accepts it, as {ours:?}"),
        (Err(error), Some(theirs)) => {
            let own = matches!(error.kind, DecodeErrorKind::Depth | DecodeErrorKind::EmptyElements);
            assert!(own, "only the crate accepts it, as {theirs:?}: {error}");
        }
        (Err(_), None) => {}
    }
}

fn written<T: Serialize>(value: &T) -> Vec<u8> {
    bincode::serde::encode_to_vec(value, config::standard()).expect("it was read, so it has a form")
}
