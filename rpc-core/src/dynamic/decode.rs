//! Bincode → JSON. Bytes of a peer come in, and a description that may be a peer's, too: neither can cost more than the
//! bytes are worth.

use serde_json::{Map, Value};

use super::{text, undescribed, unknown};
use crate::{
    codec::bincode::{
        DecodeError, DecodeErrorKind, EMPTY_ELEMENTS, MAX_DEPTH, Reader, unzigzag, unzigzag_128,
    },
    schema::{ContainerKind, Field, Format, Registry, Variant},
};

/// Decodes one value, which ends where the bytes do.
pub(super) fn value(format: &Format, types: &Registry, bytes: &[u8]) -> Result<Value, DecodeError> {
    let reader = Reader::new(bytes);
    let (empty_elements, empty_values) = (EMPTY_ELEMENTS, MOST_EMPTY);
    let mut decoder = Decoder { types, reader, depth: MAX_DEPTH, empty_elements, empty_values };
    let value = decoder.value(format)?;
    match decoder.reader.remaining() {
        0 => Ok(value),
        trailing => Err(decoder.reader.error(DecodeErrorKind::Trailing(trailing))),
    }
}

/// The most values without bytes in one message: a description can ask for as many as it likes, in arrays of arrays. As
/// many as a typed reader lets through: the most empty elements, each an array of the greatest length that serde has.
const MOST_EMPTY: u64 = EMPTY_ELEMENTS * 32;

/// The most elements that are allocated for before any is read.
const HINT: usize = 4096;

struct Decoder<'a> {
    types: &'a Registry,
    reader: Reader<'a>,
    depth: u32,
    empty_elements: u64,
    empty_values: u64,
}

impl Decoder<'_> {
    /// Reads one level deeper. What counts as a level is what it is for typed readers.
    fn nested<R>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<R, DecodeError>,
    ) -> Result<R, DecodeError> {
        let Some(depth) = self.depth.checked_sub(1) else {
            return Err(self.reader.error(DecodeErrorKind::Depth));
        };
        self.depth = depth;
        let value = read(self);
        self.depth += 1;
        value
    }

    fn value(&mut self, format: &Format) -> Result<Value, DecodeError> {
        Ok(match format {
            Format::Option(content) => match self.reader.byte()? {
                0 => Value::Null,
                1 => return self.nested(|this| this.value(content)),
                other => return Err(self.reader.error_before(DecodeErrorKind::Option(other))),
            },
            Format::Seq(content) if **content == Format::U8 => self.reader.bytes()?.into(),
            Format::Seq(content) => return self.sequence(content),
            Format::Map { key, value } => return self.map(key, value),
            Format::Tuple(contents) => return self.nested(|this| this.tuple(contents.iter())),
            Format::Array { content, size } => {
                let contents = std::iter::repeat_n(&**content, *size as usize);
                return self.nested(|this| this.tuple(contents));
            }
            Format::Named(key) => {
                let Some(container) = self.types.container(key) else {
                    return Err(self.own(undescribed(key)));
                };
                return self.kind(&container.kind);
            }
            Format::Text { name, wire } => return self.text(name, wire),
            scalar => return self.scalar(scalar),
        })
    }

    fn scalar(&mut self, format: &Format) -> Result<Value, DecodeError> {
        let reader = &mut self.reader;
        Ok(match format {
            Format::Bool => match reader.byte()? {
                0 => false.into(),
                1 => true.into(),
                other => return Err(reader.error_before(DecodeErrorKind::Bool(other))),
            },
            Format::U8 => reader.byte()?.into(),
            Format::I8 => (reader.byte()? as i8).into(),
            Format::U16 => reader.narrow::<u16>()?.into(),
            Format::U32 => reader.narrow::<u32>()?.into(),
            Format::U64 => reader.narrow::<u64>()?.into(),
            Format::I16 => unzigzag(reader.narrow::<u16>()?.into()).into(),
            Format::I32 => unzigzag(reader.narrow::<u32>()?.into()).into(),
            Format::I64 => unzigzag(reader.narrow::<u64>()?).into(),
            Format::U128 => whole(reader.unsigned_128()?),
            Format::I128 => whole(unzigzag_128(reader.unsigned_128()?)),
            Format::F32 => f32::from_le_bytes(reader.array()?).into(),
            Format::F64 => f64::from_le_bytes(reader.array()?).into(),
            Format::Char => String::from(reader.character()?).into(),
            Format::Str => reader.text()?.into(),
            Format::Bytes => reader.bytes()?.into(),
            // `()`, and shapes that have parts, which do not come here.
            _ => return self.empty(Value::Null),
        })
    }

    /// A value that took no bytes.
    fn empty(&mut self, value: Value) -> Result<Value, DecodeError> {
        let Some(left) = self.empty_values.checked_sub(1) else {
            return Err(self.reader.error(DecodeErrorKind::EmptyElements));
        };
        self.empty_values = left;
        Ok(value)
    }

    /// A number of elements that the bytes can justify.
    fn count(&mut self) -> Result<usize, DecodeError> {
        let offset = self.reader.offset();
        let claimed = self.reader.unsigned()?;
        let most = self.reader.remaining() as u64 + self.empty_elements;
        match usize::try_from(claimed) {
            Ok(count) if claimed <= most => Ok(count),
            _ => Err(DecodeError { offset, kind: DecodeErrorKind::Length(claimed) }),
        }
    }

    /// Reads one element, and counts it if it took no bytes.
    fn element<R>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<R, DecodeError>,
    ) -> Result<R, DecodeError> {
        let before = self.reader.remaining();
        let element = read(self)?;
        if self.reader.remaining() == before {
            let Some(left) = self.empty_elements.checked_sub(1) else {
                return Err(self.reader.error(DecodeErrorKind::EmptyElements));
            };
            self.empty_elements = left;
        }
        Ok(element)
    }

    fn sequence(&mut self, content: &Format) -> Result<Value, DecodeError> {
        let count = self.count()?;
        self.nested(|this| {
            let mut values = Vec::with_capacity(count.min(HINT).min(this.reader.remaining()));
            for _ in 0..count {
                values.push(this.element(|this| this.value(content))?);
            }
            Ok(values.into())
        })
    }

    fn map(&mut self, key: &Format, content: &Format) -> Result<Value, DecodeError> {
        let count = self.count()?;
        let is_text = self.types.is_text(key);
        self.nested(|this| {
            let (mut entries, mut pairs) = (Map::new(), Vec::new());
            for _ in 0..count {
                let key = this.element(|this| this.value(key))?;
                let value = this.value(content)?;
                if !is_text {
                    pairs.push(Value::Array(vec![key, value]));
                    continue;
                }
                let key = match key {
                    Value::String(key) => key,
                    key => key.to_string(),
                };
                entries.insert(key, value);
            }
            Ok(if is_text { entries.into() } else { pairs.into() })
        })
    }

    fn tuple<'f>(
        &mut self,
        contents: impl Iterator<Item = &'f Format>,
    ) -> Result<Value, DecodeError> {
        let mut values = Vec::new();
        for content in contents {
            values.push(self.value(content)?);
        }
        if values.is_empty() { self.empty(values.into()) } else { Ok(values.into()) }
    }

    fn kind(&mut self, kind: &ContainerKind) -> Result<Value, DecodeError> {
        match kind {
            ContainerKind::Unit => self.empty(Value::Null),
            ContainerKind::Newtype(content) => self.nested(|this| this.value(content)),
            ContainerKind::Tuple(contents) => self.nested(|this| this.tuple(contents.iter())),
            ContainerKind::Struct(fields) => self.nested(|this| this.fields(fields)),
            ContainerKind::Enum(variants) => self.nested(|this| this.variant(variants)),
        }
    }

    fn fields(&mut self, fields: &[Field]) -> Result<Value, DecodeError> {
        let mut values = Map::new();
        for field in fields {
            values.insert(field.name.clone(), self.value(&field.format)?);
        }
        if values.is_empty() { self.empty(values.into()) } else { Ok(values.into()) }
    }

    fn variant(&mut self, variants: &[Variant]) -> Result<Value, DecodeError> {
        let index: u32 = self.reader.narrow()?;
        let Some(variant) = variants.get(index as usize) else {
            let most = variants.len();
            return Err(self.own(format!("variant {index} of an enum that has {most}")));
        };
        let content = match &variant.kind {
            ContainerKind::Unit => return Ok(variant.name.clone().into()),
            ContainerKind::Newtype(format) => self.value(format)?,
            kind => self.kind(kind)?,
        };
        Ok(Map::from_iter([(variant.name.clone(), content)]).into())
    }

    fn text(&mut self, name: &str, wire: &Format) -> Result<Value, DecodeError> {
        if !text::is_known(name, wire, self.types) {
            return Err(self.own(unknown(name)));
        }
        text::read(name, &mut self.reader)
    }

    /// An error in words of its own.
    fn own(&self, words: String) -> DecodeError {
        self.reader.error(DecodeErrorKind::Custom(words))
    }
}

/// A number of 128 bits; one that serde_json has no room for, being built without arbitrary precision, is rounded, as its
/// own reader does.
fn whole<T: Copy + ToString + TryInto<u64> + TryInto<i64>>(number: T) -> Value {
    if let Ok(number) = TryInto::<u64>::try_into(number) {
        return number.into();
    }
    if let Ok(number) = TryInto::<i64>::try_into(number) {
        return number.into();
    }
    serde_json::from_str(&number.to_string()).unwrap_or_default()
}
