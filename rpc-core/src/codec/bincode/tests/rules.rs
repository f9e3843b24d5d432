//! Each rule of the reader, with the bytes that break it.

use std::{
    cell::Cell,
    collections::{BTreeMap, HashSet},
    fmt,
};

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned, SeqAccess, Visitor},
};

use crate::codec::bincode::{DecodeErrorKind, decode, encode};

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

#[track_caller]
fn says<T: DeserializeOwned>(bytes: &[u8], message: &str) {
    match decode::<T>(bytes) {
        Ok(_) => panic!("accepted"),
        Err(error) => assert_eq!(error.to_string(), message),
    }
}

#[test]
fn an_error_tells_where_the_fault_begins() {
    says::<(u8, String, bool)>(&[1, 1, b'a', 7], "a bool must be 0 or 1, not 7, at offset 3");
    says::<(u8, Option<u8>)>(&[1, 9], "the tag of an option must be 0 or 1, not 9, at offset 1");
    says::<(u8, u16)>(&[1, 255], "a number cannot begin with byte 255, at offset 1");
    says::<(u8, u16)>(&[1, 252, 0, 0, 0, 0], "a number is wider than its type, at offset 1");
    says::<(u8, u64)>(&[1, 254], "a number is wider than its type, at offset 1");
    says::<(u8, String)>(&[1, 3, b'a', 0xff, b'b'], "text is not UTF-8, at offset 3");
    says::<(u8, char)>(&[1, 0xff], "a character is not UTF-8, at offset 1");
    let length = "a length of 9 is more than the bytes that are left, at offset 1";
    says::<(u8, String)>(&[1, 9, b'a'], length);
    says::<(u8, u32)>(&[1, 251, 1], "the bytes end inside a value, at offset 2");
    let variant = "invalid value: integer `2`, expected `Ok` or `Err`, at offset 2";
    says::<(u8, Result<u8, u8>)>(&[1, 2, 0], variant);
}

/// A type that quotes what it refuses.
#[derive(Debug)]
struct Picky;

impl<'de> Deserialize<'de> for Picky {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Err(de::Error::invalid_value(de::Unexpected::Str(&text), &"nothing at all"))
    }
}

#[test]
fn an_error_does_not_grow_with_the_value_that_a_type_quotes() {
    for character in ["\0", "a", "\u{e9}", "\u{1f600}"] {
        let mut bytes = Vec::new();
        encode(&character.repeat(100_000), &mut bytes).unwrap();
        let message = decode::<Picky>(&bytes).unwrap_err().to_string();
        assert!(message.contains("…, at offset "), "{message}");
        assert!(message.len() < 300, "{}", message.len());
    }
    says::<Picky>(&[1, b'a'], "invalid value: string \"a\", expected nothing at all, at offset 2");
}

thread_local! {
    static ROOM: Cell<usize> = const { Cell::new(0) };
}

/// Lists in lists that add up how much room they are told to make.
#[derive(Debug)]
struct Roomy;

impl<'de> Deserialize<'de> for Roomy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Self)
    }
}

impl<'de> Visitor<'de> for Roomy {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("lists in lists")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self, A::Error> {
        ROOM.set(ROOM.get() + elements.size_hint().unwrap());
        while elements.next_element::<Self>()?.is_some() {}
        Ok(Self)
    }
}

#[test]
fn lengths_inside_lengths_make_no_more_room_than_the_message_has_bytes() {
    // Each length is justified by the bytes behind it; together they claim a hundred times as many.
    let hostile = [[251, 0, 32].repeat(1000), vec![0; 8192]].concat();
    assert_eq!(decode::<Roomy>(&hostile).unwrap_err().kind, DecodeErrorKind::Depth);
    assert!(ROOM.take() <= hostile.len());

    // An honest message gets room for all that it has.
    let honest = [vec![100], [vec![10], vec![0; 10]].concat().repeat(100)].concat();
    decode::<Roomy>(&honest).unwrap();
    assert_eq!(ROOM.take(), 100 + 100 * 10);
}
