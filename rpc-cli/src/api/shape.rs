//! The shape of a value: a format with everything decided that depends on more than the format itself.

use rpc_core::schema::{ContainerKind, Format, ServiceSchema};

use super::{Api, Type, TypeId};

/// The shape of a value.
#[derive(Clone, Debug)]
pub(crate) enum Shape<'a> {
    /// A format with none inside: unit, bool, a number, a character, a text.
    Scalar(&'a Format),
    /// Bytes, in either form that Rust has for them; both look the same on the wire.
    Bytes,
    /// So many bytes.
    Octets(u32),
    Option(Box<Self>, Nullable),
    Seq(Box<Self>),
    Array(Box<Self>, u32),
    /// A map, and whether keys can be keys of a hash map.
    Map {
        key: Box<Self>,
        value: Box<Self>,
        hashable: bool,
    },
    Tuple(Vec<Self>),
    /// A type that is known everywhere, whose JSON is text, with its shape on the wire.
    Text(Text, Box<Self>),
    /// A type that is text in JSON and known to its authors alone: its name, its shape on the wire.
    Foreign(&'a str, Box<Self>),
    /// One of the types of the API.
    Named(TypeId),
    /// A type that only the form on the wire of another leads to, which has no name in the API.
    Unseen(Box<Self>),
}

/// A type that is text in JSON, with a form of its own in many languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    Ipv4Addr,
    Ipv6Addr,
    IpAddr,
    SocketAddr,
    SocketAddrV4,
    SocketAddrV6,
    MethodKey,
    /// Any JSON, which is its text on the wire.
    Json,
    Uuid,
    Url,
    Decimal,
    /// The types of the crate chrono, which are text on the wire as well.
    DateTime,
    NaiveDate,
    NaiveTime,
    NaiveDateTime,
    /// The types of the crate time, which are numbers on the wire.
    Date,
    Time,
    UtcOffset,
    PrimitiveDateTime,
    OffsetDateTime,
}

/// The case that one of the values is nothing, so that an option of them needs a form of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nullable {
    Never,
    /// Only where newtypes and unit structs are not types of their own.
    ByName,
    Always,
}

impl Text {
    /// The type of that name, if it has its form on the wire.
    fn known(name: &str, wire: &Format) -> Option<Self> {
        let with_port = |count| matches!(wire, Format::Tuple(parts) if matches!(&parts[..], [ip, Format::U16] if octets(ip) == Some(count)));
        let of = |key: &str| matches!(wire, Format::Named(named) if named == key);
        Some(match name {
            "Ipv4Addr" if octets(wire) == Some(4) => Self::Ipv4Addr,
            "Ipv6Addr" if octets(wire) == Some(16) => Self::Ipv6Addr,
            "IpAddr" if of("core::net::IpAddr") => Self::IpAddr,
            "SocketAddr" if of("core::net::SocketAddr") => Self::SocketAddr,
            "SocketAddrV4" if with_port(4) => Self::SocketAddrV4,
            "SocketAddrV6" if with_port(16) => Self::SocketAddrV6,
            "MethodKey" if *wire == Format::U64 => Self::MethodKey,
            "Json" if *wire == Format::Str => Self::Json,
            "Uuid" if *wire == Format::Bytes => Self::Uuid,
            "Url" if *wire == Format::Str => Self::Url,
            "Decimal" if *wire == Format::Str => Self::Decimal,
            "DateTime" if *wire == Format::Str => Self::DateTime,
            "NaiveDate" if *wire == Format::Str => Self::NaiveDate,
            "NaiveTime" if *wire == Format::Str => Self::NaiveTime,
            "NaiveDateTime" if *wire == Format::Str => Self::NaiveDateTime,
            "Date" if is_tuple(wire, &[&DATE]) => Self::Date,
            "Time" if is_tuple(wire, &[&TIME]) => Self::Time,
            "UtcOffset" if is_tuple(wire, &[&OFFSET]) => Self::UtcOffset,
            "PrimitiveDateTime" if is_tuple(wire, &[&DATE, &TIME]) => Self::PrimitiveDateTime,
            "OffsetDateTime" if is_tuple(wire, &[&DATE, &TIME, &OFFSET]) => Self::OffsetDateTime,
            _ => return None,
        })
    }
}

impl<'a> Shape<'a> {
    /// The shapes that it consists of.
    pub(crate) fn inside(&self) -> Vec<&Self> {
        match self {
            Self::Option(content, _) | Self::Seq(content) | Self::Array(content, _) => {
                vec![content]
            }
            Self::Map { key, value, .. } => vec![key, value],
            Self::Tuple(contents) => contents.iter().collect(),
            Self::Text(_, wire) | Self::Foreign(_, wire) | Self::Unseen(wire) => vec![wire],
            Self::Scalar(_) | Self::Bytes | Self::Octets(_) | Self::Named(_) => Vec::new(),
        }
    }

    /// The shape and all that are inside of it, those inside first.
    pub(crate) fn walk<'s>(&'s self, visit: &mut impl FnMut(&'s Self)) {
        self.inside().into_iter().for_each(|part| part.walk(visit));
        visit(self);
    }
}

impl<'a> Api<'a> {
    /// The shape of a format in a description of `service`.
    pub(super) fn shape(&self, service: &'a ServiceSchema, format: &'a Format) -> Shape<'a> {
        let inner = |format: &'a Format| Box::new(self.shape(service, format));
        match format {
            _ if is_bytes(format) => Shape::Bytes,
            Format::Option(content) => {
                Shape::Option(inner(content), self.nullable(service, content))
            }
            Format::Seq(content) => Shape::Seq(inner(content)),
            Format::Array { content, size } => {
                octets(format).map_or_else(|| Shape::Array(inner(content), *size), Shape::Octets)
            }
            Format::Map { key, value } => Shape::Map {
                hashable: self.is_hashable(service, key),
                key: inner(key),
                value: inner(value),
            },
            Format::Tuple(contents) => {
                Shape::Tuple(contents.iter().map(|content| self.shape(service, content)).collect())
            }
            Format::Named(key) => match self.place(service, key) {
                Some(id) => Shape::Named(id),
                None => Shape::Unseen(Box::new(self.unseen(service, key))),
            },
            Format::Text { name, wire } => match Text::known(name, wire) {
                Some(text) => Shape::Text(text, inner(wire)),
                None => Shape::Foreign(name, inner(wire)),
            },
            scalar => Shape::Scalar(scalar),
        }
    }

    /// The shape of a type that has no name: a tuple of what it holds. Of enums nothing is shown.
    fn unseen(&self, service: &'a ServiceSchema, key: &str) -> Shape<'a> {
        let tuple = |formats: Vec<&'a Format>| {
            Shape::Tuple(formats.into_iter().map(|part| self.shape(service, part)).collect())
        };
        match service.types.container(key).map(|container| &container.kind) {
            Some(ContainerKind::Newtype(content)) => self.shape(service, content),
            Some(kind @ (ContainerKind::Tuple(_) | ContainerKind::Struct(_))) => {
                tuple(kind.formats())
            }
            _ => Shape::Scalar(&Format::Unit),
        }
    }

    /// Finds out if one of the values is nothing.
    fn nullable(&self, mut service: &'a ServiceSchema, mut format: &'a Format) -> Nullable {
        let (mut seen, mut nullable) = (Vec::new(), Nullable::Always);
        loop {
            match format {
                Format::Option(_) | Format::Unit => return nullable,
                Format::Text { name, wire } if Text::known(name, wire).is_none() => format = wire,
                Format::Named(key) => {
                    let Some(Type { id, container, service: own, .. }) = self.named(service, key)
                    else {
                        return nullable;
                    };
                    match &container.kind {
                        ContainerKind::Unit => return Nullable::ByName,
                        ContainerKind::Newtype(content) if !seen.contains(id) => {
                            seen.push(*id);
                            (service, format, nullable) = (own, content, Nullable::ByName);
                        }
                        _ => return Nullable::Never,
                    }
                }
                _ => return Nullable::Never,
            }
        }
    }

    /// True if values can be keys of a hash map, where it is known of the types inside.
    fn is_hashable(&self, service: &ServiceSchema, format: &Format) -> bool {
        let hashable = |format: &Format| self.is_hashable(service, format);
        match format {
            _ if is_bytes(format) => true,
            Format::Seq(_) | Format::Map { .. } => false,
            Format::Array { .. } => octets(format).is_some(),
            Format::Option(content) => hashable(content),
            Format::Tuple(contents) => contents.iter().all(hashable),
            Format::Text { name, wire } => Text::known(name, wire).is_some() || hashable(wire),
            Format::Named(key) => self.named(service, key).is_some_and(|named| named.hashable),
            _ => true,
        }
    }

    /// True if everything inside of a type can be a key of a hash map.
    pub(super) fn holds_hashables(&self, id: TypeId) -> bool {
        let Type { service, container, .. } = &self.types[id];
        container.kind.formats().into_iter().all(|format| self.is_hashable(service, format))
    }
}

/// Year and day of the year, as the crate time writes them.
const DATE: [Format; 2] = [Format::I32, Format::U16];
/// Hour, minute, second, nanosecond.
const TIME: [Format; 4] = [Format::U8, Format::U8, Format::U8, Format::U32];
/// Hours, minutes, seconds.
const OFFSET: [Format; 3] = [Format::I8, Format::I8, Format::I8];

/// True if a format is a tuple of these parts, one run behind the other.
fn is_tuple(format: &Format, parts: &[&[Format]]) -> bool {
    matches!(format, Format::Tuple(contents) if contents.iter().eq(parts.iter().copied().flatten()))
}

/// True if a format is bytes, in either form.
fn is_bytes(format: &Format) -> bool {
    match format {
        Format::Bytes => true,
        Format::Seq(content) => **content == Format::U8,
        _ => false,
    }
}

/// How many bytes it is, if it is an array of them.
fn octets(format: &Format) -> Option<u32> {
    match format {
        Format::Array { content, size } if **content == Format::U8 => Some(*size),
        _ => None,
    }
}

/// True if a float is in it, or any JSON, which may be one; named types left out.
pub(super) fn has_float(format: &Format) -> bool {
    match format {
        Format::Text { name, wire } if Text::known(name, wire) == Some(Text::Json) => true,
        Format::F32 | Format::F64 => true,
        Format::Option(content) | Format::Seq(content) | Format::Array { content, .. } => {
            has_float(content)
        }
        Format::Map { key, value } => has_float(key) || has_float(value),
        Format::Tuple(contents) => contents.iter().any(has_float),
        Format::Text { wire, .. } => has_float(wire),
        _ => false,
    }
}
