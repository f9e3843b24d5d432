//! JSON → bincode. Values come in that were checked against their description; what the description leaves open, such as a
//! default that is not known, is an error.

use serde_json::Value;

use super::{EncodeError, text, undescribed, unknown};
use crate::{
    codec::bincode::{MAX_DEPTH, Writer},
    schema::{ContainerKind, Field, Format, Mismatch, Registry, Variant, json::forms},
};

/// Encodes one value.
pub(super) fn value(
    format: &Format,
    types: &Registry,
    value: &Value,
) -> Result<Vec<u8>, EncodeError> {
    let mut encoder = Encoder::new(types);
    encoder.value(format, value)?;
    Ok(encoder.writer.into_bytes())
}

/// Encodes fields, one behind the other.
pub(super) fn fields(
    fields: &[Field],
    types: &Registry,
    value: &Value,
) -> Result<Vec<u8>, EncodeError> {
    let mut encoder = Encoder::new(types);
    encoder.nested(|encoder| encoder.fields(fields, value))?;
    Ok(encoder.writer.into_bytes())
}

struct Encoder<'a> {
    types: &'a Registry,
    writer: Writer,
    depth: u32,
    /// Defaults that may still be put in for what was left out. They may themselves leave out others, so that a hostile
    /// description could make much of nothing.
    defaults: u32,
}

const MOST_DEFAULTS: u32 = 10_000;

impl<'a> Encoder<'a> {
    fn new(types: &'a Registry) -> Self {
        Self { types, writer: Writer::default(), depth: MAX_DEPTH, defaults: MOST_DEFAULTS }
    }

    fn nested(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        // Readers refuse what is deeper; and newtypes of themselves have no end.
        let Some(depth) = self.depth.checked_sub(1) else {
            let expected = format!("nested at most {MAX_DEPTH} deep");
            return Err(Mismatch::found(expected, "deeper".to_owned()).into());
        };
        self.depth = depth;
        let written = write(self);
        self.depth += 1;
        written
    }

    fn value(&mut self, format: &Format, value: &Value) -> Result<(), EncodeError> {
        match format {
            Format::Option(_) if value.is_null() => {
                self.writer.byte(0);
                return Ok(());
            }
            Format::Option(content) => {
                self.writer.byte(1);
                return self.nested(|this| this.value(content, value));
            }
            Format::Seq(content) => return self.sequence(content, value),
            Format::Map { key, value: content } => return self.map(key, content, value),
            Format::Tuple(contents) => {
                let values = self.array(format, value)?;
                return self.nested(|this| this.each(contents.iter().zip(values)));
            }
            Format::Array { content, .. } => {
                let values = self.array(format, value)?;
                return self
                    .nested(|this| this.each(values.iter().map(|value| (&**content, value))));
            }
            Format::Named(key) => {
                let container = self.types.container(key);
                let container =
                    container.ok_or_else(|| EncodeError::NeedsJson(undescribed(key)))?;
                return self.kind(&container.kind, value);
            }
            Format::Text { name, wire } => return self.text(name, wire, value),
            _ => {}
        }
        self.scalar(format, value).ok_or_else(|| self.misfit(format, value))
    }

    /// A value without parts; none if it does not fit.
    fn scalar(&mut self, format: &Format, value: &Value) -> Option<()> {
        let number = || value.as_number();
        let float = || number().and_then(|number| number.as_f64()).or_else(|| forms::float(value));
        match format {
            Format::Unit => {}
            Format::Bool => self.writer.byte(value.as_bool()?.into()),
            Format::U8 => self.writer.byte(u8::try_from(value.as_u64()?).ok()?),
            Format::I8 => self.writer.byte(i8::try_from(value.as_i64()?).ok()? as u8),
            Format::U16 | Format::U32 | Format::U64 | Format::U128 => {
                self.writer.unsigned(number()?.as_u128()?);
            }
            Format::I16 | Format::I32 | Format::I64 | Format::I128 => {
                self.writer.signed(number()?.as_i128()?);
            }
            Format::F32 => self.writer.raw(&(float()? as f32).to_le_bytes()),
            Format::F64 => self.writer.raw(&float()?.to_le_bytes()),
            Format::Char => self.writer.raw(value.as_str()?.as_bytes()),
            Format::Str => self.writer.bytes(value.as_str()?.as_bytes()),
            Format::Bytes => match value {
                Value::String(text) => self.writer.bytes(text.as_bytes()),
                value => self.bytes(value)?,
            },
            _ => return None,
        }
        Some(())
    }

    /// Bytes as a list of numbers, or in base64.
    fn bytes(&mut self, value: &Value) -> Option<()> {
        let bytes = match value {
            Value::Array(values) => {
                let byte = |value: &Value| value.as_u64().and_then(|byte| u8::try_from(byte).ok());
                values.iter().map(byte).collect::<Option<_>>()?
            }
            value => forms::base64(value)?,
        };
        self.writer.bytes(&bytes);
        Some(())
    }

    fn sequence(&mut self, content: &Format, value: &Value) -> Result<(), EncodeError> {
        if *content == Format::U8 {
            return self.bytes(value).ok_or_else(|| self.misfit(&Format::Bytes, value));
        }
        let values = self.array(content, value)?;
        self.writer.unsigned(values.len() as u128);
        self.nested(|this| this.each(values.iter().map(|value| (content, value))))
    }

    fn map(&mut self, key: &Format, content: &Format, value: &Value) -> Result<(), EncodeError> {
        let Value::Object(entries) = value else {
            let pairs = self.array(key, value)?;
            self.writer.unsigned(pairs.len() as u128);
            return self.nested(|this| {
                let parts = pairs.iter().filter_map(Value::as_array).flatten();
                this.each([key, content].into_iter().cycle().zip(parts))
            });
        };
        self.writer.unsigned(entries.len() as u128);
        self.nested(|this| {
            entries.iter().try_for_each(|(name, value)| {
                this.key(key, name)?;
                this.value(content, value).map_err(|error| inside(error, name))
            })
        })
    }

    /// A key of an object as the value that it stands for.
    fn key(&mut self, format: &Format, name: &str) -> Result<(), EncodeError> {
        match format {
            Format::Named(key) => {
                if let Some(ContainerKind::Newtype(content)) =
                    self.types.container(key).map(|container| &container.kind)
                {
                    return self.nested(|this| this.key(content, name));
                }
            }
            Format::Option(content) => {
                self.writer.byte(1);
                return self.nested(|this| this.key(content, name));
            }
            Format::Str | Format::Char | Format::Text { .. } => {}
            _ => {
                let value: Value = serde_json::from_str(name).unwrap_or_default();
                return self.value(format, &value);
            }
        }
        self.value(format, &name.into())
    }

    fn kind(&mut self, kind: &ContainerKind, value: &Value) -> Result<(), EncodeError> {
        match kind {
            ContainerKind::Unit => Ok(()),
            ContainerKind::Newtype(content) => self.nested(|this| this.value(content, value)),
            ContainerKind::Tuple(contents) => {
                let values = self.array(&Format::Unit, value)?;
                self.nested(|this| this.each(contents.iter().zip(values)))
            }
            ContainerKind::Struct(fields) => self.nested(|this| this.fields(fields, value)),
            ContainerKind::Enum(variants) => self.nested(|this| this.variant(variants, value)),
        }
    }

    fn variant(&mut self, variants: &[Variant], value: &Value) -> Result<(), EncodeError> {
        let (chosen, content) = match value {
            Value::Object(entries) => match entries.iter().next() {
                Some((chosen, content)) => (chosen.as_str(), content),
                None => ("", &Value::Null),
            },
            value => (value.as_str().unwrap_or_default(), &Value::Null),
        };
        let found = variants.iter().enumerate().find(|(_, variant)| variant.is_called(chosen));
        let Some((index, variant)) = found else { return Err(self.misfit(&Format::Str, value)) };
        self.writer.unsigned(index as u128);
        let written = match &variant.kind {
            // As readers have it: what a variant holds is as deep as the enum.
            ContainerKind::Newtype(format) => self.value(format, content),
            kind => self.kind(kind, content),
        };
        written.map_err(|error| inside(error, chosen))
    }

    fn fields(&mut self, fields: &[Field], value: &Value) -> Result<(), EncodeError> {
        fields.iter().enumerate().try_for_each(|(index, field)| {
            let given = match value {
                Value::Object(entries) => field.names().find_map(|name| entries.get(name)),
                value => value.get(index),
            };
            match given {
                Some(value) => self.value(&field.format, value),
                None => self.left_out(field),
            }
            .map_err(|error| inside(error, &field.name))
        })
    }

    /// A field that was left out has its default.
    fn left_out(&mut self, field: &Field) -> Result<(), EncodeError> {
        let unknown = |why| EncodeError::NeedsJson(format!("the default of {} {why}", field.name));
        match &field.default {
            Some(json) => {
                let left = self.defaults.checked_sub(1);
                self.defaults = left.ok_or_else(|| unknown("has too many inside"))?;
                let default = serde_json::from_str(json).map_err(|_| unknown("is not JSON"))?;
                // It was not given, so nobody has checked it.
                let checked = crate::schema::check(&field.format, self.types, &default);
                checked.map_err(|_| unknown("does not fit"))?;
                self.nested(|this| this.value(&field.format, &default))
            }
            None if field.optional => Err(unknown("is not known here")),
            None => self.value(&field.format, &Value::Null),
        }
    }

    fn text(&mut self, name: &str, wire: &Format, value: &Value) -> Result<(), EncodeError> {
        if !text::is_known(name, wire, self.types) {
            return Err(EncodeError::NeedsJson(unknown(name)));
        }
        text::write(name, value, &mut self.writer).ok_or_else(|| {
            let expected = text::example(name);
            Mismatch::new(format!("{name}{expected}"), value).into()
        })
    }

    fn each<'v>(
        &mut self,
        parts: impl Iterator<Item = (&'v Format, &'v Value)>,
    ) -> Result<(), EncodeError> {
        parts.enumerate().try_for_each(|(index, (format, value))| {
            self.value(format, value).map_err(|error| match error {
                EncodeError::Mismatch(mismatch) => mismatch.in_element(index).into(),
                other => other,
            })
        })
    }

    fn array<'v>(&self, format: &Format, value: &'v Value) -> Result<&'v [Value], EncodeError> {
        value.as_array().map(Vec::as_slice).ok_or_else(|| self.misfit(format, value))
    }

    fn misfit(&self, format: &Format, value: &Value) -> EncodeError {
        Mismatch::new(self.types.type_name(format), value).into()
    }
}

fn inside(error: EncodeError, field: &str) -> EncodeError {
    match error {
        EncodeError::Mismatch(mismatch) => mismatch.in_field(field).into(),
        other => other,
    }
}
