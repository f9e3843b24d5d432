//! The parts of values: elements of sequences, tuples and maps, and variants of enums.

use serde::de::{
    DeserializeSeed, Deserializer as _, EnumAccess, IntoDeserializer as _, MapAccess, SeqAccess,
    VariantAccess, Visitor, value::U32Deserializer,
};

use super::{
    deserializer::Deserializer,
    error::{DecodeError, DecodeErrorKind},
};

/// The elements of a sequence or a map, whose number the input claims.
pub(super) struct Elements<'a, 'de> {
    deserializer: &'a mut Deserializer<'de>,
    left: usize,
    /// The number of elements that a visitor may allocate for before it has seen any.
    room: usize,
}

impl<'a, 'de> Elements<'a, 'de> {
    pub(super) const fn new(
        deserializer: &'a mut Deserializer<'de>,
        left: usize,
        room: usize,
    ) -> Self {
        Self { deserializer, left, room }
    }

    /// Reads one element with `read`, and counts it if it took no bytes.
    #[inline(always)]
    fn element<R>(
        &mut self,
        read: impl FnOnce(&mut Deserializer<'de>) -> Result<R, DecodeError>,
    ) -> Result<R, DecodeError> {
        let before = self.deserializer.reader.remaining();
        let element = read(self.deserializer)?;
        if self.deserializer.reader.remaining() == before {
            match self.deserializer.empty_elements.checked_sub(1) {
                Some(left) => self.deserializer.empty_elements = left,
                None => {
                    let kind = DecodeErrorKind::EmptyElements;
                    return Err(self.deserializer.reader.error(kind));
                }
            }
        }
        Ok(element)
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = DecodeError;

    #[inline(always)]
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.element(|deserializer| seed.deserialize(deserializer)).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.room.min(self.left))
    }
}

impl<'de> MapAccess<'de> for Elements<'_, 'de> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DecodeError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        // A key without content is counted even if its value has some: there is but one such key.
        self.element(|deserializer| seed.deserialize(deserializer)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, DecodeError> {
        seed.deserialize(&mut *self.deserializer)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.room.min(self.left))
    }
}

/// The fields of a tuple or a struct, whose number the type knows.
pub(super) struct Fields<'a, 'de> {
    deserializer: &'a mut Deserializer<'de>,
    left: usize,
}

impl<'a, 'de> Fields<'a, 'de> {
    pub(super) const fn new(deserializer: &'a mut Deserializer<'de>, left: usize) -> Self {
        Self { deserializer, left }
    }
}

impl<'de> SeqAccess<'de> for Fields<'_, 'de> {
    type Error = DecodeError;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(&mut *self.deserializer).map(Some)
    }

    // The type's own number, which no input can raise.
    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// The variant of an enum: its index, then its content.
pub(super) struct Variants<'a, 'de>(pub(super) &'a mut Deserializer<'de>);

impl<'de> EnumAccess<'de> for Variants<'_, 'de> {
    type Error = DecodeError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self), DecodeError> {
        let index: u32 = self.0.reader.narrow()?;
        let index: U32Deserializer<DecodeError> = index.into_deserializer();
        Ok((seed.deserialize(index)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variants<'_, 'de> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, DecodeError> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.0.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.0.deserialize_tuple(fields.len(), visitor)
    }
}
