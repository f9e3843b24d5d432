//! The named types that a description needs, each described once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Container, ContainerKind, Format, Schema};
use crate::proto::Code;

/// Named types by their keys. A key is unique: it holds the path of the type and its type arguments. It
/// does not count in a signature.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Schema)]
#[serde(transparent)]
pub struct Registry {
    types: BTreeMap<String, Container>,
}

impl Registry {
    /// A registry without types.
    #[must_use]
    pub const fn new() -> Self {
        Self { types: BTreeMap::new() }
    }

    /// Describes a named type, unless it is described already, and returns the shape that refers to it. While
    /// `describe` runs the type counts as described, so that recursive types end.
    pub fn define(
        &mut self,
        key: &str,
        name: &str,
        doc: &str,
        describe: impl FnOnce(&mut Self) -> ContainerKind,
    ) -> Format {
        if !self.types.contains_key(key) {
            let (name, doc) = (name.to_owned(), doc.to_owned());
            let (deprecated, code) = (None, None);
            let (kind, strict) = (ContainerKind::Unit, false);
            let placeholder = Container { name, doc, deprecated, code, kind, strict };
            self.types.insert(key.to_owned(), placeholder);
            let kind = describe(self);
            if let Some(container) = self.types.get_mut(key) {
                container.kind = kind;
            }
        }
        Format::Named(key.to_owned())
    }

    /// Runs something with the description of each type.
    pub fn each_mut(&mut self, change: impl FnMut(&mut Container)) {
        self.types.values_mut().for_each(change);
    }

    /// Marks the type with this key as deprecated, for the given reason.
    pub fn deprecate(&mut self, key: &str, why: &str) {
        if let Some(container) = self.types.get_mut(key) {
            container.deprecated = Some(why.to_owned());
        }
    }

    /// Marks the type with this key as one whose readers refuse fields that they do not know.
    pub fn refuse_unknown(&mut self, key: &str) {
        if let Some(container) = self.types.get_mut(key) {
            container.strict = true;
        }
    }

    /// Notes the code that the type with this key stands for as an error of a method.
    pub fn set_code(&mut self, key: &str, code: Code) {
        if let Some(container) = self.types.get_mut(key) {
            container.code = Some(code.name().to_owned());
        }
    }

    /// The type with this key.
    #[must_use]
    pub fn container(&self, key: &str) -> Option<&Container> {
        self.types.get(key)
    }

    /// The types that these shapes lead to, without the others.
    pub(super) fn only<'a>(&'a self, formats: impl IntoIterator<Item = &'a Format>) -> Self {
        let found = self.reachable(formats).into_iter();
        Self { types: found.map(|(key, named)| (key.to_owned(), named.clone())).collect() }
    }

    /// The name of the type `T`, which is described if it was not yet.
    pub fn name_of<T: Schema>(&mut self) -> String {
        let format = T::format(self);
        self.type_name(&format)
    }

    /// All types, ordered by key.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Container)> {
        self.types.iter().map(|(key, container)| (key.as_str(), container))
    }

    /// The name of the type that `format` refers to, as people write it in Rust.
    #[must_use]
    pub fn type_name(&self, format: &Format) -> String {
        let inner = |format: &Format| self.type_name(format);
        match format {
            Format::Unit => "()".to_owned(),
            Format::Bool => "bool".to_owned(),
            Format::I8 => "i8".to_owned(),
            Format::I16 => "i16".to_owned(),
            Format::I32 => "i32".to_owned(),
            Format::I64 => "i64".to_owned(),
            Format::I128 => "i128".to_owned(),
            Format::U8 => "u8".to_owned(),
            Format::U16 => "u16".to_owned(),
            Format::U32 => "u32".to_owned(),
            Format::U64 => "u64".to_owned(),
            Format::U128 => "u128".to_owned(),
            Format::F32 => "f32".to_owned(),
            Format::F64 => "f64".to_owned(),
            Format::Char => "char".to_owned(),
            Format::Str => "String".to_owned(),
            Format::Bytes => "Bytes".to_owned(),
            Format::Option(content) => format!("Option<{}>", inner(content)),
            Format::Seq(content) => format!("Vec<{}>", inner(content)),
            Format::Map { key, value } => format!("HashMap<{}, {}>", inner(key), inner(value)),
            Format::Tuple(contents) if contents.len() == 1 => format!("({},)", inner(&contents[0])),
            Format::Tuple(contents) => {
                let contents: Vec<_> = contents.iter().map(inner).collect();
                format!("({})", contents.join(", "))
            }
            Format::Array { content, size } => format!("[{}; {size}]", inner(content)),
            Format::Named(key) => {
                self.container(key).map_or_else(|| key.clone(), |container| container.name.clone())
            }
            Format::Text { name, .. } => name.clone(),
        }
    }
}
