//! Random descriptions with random values, against serde: a value of the model calls the serializer as derived code does, and
//! what serde_json and the crate of bincode make of it is what is expected.

use std::collections::BTreeMap;

use proptest::{prelude::*, test_runner::Config};
use serde::{
    Serialize, Serializer,
    ser::{SerializeMap as _, SerializeSeq as _, SerializeStruct as _, SerializeTuple as _},
};

use crate::{
    codec,
    dynamic::{decode, encode},
    proto::Codec,
    schema::{ContainerKind, Field, Format, Registry, Variant},
};

/// Names of fields and variants, for serde wants them to be static.
const NAMES: [&str; 6] = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"];

/// A type, as a description is made of it.
#[derive(Clone, Debug)]
enum Type {
    Plain(Plain),
    Option(Box<Self>),
    Seq(Box<Self>),
    Array(Box<Self>, u8),
    Tuple(Vec<Self>),
    Map(Plain, Box<Self>),
    UnitStruct,
    Newtype(Box<Self>),
    TupleStruct(Vec<Self>),
    Struct(Vec<Self>),
    Enum(Vec<Content>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plain {
    Unit,
    Bool,
    I8,
    I16,
    I32,
    I64,
    I128,
    U8,
    U16,
    U32,
    U64,
    U128,
    F32,
    F64,
    Char,
    Str,
    Bytes,
}

/// What a variant holds.
#[derive(Clone, Debug)]
enum Content {
    Unit,
    Newtype(Type),
    Tuple(Vec<Type>),
    Struct(Vec<Type>),
}

/// A value, which serialises as one of its type does.
#[derive(Clone, Debug)]
enum Model {
    Unit,
    Bool(bool),
    I8(i8),
    I16(i16),
    I32(i32),
    I64(i64),
    I128(i128),
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    U128(u128),
    F32(f32),
    F64(f64),
    Char(char),
    Str(String),
    Bytes(Vec<u8>),
    Option(Option<Box<Self>>),
    Seq(Vec<Self>),
    Tuple(Vec<Self>),
    Map(Vec<(Self, Self)>),
    UnitStruct,
    Newtype(Box<Self>),
    Struct(Vec<Self>),
    Variant(u32, Held),
}

#[derive(Clone, Debug)]
enum Held {
    Unit,
    Newtype(Box<Model>),
    Tuple(Vec<Model>),
    Struct(Vec<Model>),
}

impl Serialize for Model {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unit => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::I8(value) => serializer.serialize_i8(*value),
            Self::I16(value) => serializer.serialize_i16(*value),
            Self::I32(value) => serializer.serialize_i32(*value),
            Self::I64(value) => serializer.serialize_i64(*value),
            Self::I128(value) => serializer.serialize_i128(*value),
            Self::U8(value) => serializer.serialize_u8(*value),
            Self::U16(value) => serializer.serialize_u16(*value),
            Self::U32(value) => serializer.serialize_u32(*value),
            Self::U64(value) => serializer.serialize_u64(*value),
            Self::U128(value) => serializer.serialize_u128(*value),
            Self::F32(value) => serializer.serialize_f32(*value),
            Self::F64(value) => serializer.serialize_f64(*value),
            Self::Char(value) => serializer.serialize_char(*value),
            Self::Str(value) => serializer.serialize_str(value),
            Self::Bytes(value) => serializer.serialize_bytes(value),
            Self::Option(None) => serializer.serialize_none(),
            Self::Option(Some(value)) => serializer.serialize_some(value),
            Self::Seq(values) => {
                let mut sequence = serializer.serialize_seq(Some(values.len()))?;
                values.iter().try_for_each(|value| sequence.serialize_element(value))?;
                sequence.end()
            }
            Self::Tuple(values) => {
                let mut tuple = serializer.serialize_tuple(values.len())?;
                values.iter().try_for_each(|value| tuple.serialize_element(value))?;
                tuple.end()
            }
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                entries.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                map.end()
            }
            Self::UnitStruct => serializer.serialize_unit_struct("T"),
            Self::Newtype(value) => serializer.serialize_newtype_struct("T", value),
            Self::Struct(values) => {
                let mut fields = serializer.serialize_struct("T", values.len())?;
                for (name, value) in NAMES.into_iter().zip(values) {
                    fields.serialize_field(name, value)?;
                }
                fields.end()
            }
            Self::Variant(index, held) => held.serialize(*index, serializer),
        }
    }
}

impl Held {
    fn serialize<S: Serializer>(&self, index: u32, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::{SerializeStructVariant as _, SerializeTupleVariant as _};
        let name = NAMES[index as usize];
        match self {
            Self::Unit => serializer.serialize_unit_variant("T", index, name),
            Self::Newtype(value) => serializer.serialize_newtype_variant("T", index, name, value),
            Self::Tuple(values) => {
                let mut fields =
                    serializer.serialize_tuple_variant("T", index, name, values.len())?;
                values.iter().try_for_each(|value| fields.serialize_field(value))?;
                fields.end()
            }
            Self::Struct(values) => {
                let mut fields =
                    serializer.serialize_struct_variant("T", index, name, values.len())?;
                for (name, value) in NAMES.into_iter().zip(values) {
                    fields.serialize_field(name, value)?;
                }
                fields.end()
            }
        }
    }
}

impl Plain {
    const fn format(self) -> Format {
        match self {
            Self::Unit => Format::Unit,
            Self::Bool => Format::Bool,
            Self::I8 => Format::I8,
            Self::I16 => Format::I16,
            Self::I32 => Format::I32,
            Self::I64 => Format::I64,
            Self::I128 => Format::I128,
            Self::U8 => Format::U8,
            Self::U16 => Format::U16,
            Self::U32 => Format::U32,
            Self::U64 => Format::U64,
            Self::U128 => Format::U128,
            Self::F32 => Format::F32,
            Self::F64 => Format::F64,
            Self::Char => Format::Char,
            Self::Str => Format::Str,
            Self::Bytes => Format::Bytes,
        }
    }

    fn values(self) -> BoxedStrategy<Model> {
        // Small numbers and those at the edges of the forms that numbers have are more than their share.
        let edges = prop_oneof![
            any::<u64>(),
            (0..64_u32, -3..4_i64)
                .prop_map(|(bits, near)| (1_u64 << bits).wrapping_add_signed(near)),
            248..258_u64,
        ];
        let unsigned = move |make: fn(u64) -> Model| edges.clone().prop_map(make).boxed();
        match self {
            Self::Unit => Just(Model::Unit).boxed(),
            Self::Bool => any::<bool>().prop_map(Model::Bool).boxed(),
            Self::I8 => unsigned(|number| Model::I8(number as i8)),
            Self::I16 => unsigned(|number| Model::I16(number as i16)),
            Self::I32 => unsigned(|number| Model::I32(number as i32)),
            Self::I64 => unsigned(|number| Model::I64(number as i64)),
            // What serde_json has room for whatever it is built with.
            Self::I128 => unsigned(|number| Model::I128((number as i64).into())),
            Self::U8 => unsigned(|number| Model::U8(number as u8)),
            Self::U16 => unsigned(|number| Model::U16(number as u16)),
            Self::U32 => unsigned(|number| Model::U32(number as u32)),
            Self::U64 => unsigned(Model::U64),
            Self::U128 => unsigned(|number| Model::U128(number.into())),
            Self::F32 => {
                let finite =
                    any::<u32>().prop_map(f32::from_bits).prop_filter("finite", |f| f.is_finite());
                prop_oneof![finite, (-99..99_i8).prop_map(f32::from)].prop_map(Model::F32).boxed()
            }
            Self::F64 => {
                let finite =
                    any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |f| f.is_finite());
                prop_oneof![finite, (-99..99_i8).prop_map(f64::from)].prop_map(Model::F64).boxed()
            }
            Self::Char => any::<char>().prop_map(Model::Char).boxed(),
            Self::Str => "\\PC{0,6}|[a-z]{0,300}".prop_map(Model::Str).boxed(),
            Self::Bytes => {
                proptest::collection::vec(any::<u8>(), 0..9).prop_map(Model::Bytes).boxed()
            }
        }
    }
}

impl Type {
    /// True if one of the values is `null`, so that an option of it is not carried by JSON.
    fn is_null(&self) -> bool {
        match self {
            Self::Plain(Plain::Unit) | Self::Option(_) | Self::UnitStruct => true,
            Self::Newtype(content) => content.is_null(),
            _ => false,
        }
    }

    fn format(&self, types: &mut Registry) -> Format {
        let all = |contents: &[Self], types: &mut Registry| -> Vec<Format> {
            contents.iter().map(|content| content.format(types)).collect()
        };
        let kind = match self {
            Self::Plain(plain) => return plain.format(),
            Self::Option(content) => return Format::Option(Box::new(content.format(types))),
            Self::Seq(content) => return Format::Seq(Box::new(content.format(types))),
            Self::Array(content, size) => {
                let content = Box::new(content.format(types));
                return Format::Array { content, size: (*size).into() };
            }
            Self::Tuple(contents) => return Format::Tuple(all(contents, types)),
            Self::Map(key, value) => {
                let (key, value) = (Box::new(key.format()), Box::new(value.format(types)));
                return Format::Map { key, value };
            }
            Self::UnitStruct => ContainerKind::Unit,
            Self::Newtype(content) => ContainerKind::Newtype(Box::new(content.format(types))),
            Self::TupleStruct(contents) => ContainerKind::Tuple(all(contents, types)),
            Self::Struct(contents) => ContainerKind::Struct(fields(all(contents, types))),
            Self::Enum(variants) => {
                let variants = NAMES.into_iter().zip(variants).map(|(name, content)| {
                    let kind = match content {
                        Content::Unit => ContainerKind::Unit,
                        Content::Newtype(content) => {
                            ContainerKind::Newtype(Box::new(content.format(types)))
                        }
                        Content::Tuple(contents) => ContainerKind::Tuple(all(contents, types)),
                        Content::Struct(contents) => {
                            ContainerKind::Struct(fields(all(contents, types)))
                        }
                    };
                    Variant::new(name, "", kind)
                });
                ContainerKind::Enum(variants.collect())
            }
        };
        let key = format!("T{}", types.iter().len());
        types.define(&key, &key, "", |_| kind)
    }

    fn values(&self) -> BoxedStrategy<Model> {
        let all = |contents: &[Self]| -> Vec<BoxedStrategy<Model>> {
            contents.iter().map(Self::values).collect()
        };
        match self {
            Self::Plain(plain) => plain.values(),
            Self::Option(content) => proptest::option::of(content.values())
                .prop_map(|value| Model::Option(value.map(Box::new)))
                .boxed(),
            Self::Seq(content) => {
                proptest::collection::vec(content.values(), 0..4).prop_map(Model::Seq).boxed()
            }
            Self::Array(content, size) => {
                proptest::collection::vec(content.values(), usize::from(*size))
                    .prop_map(Model::Tuple)
                    .boxed()
            }
            Self::Tuple(contents) | Self::TupleStruct(contents) => {
                all(contents).prop_map(Model::Tuple).boxed()
            }
            Self::Map(key, value) => {
                proptest::collection::vec((key.values(), value.values()), 0..4)
                    .prop_map(|entries| Model::Map(ordered(entries)))
                    .boxed()
            }
            Self::UnitStruct => Just(Model::UnitStruct).boxed(),
            Self::Newtype(content) => {
                content.values().prop_map(|value| Model::Newtype(Box::new(value))).boxed()
            }
            Self::Struct(contents) => all(contents).prop_map(Model::Struct).boxed(),
            Self::Enum(variants) => {
                let variants = (0..).zip(variants).map(|(index, content)| {
                    let held = match content {
                        Content::Unit => Just(Held::Unit).boxed(),
                        Content::Newtype(content) => content
                            .values()
                            .prop_map(|value| Held::Newtype(Box::new(value)))
                            .boxed(),
                        Content::Tuple(contents) => all(contents).prop_map(Held::Tuple).boxed(),
                        Content::Struct(contents) => all(contents).prop_map(Held::Struct).boxed(),
                    };
                    held.prop_map(move |held| Model::Variant(index, held)).boxed()
                });
                proptest::strategy::Union::new(variants).boxed()
            }
        }
    }
}

fn fields(formats: Vec<Format>) -> Vec<Field> {
    NAMES.into_iter().zip(formats).map(|(name, format)| Field::new(name, "", format)).collect()
}

/// Entries in the order that an object of serde_json has them in, whatever it is built with, each key once.
fn ordered(entries: Vec<(Model, Model)>) -> Vec<(Model, Model)> {
    let text = |key: &Model| match serde_json::to_value(key).unwrap() {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    let entries = entries.into_iter().map(|(key, value)| (text(&key), (key, value)));
    entries.collect::<BTreeMap<_, _>>().into_values().collect()
}

const PLAIN: [Plain; 17] = [
    Plain::Unit,
    Plain::F32,
    Plain::F64,
    Plain::Bytes,
    Plain::Bool,
    Plain::I8,
    Plain::I16,
    Plain::I32,
    Plain::I64,
    Plain::I128,
    Plain::U8,
    Plain::U16,
    Plain::U32,
    Plain::U64,
    Plain::U128,
    Plain::Char,
    Plain::Str,
];

/// Any type whose values JSON carries exactly.
fn types() -> impl Strategy<Value = Type> {
    let plain = proptest::sample::select(&PLAIN[..]).prop_map(Type::Plain);
    plain.prop_recursive(4, 24, 5, |inner| {
        let some = |least| proptest::collection::vec(inner.clone(), least..5);
        let content = prop_oneof![
            Just(Content::Unit),
            inner.clone().prop_map(Content::Newtype),
            some(0).prop_map(Content::Tuple),
            some(0).prop_map(Content::Struct),
        ];
        prop_oneof![
            inner.clone().prop_map(|content| match content.is_null() {
                true => content,
                false => Type::Option(Box::new(content)),
            }),
            inner.clone().prop_map(|content| Type::Seq(Box::new(content))),
            (inner.clone(), 0..4_u8)
                .prop_map(|(content, size)| Type::Array(Box::new(content), size)),
            some(1).prop_map(Type::Tuple),
            // The first ones are not keys of objects.
            (proptest::sample::select(&PLAIN[4..]), inner.clone())
                .prop_map(|(key, value)| Type::Map(key, Box::new(value))),
            Just(Type::UnitStruct),
            inner.clone().prop_map(|content| Type::Newtype(Box::new(content))),
            some(2).prop_map(Type::TupleStruct),
            some(0).prop_map(Type::Struct),
            proptest::collection::vec(content, 1..6).prop_map(Type::Enum),
        ]
    })
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    #[test]
    fn what_serde_writes_is_what_the_description_gives(
        (kind, value) in types().prop_flat_map(|kind| (Just(kind.clone()), kind.values()))
    ) {
        let mut types = Registry::new();
        let format = kind.format(&mut types);
        let json = serde_json::to_value(&value).unwrap();
        let mut bincode = Vec::new();
        codec::encode(Codec::Bincode, &value, &mut bincode).unwrap();
        let encoded = encode(&format, &types, &json);
        prop_assert_eq!(encoded.as_deref(), Ok(&bincode[..]), "{}", json);
        let decoded = decode(&format, &types, &bincode);
        prop_assert_eq!(decoded.ok(), Some(json));
    }

    #[test]
    fn bytes_of_a_stranger_are_a_value_or_an_error(
        kind in types(),
        bytes in proptest::collection::vec(any::<u8>(), 0..40)
    ) {
        let mut types = Registry::new();
        let format = kind.format(&mut types);
        if let Ok(value) = decode(&format, &types, &bytes) {
            // A float that is not a number is null, the same key may come twice, and serde_json may have no room for 128
            // bits: those alone do not come back.
            let kind = format!("{kind:?}");
            let lossy = value.to_string().contains("null")
                || ["Map", "I128", "U128"].iter().any(|name| kind.contains(name));
            let again = encode(&format, &types, &value);
            prop_assert!(lossy || again.is_ok(), "{value}: {again:?}");
        }
    }
}
