//! Shapes as JSON Schema, draft 7: what serde_json writes and reads for them.

use serde_json::{Map, Value, json};

use super::{deprecation, names::Names};
use crate::schema::{Container, ContainerKind, Field, Format, ServiceSchema, Variant};

/// Writes schemas of one service's formats.
#[derive(Clone, Copy)]
pub(super) struct Schemas<'a> {
    pub(super) names: &'a Names<'a>,
    pub(super) service: &'a ServiceSchema,
}

impl Schemas<'_> {
    /// The schema of a value.
    pub(super) fn format(self, format: &Format) -> Value {
        match format {
            Format::Unit => json!({ "type": "null" }),
            Format::Bool => json!({ "type": "boolean" }),
            Format::I8 => integer(i8::MIN, i8::MAX),
            Format::I16 => integer(i16::MIN, i16::MAX),
            Format::I32 => integer(i32::MIN, i32::MAX),
            Format::I64 => integer(i64::MIN, i64::MAX),
            Format::U8 => integer(0, u8::MAX),
            Format::U16 => integer(0, u16::MAX),
            Format::U32 => integer(0, u32::MAX),
            Format::U64 => integer(0, u64::MAX),
            // No bounds: few readers of JSON have numbers that large.
            Format::I128 => json!({ "type": "integer" }),
            Format::U128 => json!({ "type": "integer", "minimum": 0 }),
            Format::F32 | Format::F64 => json!({ "type": "number" }),
            Format::Char => json!({ "type": "string", "minLength": 1, "maxLength": 1 }),
            Format::Str => json!({ "type": "string" }),
            Format::Bytes => json!({
                "description": "Bytes, as numbers or as text.",
                "anyOf": [
                    { "type": "array", "items": integer(0, u8::MAX) },
                    { "type": "string" },
                ],
            }),
            Format::Option(content) => json!({
                "anyOf": [self.format(content), { "type": "null" }],
            }),
            Format::Seq(content) => json!({ "type": "array", "items": self.format(content) }),
            Format::Map { value, .. } => json!({
                "type": "object",
                "additionalProperties": self.format(value),
            }),
            Format::Tuple(contents) => self.tuple(contents),
            Format::Array { content, size } => json!({
                "type": "array",
                "items": self.format(content),
                "minItems": size,
                "maxItems": size,
            }),
            Format::Named(key) => match self.names.get(self.service, key) {
                Some(name) => json!({ "$ref": reference(name) }),
                None => json!({}),
            },
            Format::Text { name, .. } => match text_format(name) {
                Some(format) => json!({ "type": "string", "title": name, "format": format }),
                None => json!({ "type": "string", "title": name }),
            },
        }
    }

    /// The schema of a struct or enum.
    pub(super) fn container(self, container: &Container) -> Value {
        let mut schema = match &container.kind {
            ContainerKind::Enum(variants) => self.variants(variants),
            kind => self.content(kind),
        };
        describe(&mut schema, &container.doc, container.deprecated.as_deref());
        if let Value::Object(schema) = &mut schema {
            schema.insert("title".to_owned(), container.name.clone().into());
        }
        schema
    }

    fn content(self, kind: &ContainerKind) -> Value {
        match kind {
            ContainerKind::Unit => json!({ "type": "null" }),
            ContainerKind::Newtype(content) => wrapped(self.format(content)),
            ContainerKind::Tuple(contents) => self.tuple(contents),
            ContainerKind::Struct(fields) => self.fields(fields),
            ContainerKind::Enum(variants) => self.variants(variants),
        }
    }

    fn tuple(self, contents: &[Format]) -> Value {
        let items: Vec<Value> = contents.iter().map(|content| self.format(content)).collect();
        let size = items.len();
        if size == 0 {
            return json!({ "type": "array", "maxItems": 0 });
        }
        json!({
            "type": "array",
            "items": items,
            "additionalItems": false,
            "minItems": size,
            "maxItems": size,
        })
    }

    fn fields(self, fields: &[Field]) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for field in fields {
            let mut schema = wrapped(self.format(&field.format));
            describe(&mut schema, &field.doc, field.deprecated.as_deref());
            let default = field.default.as_deref().and_then(|json| serde_json::from_str(json).ok());
            if let (Some(default), Value::Object(schema)) = (default, &mut schema) {
                schema.insert("default".to_owned(), default);
            }
            properties.insert(field.name.clone(), schema);
            if !field.optional && !matches!(field.format, Format::Option(_)) {
                required.push(Value::from(field.name.clone()));
            }
        }
        let mut schema = json!({ "type": "object", "properties": properties });
        if let (false, Value::Object(schema)) = (required.is_empty(), &mut schema) {
            schema.insert("required".to_owned(), required.into());
        }
        schema
    }

    fn variants(self, variants: &[Variant]) -> Value {
        let plain = |variant: &Variant| {
            variant.kind == ContainerKind::Unit
                && variant.doc.is_empty()
                && variant.deprecated.is_none()
        };
        if variants.iter().all(plain) {
            let names: Vec<_> = variants.iter().map(|variant| variant.name.as_str()).collect();
            return json!({ "type": "string", "enum": names });
        }
        let each = variants.iter().map(|variant| {
            let mut schema = match &variant.kind {
                ContainerKind::Unit => json!({ "const": variant.name }),
                kind => json!({
                    "type": "object",
                    "properties": { &variant.name: self.content(kind) },
                    "required": [variant.name],
                    "additionalProperties": false,
                }),
            };
            describe(&mut schema, &variant.doc, variant.deprecated.as_deref());
            schema
        });
        json!({ "oneOf": each.collect::<Vec<_>>() })
    }
}

fn integer(least: impl Into<Value>, most: impl Into<Value>) -> Value {
    json!({ "type": "integer", "minimum": least.into(), "maximum": most.into() })
}

/// Where a named type is defined.
fn reference(name: &str) -> String {
    format!("#/components/schemas/{name}")
}

/// A reference in a schema of its own: draft 7 ignores what stands beside a reference.
fn wrapped(schema: Value) -> Value {
    if schema.get("$ref").is_some() { json!({ "allOf": [schema] }) } else { schema }
}

fn describe(schema: &mut Value, doc: &str, deprecated: Option<&str>) {
    let Value::Object(schema) = schema else { return };
    let mut text = doc.to_owned();
    if let Some(why) = deprecated {
        let separator = if text.is_empty() { "" } else { "\n\n" };
        text = format!("{text}{separator}{}", deprecation(why));
    }
    if !text.is_empty() {
        schema.insert("description".to_owned(), text.into());
    }
}

/// The format that JSON Schema knows for a type which is text.
fn text_format(name: &str) -> Option<&'static str> {
    Some(match name {
        "Ipv4Addr" => "ipv4",
        "Ipv6Addr" => "ipv6",
        "Uuid" => "uuid",
        "Url" => "uri",
        "NaiveDate" | "Date" => "date",
        "DateTime" | "OffsetDateTime" => "date-time",
        _ => return None,
    })
}
