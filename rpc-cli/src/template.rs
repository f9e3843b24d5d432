//! JSON to fill in: a value of each shape, with everything in it that a person may want to change.

use std::collections::HashSet;

use rpc_core::schema::{Argument, ContainerKind, Field, Format, Registry};
use serde_json::{Map, Value, json};

/// The arguments of a method as an object, each with an example value.
pub(crate) fn arguments<'a>(arguments: &'a [Argument], types: &'a Registry) -> Value {
    let mut writer = Writer { types, within: HashSet::new() };
    let entry = |argument: &'a Argument| (argument.name.clone(), writer.format(&argument.format));
    arguments.iter().map(entry).collect::<Map<_, _>>().into()
}

struct Writer<'a> {
    types: &'a Registry,
    /// Types that are being written: one that contains itself ends there.
    within: HashSet<&'a str>,
}

impl<'a> Writer<'a> {
    fn format(&mut self, format: &'a Format) -> Value {
        match format {
            Format::Unit => Value::Null,
            Format::Bool => false.into(),
            Format::F32 | Format::F64 => json!(0.0),
            Format::Char => "a".into(),
            Format::Str | Format::Bytes => "".into(),
            Format::Seq(content) if **content == Format::U8 => json!([]),
            // What may be missing shows what it would be, unless that has no end.
            Format::Option(content) if self.ends(content) => self.format(content),
            Format::Option(_) => Value::Null,
            Format::Seq(content) if self.ends(content) => json!([self.format(content)]),
            Format::Seq(_) => json!([]),
            Format::Map { key, value } if self.ends(value) => {
                json!({ self.key(key): self.format(value) })
            }
            Format::Map { .. } => json!({}),
            Format::Tuple(contents) => self.each(contents),
            Format::Array { content, size } => {
                let value = self.format(content);
                vec![value; *size as usize].into()
            }
            Format::Named(key) => {
                let Some(container) = self.types.container(key) else { return Value::Null };
                let entered = self.within.insert(key);
                let value = self.kind(&container.kind);
                if entered {
                    self.within.remove(key.as_str());
                }
                value
            }
            Format::Text { name, .. } => text(name).into(),
            _ => 0.into(),
        }
    }

    /// Whether the shape can be written here without end.
    fn ends(&self, format: &Format) -> bool {
        match format {
            Format::Named(key) => !self.within.contains(key.as_str()),
            _ => true,
        }
    }

    fn key(&mut self, format: &'a Format) -> String {
        match self.format(format) {
            Value::String(text) if text.is_empty() => "key".to_owned(),
            Value::String(text) => text,
            other => other.to_string(),
        }
    }

    fn each(&mut self, formats: &'a [Format]) -> Value {
        formats.iter().map(|format| self.format(format)).collect::<Vec<_>>().into()
    }

    fn kind(&mut self, kind: &'a ContainerKind) -> Value {
        match kind {
            ContainerKind::Unit => Value::Null,
            ContainerKind::Newtype(content) => self.format(content),
            ContainerKind::Tuple(contents) => self.each(contents),
            ContainerKind::Struct(fields) => {
                let entry = |field: &'a Field| (field.name.clone(), self.field(field));
                fields.iter().map(entry).collect::<Map<_, _>>().into()
            }
            // The first one, and the others are in `rpc describe`.
            ContainerKind::Enum(variants) => match variants.first() {
                None => Value::Null,
                Some(variant) if variant.kind == ContainerKind::Unit => variant.name.clone().into(),
                Some(variant) => json!({ variant.name.as_str(): self.kind(&variant.kind) }),
            },
        }
    }

    fn field(&mut self, field: &'a Field) -> Value {
        let default = field.default.as_deref().and_then(|json| serde_json::from_str(json).ok());
        // An empty default says less than an example.
        let empty = |value: &Value| matches!(value, Value::Array(values) if values.is_empty());
        default.filter(|value| !empty(value)).unwrap_or_else(|| self.format(&field.format))
    }
}

fn text(name: &str) -> &'static str {
    match name {
        "IpAddr" | "Ipv4Addr" => "127.0.0.1",
        "Ipv6Addr" => "::1",
        "SocketAddr" | "SocketAddrV4" => "127.0.0.1:7000",
        "SocketAddrV6" => "[::1]:7000",
        "MethodKey" => "0000000000000000",
        "Uuid" => "00000000-0000-0000-0000-000000000000",
        "Url" => "https://example.org/",
        "Decimal" => "0",
        "DateTime" | "OffsetDateTime" => "2000-01-01T00:00:00Z",
        "NaiveDate" | "Date" => "2000-01-01",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use rpc_core::{
        Schema,
        schema::{MethodKind, ServiceBuilder},
    };
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Serialize, Deserialize, Schema)]
    struct Tree {
        label: Option<String>,
        #[serde(default = "seven")]
        weight: u8,
        children: Vec<Self>,
        parent: Option<Box<Self>>,
    }

    fn seven() -> u8 {
        7
    }

    #[derive(Serialize, Deserialize, Schema)]
    enum Shape {
        Circle { radius: f64 },
        Point,
    }

    #[test]
    fn a_template_fits_the_method_it_is_for() {
        let mut builder = ServiceBuilder::new("S", "");
        builder
            .method("m", "", MethodKind::Unary)
            .argument::<Tree>("tree")
            .argument::<Vec<Shape>>("shapes")
            .argument::<std::collections::HashMap<u16, (char, [bool; 2])>>("map")
            .argument::<std::net::IpAddr>("ip");
        let service = builder.build();
        let method = &service.methods[0];
        let value = arguments(&method.arguments, &service.types);
        assert_eq!(method.check_arguments(&service.types, &value), Ok(()));
        let expected = r#"{"tree":{"label":"","weight":7,"children":[],"parent":null},"shapes":[{"Circle":{"radius":0.0}}],"map":{"0":["a",[false,false]]},"ip":"127.0.0.1"}"#;
        assert_eq!(value.to_string(), expected);
    }
}
