//! The arguments of a call on their way in, one by one: the code for a type is compiled once, however many methods take it.

use std::fmt;

use serde::{
    Deserializer as _,
    de::{DeserializeOwned, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{
    codec::{CodecError, Values},
    proto::{Codec, Payload},
    schema::{Format, MethodSchema},
};

/// The arguments of a method: `()`, or one in front of the others.
pub trait ReadArguments: Sized {
    /// Reads them in their order.
    ///
    /// # Errors
    /// One of them is not of its type.
    fn from_bincode(values: &mut Values<'_>) -> Result<Self, CodecError>;

    /// The same in JSON.
    ///
    /// # Errors
    /// One of them is not of its type.
    fn from_json(texts: &mut Texts<'_>) -> Result<Self, CodecError>;
}

impl ReadArguments for () {
    #[inline]
    fn from_bincode(_: &mut Values<'_>) -> Result<Self, CodecError> {
        Ok(())
    }

    fn from_json(_: &mut Texts<'_>) -> Result<Self, CodecError> {
        Ok(())
    }
}

impl<T: DeserializeOwned, R: ReadArguments> ReadArguments for (T, R) {
    #[inline]
    fn from_bincode(values: &mut Values<'_>) -> Result<Self, CodecError> {
        Ok((values.next()?, R::from_bincode(values)?))
    }

    fn from_json(texts: &mut Texts<'_>) -> Result<Self, CodecError> {
        Ok((texts.next()?, R::from_json(texts)?))
    }
}

/// Reads the arguments of `method`, all of the message of a call.
///
/// # Errors
/// One of them is not of its type, or missing; or the message goes on.
#[inline]
pub(super) fn read<A: ReadArguments>(
    codec: Codec,
    message: &Payload,
    method: &MethodSchema,
) -> Result<A, CodecError> {
    match codec {
        Codec::Bincode => Values::read(message.into(), A::from_bincode),
        Codec::Json => A::from_json(&mut Texts::of(message, method)?),
    }
}

/// What is left of the arguments of a call in JSON.
pub struct Texts<'a> {
    message: &'a [u8],
    texts: std::vec::IntoIter<&'a str>,
}

impl<'a> Texts<'a> {
    /// # Errors
    /// The message is not an object of the arguments, nor an array.
    fn of(message: &'a [u8], method: &MethodSchema) -> Result<Self, CodecError> {
        let texts = split(message, method).map_err(CodecError::json_decode)?;
        Ok(Self { message, texts: texts.into_iter() })
    }

    fn next<T: DeserializeOwned>(&mut self) -> Result<T, CodecError> {
        // As many as the method has arguments.
        let text = self.texts.next().unwrap_or_default();
        serde_json::from_str(text).map_err(|error| placed(self.message, text, &error))
    }
}

impl fmt::Debug for Texts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Texts").finish_non_exhaustive()
    }
}

/// The texts of the arguments, in the order of the method, whether they come by name or by position.
fn split<'a>(message: &'a [u8], method: &MethodSchema) -> Result<Vec<&'a str>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(message);
    let texts = deserializer.deserialize_struct("", &[], Named(method))?;
    deserializer.end()?;
    Ok(texts)
}

/// Reads the texts of the arguments of a method.
struct Named<'a>(&'a MethodSchema);

impl<'de> Visitor<'de> for Named<'_> {
    type Value = Vec<&'de str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MethodSchema { path, arguments, .. } = self.0;
        if arguments.is_empty() {
            return write!(f, "no arguments for {path}");
        }
        let names: Vec<&str> = arguments.iter().map(|argument| &*argument.name).collect();
        write!(f, "the arguments of {path}: {}", names.join(", "))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Self::Value, A::Error> {
        let mut texts = Vec::with_capacity(self.0.arguments.len());
        while texts.len() < self.0.arguments.len() {
            match values.next_element::<&'de RawValue>()? {
                Some(value) => texts.push(value.get()),
                None => return Err(A::Error::invalid_length(texts.len(), &self)),
            }
        }
        Ok(texts)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Self::Value, A::Error> {
        let arguments = &self.0.arguments;
        let mut texts: Vec<Option<&'de str>> = vec![None; arguments.len()];
        while let Some(Name(place)) = pairs.next_key_seed(Names(self.0))? {
            let Some(place) = place else {
                pairs.next_value::<IgnoredAny>()?;
                continue;
            };
            if texts[place].is_some() {
                return Err(A::Error::custom(format_args!(
                    "duplicate field `{}`",
                    arguments[place].name
                )));
            }
            texts[place] = Some(pairs.next_value::<&'de RawValue>()?.get());
        }
        let present = texts.iter().zip(arguments).map(|(text, argument)| match text {
            Some(text) => Ok(*text),
            // What may be absent may be left out.
            None if matches!(argument.format, Format::Option(_)) => Ok("null"),
            None => Err(A::Error::custom(format_args!("missing field `{}`", argument.name))),
        });
        present.collect()
    }
}

/// Reads the name of an argument as its place.
struct Names<'a>(&'a MethodSchema);

/// The place of an argument; none if the method has no argument of that name.
struct Name(Option<usize>);

impl<'de> serde::de::DeserializeSeed<'de> for Names<'_> {
    type Value = Name;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Name, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Names<'_> {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of an argument")
    }

    fn visit_str<E>(self, name: &str) -> Result<Name, E> {
        Ok(Name(self.0.arguments.iter().position(|argument| argument.name == name)))
    }
}

/// The error of an argument, with its place in the whole message.
#[cold]
fn placed(message: &[u8], text: &str, error: &serde_json::Error) -> CodecError {
    let words = error.to_string();
    let (line, column) = (error.line(), error.column());
    let suffix = format!(" at line {line} column {column}");
    let Some(bare) = words.strip_suffix(&suffix) else { return CodecError::argument(words) };
    let start = text.as_ptr().addr().wrapping_sub(message.as_ptr().addr());
    let before = message.get(..start).unwrap_or_default();
    let lines = before.split(|byte| *byte == b'\n').count() - 1;
    let last = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default().len();
    let column = if line == 1 { last + column } else { column };
    CodecError::argument(format!("{bare} at line {} column {column}", lines + line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{MethodKind, ServiceBuilder, ServiceSchema};

    fn schema() -> ServiceSchema {
        let mut service = ServiceBuilder::new("Shop", "");
        service
            .method("find", "", MethodKind::Unary)
            .argument::<String>("name")
            .argument::<Option<u8>>("page")
            .argument::<Vec<u32>>("tags");
        service.method("none", "", MethodKind::Unary);
        service.build()
    }

    type Find = (String, (Option<u8>, (Vec<u32>, ())));

    fn read<A: ReadArguments>(codec: Codec, method: usize, message: &[u8]) -> Result<A, String> {
        let (schema, message) = (schema(), Payload::copy_from_slice(message));
        super::read(codec, &message, &schema.methods[method]).map_err(|error| error.to_string())
    }

    fn json(message: &str) -> Result<Find, String> {
        read(Codec::Json, 0, message.as_bytes())
    }

    #[test]
    fn arguments_come_by_name_or_by_position() {
        let lamp = ("lamp".to_owned(), (Some(3), (vec![1, 2], ())));
        assert_eq!(json(r#"{"tags":[1,2],"page":3,"of":{},"name":"lamp"}"#).as_ref(), Ok(&lamp));
        assert_eq!(json(r#" ["lamp", 3, [1, 2]] "#).as_ref(), Ok(&lamp));
        let bincode = [&b"\x04lamp\x01\x03"[..], &[2, 1, 2]].concat();
        assert_eq!(read::<Find>(Codec::Bincode, 0, &bincode), Ok(lamp));
        let none = json(r#"{"name":"","tags":[]}"#);
        assert_eq!(none, Ok((String::new(), (None, (Vec::new(), ())))));
        for message in ["{}", "[]", r#"{"more":1}"#] {
            assert_eq!(read::<()>(Codec::Json, 1, message.as_bytes()), Ok(()));
        }
        assert_eq!(read::<()>(Codec::Bincode, 1, &[]), Ok(()));
    }

    #[test]
    fn arguments_that_are_wrong_are_refused_with_their_place() {
        for (message, words) in [
            (r#"{"name":"x"}"#, "missing field `tags` at line 1 column 12"),
            (r#"{"name":"x","name":"y"}"#, "duplicate field `name` at line 1 column 18"),
            (
                r#"["x",1]"#,
                "invalid length 2, expected the arguments of Shop.find: name, page, tags at line 1 column 7",
            ),
            (r#"["x",1,[],2]"#, "trailing characters at line 1 column 11"),
            (
                "7",
                "invalid type: integer `7`, expected the arguments of Shop.find: name, page, tags at line 1 column 1",
            ),
            (r#"{"name":5}"#, "missing field `tags` at line 1 column 10"),
            (
                r#"{"name":5,"tags":[]}"#,
                "invalid type: integer `5`, expected a string at line 1 column 9",
            ),
            (
                "{\"name\":\"\",\n\"tags\":[1,\n\n-1]}",
                "invalid value: integer `-1`, expected u32 at line 4 column 2",
            ),
            ("{", "EOF while parsing an object at line 1 column 1"),
        ] {
            assert_eq!(json(message), Err(words.to_owned()), "{message}");
        }
        let trailing = read::<()>(Codec::Bincode, 1, &[0]).unwrap_err();
        assert!(trailing.contains("1 bytes follow"), "{trailing}");
        let cut = read::<Find>(Codec::Bincode, 0, b"\x04la").unwrap_err();
        assert!(cut.contains("offset 0"), "{cut}");
    }
}
