//! The one way from an [`Api`] to the files of a client. A language is a [`Target`]: names, spellings, and which of its
//! parts stand in which file; the order of work is the same for all.
//!
//! ```text
//! for each file:  for each service, each of its parts:  head, methods, foot
//!                 for each type,    each of its parts:  definition
//!                 around it what the file needs; then the run-time as it is
//! ```

use rpc_core::schema::{Field, Format};
use serde_json::{Number, Value};

use super::{
    GeneratedFile,
    names::{Callable, Client, Defined, Naming, Served},
};
use crate::api::{Api, Nullable, Shape, TypeId};

/// A language.
pub(super) trait Target<'a>: Naming + Sized {
    /// The things that are written of a type or service, such as its definition and its codec.
    type Part: Copy + 'static;

    /// The files that follow from the description.
    const FILES: &'static [File<Self::Part>];

    /// The files that are the same for every description, by their paths.
    const RUNTIME: &'static [(&'static str, &'static str)] = &[];

    fn new(client: Client<'a>) -> Self;

    fn client(&self) -> &Client<'a>;

    /// Writes a part of a type.
    fn define(&self, out: &mut String, part: Self::Part, named: &Defined<'a>);

    /// Begins a part of a service.
    fn head(&self, out: &mut String, part: Self::Part, service: &Served<'a>);

    /// Writes what that part has of a method.
    fn method(
        &self,
        out: &mut String,
        part: Self::Part,
        service: &Served<'a>,
        method: &Callable<'a>,
    );

    /// Ends a part of a service.
    fn foot(&self, _out: &mut String, _part: Self::Part, _service: &Served<'a>) {}

    /// The text of a file around its parts.
    fn file(&self, _path: &str, parts: String) -> String {
        parts
    }

    /// A default as an expression, where the language has one for it.
    fn literal(&self, _literal: Literal<'_>) -> Option<String> {
        None
    }

    /// The default of a field as an expression; none if it has none, or one that cannot be said: it is to be given
    /// then.
    fn default_of(&self, field: &Field, shape: &Shape<'_>) -> Option<String> {
        let json = field.default.as_deref()?;
        default(self, shape, &serde_json::from_str(json).ok()?)
    }
}

/// A file that follows from the description: its path, and what it holds of each service and each type.
pub(super) struct File<P: 'static> {
    pub path: &'static str,
    pub services: &'static [P],
    pub types: &'static [P],
}

/// Where a shape is written; from that follows how types are named, and which are defined already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// In the definition of this type.
    Type(TypeId),
    /// In another file.
    Elsewhere,
}

/// A value that is known when code is generated.
#[derive(Debug)]
pub(super) enum Literal<'v> {
    Null,
    Bool(bool),
    /// A whole number of 128 bits at most.
    Whole(&'v Format, &'v Number),
    Float(&'v Number),
    Text(&'v str),
    Bytes(Vec<u8>),
    /// A list of expressions.
    List(Vec<String>),
    EmptyMap,
    /// A variant of an enum that has nothing but names.
    Member(TypeId, usize),
}

/// All files of a client.
pub(super) fn write<'a, T: Target<'a>>(api: &'a Api<'a>) -> Vec<GeneratedFile> {
    let target = T::new(Client::new::<T>(api));
    let client = target.client();
    let file = |file: &File<T::Part>| {
        let mut parts = String::new();
        for service in &client.services {
            for part in file.services {
                target.head(&mut parts, *part, service);
                for method in &service.methods {
                    target.method(&mut parts, *part, service, method);
                }
                target.foot(&mut parts, *part, service);
            }
        }
        for named in &client.types {
            file.types.iter().for_each(|part| target.define(&mut parts, *part, named));
        }
        GeneratedFile::new(file.path, target.file(file.path, parts))
    };
    let fixed = |(path, text): &(&str, &str)| GeneratedFile::new(path, *text);
    T::FILES.iter().map(file).chain(T::RUNTIME.iter().map(fixed)).collect()
}

fn default<'a, T: Target<'a>>(target: &T, shape: &Shape<'_>, value: &Value) -> Option<String> {
    target.literal(match (shape, value) {
        (Shape::Option(..), Value::Null) => Literal::Null,
        (Shape::Option(content, nullable), _) if *nullable != Nullable::Always => {
            return default(target, content, value);
        }
        (Shape::Bytes, Value::Array(bytes)) => {
            let byte = |byte: &Value| u8::try_from(byte.as_u64()?).ok();
            Literal::Bytes(bytes.iter().map(byte).collect::<Option<_>>()?)
        }
        (Shape::Seq(content), Value::Array(elements)) => {
            let elements = elements.iter().map(|element| default(target, content, element));
            Literal::List(elements.collect::<Option<_>>()?)
        }
        (Shape::Map { .. }, Value::Object(entries)) if entries.is_empty() => Literal::EmptyMap,
        (Shape::Named(id), Value::String(name)) => {
            let cases = target.client().api.types[*id].plain()?;
            Literal::Member(*id, cases.iter().position(|case| case.variant.name == *name)?)
        }
        (Shape::Scalar(format), value) => match (format, value) {
            (Format::Bool, Value::Bool(value)) => Literal::Bool(*value),
            (Format::F32 | Format::F64, Value::Number(number)) => Literal::Float(number),
            (Format::Str | Format::Char, Value::String(text)) => Literal::Text(text),
            (Format::Bool | Format::Unit | Format::Str | Format::Char, _) => return None,
            (_, Value::Number(number)) => {
                number.as_i128().map(drop).or_else(|| number.as_u128().map(drop))?;
                Literal::Whole(format, number)
            }
            _ => return None,
        },
        _ => return None,
    })
}
