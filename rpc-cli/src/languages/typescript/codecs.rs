//! Shapes as TypeScript writes them: the type of the values, and the codec that reads and writes them.

use rpc_core::schema::{ContainerKind, Field, Format, ServiceSchema};

use super::{names::Names, text::string};
use crate::api::is_bytes;

/// Where a shape is written: from there follows how types are named and which are defined already.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) names: &'a Names<'a>,
    /// The service in whose description the shape stands.
    pub(super) service: &'a ServiceSchema,
    /// In the module of types, how many of them are defined before; elsewhere none is needed.
    pub(super) defined: Option<usize>,
}

impl Place<'_> {
    /// The type of values.
    pub(super) fn type_of(self, format: &Format) -> String {
        match format {
            Format::Unit => "null".to_owned(),
            Format::Bool => "boolean".to_owned(),
            Format::I64 | Format::I128 | Format::U64 | Format::U128 => "bigint".to_owned(),
            Format::I8 | Format::I16 | Format::I32 | Format::U8 | Format::U16 | Format::U32 => {
                "number".to_owned()
            }
            Format::F32 | Format::F64 => "number".to_owned(),
            Format::Char | Format::Str => "string".to_owned(),
            format if is_bytes(format) => "Uint8Array".to_owned(),
            Format::Bytes => "Uint8Array".to_owned(),
            Format::Array { content, .. } if **content == Format::U8 => "Uint8Array".to_owned(),
            Format::Option(content) if self.is_nullable(content) => {
                format!("{{ some: {} }} | null", self.type_of(content))
            }
            Format::Option(content) => format!("{} | null", self.type_of(content)),
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
            Format::Tuple(parts) => self.tuple_type(parts),
            Format::Named(key) => match self.names.of(self.service, key) {
                Some((_, name, _)) if self.defined.is_some() => name.to_owned(),
                Some((_, name, _)) => format!("types.{name}"),
                None => "never".to_owned(),
            },
            Format::Text { name, wire } => match known_text(name, wire) {
                Some(_) => "string".to_owned(),
                None => self.type_of(wire),
            },
        }
    }

    /// The type of values that a program may give: wider for numbers of 64 bits and more.
    pub(super) fn given_type(self, format: &Format) -> String {
        match format {
            Format::I64 | Format::I128 | Format::U64 | Format::U128 => "bigint | number".to_owned(),
            Format::Text { name, wire } if known_text(name, wire).is_none() => {
                self.given_type(wire)
            }
            format => self.type_of(format),
        }
    }

    /// The type of a tuple.
    pub(super) fn tuple_type(self, parts: &[Format]) -> String {
        let parts: Vec<String> = parts.iter().map(|part| self.type_of(part)).collect();
        format!("[{}]", parts.join(", "))
    }

    /// The codec.
    pub(super) fn codec(self, format: &Format) -> String {
        match format {
            Format::Unit => "rpc.unit".to_owned(),
            Format::Bool => "rpc.bool".to_owned(),
            Format::I8 => "rpc.i8".to_owned(),
            Format::I16 => "rpc.i16".to_owned(),
            Format::I32 => "rpc.i32".to_owned(),
            Format::I64 => "rpc.i64".to_owned(),
            Format::I128 => "rpc.i128".to_owned(),
            Format::U8 => "rpc.u8".to_owned(),
            Format::U16 => "rpc.u16".to_owned(),
            Format::U32 => "rpc.u32".to_owned(),
            Format::U64 => "rpc.u64".to_owned(),
            Format::U128 => "rpc.u128".to_owned(),
            Format::F32 => "rpc.f32".to_owned(),
            Format::F64 => "rpc.f64".to_owned(),
            Format::Char => "rpc.char".to_owned(),
            Format::Str => "rpc.str".to_owned(),
            format if is_bytes(format) => "rpc.bytes".to_owned(),
            Format::Bytes => "rpc.bytes".to_owned(),
            Format::Array { content, size } if **content == Format::U8 => {
                format!("rpc.octets({size})")
            }
            Format::Option(content) if self.is_nullable(content) => {
                format!("rpc.nestedOption({})", self.codec(content))
            }
            Format::Option(content) => format!("rpc.option({})", self.codec(content)),
            Format::Seq(content) => format!("rpc.seq({})", self.codec(content)),
            Format::Array { content, size } => {
                format!("rpc.array({}, {size})", self.codec(content))
            }
            Format::Map { key, value } => {
                format!("rpc.map({}, {})", self.codec(key), self.codec(value))
            }
            Format::Tuple(parts) => self.tuple_codec(parts),
            Format::Named(key) => match (self.names.of(self.service, key), self.defined) {
                (Some((_, name, _)), None) => format!("types.{name}"),
                (Some((place, name, _)), Some(defined)) if place < defined => name.to_owned(),
                (Some((_, name, _)), Some(_)) => format!("rpc.lazy(() => {name})"),
                (None, _) => "rpc.literals<never>([])".to_owned(),
            },
            Format::Text { name, wire } => match known_text(name, wire) {
                Some(codec) => format!("rpc.{codec}"),
                None => self.codec(wire),
            },
        }
    }

    /// The codec of a tuple.
    pub(super) fn tuple_codec(self, parts: &[Format]) -> String {
        let parts: Vec<String> = parts.iter().map(|part| self.codec(part)).collect();
        format!("rpc.tuple({})", parts.join(", "))
    }

    /// What stands for a field that is left out, if that is a plain value.
    pub(super) fn default_of(self, field: &Field) -> Option<String> {
        let json = field.default.as_deref()?;
        self.literal(&field.format, json, &serde_json::from_str(json).ok()?)
    }

    fn literal(self, format: &Format, json: &str, value: &serde_json::Value) -> Option<String> {
        use serde_json::Value;
        let is_whole = json.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
        match (format, value) {
            (Format::Bool, Value::Bool(_)) | (Format::Option(_), Value::Null) => {
                Some(json.trim().to_owned())
            }
            (Format::I64 | Format::I128 | Format::U64 | Format::U128, Value::Number(_)) => {
                is_whole.then(|| format!("{json}n"))
            }
            (
                Format::I8 | Format::I16 | Format::I32 | Format::U8 | Format::U16 | Format::U32,
                Value::Number(_),
            ) => is_whole.then(|| json.to_owned()),
            (Format::F32 | Format::F64, Value::Number(number)) => Some(number.to_string()),
            (Format::Str | Format::Char, Value::String(text)) => Some(string(text)),
            (Format::Option(content), value) if !self.is_nullable(content) => {
                self.literal(content, json, value)
            }
            (Format::Named(key), Value::String(text)) => {
                let (_, _, type_) = self.names.of(self.service, key)?;
                let ContainerKind::Enum(variants) = &type_.container.kind else { return None };
                let plain = variants.iter().all(|variant| variant.kind == ContainerKind::Unit);
                let known = variants.iter().any(|variant| variant.name == *text);
                (plain && known).then(|| string(text))
            }
            _ => None,
        }
    }

    /// Whether `null` is one of the values, so that an option of it needs a form of its own.
    fn is_nullable(self, format: &Format) -> bool {
        let mut seen = Vec::new();
        let (mut service, mut format) = (self.service, format);
        loop {
            match format {
                Format::Option(_) | Format::Unit => return true,
                Format::Text { name, wire } if known_text(name, wire).is_none() => format = wire,
                Format::Named(key) => {
                    let Some((place, _, type_)) = self.names.of(service, key) else { return false };
                    match &type_.container.kind {
                        ContainerKind::Unit => return true,
                        ContainerKind::Newtype(content) if !seen.contains(&place) => {
                            seen.push(place);
                            (service, format) = (type_.service, content);
                        }
                        _ => return false,
                    }
                }
                _ => return false,
            }
        }
    }
}

/// The codec of the run-time for a type that is text for people, if it has one for that form on the wire.
pub(super) fn known_text(name: &str, wire: &Format) -> Option<&'static str> {
    let octets = |format: &Format, length| matches!(format, Format::Array { content, size } if **content == Format::U8 && *size == length);
    let with_port = |length| matches!(wire, Format::Tuple(parts) if matches!(&parts[..], [ip, Format::U16] if octets(ip, length)));
    match name {
        "Ipv4Addr" if octets(wire, 4) => Some("ipv4Addr"),
        "Ipv6Addr" if octets(wire, 16) => Some("ipv6Addr"),
        "IpAddr" if matches!(wire, Format::Named(_)) => Some("ipAddr"),
        "SocketAddr" if matches!(wire, Format::Named(_)) => Some("socketAddr"),
        "SocketAddrV4" if with_port(4) => Some("socketAddrV4"),
        "SocketAddrV6" if with_port(16) => Some("socketAddrV6"),
        _ => None,
    }
}
