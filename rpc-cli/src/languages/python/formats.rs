//! What a value is in Python: its annotation, and the expression that names its codec.

use rpc_core::schema::{ContainerKind, Format, ServiceSchema};

use super::shapes::{Body, Package, Part, Shape};
use crate::api::is_bytes;

/// Whether a format is looked at from the module of the types itself, or from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    Types,
    Elsewhere,
}

/// The types of the standard library that travel as text in JSON, by name: annotation and codec.
fn known(name: &str, wire: &Format) -> Option<(&'static str, &'static str)> {
    let octets = |format: &Format, count| matches!(format, Format::Array { content, size } if **content == Format::U8 && *size == count);
    let of = |key: &str| matches!(wire, Format::Named(named) if named == key);
    match name {
        "Ipv4Addr" if octets(wire, 4) => Some(("ipaddress.IPv4Address", "_shapes.IPV4")),
        "Ipv6Addr" if octets(wire, 16) => Some(("ipaddress.IPv6Address", "_shapes.IPV6")),
        "IpAddr" if of("core::net::IpAddr") => {
            Some(("ipaddress.IPv4Address | ipaddress.IPv6Address", "_shapes.IP"))
        }
        "SocketAddr" if of("core::net::SocketAddr") => {
            Some(("tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]", "_shapes.SOCKET"))
        }
        _ => None,
    }
}

impl Package<'_> {
    /// The annotation of a value.
    pub(super) fn annotation(
        &self,
        service: &ServiceSchema,
        format: &Format,
        from: From,
    ) -> String {
        let inner = |format: &Format| self.annotation(service, format, from);
        match format {
            _ if is_bytes(format) => "bytes".to_owned(),
            Format::Unit => "None".to_owned(),
            Format::Bool => "bool".to_owned(),
            Format::F32 | Format::F64 => "float".to_owned(),
            Format::Char | Format::Str => "str".to_owned(),
            Format::Bytes => "bytes".to_owned(),
            Format::Option(content) if self.may_be_none(service, content) => {
                format!("{}Some[{}] | None", runtime(from), inner(content))
            }
            Format::Option(content) => format!("{} | None", inner(content)),
            Format::Array { content, .. } if **content == Format::U8 => "bytes".to_owned(),
            Format::Seq(content) | Format::Array { content, .. } => {
                format!("list[{}]", inner(content))
            }
            Format::Map { key, value } if self.is_hashable(service, key) => {
                format!("dict[{}, {}]", inner(key), inner(value))
            }
            Format::Map { key, value } => format!("list[tuple[{}, {}]]", inner(key), inner(value)),
            Format::Tuple(contents) if contents.is_empty() => "tuple[()]".to_owned(),
            Format::Tuple(contents) => {
                let contents: Vec<_> = contents.iter().map(inner).collect();
                format!("tuple[{}]", contents.join(", "))
            }
            Format::Named(key) => match (self.shape(service, key), from) {
                (Some(shape), From::Types) => shape.class.clone(),
                (Some(shape), From::Elsewhere) => format!("types.{}", shape.class),
                (None, _) => "typing.Any".to_owned(),
            },
            Format::Text { name, wire } => known(name, wire)
                .map_or_else(|| inner(wire), |(annotation, _)| annotation.to_owned()),
            _ => "int".to_owned(),
        }
    }

    /// The expression that is the codec of a value; `own` is what names of `_codecs.py` are preceded by.
    pub(super) fn codec(&self, service: &ServiceSchema, format: &Format, own: &str) -> String {
        let inner = |format: &Format| self.codec(service, format, own);
        match format {
            _ if is_bytes(format) => "_wire.BYTES".to_owned(),
            Format::Option(content) if self.may_be_none(service, content) => {
                format!("_shapes.Option(_shapes.Wrapped({}))", inner(content))
            }
            Format::Option(content) => format!("_shapes.Option({})", inner(content)),
            Format::Seq(content) => format!("_shapes.Seq({})", inner(content)),
            Format::Array { content, size } if **content == Format::U8 => {
                format!("_shapes.Octets({size})")
            }
            Format::Array { content, size } => format!("_shapes.Array({}, {size})", inner(content)),
            Format::Map { key, value } => {
                let class = if self.is_hashable(service, key) { "Map" } else { "Pairs" };
                format!("_shapes.{class}({}, {})", inner(key), inner(value))
            }
            Format::Tuple(contents) => {
                let contents: Vec<_> = contents.iter().map(inner).collect();
                format!("_shapes.Tuple({})", contents.join(", "))
            }
            Format::Named(key) => match self.shape(service, key) {
                Some(shape) => format!("{own}{}", shape.class),
                // Only what travels otherwise than JSON shows it can lead to a type without a class.
                None => self.anonymous(service, key, own),
            },
            Format::Text { name, wire } => {
                known(name, wire).map_or_else(|| inner(wire), |(_, codec)| codec.to_owned())
            }
            plain => format!("_wire.{}", format!("{plain:?}").to_uppercase()),
        }
    }

    /// The codec of a type that has no class: a tuple of what it holds, or of the place of a variant and its content.
    fn anonymous(&self, service: &ServiceSchema, key: &str, own: &str) -> String {
        let codecs = |formats: Vec<&Format>| {
            let parts: Vec<_> =
                formats.into_iter().map(|format| self.codec(service, format, own)).collect();
            format!("_shapes.Tuple({})", parts.join(", "))
        };
        match service.types.container(key).map(|container| &container.kind) {
            Some(ContainerKind::Newtype(content)) => self.codec(service, content, own),
            Some(ContainerKind::Tuple(contents)) => codecs(contents.iter().collect()),
            Some(ContainerKind::Struct(fields)) => {
                codecs(fields.iter().map(|field| &field.format).collect())
            }
            _ => "_wire.UNIT".to_owned(),
        }
    }

    /// Whether a value may be None, so that an option of it must be told from it.
    fn may_be_none(&self, service: &ServiceSchema, format: &Format) -> bool {
        match format {
            Format::Option(_) | Format::Unit => true,
            Format::Text { name, wire } => {
                known(name, wire).is_none() && self.may_be_none(service, wire)
            }
            Format::Named(key) => self.shape(service, key).is_none(),
            _ => false,
        }
    }

    /// Whether values can be keys of a dict.
    pub(super) fn is_hashable(&self, service: &ServiceSchema, format: &Format) -> bool {
        let hashable = |format: &Format| self.is_hashable(service, format);
        match format {
            _ if is_bytes(format) => true,
            Format::Seq(_) | Format::Map { .. } => false,
            Format::Array { content, .. } => **content == Format::U8,
            Format::Option(content) => hashable(content),
            Format::Tuple(contents) => contents.iter().all(hashable),
            Format::Text { name, wire } => known(name, wire).is_some() || hashable(wire),
            Format::Named(key) => {
                self.api.place(service, key).is_some_and(|place| self.hashable[place])
            }
            _ => true,
        }
    }

    /// Whether values of a type can be keys, where it is known of what it leads to.
    pub(super) fn is_hashable_type(&self, shape: &Shape<'_>) -> bool {
        let own = |part: &Part<'_>| self.is_hashable(shape.named.service, part.format);
        match &shape.body {
            Body::Names(_) => true,
            Body::Struct(parts) => !shape.raised && parts.iter().all(own),
            Body::Variants(cases) => {
                !shape.raised && cases.iter().all(|case| case.parts.iter().all(own))
            }
        }
    }
}

/// What precedes names of the run-time.
const fn runtime(from: From) -> &'static str {
    match from {
        From::Types => "_shapes.",
        From::Elsewhere => "_runtime.",
    }
}
