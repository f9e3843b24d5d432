//! Values as JSON has them: what differs in Rust and not in JSON looks the same here.

use super::super::{Container, ContainerKind, Field, Format, Registry, Variant};

/// The form of a value in JSON, one level deep.
#[derive(Clone, Copy, Debug)]
pub(super) enum View<'a> {
    /// `null`.
    Unit,
    /// A value without parts: a number, a text.
    Plain(&'a Format),
    /// `null`, or the value.
    Option(&'a Format),
    /// A list of any length.
    Seq(&'a Format),
    /// A list of that length.
    Array(&'a Format, usize),
    /// A list with a type for each element.
    Tuple(&'a [Format]),
    /// An object with a value for each key.
    Map(&'a Format, &'a Format),
    /// An object with these fields.
    Struct(Fields<'a>),
    /// A name, or an object with a name and what that variant holds.
    Enum(&'a str, &'a str, &'a [Variant]),
}

/// The fields of a struct or variant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    /// The key of the type; none of a variant.
    pub key: &'a str,
    /// The name for people.
    pub name: &'a str,
    pub all: &'a [Field],
    pub unknown: Unknown,
}

/// What a reader does with fields that it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    Ignored,
    Refused,
}

const BYTE: Format = Format::U8;

impl<'a> View<'a> {
    /// The form of values of this shape, and how many newtypes it is wrapped in.
    pub(super) fn of(types: &'a Registry, mut format: &'a Format) -> (Self, usize) {
        // A newtype that holds itself has no values, and no end.
        for wrappings in 0..=types.iter().len() {
            let Format::Named(key) = format else { return (Self::unnamed(format), wrappings) };
            let Some(container) = types.container(key) else { break };
            match &container.kind {
                ContainerKind::Newtype(content) => format = content,
                _ => return (Self::named(key, container), wrappings),
            }
        }
        (Self::Plain(format), 0)
    }

    fn named(key: &'a str, container: &'a Container) -> Self {
        let name = &container.name;
        match &container.kind {
            ContainerKind::Unit => Self::Unit,
            ContainerKind::Newtype(content) => Self::Plain(content),
            ContainerKind::Tuple(contents) => Self::Tuple(contents),
            ContainerKind::Struct(all) => {
                let unknown = if container.strict { Unknown::Refused } else { Unknown::Ignored };
                Self::Struct(Fields { key, name, all, unknown })
            }
            ContainerKind::Enum(variants) => Self::Enum(key, name, variants),
        }
    }

    const fn unnamed(format: &'a Format) -> Self {
        match format {
            Format::Unit => Self::Unit,
            Format::Option(content) => Self::Option(content),
            Format::Seq(content) => Self::Seq(content),
            Format::Bytes => Self::Seq(&BYTE),
            Format::Array { content, size } => Self::Array(content, *size as usize),
            Format::Tuple(contents) => Self::Tuple(contents.as_slice()),
            Format::Map { key, value } => Self::Map(key, value),
            plain => Self::Plain(plain),
        }
    }
}
