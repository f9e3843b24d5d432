//! A value in Python: its annotation, the expression that names its codec, and defaults as expressions.

use rpc_core::schema::{ContainerKind, Field, Format};

use super::{
    super::target::{From, Literal, Target as _},
    Python, is_names, text,
};
use crate::api::{Nullable, Shape, Text, Type};

/// The annotation and codec of a type that travels as text in JSON, if Python has the type.
const fn known(text: Text) -> Option<(&'static str, &'static str)> {
    match text {
        Text::Ipv4Addr => Some(("ipaddress.IPv4Address", "_shapes.IPV4")),
        Text::Ipv6Addr => Some(("ipaddress.IPv6Address", "_shapes.IPV6")),
        Text::IpAddr => Some(("ipaddress.IPv4Address | ipaddress.IPv6Address", "_shapes.IP")),
        Text::SocketAddr => {
            Some(("tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]", "_shapes.SOCKET"))
        }
        Text::Uuid => Some(("_uuid.UUID", "_natives.UUID")),
        Text::Decimal => Some(("_decimal.Decimal", "_natives.DECIMAL")),
        Text::DateTime => Some((DATETIME, "_natives.DATE_TIME")),
        Text::NaiveDate => Some(("_datetime.date", "_natives.NAIVE_DATE")),
        Text::NaiveTime => Some(("_datetime.time", "_natives.NAIVE_TIME")),
        Text::NaiveDateTime => Some((DATETIME, "_natives.NAIVE_DATE_TIME")),
        Text::Date => Some(("_datetime.date", "_natives.PLAIN_DATE")),
        Text::Time => Some(("_datetime.time", "_natives.PLAIN_TIME")),
        Text::UtcOffset => Some(("_datetime.timezone", "_natives.UTC_OFFSET")),
        Text::PrimitiveDateTime => Some((DATETIME, "_natives.PRIMITIVE_DATE_TIME")),
        Text::OffsetDateTime => Some((DATETIME, "_natives.OFFSET_DATE_TIME")),
        Text::Json | Text::Url | Text::SocketAddrV4 | Text::SocketAddrV6 | Text::MethodKey => None,
    }
}

const DATETIME: &str = "_datetime.datetime";

/// The same for a struct of Rust's standard library that stands for a type of Python's.
pub(super) fn native(of: &Type<'_>) -> Option<(&'static str, &'static str)> {
    let parts = match &of.container.kind {
        ContainerKind::Struct(fields) => fields.iter().map(|field| &field.format),
        _ => return None,
    };
    if !parts.eq([&Format::U64, &Format::U32]) {
        return None;
    }
    match of.key {
        "core::time::Duration" => Some(("_datetime.timedelta", "_natives.DURATION")),
        "std::time::SystemTime" => Some((DATETIME, "_natives.SYSTEM_TIME")),
        _ => None,
    }
}

impl Python<'_> {
    /// The annotation of a value.
    pub(super) fn annotation(&self, shape: &Shape<'_>, from: From) -> String {
        let inner = |shape: &Shape<'_>| self.annotation(shape, from);
        match shape {
            Shape::Scalar(Format::Unit) => "None".to_owned(),
            Shape::Scalar(Format::Bool) => "bool".to_owned(),
            Shape::Scalar(Format::F32 | Format::F64) => "float".to_owned(),
            Shape::Scalar(Format::Char | Format::Str) => "str".to_owned(),
            Shape::Scalar(_) => "int".to_owned(),
            Shape::Bytes | Shape::Octets(_) => "bytes".to_owned(),
            Shape::Option(content, Nullable::Always) => {
                let module = if from == From::Elsewhere { "_runtime" } else { "_shapes" };
                format!("{module}.Some[{}] | None", inner(content))
            }
            Shape::Option(content, _) => format!("{} | None", inner(content)),
            Shape::Seq(content) | Shape::Array(content, _) => format!("list[{}]", inner(content)),
            Shape::Map { key, value, hashable: true } => {
                format!("dict[{}, {}]", inner(key), inner(value))
            }
            Shape::Map { key, value, .. } => {
                format!("list[tuple[{}, {}]]", inner(key), inner(value))
            }
            Shape::Tuple(contents) if contents.is_empty() => "tuple[()]".to_owned(),
            Shape::Tuple(contents) => {
                let contents: Vec<_> = contents.iter().map(inner).collect();
                format!("tuple[{}]", contents.join(", "))
            }
            Shape::Text(text, wire) => {
                known(*text).map_or_else(|| inner(wire), |(annotation, _)| annotation.to_owned())
            }
            Shape::Named(id) => {
                let named = &self.client.types[*id];
                if let Some((annotation, _)) = native(named.of) {
                    return annotation.to_owned();
                }
                let module = if from == From::Elsewhere { "types." } else { "" };
                format!("{module}{}", self.unions[*id].as_ref().unwrap_or(&named.name))
            }
            Shape::Foreign(_, wire) => inner(wire),
            Shape::Unseen(_) => "typing.Any".to_owned(),
        }
    }

    /// The expression that is the codec of a value.
    pub(super) fn codec(&self, shape: &Shape<'_>, from: From) -> String {
        let inner = |shape: &Shape<'_>| self.codec(shape, from);
        match shape {
            Shape::Scalar(format) => format!("_wire.{}", format!("{format:?}").to_uppercase()),
            Shape::Bytes => "_wire.BYTES".to_owned(),
            Shape::Octets(size) => format!("_shapes.Octets({size})"),
            Shape::Option(content, Nullable::Always) => {
                format!("_shapes.Option(_shapes.Wrapped({}))", inner(content))
            }
            Shape::Option(content, _) => format!("_shapes.Option({})", inner(content)),
            Shape::Seq(content) => format!("_shapes.Seq({})", inner(content)),
            Shape::Array(content, size) => format!("_shapes.Array({}, {size})", inner(content)),
            Shape::Map { key, value, hashable } => {
                let class = if *hashable { "Map" } else { "Pairs" };
                format!("_shapes.{class}({}, {})", inner(key), inner(value))
            }
            Shape::Tuple(contents) => {
                let contents: Vec<_> = contents.iter().map(inner).collect();
                format!("_shapes.Tuple({})", contents.join(", "))
            }
            Shape::Text(text, wire) => {
                known(*text).map_or_else(|| inner(wire), |(_, codec)| codec.to_owned())
            }
            Shape::Named(id) => {
                if let Some((_, codec)) = native(self.client.types[*id].of) {
                    return codec.to_owned();
                }
                let module = if from == From::Elsewhere { "_codecs." } else { "" };
                format!("{module}{}", self.client.types[*id].name)
            }
            Shape::Foreign(_, wire) | Shape::Unseen(wire) => inner(wire),
        }
    }

    /// The default behind the annotation of a field that may be left out.
    pub(super) fn default_text(&self, field: &Field, shape: &Shape<'_>) -> Option<String> {
        let is_option = matches!(shape, Shape::Option(..));
        let value = match &field.default {
            None if is_option => "None".to_owned(),
            _ => self.default_of(field, shape)?,
        };
        // Values that can change are made for each object.
        let made = value.starts_with(['[', '{']) || value.ends_with(')');
        if !made && !matches!(shape, Shape::Named(_)) {
            return Some(value);
        }
        let factory = match value.as_str() {
            "[]" => "list".to_owned(),
            "{}" => "dict".to_owned(),
            other => format!("lambda: {other}"),
        };
        Some(format!("dataclasses.field(default_factory={factory})"))
    }

    pub(super) fn expression(&self, literal: Literal<'_>) -> Option<String> {
        Some(match literal {
            Literal::Null => "None".to_owned(),
            Literal::Bool(value) => if value { "True" } else { "False" }.to_owned(),
            Literal::Whole(_, number) => number.to_string(),
            Literal::Float(number) => {
                let text = number.to_string();
                if text.contains(['.', 'e', 'E']) { text } else { format!("{text}.0") }
            }
            Literal::Text(text) => text::literal(text),
            Literal::Bytes(bytes) if bytes.is_empty() => "b\"\"".to_owned(),
            Literal::Bytes(bytes) => format!("bytes({bytes:?})"),
            Literal::List(elements) => format!("[{}]", elements.join(", ")),
            Literal::EmptyMap => "{}".to_owned(),
            Literal::Member(id, place) => {
                let named = &self.client.types[id];
                let member = is_names(named).then(|| &named.cases[place].0)?;
                format!("{}.{member}", named.name)
            }
            Literal::Struct(id, values) => {
                let named = &self.client.types[id];
                match (native(named.of), &values[..]) {
                    (Some(("_datetime.timedelta", _)), [seconds, nanos]) => {
                        let micros = format!("microseconds={nanos} // 1000");
                        return Some(format!("_datetime.timedelta(seconds={seconds}, {micros})"));
                    }
                    (Some(_), _) => return None,
                    (None, _) => {}
                }
                let given = named.fields.iter().zip(&values);
                let given: Vec<_> = given.map(|(name, value)| format!("{name}={value}")).collect();
                format!("{}({})", named.name, given.join(", "))
            }
        })
    }
}
