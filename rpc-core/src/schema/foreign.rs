//! The schemas of types of other crates, each behind a feature of that crate's name.

#[cfg(any(
    feature = "chrono",
    feature = "rust_decimal",
    feature = "time",
    feature = "url",
    feature = "uuid"
))]
use super::primitives::text;
#[allow(unused_imports, reason = "what is needed depends on the features")]
use super::{Format, Registry, Schema};

#[allow(unused_macros, reason = "what is needed depends on the features")]
macro_rules! as_text {
    ($($type:ty => $name:literal, $wire:expr;)*) => {
        $(impl Schema for $type {
            fn format(_: &mut Registry) -> Format {
                text($name, $wire)
            }
        })*
    };
}

#[cfg(feature = "uuid")]
as_text! {
    uuid::Uuid => "Uuid", Format::Bytes;
}

#[cfg(feature = "url")]
as_text! {
    url::Url => "Url", Format::Str;
}

#[cfg(feature = "rust_decimal")]
as_text! {
    rust_decimal::Decimal => "Decimal", Format::Str;
}

#[cfg(feature = "chrono")]
mod chrono {
    use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeZone};

    use super::{Format, Registry, Schema, text};

    as_text! {
        NaiveDate => "NaiveDate", Format::Str;
        NaiveTime => "NaiveTime", Format::Str;
        NaiveDateTime => "NaiveDateTime", Format::Str;
    }

    impl<Tz: TimeZone> Schema for DateTime<Tz> {
        fn format(_: &mut Registry) -> Format {
            text("DateTime", Format::Str)
        }
    }
}

#[cfg(feature = "time")]
mod time {
    use time::{Date, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

    use super::{Format, Registry, Schema, text};

    /// Year and day of the year.
    const DATE: [Format; 2] = [Format::I32, Format::U16];
    /// Hour, minute, second, nanosecond.
    const TIME: [Format; 4] = [Format::U8, Format::U8, Format::U8, Format::U32];
    /// Hours, minutes, seconds.
    const OFFSET: [Format; 3] = [Format::I8, Format::I8, Format::I8];

    as_text! {
        Date => "Date", Format::Tuple(DATE.to_vec());
        Time => "Time", Format::Tuple(TIME.to_vec());
        UtcOffset => "UtcOffset", Format::Tuple(OFFSET.to_vec());
        PrimitiveDateTime => "PrimitiveDateTime", Format::Tuple([&DATE[..], &TIME].concat());
        OffsetDateTime => "OffsetDateTime", Format::Tuple([&DATE[..], &TIME, &OFFSET].concat());
    }
}

#[cfg(feature = "indexmap")]
mod indexmap {
    use std::hash::BuildHasher;

    use indexmap::{IndexMap, IndexSet};

    use super::{Format, Registry, Schema};

    impl<K: Schema, V: Schema, S: BuildHasher> Schema for IndexMap<K, V, S> {
        fn format(registry: &mut Registry) -> Format {
            let (key, value) = (Box::new(K::format(registry)), Box::new(V::format(registry)));
            Format::Map { key, value }
        }
    }

    impl<T: Schema, S: BuildHasher> Schema for IndexSet<T, S> {
        fn format(registry: &mut Registry) -> Format {
            Format::Seq(Box::new(T::format(registry)))
        }
    }
}

#[cfg(test)]
#[cfg(all(
    feature = "chrono",
    feature = "indexmap",
    feature = "rust_decimal",
    feature = "time",
    feature = "url",
    feature = "uuid"
))]
mod tests {
    use std::fmt::Debug;

    use serde::{Serialize, de::DeserializeOwned};

    use crate::{
        codec,
        proto::{Codec, Payload},
        schema::{ContainerKind, Format, Registry, Schema, check},
    };

    /// Reads a value of that shape off the front of its bincode form, in the terms of the shape alone.
    fn skip(format: &Format, types: &Registry, bytes: &mut &[u8]) {
        let number = |bytes: &mut &[u8]| {
            let (first, rest) = bytes.split_first().unwrap();
            *bytes = rest;
            let width = match first {
                0..=250 => return u64::from(*first),
                251 => 2,
                252 => 4,
                _ => 8,
            };
            let (number, rest) = bytes.split_at(width);
            *bytes = rest;
            number.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
        };
        match format {
            Format::U8 | Format::I8 => *bytes = &bytes[1..],
            Format::U16 | Format::U32 | Format::U64 | Format::I32 | Format::I64 => {
                number(bytes);
            }
            Format::Str | Format::Bytes => {
                let length = number(bytes) as usize;
                *bytes = &bytes[length..];
            }
            Format::Seq(content) => (0..number(bytes)).for_each(|_| skip(content, types, bytes)),
            Format::Map { key, value } => (0..number(bytes)).for_each(|_| {
                skip(key, types, bytes);
                skip(value, types, bytes);
            }),
            Format::Tuple(contents) => {
                contents.iter().for_each(|content| skip(content, types, bytes));
            }
            Format::Text { wire, .. } => skip(wire, types, bytes),
            Format::Named(key) => match &types.container(key).unwrap().kind {
                ContainerKind::Newtype(content) => skip(content, types, bytes),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    /// The described form is the one on the wire, in both codecs, and the value comes back.
    #[track_caller]
    fn travels<T: Schema + Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
        let mut types = Registry::new();
        let format = T::format(&mut types);
        let mut bincode = Vec::new();
        codec::encode(Codec::Bincode, value, &mut bincode).unwrap();
        let mut rest = &bincode[..];
        skip(&format, &types, &mut rest);
        assert_eq!(rest.len(), 0, "{format:?} does not describe {bincode:?}");
        let json = serde_json::to_value(value).unwrap();
        check(&format, &types, &json).unwrap();
        for codec in [Codec::Bincode, Codec::Json] {
            let mut bytes = Vec::new();
            codec::encode(codec, value, &mut bytes).unwrap();
            let back: T = codec::decode(codec, (&Payload::from(bytes)).into()).unwrap();
            assert_eq!(back, *value);
        }
    }

    #[test]
    fn types_of_other_crates_travel() {
        travels(&uuid::Uuid::from_u128(u128::MAX / 3));
        travels(&url::Url::parse("https://example.org/a?b#c").unwrap());
        travels(&rust_decimal::Decimal::new(-12_345, 3));
        let moment = chrono::DateTime::from_timestamp(1_700_000_000, 5_000_000).unwrap();
        travels(&moment);
        travels(&moment.fixed_offset());
        travels(&moment.naive_utc());
        travels(&moment.date_naive());
        travels(&moment.naive_utc().time());
        let moment = time::OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap();
        travels(&moment);
        travels(&moment.date());
        travels(&moment.time());
        travels(&moment.offset());
        travels(&time::PrimitiveDateTime::new(moment.date(), moment.time()));
        travels(&indexmap::IndexMap::from([("b".to_owned(), 1_u16), ("a".to_owned(), 500)]));
        travels(&indexmap::IndexSet::from([3_u32, 1, 70_000]));
    }
}
