//! Floats that JSON does not have: NaN and the infinities. Any serializer of JSON writes `null` for them, which is an error to
//! who reads a number, and nothing to who reads an option. What would come as another value is refused.

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// Where such floats are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// In options: elsewhere a reader of numbers sees that there is none.
    InOptions,
    /// Everywhere: readers may have an option where the writer has a number.
    Everywhere,
}

/// A serializer around that of JSON, or a value that goes to one.
#[derive(Clone, Copy)]
struct Exact<S> {
    inner: S,
    refused: Refused,
    /// Whether `null` would be nothing here.
    optional: bool,
}

/// Serializes a value by a serializer of JSON.
pub(super) fn serialize<T: Serialize + ?Sized, S: Serializer>(
    value: &T,
    serializer: S,
    refused: Refused,
) -> Result<S::Ok, S::Error> {
    Exact { inner: value, refused, optional: false }.serialize(serializer)
}

impl<T: Serialize + ?Sized> Serialize for Exact<&T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { inner, refused, optional } = *self;
        inner.serialize(Exact { inner: serializer, refused, optional })
    }
}

impl<S> Exact<S> {
    /// A value that is inside of this one.
    const fn inside<'a, T: ?Sized>(&self, value: &'a T) -> Exact<&'a T> {
        Exact { inner: value, refused: self.refused, optional: false }
    }

    /// A value that is this one, by another name.
    const fn same<'a, T: ?Sized>(&self, value: &'a T) -> Exact<&'a T> {
        Exact { inner: value, refused: self.refused, optional: self.optional }
    }

    fn with<C, E>(self, begin: impl FnOnce(S) -> Result<C, E>) -> Result<Exact<C>, E> {
        let Self { inner, refused, .. } = self;
        Ok(Exact { inner: begin(inner)?, refused, optional: false })
    }

    fn check<E: serde::ser::Error>(&self, float: f64) -> Result<(), E> {
        if float.is_finite() || !(self.optional || self.refused == Refused::Everywhere) {
            return Ok(());
        }
        let what = if float.is_nan() { "NaN" } else { "infinity" };
        Err(E::custom(format_args!("JSON has no {what}: it would arrive as null")))
    }
}

/// Values that hold no others.
macro_rules! plain {
    ($($name:ident($($argument:ident: $type:ty),*);)*) => {$(
        fn $name(self $(, $argument: $type)*) -> Result<S::Ok, S::Error> {
            self.inner.$name($($argument),*)
        }
    )*};
}

/// Values that hold others.
macro_rules! compound {
    ($($name:ident($($argument:ident: $type:ty),*) -> $kind:ident;)*) => {$(
        fn $name(self $(, $argument: $type)*) -> Result<Self::$kind, S::Error> {
            self.with(|inner| inner.$name($($argument),*))
        }
    )*};
}

impl<S: Serializer> Serializer for Exact<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Exact<S::SerializeSeq>;
    type SerializeTuple = Exact<S::SerializeTuple>;
    type SerializeTupleStruct = Exact<S::SerializeTupleStruct>;
    type SerializeTupleVariant = Exact<S::SerializeTupleVariant>;
    type SerializeMap = Exact<S::SerializeMap>;
    type SerializeStruct = Exact<S::SerializeStruct>;
    type SerializeStructVariant = Exact<S::SerializeStructVariant>;

    plain! {
        serialize_bool(value: bool);
        serialize_i8(value: i8);
        serialize_i16(value: i16);
        serialize_i32(value: i32);
        serialize_i64(value: i64);
        serialize_i128(value: i128);
        serialize_u8(value: u8);
        serialize_u16(value: u16);
        serialize_u32(value: u32);
        serialize_u64(value: u64);
        serialize_u128(value: u128);
        serialize_char(value: char);
        serialize_str(value: &str);
        serialize_bytes(value: &[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(name: &'static str);
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str);
    }

    fn serialize_f32(self, value: f32) -> Result<S::Ok, S::Error> {
        self.check(value.into())?;
        self.inner.serialize_f32(value)
    }

    fn serialize_f64(self, value: f64) -> Result<S::Ok, S::Error> {
        self.check(value)?;
        self.inner.serialize_f64(value)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        let some = Exact { optional: true, ..self.same(value) };
        self.inner.serialize_some(&some)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let same = self.same(value);
        self.inner.serialize_newtype_struct(name, &same)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let inside = self.inside(value);
        self.inner.serialize_newtype_variant(name, index, variant, &inside)
    }

    compound! {
        serialize_seq(length: Option<usize>) -> SerializeSeq;
        serialize_tuple(length: usize) -> SerializeTuple;
        serialize_tuple_struct(name: &'static str, length: usize) -> SerializeTupleStruct;
        serialize_tuple_variant(name: &'static str, index: u32, variant: &'static str, length: usize) -> SerializeTupleVariant;
        serialize_map(length: Option<usize>) -> SerializeMap;
        serialize_struct(name: &'static str, length: usize) -> SerializeStruct;
        serialize_struct_variant(name: &'static str, index: u32, variant: &'static str, length: usize) -> SerializeStructVariant;
    }

    fn collect_str<T: std::fmt::Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.collect_str(value)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

/// Elements without names.
macro_rules! elements {
    ($($kind:ident, $add:ident;)*) => {$(
        impl<C: $kind> $kind for Exact<C> {
            type Ok = C::Ok;
            type Error = C::Error;

            fn $add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
                let inside = self.inside(value);
                self.inner.$add(&inside)
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
            }
        }
    )*};
}

elements! {
    SerializeSeq, serialize_element;
    SerializeTuple, serialize_element;
    SerializeTupleStruct, serialize_field;
    SerializeTupleVariant, serialize_field;
}

/// Fields with names.
macro_rules! fields {
    ($($kind:ident)*) => {$(
        impl<C: $kind> $kind for Exact<C> {
            type Ok = C::Ok;
            type Error = C::Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), C::Error> {
                let inside = self.inside(value);
                self.inner.serialize_field(key, &inside)
            }

            fn skip_field(&mut self, key: &'static str) -> Result<(), C::Error> {
                self.inner.skip_field(key)
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
            }
        }
    )*};
}

fields! { SerializeStruct SerializeStructVariant }

impl<C: SerializeMap> SerializeMap for Exact<C> {
    type Ok = C::Ok;
    type Error = C::Error;

    // Keys are texts; those that are floats are checked by who makes texts of them.
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), C::Error> {
        self.inner.serialize_key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        let inside = self.inside(value);
        self.inner.serialize_value(&inside)
    }

    fn end(self) -> Result<C::Ok, C::Error> {
        self.inner.end()
    }
}
