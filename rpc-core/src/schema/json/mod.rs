//! Checks JSON values against descriptions, and names the field that is wrong, missing or unknown, before the
//! value travels. A shape and a value come in, the first mismatch goes out. Follows serde_json's
//! conventions, and is stricter in one thing: unknown fields are mistakes.

mod exact;
pub(crate) mod forms;
mod mismatch;
mod scalar;
#[cfg(test)]
mod tests;

pub use mismatch::Mismatch;

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{Argument, ContainerKind, Field, Format, MethodSchema, Registry, Variant};

/// Checks a value against a shape. The depth of recursion is bounded by that of the value.
///
/// ```
/// use rpc_core::schema::{Registry, Schema, check};
///
/// let mut registry = Registry::new();
/// let format = Vec::<u8>::format(&mut registry);
/// assert!(check(&format, &registry, &serde_json::json!([1, 2])).is_ok());
/// let mismatch = check(&format, &registry, &serde_json::json!([1, 300])).unwrap_err();
/// assert_eq!(mismatch.to_string(), "[1] is 300 and should be u8 (0 to 255)");
/// ```
///
/// # Errors
/// The first part of the value that does not fit.
pub fn check(format: &Format, registry: &Registry, value: &Value) -> Result<(), Mismatch> {
    Checker { registry, forms: Forms::Json, hops: 0 }.format(format, value)
}

/// The same for a value that is to be encoded in bincode, where more forms are understood.
pub(crate) fn check_encodable(
    format: &Format,
    registry: &Registry,
    value: &Value,
) -> Result<(), Mismatch> {
    Checker { registry, forms: Forms::Encodable, hops: 0 }.format(format, value)
}

impl MethodSchema {
    /// Checks the arguments of a call: an object by name, or an array by position. `types` are those of
    /// the method's service.
    ///
    /// # Errors
    /// The first argument that does not fit, is missing or unknown.
    pub fn check_arguments(&self, types: &Registry, value: &Value) -> Result<(), Mismatch> {
        self.check_as(Forms::Json, types, value)
    }

    /// The same for arguments that are to be encoded in bincode.
    pub(crate) fn check_encodable_arguments(
        &self,
        types: &Registry,
        value: &Value,
    ) -> Result<(), Mismatch> {
        self.check_as(Forms::Encodable, types, value)
    }

    fn check_as(&self, forms: Forms, types: &Registry, value: &Value) -> Result<(), Mismatch> {
        let arguments = self.argument_fields();
        let checker = Checker { registry: types, forms, hops: 0 };
        checker.fields(&arguments, "the arguments", value)
    }

    /// The arguments as the fields of a struct.
    pub(crate) fn argument_fields(&self) -> Vec<Field> {
        self.arguments.iter().map(as_field).collect()
    }
}

/// Bytes that are an argument of their own may be written as text too, unlike those further inside.
fn as_field(argument: &Argument) -> Field {
    let format = match &argument.format {
        Format::Seq(content) if **content == Format::U8 => &Format::Bytes,
        format => format,
    };
    Field::new(&argument.name, "", format.clone())
}

/// The most fields that are searched one by one; more are indexed in a table.
const MANY: usize = 32;

/// The forms of values that are understood.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Forms {
    /// Those of serde_json.
    Json,
    /// Those and the ones that `dynamic` has for what JSON cannot say.
    Encodable,
}

#[derive(Clone, Copy)]
struct Checker<'a> {
    registry: &'a Registry,
    forms: Forms,
    /// The number of newtypes that were unwrapped at the same value.
    hops: usize,
}

impl Checker<'_> {
    fn format(&self, format: &Format, value: &Value) -> Result<(), Mismatch> {
        match (format, value) {
            (Format::Option(_), Value::Null) => Ok(()),
            (Format::Option(content), value) => self.format(content, value),
            (Format::Seq(content), Value::Array(values)) => self.each(content, values),
            (Format::Array { content, size }, Value::Array(values))
                if values.len() == *size as usize =>
            {
                self.each(content, values)
            }
            (Format::Tuple(contents), value) => {
                self.tuple(contents, &self.registry.type_name(format), value)
            }
            (Format::Map { key, value: content }, Value::Object(entries)) => {
                entries.iter().try_for_each(|(name, value)| {
                    self.key(key, name)?;
                    self.inside().format(content, value).map_err(|mismatch| mismatch.in_field(name))
                })
            }
            // A type that the description lacks is left for the peer to check.
            (Format::Named(key), value) => match self.registry.container(key) {
                Some(container) => self.kind(&container.kind, &container.name, value),
                None => Ok(()),
            },
            (Format::Map { key, value: content }, Value::Array(pairs))
                if self.forms == Forms::Encodable && !self.registry.is_text(key) =>
            {
                let pair = Format::Tuple(vec![Format::clone(key), Format::clone(content)]);
                self.each(&pair, pairs)
            }
            (format, value) if scalar::fits(format, value) => Ok(()),
            (format, value) if self.forms == Forms::Encodable && scalar::is_said(format, value) => {
                Ok(())
            }
            (format, value) => {
                let expected = self.registry.type_name(format);
                Err(Mismatch::new(expected + scalar::range(format, value), value))
            }
        }
    }

    fn kind(&self, kind: &ContainerKind, name: &str, value: &Value) -> Result<(), Mismatch> {
        match kind {
            ContainerKind::Unit if value.is_null() => Ok(()),
            ContainerKind::Unit => Err(Mismatch::new(format!("{name}, which is null"), value)),
            ContainerKind::Newtype(content) => self.hop(name)?.format(content, value),
            ContainerKind::Tuple(contents) => self.tuple(contents, name, value),
            ContainerKind::Struct(fields) => self.fields(fields, name, value),
            ContainerKind::Enum(variants) => self.variant(variants, name, value),
        }
    }

    fn each(&self, content: &Format, values: &[Value]) -> Result<(), Mismatch> {
        values.iter().enumerate().try_for_each(|(index, value)| {
            self.inside().format(content, value).map_err(|mismatch| mismatch.in_element(index))
        })
    }

    fn tuple(&self, contents: &[Format], name: &str, value: &Value) -> Result<(), Mismatch> {
        match value {
            Value::Array(values) if values.len() == contents.len() => {
                let pairs = contents.iter().zip(values).enumerate();
                pairs.into_iter().try_for_each(|(index, (content, value))| {
                    self.inside()
                        .format(content, value)
                        .map_err(|mismatch| mismatch.in_element(index))
                })
            }
            _ => {
                let expected = format!("{name}, an array of {}", contents.len());
                Err(Mismatch::new(expected, value))
            }
        }
    }

    fn fields(&self, fields: &[Field], name: &str, value: &Value) -> Result<(), Mismatch> {
        match value {
            Value::Object(entries) => self.by_name(fields, name, entries),
            Value::Array(values) => self.by_position(fields, name, values),
            _ => Err(Mismatch::new(format!("{name}, an object"), value)),
        }
    }

    fn by_name(
        &self,
        fields: &[Field],
        name: &str,
        entries: &Map<String, Value>,
    ) -> Result<(), Mismatch> {
        // A few fields are searched faster one by one.
        let many = fields.len() > MANY;
        let index = fields.iter().filter(|_| many).map(|field| (field.name.as_str(), field));
        let index: HashMap<&str, &Field> = index.collect();
        let alias = |name: &str| {
            fields.iter().find(|field| field.aliases.iter().any(|alias| alias == name))
        };
        let find = |name: &str| {
            let named = match many {
                true => index.get(name).copied(),
                false => fields.iter().find(|field| field.name == name),
            };
            named.or_else(|| alias(name))
        };
        for (entry, value) in entries {
            let Some(field) = find(entry) else {
                let names = fields.iter().map(|field| field.name.clone());
                return Err(Mismatch::unknown(entry, name, names.collect()));
            };
            self.inside()
                .format(&field.format, value)
                .map_err(|mismatch| mismatch.in_field(entry))?;
        }
        let left_out = |field: &&Field| {
            let needed = !field.optional && !matches!(field.format, Format::Option(_));
            needed && !field.names().any(|name| entries.contains_key(name))
        };
        match fields.iter().find(left_out) {
            Some(field) => Err(self.missing(field)),
            None => Ok(()),
        }
    }

    fn by_position(&self, fields: &[Field], name: &str, values: &[Value]) -> Result<(), Mismatch> {
        if values.len() > fields.len() {
            let expected = format!("{name}, {} in all", fields.len());
            return Err(Mismatch::found(expected, format!("an array of {}", values.len())));
        }
        for (field, value) in fields.iter().zip(values) {
            self.inside()
                .format(&field.format, value)
                .map_err(|mismatch| mismatch.in_field(&field.name))?;
        }
        match fields[values.len()..].iter().find(|field| !field.optional) {
            Some(field) => Err(self.missing(field)),
            None => Ok(()),
        }
    }

    /// The same checker for a value further inside.
    const fn inside(self) -> Self {
        Self { hops: 0, ..self }
    }

    /// The same checker for what a newtype holds. A described type that holds only itself has no values.
    fn hop(self, name: &str) -> Result<Self, Mismatch> {
        if self.hops > self.registry.iter().len() {
            let found = "anything at all".to_owned();
            return Err(Mismatch::found(format!("a {name}, which has no values"), found));
        }
        Ok(Self { hops: self.hops + 1, ..self })
    }

    fn missing(&self, field: &Field) -> Mismatch {
        let expected = self.registry.type_name(&field.format);
        Mismatch::found(expected, "missing".to_owned()).in_field(&field.name)
    }

    fn variant(&self, variants: &[Variant], name: &str, value: &Value) -> Result<(), Mismatch> {
        let (chosen, content) = match value {
            Value::String(chosen) => (chosen, None),
            Value::Object(entries) if entries.len() == 1 => match entries.iter().next() {
                Some((chosen, content)) => (chosen, Some(content)),
                None => return Ok(()),
            },
            _ => {
                let expected = format!("{name}, a variant's name or an object with one");
                return Err(Mismatch::new(expected, value));
            }
        };
        let Some(variant) = variants.iter().find(|variant| variant.is_called(chosen)) else {
            let names = variants.iter().map(|variant| variant.name.clone());
            return Err(Mismatch::unknown_variant(chosen, name, names.collect()));
        };
        match content {
            Some(content) => self
                .inside()
                .kind(&variant.kind, &format!("{name}::{chosen}"), content)
                .map_err(|mismatch| mismatch.in_field(chosen)),
            None if variant.kind == ContainerKind::Unit => Ok(()),
            None => {
                let expected =
                    format!("an object, {{{chosen:?}: …}}, for {name}::{chosen} holds something");
                Err(Mismatch::new(expected, value))
            }
        }
    }

    /// Keys are text in JSON, whatever they are in Rust.
    fn key(&self, format: &Format, name: &str) -> Result<(), Mismatch> {
        let text = Value::String(name.to_owned());
        let fits = match format {
            Format::Option(content) => return self.key(content, name),
            Format::Named(key) => match self.registry.container(key).map(|named| &named.kind) {
                Some(ContainerKind::Newtype(content)) => return self.hop(key)?.key(content, name),
                Some(ContainerKind::Enum(variants)) => variants
                    .iter()
                    .any(|variant| variant.is_called(name) && variant.kind == ContainerKind::Unit),
                Some(_) => false,
                None => true,
            },
            Format::Str | Format::Char | Format::Text { .. } => scalar::fits(format, &text),
            format => serde_json::from_str(name).is_ok_and(|value| scalar::fits(format, &value)),
        };
        if fits {
            return Ok(());
        }
        let expected = format!("a key that is a {}", self.registry.type_name(format));
        Err(Mismatch::new(expected, &text))
    }
}
