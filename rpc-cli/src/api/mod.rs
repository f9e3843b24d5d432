//! The model that generators and documents read: all services of a document with their types merged, each value as a [`Shape`].
//! Comes out of a description alone; knows no language and no file.
//!
//! ```text
//! schema::Document ─▶ Api ─▶ Service ─▶ Method ─▶ Shape ─┐ Named
//!                      └───▶ Type ─▶ Body ─▶ Shape ◀──────┘ by TypeId
//! ```

mod docs;
mod graph;
mod naming;
mod shape;

pub(crate) use docs::harmless;
pub(crate) use graph::Graph;
pub(crate) use naming::{Unique, capitals, is_word, snake_words, starts_word};
pub(crate) use shape::{Nullable, Shape, Text};

use std::{
    collections::{BTreeMap, HashMap, hash_map::DefaultHasher},
    hash::{Hash as _, Hasher as _},
};

use rpc_core::schema::{
    Container, ContainerKind, Document, Field, Format, MethodSchema, Registry, ServiceSchema,
    Variant,
};

/// The place of a type among those of its API.
pub(crate) type TypeId = usize;

/// Services and the types they use.
#[derive(Debug)]
pub(crate) struct Api<'a> {
    /// The services, ordered by name.
    pub services: Vec<Service<'a>>,
    /// The named types that values lead to, each once, in an order in which a type comes before what uses it where
    /// the types allow that.
    pub types: Vec<Type<'a>>,
    /// Which types lead to which.
    pub graph: Graph,
    /// A hash of all methods by their keys: the same for callers that the same servers understand.
    pub fingerprint: u64,
    /// The types by service and key.
    places: HashMap<(&'a str, &'a str), TypeId>,
}

/// A service.
#[derive(Debug)]
pub(crate) struct Service<'a> {
    pub schema: &'a ServiceSchema,
    pub methods: Vec<Method<'a>>,
}

/// A method with the shapes of its values.
#[derive(Debug)]
pub(crate) struct Method<'a> {
    pub schema: &'a MethodSchema,
    pub arguments: Vec<Shape<'a>>,
    pub upload: Option<Shape<'a>>,
    pub returns: Shape<'a>,
    pub fails: Option<Shape<'a>>,
}

/// A struct or enum, with the name under which generated code defines it.
#[derive(Debug)]
pub(crate) struct Type<'a> {
    pub id: TypeId,
    /// An identifier in `UpperCamelCase`, unique in the document: `PageUser` for `Page<User>`.
    pub name: String,
    /// The key under which descriptions name it.
    pub key: &'a str,
    /// The service whose description this is: formats inside are looked up with it.
    pub service: &'a ServiceSchema,
    /// Its description.
    pub container: &'a Container,
    /// The shapes inside.
    pub body: Body<'a>,
    /// A method fails with it: languages throw it then.
    pub raised: bool,
    /// Values can be keys of a hash map: there is no list or map inside, nothing that is raised or contains
    /// itself.
    pub hashable: bool,
    /// A float is inside, so that values have no order.
    pub floats: bool,
}

/// The inside of a type.
#[derive(Debug)]
pub(crate) enum Body<'a> {
    Struct(Parts<'a>),
    Enum(Vec<Case<'a>>),
}

/// The inside of a struct or variant.
#[derive(Debug)]
pub(crate) enum Parts<'a> {
    Unit,
    Newtype(Shape<'a>),
    Tuple(Vec<Shape<'a>>),
    Struct(Vec<(&'a Field, Shape<'a>)>),
}

/// A variant of an enum.
#[derive(Debug)]
pub(crate) struct Case<'a> {
    pub variant: &'a Variant,
    pub parts: Parts<'a>,
}

impl<'a> Api<'a> {
    /// Reads a document.
    pub(crate) fn new(document: &'a Document) -> Self {
        let (types, places) = merged(document);
        let (graph, fingerprint) = (Graph::default(), fingerprint(document));
        let mut api = Self { services: Vec::new(), types, graph, fingerprint, places };
        api.graph = Graph::new(&api);
        let fails = |service: &'a ServiceSchema| {
            service.methods.iter().filter_map(move |method| Some((service, method.fails.as_ref()?)))
        };
        for (service, format) in document.services.iter().flat_map(fails) {
            if let Format::Named(key) = format
                && let Some(id) = api.place(service, key)
            {
                api.types[id].raised = true;
            }
        }
        // From the inside out, so that each type is looked at once.
        for id in api.graph.inside_first().to_vec() {
            api.types[id].hashable = !api.types[id].raised && api.holds_hashables(id);
        }
        let floats = api
            .graph
            .having(|id| api.types[id].container.kind.formats().into_iter().any(shape::has_float));
        let bodies: Vec<_> = api.types.iter().map(|named| api.body(named)).collect();
        for ((named, body), floats) in api.types.iter_mut().zip(bodies).zip(floats) {
            (named.body, named.floats) = (body, floats);
        }
        api.services = document.services.iter().map(|schema| api.service(schema)).collect();
        api
    }

    /// All shapes, those inside of others too: of methods, then of types.
    pub(crate) fn each_shape<'s>(&'s self, visit: &mut impl FnMut(&'s Shape<'a>)) {
        for method in self.services.iter().flat_map(|service| &service.methods) {
            let streamed = method.upload.iter().chain([&method.returns]).chain(&method.fails);
            method.arguments.iter().chain(streamed).for_each(|shape| shape.walk(visit));
        }
        for named in &self.types {
            named.body.shapes().into_iter().for_each(|shape| shape.walk(visit));
        }
    }

    /// The descriptions of the services.
    pub(crate) fn schemas(&self) -> impl Iterator<Item = &'a ServiceSchema> {
        self.services.iter().map(|service| service.schema)
    }

    /// The type that `Format::Named(key)` means in a description of `service`.
    pub(crate) fn named(&self, service: &ServiceSchema, key: &str) -> Option<&Type<'a>> {
        self.types.get(self.place(service, key)?)
    }

    /// Its place among the types.
    fn place(&self, service: &ServiceSchema, key: &str) -> Option<TypeId> {
        self.places.get(&(service.name.as_str(), key)).copied()
    }

    fn service(&self, schema: &'a ServiceSchema) -> Service<'a> {
        let method = |method: &'a MethodSchema| {
            let shape = |format: &'a Format| self.shape(schema, format);
            Method {
                schema: method,
                arguments: method
                    .arguments
                    .iter()
                    .map(|argument| shape(&argument.format))
                    .collect(),
                upload: method.upload.as_ref().map(|upload| shape(&upload.format)),
                returns: shape(&method.returns),
                fails: method.fails.as_ref().map(shape),
            }
        };
        Service { schema, methods: schema.methods.iter().map(method).collect() }
    }

    fn body(&self, named: &Type<'a>) -> Body<'a> {
        let parts = |kind: &'a ContainerKind| self.parts(named.service, kind);
        match &named.container.kind {
            ContainerKind::Enum(variants) => {
                let case = |variant: &'a Variant| Case { variant, parts: parts(&variant.kind) };
                Body::Enum(variants.iter().map(case).collect())
            }
            kind => Body::Struct(parts(kind)),
        }
    }

    fn parts(&self, service: &'a ServiceSchema, kind: &'a ContainerKind) -> Parts<'a> {
        let shape = |format: &'a Format| self.shape(service, format);
        match kind {
            ContainerKind::Newtype(content) => Parts::Newtype(shape(content)),
            ContainerKind::Tuple(contents) => Parts::Tuple(contents.iter().map(shape).collect()),
            ContainerKind::Struct(fields) => {
                Parts::Struct(fields.iter().map(|field| (field, shape(&field.format))).collect())
            }
            // Variants are not enums themselves.
            ContainerKind::Unit | ContainerKind::Enum(_) => Parts::Unit,
        }
    }
}

impl Method<'_> {
    /// How many arguments callers have to give: options at the end may be left out, unless a stream follows them.
    pub(crate) fn given(&self) -> usize {
        if self.upload.is_some() {
            return self.arguments.len();
        }
        let options =
            self.arguments.iter().rev().take_while(|shape| matches!(shape, Shape::Option(..)));
        self.arguments.len() - options.count()
    }
}

impl<'a> Type<'a> {
    /// The types in which its formats are looked up.
    pub(crate) fn registry(&self) -> &Registry {
        &self.service.types
    }

    /// The names of an enum that has nothing but these.
    pub(crate) fn plain(&self) -> Option<&[Case<'a>]> {
        match &self.body {
            Body::Enum(cases) if cases.iter().all(|case| matches!(case.parts, Parts::Unit)) => {
                Some(cases)
            }
            _ => None,
        }
    }

    /// The two sides of Rust's own `Result`.
    pub(crate) fn result(&self) -> Option<(&Shape<'a>, &Shape<'a>)> {
        let Body::Enum(cases) = &self.body else { return None };
        let [Case { variant: ok, parts: Parts::Newtype(value) }, error] = &cases[..] else {
            return None;
        };
        let Case { variant: err, parts: Parts::Newtype(error) } = error else { return None };
        let named = self.is_result() && ok.name == "Ok" && err.name == "Err";
        named.then_some((value, error))
    }

    /// True if it has the name of a `Result`, which readers of Rust know.
    pub(crate) fn is_result(&self) -> bool {
        self.container.name.starts_with("Result<")
    }
}

impl<'a> Body<'a> {
    /// The shapes directly inside.
    fn shapes(&self) -> Vec<&Shape<'a>> {
        match self {
            Self::Struct(parts) => parts.shapes(),
            Self::Enum(cases) => cases.iter().flat_map(|case| case.parts.shapes()).collect(),
        }
    }
}

impl<'a> Parts<'a> {
    fn shapes(&self) -> Vec<&Shape<'a>> {
        match self {
            Self::Unit => Vec::new(),
            Self::Newtype(content) => vec![content],
            Self::Tuple(contents) => contents.iter().collect(),
            Self::Struct(fields) => fields.iter().map(|(_, shape)| shape).collect(),
        }
    }

    /// The names of fields, where there are such.
    pub(crate) fn names(&self) -> Vec<&str> {
        match self {
            Self::Struct(fields) => fields.iter().map(|(field, _)| field.name.as_str()).collect(),
            _ => Vec::new(),
        }
    }
}

/// All types of a document, without what is inside of them, and where they are by service and key.
fn merged(document: &Document) -> (Vec<Type<'_>>, HashMap<(&str, &str), TypeId>) {
    let (mut types, mut places) = (Vec::<Type<'_>>::new(), HashMap::new());
    // Types of the same path in two services are one type, unless they differ all the same.
    let mut merged: BTreeMap<(&str, u64), Vec<TypeId>> = BTreeMap::new();
    let mut names = Unique::default();
    for service in &document.services {
        let roots = service.methods.iter().flat_map(MethodSchema::formats);
        let mut found = service.types.reachable(roots);
        found.reverse();
        for (key, container) in found {
            let same = merged.entry((key, digest(container))).or_default();
            let known = same.iter().copied().find(|id| types[*id].container == container);
            let id = known.unwrap_or_else(|| {
                let (id, name) = (types.len(), names.take(&identifier(&container.name)));
                let (body, raised) = (Body::Struct(Parts::Unit), false);
                let (hashable, floats) = (false, false);
                types.push(Type {
                    id,
                    name,
                    key,
                    service,
                    container,
                    body,
                    raised,
                    hashable,
                    floats,
                });
                same.push(id);
                id
            });
            places.insert((service.name.as_str(), key), id);
        }
    }
    (types, places)
}

/// FNV-1a of the paths and keys of all methods.
fn fingerprint(document: &Document) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for method in document.services.iter().flat_map(|service| &service.methods) {
        for byte in method.path.bytes().chain(method.key.to_u64().to_be_bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
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
    let mut identifier = capitals(name.split(|character| !is_word(character)));
    if !identifier.starts_with(|first| starts_word(first) || first == '_') {
        identifier.insert(0, 'T');
    }
    identifier
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
