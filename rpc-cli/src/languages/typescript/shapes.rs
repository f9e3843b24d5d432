//! Shapes as TypeScript writes them: the type of the values, the codec that reads and writes them, and defaults.

use rpc_core::schema::{Field, Format};

use super::{
    super::target::{From, Literal},
    TypeScript,
    text::{property, string},
};
use crate::api::{Body, Nullable, Parts, Shape, Text};

/// The types whose values are `bigint`.
const LONG: [Format; 4] = [Format::I64, Format::I128, Format::U64, Format::U128];

/// The codec of the run-time for a type that is text for people, if it has one.
const fn known(text: Text) -> Option<&'static str> {
    Some(match text {
        Text::Ipv4Addr => "ipv4Addr",
        Text::Ipv6Addr => "ipv6Addr",
        Text::IpAddr => "ipAddr",
        Text::SocketAddr => "socketAddr",
        Text::SocketAddrV4 => "socketAddrV4",
        Text::SocketAddrV6 => "socketAddrV6",
        _ => return None,
    })
}

/// Numbers with commas between them.
fn numbers(bytes: &[u8]) -> String {
    bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", ")
}

impl TypeScript<'_> {
    /// The type of values.
    pub(super) fn type_of(&self, shape: &Shape<'_>, from: From) -> String {
        let inner = |shape: &Shape<'_>| self.type_of(shape, from);
        match shape {
            Shape::Scalar(Format::Unit) => "null".to_owned(),
            Shape::Scalar(Format::Bool) => "boolean".to_owned(),
            Shape::Scalar(Format::Char | Format::Str) => "string".to_owned(),
            Shape::Scalar(format) if LONG.contains(format) => "bigint".to_owned(),
            Shape::Scalar(_) => "number".to_owned(),
            Shape::Bytes | Shape::Octets(_) => "Uint8Array".to_owned(),
            Shape::Option(content, Nullable::Never) => format!("{} | null", inner(content)),
            Shape::Option(content, _) => format!("{{ some: {} }} | null", inner(content)),
            Shape::Seq(content) | Shape::Array(content, _) => {
                let content = inner(content);
                if content.contains(" | ") {
                    format!("({content})[]")
                } else {
                    format!("{content}[]")
                }
            }
            Shape::Map { key, value, .. } => format!("Map<{}, {}>", inner(key), inner(value)),
            Shape::Tuple(parts) => self.tuple_type(parts, from),
            Shape::Text(text, wire) => {
                known(*text).map_or_else(|| inner(wire), |_| "string".to_owned())
            }
            Shape::Named(id) => {
                let module = if from == From::Elsewhere { "types." } else { "" };
                format!("{module}{}", self.client.types[*id].name)
            }
            Shape::Foreign(_, wire) | Shape::Unseen(wire) => inner(wire),
        }
    }

    /// The type of values that a program may give: wider for numbers of 64 bits and more.
    pub(super) fn given_type(&self, shape: &Shape<'_>) -> String {
        match shape {
            Shape::Scalar(format) if LONG.contains(format) => "bigint | number".to_owned(),
            Shape::Text(text, wire) if known(*text).is_none() => self.given_type(wire),
            Shape::Foreign(_, wire) => self.given_type(wire),
            shape => self.type_of(shape, From::Elsewhere),
        }
    }

    /// The type of a tuple.
    pub(super) fn tuple_type(&self, parts: &[Shape<'_>], from: From) -> String {
        let parts: Vec<String> = parts.iter().map(|part| self.type_of(part, from)).collect();
        format!("[{}]", parts.join(", "))
    }

    /// The codec.
    pub(super) fn codec(&self, shape: &Shape<'_>, from: From) -> String {
        let inner = |shape: &Shape<'_>| self.codec(shape, from);
        match shape {
            Shape::Scalar(format) => format!("rpc.{}", format!("{format:?}").to_lowercase()),
            Shape::Bytes => "rpc.bytes".to_owned(),
            Shape::Octets(size) => format!("rpc.octets({size})"),
            Shape::Option(content, Nullable::Never) => format!("rpc.option({})", inner(content)),
            Shape::Option(content, _) => format!("rpc.nestedOption({})", inner(content)),
            Shape::Seq(content) => format!("rpc.seq({})", inner(content)),
            Shape::Array(content, size) => format!("rpc.array({}, {size})", inner(content)),
            Shape::Map { key, value, .. } => format!("rpc.map({}, {})", inner(key), inner(value)),
            Shape::Tuple(parts) => self.tuple_codec(parts, from),
            Shape::Text(text, wire) => {
                known(*text).map_or_else(|| inner(wire), |codec| format!("rpc.{codec}"))
            }
            Shape::Named(id) => {
                let name = &self.client.types[*id].name;
                match from {
                    From::Elsewhere => format!("types.{name}"),
                    From::Type(this) if *id < this => name.clone(),
                    From::Type(_) => format!("rpc.lazy(() => {name})"),
                }
            }
            Shape::Foreign(_, wire) | Shape::Unseen(wire) => inner(wire),
        }
    }

    /// The codec of a tuple.
    pub(super) fn tuple_codec(&self, parts: &[Shape<'_>], from: From) -> String {
        let parts: Vec<String> = parts.iter().map(|part| self.codec(part, from)).collect();
        format!("rpc.tuple({})", parts.join(", "))
    }

    /// A default, if it is a plain value.
    pub(super) fn plain(&self, literal: &Literal<'_>) -> Option<String> {
        Some(match literal {
            Literal::Null => "null".to_owned(),
            Literal::Bool(value) => value.to_string(),
            Literal::Whole(format, number) if LONG.contains(format) => format!("{number}n"),
            Literal::Whole(_, number) | Literal::Float(number) => number.to_string(),
            Literal::Text(text) => string(text),
            Literal::Member(id, place) => string(&self.client.types[*id].cases[*place].0),
            Literal::Bytes(bytes) => format!("Uint8Array.of({})", numbers(bytes)),
            Literal::List(elements) => format!("[{}]", elements.join(", ")),
            Literal::EmptyMap => "new Map()".to_owned(),
            Literal::Struct(id, values) => {
                let Body::Struct(Parts::Struct(fields)) = &self.client.types[*id].of.body else {
                    return None;
                };
                let property = |((field, _), value): (&(&Field, Shape<'_>), &String)| {
                    format!("{}: {value}", property(&field.name))
                };
                let properties: Vec<_> = fields.iter().zip(values).map(property).collect();
                format!("{{ {} }}", properties.join(", "))
            }
        })
    }
}
