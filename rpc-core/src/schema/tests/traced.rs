//! Cross-check: what the derive says of a type against what `serde_reflection` finds out by tracing
//! serde's own code. The two are compared by their canonical signatures.

use std::{
    collections::{BTreeSet, HashMap},
    net::{IpAddr, SocketAddr},
    num::Wrapping,
    ops::Range,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, de::DeserializeOwned};
use serde_reflection::{ContainerFormat, Samples, Tracer, TracerConfig, VariantFormat};

use super::{Address, AddressType, Marker, Meters, Pair, Point, Tree, User, Wrapper, taking};
use crate::schema::{ContainerKind, Field, Format, Registry, Schema, ServiceSchema, Variant};

#[track_caller]
fn check<T: Schema + DeserializeOwned>() {
    check_with_enum::<T, Never>();
}

/// The tracer has to be told of enums inside.
#[track_caller]
fn check_with_enum<T: Schema + DeserializeOwned, E: DeserializeOwned>() {
    let mut tracer = Tracer::new(TracerConfig::default());
    let samples = Samples::new();
    let (format, _) = tracer.trace_type::<T>(&samples).unwrap();
    tracer.trace_type::<E>(&samples).unwrap();
    let mut types = Registry::new();
    for (name, container) in tracer.registry().unwrap() {
        let kind = container_kind(&container);
        types.define(&name, &name, "", |_| kind);
    }
    let mut described = taking::<T>();
    let argument = &mut described.methods[0].arguments[0];
    if let Format::Text { wire, .. } = &argument.format {
        argument.format = Format::clone(wire);
    }
    let mut method = described.methods[0].clone();
    method.arguments[0].format = convert(&format);
    let traced = ServiceSchema { types, methods: vec![method], ..described.clone() };
    assert_eq!(canonical(&described), canonical(&traced));
}

fn canonical(service: &ServiceSchema) -> String {
    service.methods[0].canonical_signature(&service.types)
}

#[derive(Deserialize)]
enum Never {
    Only,
}

fn convert(format: &serde_reflection::Format) -> Format {
    use serde_reflection::Format as Traced;
    match format {
        Traced::Variable(variable) => convert(variable.borrow().as_ref().unwrap()),
        Traced::TypeName(name) => Format::Named(name.clone()),
        Traced::Unit => Format::Unit,
        Traced::Bool => Format::Bool,
        Traced::I8 => Format::I8,
        Traced::I16 => Format::I16,
        Traced::I32 => Format::I32,
        Traced::I64 => Format::I64,
        Traced::I128 => Format::I128,
        Traced::U8 => Format::U8,
        Traced::U16 => Format::U16,
        Traced::U32 => Format::U32,
        Traced::U64 => Format::U64,
        Traced::U128 => Format::U128,
        Traced::F32 => Format::F32,
        Traced::F64 => Format::F64,
        Traced::Char => Format::Char,
        Traced::Str => Format::Str,
        Traced::Bytes => Format::Bytes,
        Traced::Option(content) => Format::Option(Box::new(convert(content))),
        Traced::Seq(content) => Format::Seq(Box::new(convert(content))),
        Traced::Map { key, value } => {
            Format::Map { key: Box::new(convert(key)), value: Box::new(convert(value)) }
        }
        Traced::Tuple(contents) => Format::Tuple(contents.iter().map(convert).collect()),
        Traced::TupleArray { content, size } => {
            let size = u32::try_from(*size).unwrap();
            Format::Array { content: Box::new(convert(content)), size }
        }
    }
}

fn container_kind(container: &ContainerFormat) -> ContainerKind {
    match container {
        ContainerFormat::UnitStruct => ContainerKind::Unit,
        ContainerFormat::NewTypeStruct(content) => {
            ContainerKind::Newtype(Box::new(convert(content)))
        }
        ContainerFormat::TupleStruct(contents) => {
            ContainerKind::Tuple(contents.iter().map(convert).collect())
        }
        ContainerFormat::Struct(fields) => ContainerKind::Struct(named(fields)),
        ContainerFormat::Enum(variants) => {
            let variants = variants.values();
            let variants = variants
                .map(|variant| Variant::new(&variant.name, "", variant_kind(&variant.value)));
            ContainerKind::Enum(variants.collect())
        }
    }
}

fn variant_kind(variant: &VariantFormat) -> ContainerKind {
    match variant {
        VariantFormat::Variable(variable) => variant_kind(variable.borrow().as_ref().unwrap()),
        VariantFormat::Unit => ContainerKind::Unit,
        VariantFormat::NewType(content) => ContainerKind::Newtype(Box::new(convert(content))),
        VariantFormat::Tuple(contents) => {
            ContainerKind::Tuple(contents.iter().map(convert).collect())
        }
        VariantFormat::Struct(fields) => ContainerKind::Struct(named(fields)),
    }
}

fn named(fields: &[serde_reflection::Named<serde_reflection::Format>]) -> Vec<Field> {
    fields.iter().map(|field| Field::new(&field.name, "", convert(&field.value))).collect()
}

#[test]
fn derived_types_match_serde() {
    check_with_enum::<User, AddressType>();
    check_with_enum::<Address, AddressType>();
    check::<AddressType>();
    check::<Meters>();
    check::<Pair>();
    check::<Marker>();
    check::<Wrapper>();
    check::<Point>();
    check::<Tree<u16>>();
    check::<Vec<Tree<Option<Meters>>>>();
}

#[test]
fn types_that_are_text_in_json_match_serde_on_the_wire() {
    check::<IpAddr>();
    check::<SocketAddr>();
}

#[test]
fn types_of_the_standard_library_match_serde() {
    check::<(i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize)>();
    check::<(f32, f64, bool, char, String, ())>();
    check::<HashMap<String, BTreeSet<u8>>>();
    check::<Box<[Option<i64>]>>();
    check::<(Duration, Range<u8>, Wrapping<i8>)>();
    check::<SystemTime>();
    check::<Result<u8, String>>();
}
