//! The module of types: for each an interface or alias, and a constant of the same name that is its codec.

use std::fmt::Write as _;

use rpc_core::schema::{ContainerKind, Field, Format, Variant};

use super::{
    codecs::Place,
    names::Names,
    text::{doc, property, string},
};
use crate::api::NamedType;

/// The module.
pub(super) fn module(names: &Names<'_>) -> String {
    let mut module = String::new();
    if names.types().next().is_none() {
        return "export {};\n".to_owned();
    }
    module.push_str("\nimport * as rpc from \"./runtime/index.js\";\n");
    for (defined, (type_, name)) in names.types().enumerate() {
        let place = Place { names, service: type_.service, defined: Some(defined) };
        module.push('\n');
        module.push_str(&doc(&type_.container.doc, type_.container.deprecated.as_deref(), 0));
        module.push_str(&definition(place, type_, name));
    }
    module
}

/// The type and its codec.
fn definition(place: Place<'_>, type_: &NamedType<'_>, name: &str) -> String {
    let codec = match &type_.container.kind {
        ContainerKind::Unit => {
            return alias(name, "null", "rpc.unit");
        }
        ContainerKind::Newtype(content) => {
            let codec = format!("rpc.newtype({})", place.codec(content));
            return alias(name, &place.type_of(content), &codec);
        }
        ContainerKind::Tuple(parts) => {
            return alias(name, &place.tuple_type(parts), &place.tuple_codec(parts));
        }
        ContainerKind::Struct(fields) if fields.is_empty() => {
            return alias(name, "rpc.Empty", "rpc.struct<rpc.Empty>([])");
        }
        ContainerKind::Struct(fields) => {
            return format!(
                "export interface {name} {{\n{}}}\nexport const {name}: rpc.Codec<{name}> = \
                 rpc.struct<{name}>([\n{}]);\n",
                properties(place, fields, 2),
                field_codecs(place, fields, 2)
            );
        }
        ContainerKind::Enum(variants) => match result(&type_.container.name, variants) {
            Some((ok, err)) => {
                let shape =
                    format!("{{ ok: {} }} | {{ err: {} }}", place.type_of(ok), place.type_of(err));
                let codec = format!("rpc.result({}, {})", place.codec(ok), place.codec(err));
                return alias(name, &shape, &codec);
            }
            None if variants.is_empty() => return alias(name, "never", "rpc.literals<never>([])"),
            None if variants.iter().all(|variant| variant.kind == ContainerKind::Unit) => {
                literals(variants, name)
            }
            None => union(place, variants, name),
        },
    };
    format!("{codec}\n")
}

fn alias(name: &str, shape: &str, codec: &str) -> String {
    format!("export type {name} = {shape};\nexport const {name}: rpc.Codec<{name}> = {codec};\n")
}

/// The contents of Rust's own `Result`.
fn result<'a>(name: &str, variants: &'a [Variant]) -> Option<(&'a Format, &'a Format)> {
    let [ok, err] = variants else { return None };
    match (&ok.kind, &err.kind) {
        (ContainerKind::Newtype(value), ContainerKind::Newtype(error))
            if name.starts_with("Result<") && ok.name == "Ok" && err.name == "Err" =>
        {
            Some((value, error))
        }
        _ => None,
    }
}

fn properties(place: Place<'_>, fields: &[Field], indent: usize) -> String {
    let mut text = String::new();
    for field in fields {
        text.push_str(&doc(&field.doc, field.deprecated.as_deref(), indent));
        let optional = if place.default_of(field).is_some() { "?" } else { "" };
        let (name, shape) = (property(&field.name), place.type_of(&field.format));
        let _ = writeln!(text, "{:indent$}{name}{optional}: {shape};", "");
    }
    text
}

fn field_codecs(place: Place<'_>, fields: &[Field], indent: usize) -> String {
    let mut text = String::new();
    for field in fields {
        let default = place.default_of(field).map(|value| format!(", {value}")).unwrap_or_default();
        let (name, codec) = (string(&field.name), place.codec(&field.format));
        let _ = writeln!(text, "{:indent$}[{name}, {codec}{default}],", "");
    }
    text
}

/// An enum of plain names.
fn literals(variants: &[Variant], name: &str) -> String {
    let mut text = format!("export type {name} =");
    for variant in variants {
        text.push('\n');
        text.push_str(&doc(&variant.doc, variant.deprecated.as_deref(), 2));
        let _ = write!(text, "  | {}", string(&variant.name));
    }
    let _ = write!(text, ";\nexport const {name}: rpc.Codec<{name}> = rpc.literals<{name}>([\n");
    for variant in variants {
        let _ = writeln!(text, "  {},", string(&variant.name));
    }
    text.push_str("]);");
    text
}

/// An enum with contents: objects whose `kind` is the name of the variant.
fn union(place: Place<'_>, variants: &[Variant], name: &str) -> String {
    let mut text = format!("export type {name} =");
    for variant in variants {
        text.push('\n');
        text.push_str(&doc(&variant.doc, variant.deprecated.as_deref(), 2));
        let _ = write!(text, "  | {}", variant_type(place, variant));
    }
    let _ = write!(text, ";\nexport const {name}: rpc.Codec<{name}> = rpc.union<{name}>([\n");
    for variant in variants {
        let _ = writeln!(text, "  {},", variant_codec(place, variant, name));
    }
    text.push_str("]);");
    text
}

/// Whether the fields cannot stand beside `kind`, since one of them is called so.
fn hides_kind(fields: &[Field]) -> bool {
    fields.iter().any(|field| field.name == "kind")
}

fn variant_type(place: Place<'_>, variant: &Variant) -> String {
    let kind = string(&variant.name);
    match &variant.kind {
        ContainerKind::Newtype(content) => {
            format!("{{ kind: {kind}; value: {} }}", place.type_of(content))
        }
        ContainerKind::Tuple(parts) => {
            format!("{{ kind: {kind}; value: {} }}", place.tuple_type(parts))
        }
        ContainerKind::Struct(fields) if fields.is_empty() => format!("{{ kind: {kind} }}"),
        ContainerKind::Struct(fields) if hides_kind(fields) => {
            format!("{{ kind: {kind}; value: {} }}", object(place, fields))
        }
        ContainerKind::Struct(fields) => {
            format!("{{\n      kind: {kind};\n{}    }}", properties(place, fields, 6))
        }
        // Variants are no enums themselves.
        ContainerKind::Unit | ContainerKind::Enum(_) => format!("{{ kind: {kind} }}"),
    }
}

fn variant_codec(place: Place<'_>, variant: &Variant, name: &str) -> String {
    let kind = string(&variant.name);
    match &variant.kind {
        ContainerKind::Newtype(content) => format!("rpc.content({kind}, {})", place.codec(content)),
        ContainerKind::Tuple(parts) => format!("rpc.content({kind}, {})", place.tuple_codec(parts)),
        ContainerKind::Struct(fields) if hides_kind(fields) => {
            let shape = object(place, fields);
            let codecs = field_codecs(place, fields, 4);
            format!("rpc.content({kind}, rpc.struct<{shape}>([\n{codecs}  ]))")
        }
        ContainerKind::Struct(fields) => {
            let codecs = field_codecs(place, fields, 4);
            let shape = format!("Extract<{name}, {{ kind: {kind} }}>");
            format!("rpc.fields<{shape}>({kind}, [\n{codecs}  ])")
        }
        ContainerKind::Unit | ContainerKind::Enum(_) => format!("rpc.bare({kind})"),
    }
}

/// The type of an object without a name.
fn object(place: Place<'_>, fields: &[Field]) -> String {
    format!("{{\n{}    }}", properties(place, fields, 6))
}
