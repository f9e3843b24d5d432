//! Shapes of values as TypeScript writes their types. Codecs are made by the same rules (`codecs.rs`; in
//! the explorer `describe.ts`).

use std::collections::HashSet;

use serde_json::Value;

use super::{
    names::Names,
    text::{doc, property, string},
};
use crate::schema::{Container, ContainerKind, Field, Format, ServiceSchema, Variant};

/// The greatest whole number up to which JavaScript counts without gaps.
const MOST: u64 = (1 << 53) - 1;

/// The formats of one service, with the names of the types that they lead to.
#[derive(Clone, Copy)]
pub(super) struct Shapes<'n, 'd> {
    pub(super) names: &'n Names<'d>,
    pub(super) service: &'d ServiceSchema,
}

impl<'d> Shapes<'_, 'd> {
    /// The type of values.
    pub(super) fn type_of(self, format: &Format) -> String {
        match format {
            Format::Unit => "null".to_owned(),
            Format::Bool => "boolean".to_owned(),
            Format::Char | Format::Str => "string".to_owned(),
            long if is_long(long) => "bigint".to_owned(),
            Format::Bytes => "Uint8Array".to_owned(),
            Format::Option(content) if self.is_nullable(content) => {
                format!("{{ some: {} }} | null", self.type_of(content))
            }
            Format::Option(content) => format!("{} | null", self.type_of(content)),
            Format::Seq(content) | Format::Array { content, .. } if **content == Format::U8 => {
                "Uint8Array".to_owned()
            }
            Format::Seq(content) | Format::Array { content, .. } => {
                let content = self.type_of(content);
                if content.contains(" | ") {
                    format!("({content})[]")
                } else {
                    format!("{content}[]")
                }
            }
            Format::Map { key, value } => {
                format!("Map<{}, {}>", self.type_of(key), self.type_of(value))
            }
            Format::Tuple(parts) => self.tuple(parts),
            Format::Named(key) => match self.names.get(self.service, key) {
                Some(named) => named.name.clone(),
                None => "unknown".to_owned(),
            },
            Format::Text { name, wire } if is_text(name, wire) => "string".to_owned(),
            Format::Text { wire, .. } => self.type_of(wire),
            _ => "number".to_owned(),
        }
    }

    /// The type of values that a program may give: wider for numbers of 64 bits and more.
    pub(super) fn given(self, format: &Format) -> String {
        match format {
            Format::Text { name, wire } if !is_text(name, wire) => self.given(wire),
            long if is_long(long) => "bigint | number".to_owned(),
            format => self.type_of(format),
        }
    }

    /// The declaration of a named type.
    pub(super) fn define(self, out: &mut String, name: &str, container: &Container) {
        out.push('\n');
        out.push_str(&doc(&container.doc, container.deprecated.as_deref(), 0));
        let shape = match &container.kind {
            ContainerKind::Unit => "null".to_owned(),
            ContainerKind::Newtype(content) => self.type_of(content),
            ContainerKind::Tuple(parts) => self.tuple(parts),
            ContainerKind::Struct(fields) if fields.is_empty() => {
                "{ [name: string]: never }".to_owned()
            }
            ContainerKind::Struct(fields) => {
                let fields = self.properties(fields, 2);
                out.push_str(&format!("export interface {name} {{\n{fields}}}\n"));
                out.push_str(&format!("export declare const {name}: Codec<{name}>;\n"));
                return;
            }
            ContainerKind::Enum(variants) => match result(container, variants) {
                Some((ok, err)) => {
                    format!("{{ ok: {} }} | {{ err: {} }}", self.type_of(ok), self.type_of(err))
                }
                None if variants.is_empty() => "never".to_owned(),
                None => self.variants(variants),
            },
        };
        out.push_str(&format!(
            "export type {name} = {shape};\nexport declare const {name}: Codec<{name}>;\n"
        ));
    }

    fn tuple(self, parts: &[Format]) -> String {
        let parts: Vec<String> = parts.iter().map(|part| self.type_of(part)).collect();
        format!("[{}]", parts.join(", "))
    }

    fn properties(self, fields: &[Field], indent: usize) -> String {
        let mut text = String::new();
        for field in fields {
            text.push_str(&doc(&field.doc, field.deprecated.as_deref(), indent));
            let optional = if self.may_be_left_out(field) { "?" } else { "" };
            let shape = self.type_of(&field.format);
            let margin = " ".repeat(indent);
            text.push_str(&format!("{margin}{}{optional}: {shape};\n", property(&field.name)));
        }
        text
    }

    fn variants(self, variants: &[Variant]) -> String {
        let plain = variants.iter().all(|variant| variant.kind == ContainerKind::Unit);
        let mut text = String::new();
        for variant in variants {
            text.push('\n');
            text.push_str(&doc(&variant.doc, variant.deprecated.as_deref(), 2));
            let kind = string(&variant.name);
            let shape = if plain { kind } else { self.variant(&kind, &variant.kind) };
            text.push_str(&format!("  | {shape}"));
        }
        text
    }

    fn variant(self, kind: &str, content: &ContainerKind) -> String {
        let value = match content {
            ContainerKind::Newtype(content) => self.type_of(content),
            ContainerKind::Tuple(parts) => self.tuple(parts),
            // They cannot stand beside `kind`.
            ContainerKind::Struct(fields) if fields.iter().any(|field| field.name == "kind") => {
                format!("{{\n{}    }}", self.properties(fields, 6))
            }
            ContainerKind::Struct(fields) if !fields.is_empty() => {
                let fields = self.properties(fields, 6);
                return format!("{{\n      kind: {kind};\n{fields}    }}");
            }
            _ => return format!("{{ kind: {kind} }}"),
        };
        format!("{{ kind: {kind}; value: {value} }}")
    }

    /// Whether something stands for a field that is not given.
    fn may_be_left_out(self, field: &Field) -> bool {
        match self.default_of(field) {
            Some(_) => true,
            None => field.default.is_none() && matches!(field.format, Format::Option(_)),
        }
    }

    /// The default of a field in JSON, if the run-time can make a value of it.
    pub(super) fn default_of(self, field: &Field) -> Option<&str> {
        let json = field.default.as_deref()?;
        let value = serde_json::from_str(json).ok()?;
        let whole = is_long(&field.format) && matches!(&value, Value::Number(_));
        let digits = json.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
        ((whole && digits) || self.can_be_said(&field.format, &value)).then_some(json)
    }

    fn can_be_said(self, format: &Format, value: &Value) -> bool {
        match (format, value) {
            (Format::Option(_), Value::Null) => true,
            (Format::Option(content), _) => {
                !self.is_nullable(content) && self.can_be_said(content, value)
            }
            (Format::Seq(content), Value::Array(values)) => {
                values.iter().all(|value| self.can_be_said(content, value))
            }
            (Format::Map { .. }, Value::Object(entries)) => entries.is_empty(),
            (Format::Named(key), value) => self.named_can_be_said(key, value),
            (Format::Bool, Value::Bool(_)) => true,
            (Format::F32 | Format::F64, Value::Number(_)) => true,
            (Format::Str | Format::Char, Value::String(_)) => true,
            (number, Value::Number(value)) if is_whole(number) => {
                value.as_u64().is_some_and(|value| value <= MOST)
                    || value.as_i64().is_some_and(|value| value.unsigned_abs() <= MOST)
            }
            _ => false,
        }
    }

    fn named_can_be_said(self, key: &str, value: &Value) -> bool {
        match (self.service.types.container(key).map(|container| &container.kind), value) {
            (Some(ContainerKind::Struct(fields)), Value::Object(values)) => {
                let said = |field: &Field| {
                    let value = values.get(&field.name);
                    value.is_some_and(|value| self.can_be_said(&field.format, value))
                };
                fields.iter().all(said)
            }
            (Some(ContainerKind::Enum(variants)), Value::String(name)) => {
                variants.iter().all(|variant| variant.kind == ContainerKind::Unit)
                    && variants.iter().any(|variant| variant.name == *name)
            }
            _ => false,
        }
    }

    /// Whether one of the values is `null`, so that an option of them needs a form of its own.
    pub(super) fn is_nullable<'f>(self, mut format: &'f Format) -> bool
    where
        'd: 'f,
    {
        let mut seen = HashSet::new();
        loop {
            match format {
                Format::Option(_) | Format::Unit => return true,
                Format::Text { name, wire } if !is_text(name, wire) => format = wire,
                Format::Named(key) => match self.service.types.container(key) {
                    Some(Container { kind: ContainerKind::Unit, .. }) => return true,
                    Some(Container { kind: ContainerKind::Newtype(content), .. })
                        if seen.insert(key) =>
                    {
                        format = content;
                    }
                    _ => return false,
                },
                _ => return false,
            }
        }
    }
}

/// Whether values are `bigint`.
pub(super) const fn is_long(format: &Format) -> bool {
    matches!(format, Format::I64 | Format::I128 | Format::U64 | Format::U128)
}

const fn is_whole(format: &Format) -> bool {
    let short = matches!(
        format,
        Format::I8 | Format::I16 | Format::I32 | Format::U8 | Format::U16 | Format::U32
    );
    short || is_long(format)
}

/// Whether a type is text for people that the run-time reads and writes.
pub(super) fn is_text(name: &str, wire: &Format) -> bool {
    let octets = |format: &Format, count: u32| matches!(format, Format::Array { content, size } if **content == Format::U8 && *size == count);
    let with_port = |count| matches!(wire, Format::Tuple(parts) if matches!(&parts[..], [ip, Format::U16] if octets(ip, count)));
    let named = |key: &str| matches!(wire, Format::Named(named) if named == key);
    match name {
        "Ipv4Addr" => octets(wire, 4),
        "Ipv6Addr" => octets(wire, 16),
        "IpAddr" => named("core::net::IpAddr"),
        "SocketAddr" => named("core::net::SocketAddr"),
        "SocketAddrV4" => with_port(4),
        "SocketAddrV6" => with_port(16),
        _ => false,
    }
}

/// The two sides of Rust's own `Result`.
pub(super) fn result<'v>(
    container: &Container,
    variants: &'v [Variant],
) -> Option<(&'v Format, &'v Format)> {
    let [ok, err] = variants else { return None };
    let named = container.name.starts_with("Result<") && ok.name == "Ok" && err.name == "Err";
    match (&ok.kind, &err.kind) {
        (ContainerKind::Newtype(ok), ContainerKind::Newtype(err)) if named => Some((ok, err)),
        _ => None,
    }
}
