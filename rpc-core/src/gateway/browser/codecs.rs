//! How values of each shape travel, as expressions of JavaScript: functions of the run-time, put together. What they use of
//! it is kept, so that a module has no more.

use std::{cell::RefCell, collections::BTreeSet};

use serde_json::Value;

use super::{
    pieces::Pieces,
    shapes::{Shapes, is_long, is_text, result},
    text::string,
};
use crate::schema::{Container, ContainerKind, Field, Format, Variant};

/// Names of the run-time that a module uses.
pub(super) struct Used {
    pub(super) pieces: &'static Pieces,
    names: RefCell<BTreeSet<&'static str>>,
}

impl Used {
    pub(super) fn of(pieces: &'static Pieces) -> Self {
        Self { pieces, names: RefCell::default() }
    }

    /// The name as the module writes it.
    pub(super) fn name(&self, name: &'static str) -> String {
        self.names.borrow_mut().insert(name);
        self.pieces.own(name).to_owned()
    }

    fn call(&self, name: &'static str, arguments: &[String]) -> String {
        format!("{}({})", self.name(name), arguments.join(","))
    }

    pub(super) fn into_names(self) -> BTreeSet<&'static str> {
        self.names.into_inner()
    }
}

/// The types that stand above an expression, by which it may name them.
pub(super) type Defined<'s> = &'s dyn Fn(usize) -> bool;

/// Expressions for the formats of one service.
#[derive(Clone, Copy)]
pub(super) struct Codecs<'n, 'd> {
    pub(super) shapes: Shapes<'n, 'd>,
    pub(super) used: &'n Used,
    pub(super) defined: Defined<'n>,
}

impl Codecs<'_, '_> {
    /// How values of a format travel.
    pub(super) fn of(self, format: &Format) -> String {
        let call = |name, content: &Format| self.used.call(name, &[self.of(content)]);
        match format {
            Format::Option(content) if self.shapes.is_nullable(content) => {
                call("nestedOption", content)
            }
            Format::Option(content) => call("option", content),
            Format::Seq(content) if **content == Format::U8 => self.used.name("bytes"),
            Format::Seq(content) => call("seq", content),
            Format::Array { content, size } if **content == Format::U8 => {
                self.used.call("octets", &[size.to_string()])
            }
            Format::Array { content, size } => {
                self.used.call("array", &[self.of(content), size.to_string()])
            }
            Format::Map { key, value } => self.used.call("map", &[self.of(key), self.of(value)]),
            Format::Tuple(parts) => self.tuple(parts.iter()),
            Format::Named(key) => self.named(key),
            Format::Text { name, wire } if is_text(name, wire) => self.used.name(text(name)),
            Format::Text { wire, .. } => self.of(wire),
            scalar => self.used.name(self::scalar(scalar)),
        }
    }

    pub(super) fn tuple<'f>(self, parts: impl Iterator<Item = &'f Format>) -> String {
        self.used.call("tuple", &parts.map(|part| self.of(part)).collect::<Vec<_>>())
    }

    fn named(self, key: &str) -> String {
        match self.shapes.names.place(self.shapes.service, key) {
            Some(place) if (self.defined)(place) => format!("$t{place}"),
            Some(place) => self.used.call("lazy", &[format!("()=>$t{place}")]),
            None => {
                let thrown = string(&format!("there is no type {key}"));
                self.used.call("lazy", &[format!("()=>{{throw new TypeError({thrown})}}")])
            }
        }
    }

    /// How values of a named type travel.
    pub(super) fn define(self, container: &Container) -> String {
        match &container.kind {
            ContainerKind::Enum(variants) => match result(container, variants) {
                Some((ok, err)) => self.used.call("result", &[self.of(ok), self.of(err)]),
                None => self.variants(variants),
            },
            kind => self.inside(kind),
        }
    }

    fn inside(self, kind: &ContainerKind) -> String {
        match kind {
            ContainerKind::Unit => self.used.name("unit"),
            ContainerKind::Newtype(content) => self.used.call("newtype", &[self.of(content)]),
            ContainerKind::Tuple(parts) => self.tuple(parts.iter()),
            ContainerKind::Struct(fields) => self.used.call("struct", &[self.fields(fields)]),
            ContainerKind::Enum(variants) => self.variants(variants),
        }
    }

    fn variants(self, variants: &[Variant]) -> String {
        let plain = variants.iter().all(|variant| variant.kind == ContainerKind::Unit);
        let each = variants.iter().map(|variant| match plain {
            true => string(&variant.name),
            false => self.variant(variant),
        });
        let list = format!("[{}]", each.collect::<Vec<_>>().join(","));
        self.used.call(if plain { "literals" } else { "union" }, &[list])
    }

    fn variant(self, variant: &Variant) -> String {
        let name = string(&variant.name);
        match &variant.kind {
            ContainerKind::Unit => self.used.call("bare", &[name]),
            ContainerKind::Struct(fields) if !fields.iter().any(|field| field.name == "kind") => {
                self.used.call("fields", &[name, self.fields(fields)])
            }
            ContainerKind::Newtype(content) => self.used.call("content", &[name, self.of(content)]),
            kind => self.used.call("content", &[name, self.inside(kind)]),
        }
    }

    fn fields(self, fields: &[Field]) -> String {
        let fields = fields.iter().map(|field| {
            let mut parts = vec![string(&field.name), self.of(&field.format)];
            parts.extend(self.missing(field));
            format!("[{}]", parts.join(","))
        });
        format!("[{}]", fields.collect::<Vec<_>>().join(","))
    }

    /// What stands for a field that is left out, if it may be.
    fn missing(self, field: &Field) -> Option<String> {
        match self.shapes.default_of(field) {
            Some(json) if is_long(&field.format) => Some(format!("{json}n")),
            Some(json) => Some(self.value(&field.format, &serde_json::from_str(json).ok()?)),
            None => {
                let may = field.default.is_none() && matches!(field.format, Format::Option(_));
                may.then(|| "null".to_owned())
            }
        }
    }

    /// A value that its format can be said to have.
    fn value(self, format: &Format, value: &Value) -> String {
        match (format, value) {
            (Format::Option(content), value) if !value.is_null() => self.value(content, value),
            (Format::Seq(content), Value::Array(values)) => {
                let values = values.iter().map(|value| self.value(content, value));
                let list = format!("[{}]", values.collect::<Vec<_>>().join(","));
                if **content == Format::U8 { format!("Uint8Array.from({list})") } else { list }
            }
            (Format::Map { .. }, _) => "new Map".to_owned(),
            (Format::Named(key), Value::Object(values)) => self.object(key, values),
            (_, Value::String(text)) => string(text),
            (long, Value::Number(number)) if is_long(long) => format!("{number}n"),
            (_, value) => value.to_string(),
        }
    }

    fn object(self, key: &str, values: &serde_json::Map<String, Value>) -> String {
        let container = self.shapes.service.types.container(key);
        let Some(ContainerKind::Struct(fields)) = container.map(|container| &container.kind) else {
            return "{}".to_owned();
        };
        let fields = fields.iter().filter_map(|field| {
            let value = self.value(&field.format, values.get(&field.name)?);
            // In brackets: `__proto__` would be something else.
            Some(format!("[{}]:{value}", string(&field.name)))
        });
        format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
    }
}

const fn scalar(format: &Format) -> &'static str {
    match format {
        Format::Bool => "bool",
        Format::I8 => "i8",
        Format::I16 => "i16",
        Format::I32 => "i32",
        Format::I64 => "i64",
        Format::I128 => "i128",
        Format::U8 => "u8",
        Format::U16 => "u16",
        Format::U32 => "u32",
        Format::U64 => "u64",
        Format::U128 => "u128",
        Format::F32 => "f32",
        Format::F64 => "f64",
        Format::Char => "char",
        Format::Str => "str",
        Format::Bytes => "bytes",
        _ => "unit",
    }
}

/// The codec of a type that is text for people.
fn text(name: &str) -> &'static str {
    match name {
        "Ipv4Addr" => "ipv4Addr",
        "Ipv6Addr" => "ipv6Addr",
        "IpAddr" => "ipAddr",
        "SocketAddr" => "socketAddr",
        "SocketAddrV4" => "socketAddrV4",
        _ => "socketAddrV6",
    }
}
