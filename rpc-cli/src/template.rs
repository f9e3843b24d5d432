//! JSON to fill in: a value of each shape, with everything in it that a person may want to change.

use std::collections::HashSet;

use anyhow::Result;
use rpc_core::schema::{Argument, ContainerKind, Field, Format, MethodSchema, Registry};
use serde_json::{Map, Value, json};

use crate::exit::Failure;

/// The values that a template may have: more are not filled in by hand.
const MOST_VALUES: usize = 100_000;
/// The types inside of each other that it may have.
const DEEPEST: usize = 64;

/// The arguments of a method as an object, each with an example value.
///
/// # Errors
/// A template would be too large or too deep, or have no end.
pub(crate) fn arguments(method: &MethodSchema, types: &Registry) -> Result<Value> {
    let mut writer = Writer { types, within: HashSet::new(), left: MOST_VALUES, depth: 0 };
    let arguments = method.arguments.iter();
    let values = arguments.map(|Argument { name, format }| {
        let value = writer.format(format);
        value.map(|value| (name.clone(), value)).map_err(|over| {
            let path = &method.path;
            Failure::unknown(format!("there is no template of {path}: {name} {over}"))
        })
    });
    Ok(values.collect::<Result<Map<_, _>, _>>()?.into())
}

/// An item of the stream that a method takes, if it takes one.
///
/// # Errors
/// As for [`arguments`].
pub(crate) fn item(method: &MethodSchema, types: &Registry) -> Result<Option<Value>> {
    let Some(Argument { name, format }) = &method.upload else { return Ok(None) };
    let mut writer = Writer { types, within: HashSet::new(), left: MOST_VALUES, depth: 0 };
    let value = writer.format(format).map_err(|over| {
        let path = &method.path;
        Failure::unknown(format!("there is no template of {path}: {name} {over}"))
    })?;
    Ok(Some(value))
}

/// What a method answers, or an item of the stream that it answers with; nothing if there is nothing to see.
///
/// # Errors
/// As for [`arguments`].
pub(crate) fn reply(method: &MethodSchema, types: &Registry) -> Result<Option<Value>> {
    if method.returns == Format::Unit {
        return Ok(None);
    }
    let mut writer = Writer { types, within: HashSet::new(), left: MOST_VALUES, depth: 0 };
    let value = writer.format(&method.returns).map_err(|over| {
        Failure::unknown(format!("there is no template of {}: its reply {over}", method.path))
    })?;
    Ok(Some(value))
}

/// Why there is no template of a value.
enum Over {
    Values,
    Depth,
    Endless(String),
}

impl std::fmt::Display for Over {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Values => write!(f, "is over the budget of {MOST_VALUES} values"),
            Self::Depth => write!(f, "is over the budget of {DEEPEST} types inside of each other"),
            Self::Endless(name) => write!(f, "holds {name}, which holds itself without end"),
        }
    }
}

struct Writer<'a> {
    types: &'a Registry,
    /// Types that are being written: one that contains itself ends there.
    within: HashSet<&'a str>,
    /// Values that may still be written.
    left: usize,
    depth: usize,
}

impl<'a> Writer<'a> {
    fn format(&mut self, format: &'a Format) -> Result<Value, Over> {
        self.left = self.left.checked_sub(1).ok_or(Over::Values)?;
        Ok(match format {
            Format::Unit => Value::Null,
            Format::Bool => false.into(),
            Format::F32 | Format::F64 => json!(0.0),
            Format::Char => "a".into(),
            Format::Str | Format::Bytes => "".into(),
            Format::Seq(content) if **content == Format::U8 => json!([]),
            // What may be missing shows what it would be, unless that has no end.
            Format::Option(content) if self.ends(content) => self.format(content)?,
            Format::Option(_) => Value::Null,
            Format::Seq(content) if self.ends(content) => json!([self.format(content)?]),
            Format::Seq(_) => json!([]),
            Format::Map { key, value } if self.ends(value) => {
                json!({ self.key(key)?: self.format(value)? })
            }
            Format::Map { .. } => json!({}),
            Format::Tuple(contents) => self.each(contents)?,
            Format::Array { content, size } => self.array(content, *size as usize)?,
            Format::Named(key) => self.named(key)?,
            Format::Text { name, .. } => text(name).into(),
            _ => 0.into(),
        })
    }

    /// One value, as often as the array has it.
    fn array(&mut self, content: &'a Format, size: usize) -> Result<Value, Over> {
        if size == 0 {
            return Ok(json!([]));
        }
        let before = self.left;
        let value = self.format(content)?;
        let others = (before - self.left).checked_mul(size - 1);
        let left = others.and_then(|others| self.left.checked_sub(others));
        self.left = left.ok_or(Over::Values)?;
        Ok(vec![value; size].into())
    }

    fn named(&mut self, key: &'a str) -> Result<Value, Over> {
        let Some(container) = self.types.container(key) else { return Ok(Value::Null) };
        if !self.within.insert(key) {
            return Err(Over::Endless(container.name.clone()));
        }
        if self.depth == DEEPEST {
            return Err(Over::Depth);
        }
        self.depth += 1;
        let value = self.kind(&container.kind);
        self.depth -= 1;
        self.within.remove(key);
        value
    }

    /// Whether the shape can be written here without end.
    fn ends(&self, format: &Format) -> bool {
        match format {
            Format::Named(key) => !self.within.contains(key.as_str()),
            Format::Option(content) | Format::Array { content, .. } => self.ends(content),
            Format::Tuple(contents) => contents.iter().all(|content| self.ends(content)),
            _ => true,
        }
    }

    fn key(&mut self, format: &'a Format) -> Result<String, Over> {
        Ok(match self.format(format)? {
            Value::String(text) if text.is_empty() => "key".to_owned(),
            Value::String(text) => text,
            other => other.to_string(),
        })
    }

    fn each(&mut self, formats: &'a [Format]) -> Result<Value, Over> {
        let values: Result<Vec<_>, _> = formats.iter().map(|format| self.format(format)).collect();
        values.map(Value::Array)
    }

    fn kind(&mut self, kind: &'a ContainerKind) -> Result<Value, Over> {
        Ok(match kind {
            ContainerKind::Unit => Value::Null,
            ContainerKind::Newtype(content) => self.format(content)?,
            ContainerKind::Tuple(contents) => self.each(contents)?,
            ContainerKind::Struct(fields) => {
                let entry = |field: &'a Field| Ok((field.name.clone(), self.field(field)?));
                fields.iter().map(entry).collect::<Result<Map<_, _>, _>>()?.into()
            }
            // The first one that ends, and the others are in `rpc describe`.
            ContainerKind::Enum(variants) => {
                let ends = |kind: &ContainerKind| {
                    kind.formats().into_iter().all(|format| self.ends(format))
                };
                let ending = variants.iter().find(|variant| ends(&variant.kind));
                match ending.or_else(|| variants.first()) {
                    None => Value::Null,
                    Some(variant) if variant.kind == ContainerKind::Unit => {
                        variant.name.clone().into()
                    }
                    Some(variant) => json!({ variant.name.as_str(): self.kind(&variant.kind)? }),
                }
            }
        })
    }

    fn field(&mut self, field: &'a Field) -> Result<Value, Over> {
        let default = field.default.as_deref().and_then(|json| serde_json::from_str(json).ok());
        // An empty default says less than an example.
        let empty = |value: &Value| matches!(value, Value::Array(values) if values.is_empty());
        match default.filter(|value| !empty(value)) {
            Some(default) => Ok(default),
            None => self.format(&field.format),
        }
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
        let value = arguments(method, &service.types).unwrap();
        assert_eq!(method.check_arguments(&service.types, &value), Ok(()));
        let expected = r#"{"tree":{"label":"","weight":7,"children":[],"parent":null},"shapes":[{"Circle":{"radius":0.0}}],"map":{"0":["a",[false,false]]},"ip":"127.0.0.1"}"#;
        assert_eq!(value.to_string(), expected);
    }

    /// The types that each hold the next one so many times, and what comes of a template of the first.
    fn of_chain(length: usize, hold: fn(Format) -> ContainerKind, last: Format) -> String {
        let mut types = Registry::new();
        for place in 0..length {
            let (key, next) = (format!("T{place}"), format!("T{}", place + 1));
            let inside = if place + 1 == length { last.clone() } else { Format::Named(next) };
            types.define(&key, &key, "", |_| hold(inside));
        }
        let mut builder = ServiceBuilder::new("S", "");
        builder.method("m", "", MethodKind::Unary).argument::<()>("a");
        let mut service = builder.build();
        service.methods[0].arguments[0].format = Format::Named("T0".to_owned());
        match arguments(&service.methods[0], &types) {
            Ok(value) => value.to_string(),
            Err(error) => error.to_string(),
        }
    }

    fn twice(inside: Format) -> ContainerKind {
        ContainerKind::Tuple(vec![inside.clone(), inside])
    }

    fn array(size: u32) -> Format {
        Format::Array { content: Box::new(Format::U8), size }
    }

    #[test]
    fn bombs_are_over_a_budget_that_is_named() {
        let of =
            |what: &str| format!("there is no template of S.m: a is over the budget of {what}");
        let values = of("100000 values");
        assert_eq!(of_chain(60, twice, Format::Bool), values);
        assert_eq!(of_chain(1, twice, array(u32::MAX)), values);
        let hundred = |inside| {
            ContainerKind::Newtype(Box::new(Format::Array { content: Box::new(inside), size: 100 }))
        };
        assert_eq!(of_chain(20, hundred, Format::Bool), values);
        let once = |inside| ContainerKind::Newtype(Box::new(inside));
        assert_eq!(of_chain(65, once, Format::Bool), of("64 types inside of each other"));
        assert_eq!(of_chain(64, once, Format::Bool), r#"{"a":false}"#);
        assert_eq!(of_chain(1, once, array(3)), r#"{"a":[0,0,0]}"#);
    }

    #[test]
    fn a_type_that_only_holds_itself_has_no_template() {
        let itself = Format::Named("T0".to_owned());
        let words = "there is no template of S.m: a holds T0, which holds itself without end";
        assert_eq!(of_chain(1, twice, itself.clone()), words);
        let maybe = |inside| ContainerKind::Tuple(vec![Format::Option(Box::new(inside))]);
        assert_eq!(of_chain(1, maybe, itself), r#"{"a":[null]}"#);
    }
}
