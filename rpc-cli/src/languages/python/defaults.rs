//! Defaults of fields, which a description holds as JSON, as Python.

use rpc_core::schema::{Field, Format, ServiceSchema};
use serde_json::Value;

use super::{
    shapes::{Body, Package},
    text,
};
use crate::api::is_bytes;

/// How a dataclass says a default.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Default {
    /// A value that cannot change.
    Value(String),
    /// An expression that makes one for each object.
    Made(String),
}

impl Default {
    /// What follows the annotation of a field.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Value(value) => value.clone(),
            Self::Made(value) => {
                let factory = match value.as_str() {
                    "[]" => "list".to_owned(),
                    "{}" => "dict".to_owned(),
                    other => format!("lambda: {other}"),
                };
                format!("dataclasses.field(default_factory={factory})")
            }
        }
    }
}

impl Package<'_> {
    /// The default of a field; none if it has none, or one that cannot be said here: it is to be given then.
    pub(super) fn default(&self, service: &ServiceSchema, field: &Field) -> Option<Default> {
        let value = match &field.default {
            Some(json) => serde_json::from_str(json).ok()?,
            None if field.optional && matches!(field.format, Format::Option(_)) => Value::Null,
            None => return None,
        };
        let value = self.expression(service, &field.format, &value)?;
        let mutable = value.starts_with(['[', '{']) || value.contains("types.");
        let named = matches!(field.format, Format::Named(_));
        Some(if mutable || named { Default::Made(value) } else { Default::Value(value) })
    }

    fn expression(
        &self,
        service: &ServiceSchema,
        format: &Format,
        value: &Value,
    ) -> Option<String> {
        match (format, value) {
            (Format::Option(_), Value::Null) => Some("None".to_owned()),
            (Format::Option(content), _)
                if !matches!(**content, Format::Option(_) | Format::Unit) =>
            {
                self.expression(service, content, value)
            }
            (Format::Bool, Value::Bool(true)) => Some("True".to_owned()),
            (Format::Bool, Value::Bool(false)) => Some("False".to_owned()),
            (Format::F32 | Format::F64, Value::Number(number)) => {
                let text = number.to_string();
                Some(if text.contains(['.', 'e', 'E']) { text } else { format!("{text}.0") })
            }
            (Format::Str | Format::Char, Value::String(string)) => Some(text::literal(string)),
            (_, Value::Array(bytes)) if is_bytes(format) => {
                let numbers: Option<Vec<_>> = bytes
                    .iter()
                    .map(|byte| u8::try_from(byte.as_u64()?).ok())
                    .map(|byte| Some(byte?.to_string()))
                    .collect();
                let numbers = numbers?;
                Some(if numbers.is_empty() {
                    "b\"\"".to_owned()
                } else {
                    format!("bytes([{}])", numbers.join(", "))
                })
            }
            (Format::Seq(content), Value::Array(elements)) => {
                let elements: Option<Vec<_>> = elements
                    .iter()
                    .map(|element| self.expression(service, content, element))
                    .collect();
                Some(format!("[{}]", elements?.join(", ")))
            }
            (Format::Map { .. }, Value::Object(entries)) if entries.is_empty() => {
                Some("{}".to_owned())
            }
            (Format::Named(key), Value::String(name)) => self.member(service, key, name),
            (
                Format::I8
                | Format::I16
                | Format::I32
                | Format::I64
                | Format::I128
                | Format::U8
                | Format::U16
                | Format::U32
                | Format::U64
                | Format::U128,
                Value::Number(number),
            ) => {
                // Longer ones Python does not read.
                let small = number.as_i128().map(|number| number.to_string());
                small.or_else(|| number.as_u128().map(|number| number.to_string()))
            }
            _ => None,
        }
    }

    /// The member of an enum of plain names.
    fn member(&self, service: &ServiceSchema, key: &str, name: &str) -> Option<String> {
        let shape = self.shape(service, key)?;
        let rpc_core::schema::ContainerKind::Enum(variants) = &shape.named.container.kind else {
            return None;
        };
        let Body::Names(members) = &shape.body else { return None };
        let place = variants.iter().position(|variant| variant.name == name)?;
        Some(format!("{}.{}", shape.class, members.get(place)?))
    }
}
