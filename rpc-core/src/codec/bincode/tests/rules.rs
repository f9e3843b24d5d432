//! Each rule of the reader, with the bytes that break it.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, de::DeserializeOwned};

use crate::codec::bincode::{DecodeErrorKind, decode};

#[track_caller]
fn breaks<T: DeserializeOwned>(bytes: &[u8], rule: DecodeErrorKind) {
    match decode::<T>(bytes) {
        Ok(_) => panic!("accepted"),
        Err(error) => assert_eq!(error.kind, rule),
    }
}

/// A length in its nine-byte form.
fn length(length: u64) -> Vec<u8> {
    [&[253][..], &length.to_le_bytes()].concat()
}

#[test]
fn bytes_must_end_with_the_value() {
    breaks::<u32>(&[], DecodeErrorKind::End);
    breaks::<u32>(&[251, 1], DecodeErrorKind::End);
    breaks::<f64>(&[0; 7], DecodeErrorKind::End);
    breaks::<(u8, u8)>(&[1], DecodeErrorKind::End);
    breaks::<u8>(&[1, 2, 3], DecodeErrorKind::Trailing(2));
    breaks::<()>(&[0], DecodeErrorKind::Trailing(1));
}

#[test]
fn lengths_must_be_justified_by_the_bytes() {
    for claimed in [1 << 30, 1 << 34, 1 << 50, u64::MAX] {
        breaks::<String>(&length(claimed), DecodeErrorKind::Length(claimed));
        breaks::<Vec<u64>>(&length(claimed), DecodeErrorKind::Length(claimed));
        breaks::<BTreeMap<u8, u8>>(&length(claimed), DecodeErrorKind::Length(claimed));
    }
    breaks::<String>(&[2, b'a'], DecodeErrorKind::Length(2));
}

#[test]
fn numbers_must_fit_and_begin_right() {
    breaks::<u16>(&[252, 0, 0, 1, 0], DecodeErrorKind::Range);
    breaks::<u32>(&[253, 0, 0, 0, 0, 1, 0, 0, 0], DecodeErrorKind::Range);
    breaks::<u64>(&[[254].as_slice(), &[0; 16]].concat(), DecodeErrorKind::Range);
    breaks::<u64>(&[255], DecodeErrorKind::Number(255));
    assert_eq!(decode::<u64>(&[250]).unwrap(), 250);
    assert_eq!(decode::<u64>(&[251, 1, 0]).unwrap(), 1, "a longer form than needed");
}

#[test]
fn tags_and_text_are_strict() {
    breaks::<bool>(&[2], DecodeErrorKind::Bool(2));
    breaks::<Option<u8>>(&[2, 0], DecodeErrorKind::Option(2));
    breaks::<String>(&[2, 0xc3, 0x28], DecodeErrorKind::Utf8);
    breaks::<char>(&[0xed, 0xa0, 0x80], DecodeErrorKind::Char);
    breaks::<char>(&[0x80], DecodeErrorKind::Char);
    breaks::<char>(&[0xf4, 0x90, 0x80, 0x80], DecodeErrorKind::Char);
    assert!(decode::<Result<u8, u8>>(&[2, 0]).is_err(), "an enum has no third variant");
    assert!(decode::<std::time::Duration>(&[0, 252, 0, 202, 154, 59]).unwrap().as_secs() == 1);
}

#[test]
fn elements_without_content_are_counted_over_the_whole_message() {
    assert_eq!(decode::<Vec<()>>(&[251, 0xe8, 3]).unwrap().len(), 1000);
    breaks::<Vec<()>>(&length(1 << 30), DecodeErrorKind::Length(1 << 30));
    breaks::<HashSet<()>>(&length(1 << 30), DecodeErrorKind::Length(1 << 30));
    // Two vectors of 60,000 units: each is allowed, both together are not.
    let bytes = [2, 251, 0x60, 0xea, 251, 0x60, 0xea];
    breaks::<Vec<Vec<()>>>(&bytes, DecodeErrorKind::Length(60_000));
    // 65,540 units whose number the bytes behind them seem to justify.
    let bytes = [&[252, 4, 0, 1, 0][..], &[0; 10]].concat();
    breaks::<Vec<()>>(&bytes, DecodeErrorKind::EmptyElements);
}

/// Recursion through each of the forms that a type can recurse through.
#[derive(Debug, Deserialize)]
enum Nested {
    #[allow(dead_code)]
    Boxed(Box<Self>),
    #[allow(dead_code)]
    Optional(Option<Box<Self>>),
    #[allow(dead_code)]
    Many(Vec<Self>),
}

#[test]
fn nesting_ends_with_an_error_and_not_with_the_stack() {
    breaks::<Nested>(&[0; 1 << 20], DecodeErrorKind::Depth);
    breaks::<Nested>(&[1; 1 << 20], DecodeErrorKind::Depth);
    breaks::<Nested>(&[2, 1].repeat(1 << 19), DecodeErrorKind::Depth);
}

#[test]
fn types_that_ask_the_bytes_what_they_are_get_a_clear_error() {
    breaks::<serde_json::Value>(&[0], DecodeErrorKind::SelfDescribing);
}

#[test]
fn an_error_tells_its_place() {
    let error = decode::<(u8, String, bool)>(&[1, 1, b'a', 7]).unwrap_err();
    assert_eq!(error.to_string(), "byte 7 is no bool at byte 4");
}
