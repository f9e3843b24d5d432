//! The shape of values, in serde's data model. The forms are those of serde-reflection's `Format` and
//! `ContainerFormat`, with documentation beside them.

use serde::{Deserialize, Serialize};

use super::Schema;
use crate::proto::Code;

/// The shape of a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
#[allow(missing_docs)] // serde's data model names them: https://serde.rs/data-model.html
pub enum Format {
    Unit,
    Bool,
    I8,
    I16,
    I32,
    I64,
    I128,
    U8,
    U16,
    U32,
    U64,
    U128,
    F32,
    F64,
    Char,
    Str,
    Bytes,
    Option(Box<Self>),
    Seq(Box<Self>),
    Map {
        key: Box<Self>,
        value: Box<Self>,
    },
    Tuple(Vec<Self>),
    Array {
        content: Box<Self>,
        size: u32,
    },
    /// A struct or enum, by its key in the [`Registry`](super::Registry).
    Named(String),
    /// A type whose JSON form is text, as that of an IP address, while bincode has another. The one called `Json` has any
    /// JSON for its JSON form, and its text in bincode.
    Text {
        /// The Rust type, for people.
        name: String,
        /// The form on the wire in bincode.
        wire: Box<Self>,
    },
}

/// A struct or enum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct Container {
    /// The name for people, with the names of its type arguments: `Page<User>`.
    pub name: String,
    /// The documentation of the type.
    #[serde(default)]
    pub doc: String,
    /// The reason given by its author, which may be empty, if it is deprecated.
    #[serde(default)]
    pub deprecated: Option<String>,
    /// As an error of a method: the name of the code that its values stand for, where their variants have none. See
    /// [`Code::name`](crate::Code::name).
    #[serde(default)]
    pub code: Option<String>,
    /// The content.
    pub kind: ContainerKind,
    /// True if readers of JSON refuse fields that they do not know, by `deny_unknown_fields`.
    #[serde(default)]
    pub strict: bool,
}

/// The content of a struct, an enum or a variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum ContainerKind {
    /// No content.
    Unit,
    /// One unnamed field, which stands for the whole.
    Newtype(Box<Format>),
    /// Unnamed fields.
    Tuple(Vec<Format>),
    /// Named fields.
    Struct(Vec<Field>),
    /// One of several variants, none of which is an enum itself.
    Enum(Vec<Variant>),
}

/// A named field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct Field {
    /// The name on the wire.
    pub name: String,
    /// The documentation of the field.
    #[serde(default)]
    pub doc: String,
    /// The reason given by its author, which may be empty, if it is deprecated.
    #[serde(default)]
    pub deprecated: Option<String>,
    /// The shape of its value.
    pub format: Format,
    /// True if it has a default, so that JSON may leave it out.
    #[serde(default)]
    pub optional: bool,
    /// That default, as JSON, where it is known.
    #[serde(default)]
    pub default: Option<String>,
    /// Further names that readers of JSON know it by.
    #[serde(default)]
    pub aliases: Vec<String>,
}

/// A variant of an enum; its index on the wire is its place in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct Variant {
    /// The name on the wire.
    pub name: String,
    /// The documentation of the variant.
    #[serde(default)]
    pub doc: String,
    /// The reason given by its author, which may be empty, if it is deprecated.
    #[serde(default)]
    pub deprecated: Option<String>,
    /// As an error of a method: the name of the code that it stands for.
    #[serde(default)]
    pub code: Option<String>,
    /// The content: any kind but an enum.
    pub kind: ContainerKind,
    /// Further names that readers of JSON know it by.
    #[serde(default)]
    pub aliases: Vec<String>,
}

impl ContainerKind {
    /// The shapes that it consists of, in order; of an enum, those of all variants.
    #[must_use]
    pub fn formats(&self) -> Vec<&Format> {
        match self {
            Self::Unit => Vec::new(),
            Self::Newtype(content) => vec![content],
            Self::Tuple(contents) => contents.iter().collect(),
            Self::Struct(fields) => fields.iter().map(|field| &field.format).collect(),
            Self::Enum(variants) => {
                variants.iter().flat_map(|variant| variant.kind.formats()).collect()
            }
        }
    }
}

impl Field {
    /// A field that is always there.
    #[must_use]
    pub fn new(name: &str, doc: &str, format: Format) -> Self {
        let (name, doc) = (name.to_owned(), doc.to_owned());
        let (optional, default, aliases) = (false, None, Vec::new());
        Self { name, doc, deprecated: None, format, optional, default, aliases }
    }

    /// The same field, which readers of JSON know by that name, too.
    #[must_use]
    pub fn alias(mut self, name: &str) -> Self {
        self.aliases.push(name.to_owned());
        self
    }

    /// The same field with a default: JSON may leave it out.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// The same field with that default, as JSON if it has such a form.
    #[must_use]
    pub fn default_value(mut self, json: Option<String>) -> Self {
        (self.optional, self.default) = (true, json);
        self
    }

    /// The same field, deprecated for that reason.
    #[must_use]
    pub fn deprecated(mut self, why: &str) -> Self {
        self.deprecated = Some(why.to_owned());
        self
    }

    /// All names that readers of JSON know it by, its own first.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.name).chain(&self.aliases).map(String::as_str)
    }
}

impl Variant {
    /// True if readers of JSON know it by that name.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.iter().any(|alias| alias == name)
    }

    /// A variant with that content.
    #[must_use]
    pub fn new(name: &str, doc: &str, kind: ContainerKind) -> Self {
        let (name, doc, aliases) = (name.to_owned(), doc.to_owned(), Vec::new());
        Self { name, doc, deprecated: None, code: None, kind, aliases }
    }

    /// The same variant, which readers of JSON know by that name, too.
    #[must_use]
    pub fn alias(mut self, name: &str) -> Self {
        self.aliases.push(name.to_owned());
        self
    }

    /// The same variant, which stands for that code as an error of a method.
    #[must_use]
    pub fn code(mut self, code: Code) -> Self {
        self.code = Some(code.name().to_owned());
        self
    }

    /// The same variant, deprecated for that reason.
    #[must_use]
    pub fn deprecated(mut self, why: &str) -> Self {
        self.deprecated = Some(why.to_owned());
        self
    }
}
