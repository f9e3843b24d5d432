//! The named types of all services together, each once and under a name of its own.

use std::{
    collections::{BTreeMap, HashMap, HashSet, hash_map::DefaultHasher},
    hash::{Hash as _, Hasher as _},
};

use crate::schema::{Container, Document, MethodSchema, ServiceSchema};

/// The types of a document.
pub(super) struct Names<'d> {
    /// A type comes before what uses it where the types allow that.
    pub(super) types: Vec<Type<'d>>,
    places: Places<'d>,
}

/// A type, with the service in whose description its formats are looked up.
pub(super) struct Type<'d> {
    pub(super) name: String,
    pub(super) service: &'d ServiceSchema,
    pub(super) container: &'d Container,
}

/// Named types of several services, each once: a name for it, its key, the service that describes it, and its content.
pub(in crate::gateway) type Merged<'d> = Vec<(String, &'d str, &'d ServiceSchema, &'d Container)>;

/// The places of types among them by service and key.
pub(in crate::gateway) type Places<'d> = HashMap<(&'d str, &'d str), usize>;

/// The types that the methods of these services lead to, and their places by service and key.
pub(in crate::gateway) fn merged<'d>(
    services: impl IntoIterator<Item = &'d ServiceSchema>,
) -> (Merged<'d>, Places<'d>) {
    let (mut types, mut places) = (Merged::new(), HashMap::new());
    // Types of the same path in two services are one type, unless they differ all the same.
    let mut known: BTreeMap<(&str, u64), Vec<usize>> = BTreeMap::new();
    let mut taken = Taken::default();
    for service in services {
        let roots = service.methods.iter().flat_map(MethodSchema::formats);
        let mut found = service.types.reachable(roots);
        found.reverse();
        for (key, container) in found {
            let same = known.entry((key, digest(container))).or_default();
            let at = same.iter().copied().find(|at| types[*at].3 == container);
            let at = at.unwrap_or_else(|| {
                let name = taken.take(&identifier(&container.name));
                types.push((name, key, service, container));
                same.push(types.len() - 1);
                types.len() - 1
            });
            places.insert((service.name.as_str(), key), at);
        }
    }
    (types, places)
}

impl<'d> Names<'d> {
    pub(super) fn of(document: &'d Document) -> Self {
        let (types, places) = merged(&document.services);
        let types = types.into_iter();
        let types = types.map(|(name, _, service, container)| Type { name, service, container });
        Self { types: types.collect(), places }
    }

    /// The name of the type with this key in a description of `service`.
    pub(super) fn get(&self, service: &ServiceSchema, key: &str) -> Option<&str> {
        let at = self.places.get(&(service.name.as_str(), key))?;
        Some(&self.types[*at].name)
    }
}

/// Names that are given, and the next number for each that was wanted more than once: a stranger's description may have
/// one name some ten thousand times.
#[derive(Default)]
struct Taken {
    names: HashSet<String>,
    next: HashMap<String, u32>,
}

impl Taken {
    /// The name, or with the first number that makes it unique.
    fn take(&mut self, name: &str) -> String {
        if self.names.insert(name.to_owned()) {
            return name.to_owned();
        }
        let next = self.next.entry(name.to_owned()).or_insert(2);
        loop {
            let numbered = format!("{name}{next}");
            *next += 1;
            if self.names.insert(numbered.clone()) {
                return numbered;
            }
        }
    }
}

/// The same for types that are the same: many of one key are told apart without comparing each with each.
fn digest(container: &Container) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{container:?}").hash(&mut hasher);
    hasher.finish()
}

/// The letters and digits of a type's name for people, each word beginning with a capital: `ResultI64DivError` for
/// `Result<i64, DivError>`.
fn identifier(name: &str) -> String {
    let words = name.split(|character: char| !character.is_alphanumeric() && character != '_');
    let mut identifier = String::new();
    for word in words {
        let mut characters = word.chars();
        identifier.extend(characters.next().into_iter().flat_map(char::to_uppercase));
        identifier.extend(characters);
    }
    if !identifier.starts_with(|first: char| first.is_alphabetic() || first == '_') {
        identifier.insert(0, 'T');
    }
    identifier
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_for_people_become_identifiers_and_each_is_given_once() {
        assert_eq!(identifier("Page<User>"), "PageUser");
        assert_eq!(identifier("Result<i64, DivError>"), "ResultI64DivError");
        assert_eq!(identifier("3D"), "T3D");
        let mut taken = Taken::default();
        assert_eq!(["A", "A", "A2", "A"].map(|name| taken.take(name)), ["A", "A2", "A22", "A3"]);
    }
}
