//! serde's view of the format: a type asks for the kind of value that it expects, and gets it or an error.

use serde::de::{self, Visitor};

use super::{
    access::{Elements, Fields, Variants},
    error::{DecodeError, DecodeErrorKind},
    limits::{EMPTY_ELEMENTS, HINT, MAX_DEPTH},
    reader::{Reader, unzigzag, unzigzag_128},
};

/// Reads one value.
#[derive(Debug)]
pub(in crate::codec) struct Deserializer<'de> {
    pub(super) reader: Reader<'de>,
    depth: u32,
    pub(super) empty_elements: u64,
    /// Elements that may still be allocated for ahead. A message has no more elements than bytes, those without
    /// content apart, so this is enough for an honest one; and lengths inside lengths cannot multiply.
    room: usize,
}

impl<'de> Deserializer<'de> {
    pub(super) const fn new(bytes: &'de [u8]) -> Self {
        Self {
            reader: Reader::new(bytes),
            depth: MAX_DEPTH,
            empty_elements: EMPTY_ELEMENTS,
            room: bytes.len(),
        }
    }

    /// Reads values that stand where the fields of a struct would.
    pub(in crate::codec) const fn of_fields(bytes: &'de [u8]) -> Self {
        Self { depth: MAX_DEPTH - 1, ..Self::new(bytes) }
    }

    pub(in crate::codec) const fn finish(self) -> Result<(), DecodeError> {
        match self.reader.remaining() {
            0 => Ok(()),
            trailing => Err(self.reader.error(DecodeErrorKind::Trailing(trailing))),
        }
    }

    /// Adds the offset of the reader to an error of a type, which does not know it.
    #[cold]
    pub(in crate::codec) fn place(&self, error: DecodeError) -> DecodeError {
        match error.kind {
            DecodeErrorKind::Custom(_) => DecodeError { offset: self.reader.offset(), ..error },
            _ => error,
        }
    }

    /// Runs `read` one level deeper.
    #[inline]
    pub(super) fn nested<R>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<R, DecodeError>,
    ) -> Result<R, DecodeError> {
        // Before `read`, which recurses as deep as the input says: an overflow of the stack would abort.
        if self.depth == 0 {
            return Err(self.reader.error(DecodeErrorKind::Depth));
        }
        self.depth -= 1;
        let value = read(self);
        self.depth += 1;
        value
    }

    /// Runs `read` with the elements of a sequence or map, one level deeper.
    #[inline]
    fn elements<R>(
        &mut self,
        read: impl FnOnce(Elements<'_, 'de>) -> Result<R, DecodeError>,
    ) -> Result<R, DecodeError> {
        let start = self.reader.offset();
        let claimed = self.reader.unsigned()?;
        let remaining = self.reader.remaining();
        // Before the visitor learns the number, by which it allocates and loops: each element takes a byte at
        // least, or is one of the few that may take none.
        let count = match usize::try_from(claimed) {
            Ok(count) if claimed <= remaining as u64 + self.empty_elements => count,
            _ => return Err(DecodeError { offset: start, kind: DecodeErrorKind::Length(claimed) }),
        };
        let room = count.min(remaining).min(HINT).min(self.room);
        // Before the elements are read: lengths inside them draw on the same budget.
        self.room -= room;
        self.nested(|this| read(Elements::new(this, count, room)))
    }
}

macro_rules! unsigned {
    ($($method:ident $visit:ident $type:ty),*) => {
        $(#[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            visitor.$visit(self.reader.narrow::<$type>()?)
        })*
    };
}

macro_rules! signed {
    ($($method:ident $visit:ident $type:ty, $unsigned:ty),*) => {
        $(#[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            let number = self.reader.narrow::<$unsigned>()?;
            visitor.$visit(unzigzag(number.into()) as $type)
        })*
    };
}

impl<'de> de::Deserializer<'de> for &mut Deserializer<'de> {
    type Error = DecodeError;

    unsigned!(
        deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64
    );

    signed!(
        deserialize_i16 visit_i16 i16, u16,
        deserialize_i32 visit_i32 i32, u32,
        deserialize_i64 visit_i64 i64, u64
    );

    #[inline(always)]
    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_u8(self.reader.byte()?)
    }

    #[inline(always)]
    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_i8(self.reader.byte()? as i8)
    }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_u128(self.reader.unsigned_128()?)
    }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_i128(unzigzag_128(self.reader.unsigned_128()?))
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_f32(f32::from_le_bytes(self.reader.array()?))
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_f64(f64::from_le_bytes(self.reader.array()?))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.reader.byte()? {
            0 => visitor.visit_bool(false),
            1 => visitor.visit_bool(true),
            other => Err(self.reader.error_before(DecodeErrorKind::Bool(other))),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_char(self.reader.character()?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_borrowed_str(self.reader.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_borrowed_bytes(self.reader.bytes()?)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.reader.byte()? {
            0 => visitor.visit_none(),
            1 => self.nested(|this| visitor.visit_some(this)),
            other => Err(self.reader.error_before(DecodeErrorKind::Option(other))),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.nested(|this| visitor.visit_newtype_struct(this))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.elements(|elements| visitor.visit_seq(elements))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.nested(|this| visitor.visit_seq(Fields::new(this, len)))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.elements(|elements| visitor.visit_map(elements))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_tuple(fields.len(), visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.nested(|this| visitor.visit_enum(Variants(this)))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, DecodeError> {
        Err(self.reader.error(DecodeErrorKind::SelfDescribing))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_any(visitor)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}
