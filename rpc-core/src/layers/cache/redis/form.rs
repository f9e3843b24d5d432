//! The forms that keys, words and answers have in Redis.

use std::{
    fmt::Write as _,
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use sha2::{Digest as _, Sha256};

use super::super::{key::Key, store::Kept};
use crate::proto::{Codec, Payload};

/// The form of answers; others are not read.
const FORM: u8 = 1;
const JSON: u8 = 1;
const ERROR: u8 = 2;

/// The key of an answer: callers choose arguments, so that it takes a hash for which nobody finds two of the same.
pub(super) fn name(prefix: &str, method: &str, key: &Key) -> String {
    let mut whole = Vec::with_capacity(128);
    key.write(&mut whole);
    let mut name = format!("{prefix}:{method}:");
    for byte in Sha256::digest(&whole) {
        // Writing to a text cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name
}

/// A word that never comes again: the time, a count of this process, and what the system has drawn for it.
pub(super) fn word() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{time:x}.{count:x}.{:016x}", RandomState::new().hash_one(count))
}

/// The words of tags as one; `None` where one is missing.
pub(super) fn stamp(words: &[Option<Vec<u8>>]) -> Option<Arc<[u8]>> {
    let words: Option<Vec<&[u8]>> = words.iter().map(Option::as_deref).collect();
    Some(words?.join(&b' ').into())
}

/// An answer: the form, flags, the length of the stamp, the stamp, the bytes.
pub(super) fn write(kept: &Kept, stamp: &[u8]) -> Vec<u8> {
    let (bytes, error) = match &kept.end {
        Ok(bytes) => (bytes, 0),
        Err(bytes) => (bytes, ERROR),
    };
    let json = if kept.codec == Codec::Json { JSON } else { 0 };
    let mut value = Vec::with_capacity(bytes.len() + stamp.len() + 6);
    value.extend([FORM, json | error]);
    value.extend((stamp.len() as u32).to_be_bytes());
    value.extend(stamp);
    value.extend(bytes.as_slice());
    value
}

/// Reads an answer; `None` if it is none, or was made with another stamp.
pub(super) fn read(value: &[u8], stamp: &[u8]) -> Option<Kept> {
    let ([form, flags], rest) = value.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (made_with, bytes) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    if *form != FORM || made_with != stamp {
        return None;
    }
    let codec = if flags & JSON == 0 { Codec::Bincode } else { Codec::Json };
    let bytes = Payload::copy_from_slice(bytes);
    Some(Kept { codec, end: if flags & ERROR == 0 { Ok(bytes) } else { Err(bytes) } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_back_with_their_stamp_alone() {
        for codec in [Codec::Bincode, Codec::Json] {
            for bytes in [&b""[..], b"abc", &[7; 5000]] {
                let bytes = Payload::copy_from_slice(bytes);
                for end in [Ok(bytes.clone()), Err(bytes.clone())] {
                    let value = write(&Kept { codec, end: end.clone() }, b"one two");
                    let kept = read(&value, b"one two").unwrap();
                    assert_eq!((kept.codec, kept.end), (codec, end));
                    assert!(read(&value, b"one three").is_none());
                }
            }
        }
        let value = write(&Kept { codec: Codec::Json, end: Ok(Payload::new()) }, b"stamp");
        for length in 0..value.len() {
            assert!(read(&value[..length], b"stamp").is_none());
        }
    }

    #[test]
    fn words_differ_and_a_missing_one_is_no_stamp() {
        assert_ne!(word(), word());
        assert_eq!(stamp(&[Some(b"a".to_vec()), None]), None);
        let both = [Some(b"a".to_vec()), Some(b"b".to_vec())];
        assert_eq!(stamp(&both).as_deref(), Some(&b"a b"[..]));
    }
}
