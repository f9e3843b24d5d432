//! What generators read: all services of a document, and their types merged under names that are identifiers and
//! unique.

mod docs;
pub(crate) mod graph;
pub(crate) mod unique;

pub(crate) use docs::harmless;

use std::{
    collections::{BTreeMap, HashMap, hash_map::DefaultHasher},
    hash::{Hash as _, Hasher as _},
};

use rpc_core::schema::{Container, Document, Format, Registry, ServiceSchema};

use self::unique::Unique;

/// Services and the types they use.
#[derive(Debug)]
pub(crate) struct Api<'a> {
    /// The services, ordered by name.
    pub services: &'a [ServiceSchema],
    /// The named types that values lead to, each once, in an order in which a type comes before what uses it where
    /// the types allow that.
    pub types: Vec<NamedType<'a>>,
    /// The places of types by service and key.
    places: HashMap<(&'a str, &'a str), usize>,
}

/// A struct or enum, with the name under which generated code defines it.
#[derive(Debug)]
pub(crate) struct NamedType<'a> {
    /// An identifier in `UpperCamelCase`, unique in the document: `PageUser` for `Page<User>`.
    pub name: String,
    /// The service whose description this is: formats inside are looked up with it.
    pub service: &'a ServiceSchema,
    /// What it is.
    pub container: &'a Container,
}

impl<'a> Api<'a> {
    /// Reads a document.
    pub(crate) fn new(document: &'a Document) -> Self {
        let mut api =
            Self { services: &document.services, types: Vec::new(), places: HashMap::new() };
        // Types of the same path in two services are one type, unless they differ all the same.
        let mut merged: BTreeMap<(&str, u64), Vec<usize>> = BTreeMap::new();
        let mut names = Unique::default();
        for service in &document.services {
            let roots = service.methods.iter().flat_map(|method| method.formats());
            let mut found = service.types.reachable(roots);
            found.reverse();
            for (key, container) in found {
                let same = merged.entry((key, digest(container))).or_default();
                let known =
                    same.iter().copied().find(|place| api.types[*place].container == container);
                let place = known.unwrap_or_else(|| {
                    let name = names.take(&identifier(&container.name));
                    api.types.push(NamedType { name, service, container });
                    api.types.len() - 1
                });
                if known.is_none() {
                    same.push(place);
                }
                api.places.insert((&service.name, key), place);
            }
        }
        api
    }

    /// The type that `Format::Named(key)` means in a description of `service`.
    pub(crate) fn named(&self, service: &ServiceSchema, key: &str) -> Option<&NamedType<'a>> {
        self.types.get(self.place(service, key)?)
    }

    /// Its place among the types.
    pub(crate) fn place(&self, service: &ServiceSchema, key: &str) -> Option<usize> {
        self.places.get(&(service.name.as_str(), key)).copied()
    }
}

impl NamedType<'_> {
    /// The types in which its formats are looked up.
    pub(crate) fn registry(&self) -> &Registry {
        &self.service.types
    }
}

/// The same for types that are the same: many of one key are told apart without comparing each with each.
fn digest(container: &Container) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{container:?}").hash(&mut hasher);
    hasher.finish()
}

/// Whether a character may stand inside of a name in every language.
pub(crate) fn is_word(character: char) -> bool {
    unicode_ident::is_xid_continue(character)
}

/// Whether a name may begin with a character in every language; but for `_`, which has a meaning of its own in some.
pub(crate) fn starts_word(character: char) -> bool {
    unicode_ident::is_xid_start(character)
}

/// The letters and digits of a type's name for people, each word beginning with a capital: `ResultI64DivError` for
/// `Result<i64, DivError>`.
fn identifier(name: &str) -> String {
    let words = name.split(|character| !is_word(character));
    let mut identifier = String::new();
    for word in words.filter(|word| !word.is_empty()) {
        let mut characters = word.chars();
        identifier.extend(characters.next().into_iter().flat_map(char::to_uppercase));
        identifier.extend(characters);
    }
    if !identifier.starts_with(|first| starts_word(first) || first == '_') {
        identifier.insert(0, 'T');
    }
    identifier
}

/// Whether a format is bytes, in either form that Rust has for them; both look the same on the wire.
pub(crate) fn is_bytes(format: &Format) -> bool {
    match format {
        Format::Bytes => true,
        Format::Seq(content) => **content == Format::U8,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_for_people_become_identifiers() {
        assert_eq!(identifier("User"), "User");
        assert_eq!(identifier("Page<User>"), "PageUser");
        assert_eq!(identifier("Result<i64, DivError>"), "ResultI64DivError");
        assert_eq!(identifier("3D"), "T3D");
        assert_eq!(identifier("Ⓐ² ಠ_ಠ"), "ಠ_ಠ");
    }
}
