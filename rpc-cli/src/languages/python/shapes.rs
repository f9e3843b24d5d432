//! The names of everything in a package, decided once: classes, fields, variants, clients.

use std::collections::{HashMap, HashSet};

use rpc_core::schema::{Container, ContainerKind, Field, Format, ServiceSchema};

use super::names;
use crate::api::{Api, NamedType, graph::Graph, unique::Unique};

/// What is generated.
#[derive(Debug)]
pub(super) struct Package<'a> {
    pub api: &'a Api<'a>,
    pub types: Vec<Shape<'a>>,
    pub services: Vec<Served<'a>>,
    /// Places in `types`, by the addresses of their descriptions.
    places: HashMap<*const Container, usize>,
    /// Whether values can be keys of a dict, by place in the API; none are of a type that contains itself.
    pub hashable: Vec<bool>,
}

/// A named type with its names.
#[derive(Debug)]
pub(super) struct Shape<'a> {
    pub named: &'a NamedType<'a>,
    pub class: String,
    /// Whether a method fails with it: it is an exception then.
    pub raised: bool,
    pub body: Body<'a>,
}

/// What a class consists of.
#[derive(Debug)]
pub(super) enum Body<'a> {
    /// A dataclass.
    Struct(Vec<Part<'a>>),
    /// An enum of plain names.
    Names(Vec<String>),
    /// A class for each variant.
    Variants(Vec<Case<'a>>),
}

/// A field of a dataclass.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub name: String,
    pub format: &'a Format,
    /// Its description, if it has a name in Rust as well.
    pub field: Option<&'a Field>,
}

/// A variant with content, or one beside such.
#[derive(Debug)]
pub(super) struct Case<'a> {
    /// The name within the class of the enum.
    pub name: String,
    /// The name in the module.
    pub class: String,
    pub parts: Vec<Part<'a>>,
    /// Whether its content counts as a level of nesting.
    pub nested: bool,
}

/// A service with its names.
#[derive(Debug)]
pub(super) struct Served<'a> {
    pub schema: &'a ServiceSchema,
    pub client: String,
    pub handler: String,
}

impl<'a> Package<'a> {
    pub(super) fn new(api: &'a Api<'a>) -> Self {
        let raised = raised(api);
        let mut taken = Unique::default();
        let classes: Vec<_> =
            api.types.iter().map(|named| taken.take(&names::class(&named.name))).collect();
        let mut types = Vec::new();
        let mut places = HashMap::new();
        for (named, class) in api.types.iter().zip(classes) {
            let raised = raised.contains(&std::ptr::from_ref(named.container));
            let body = body(named.container, &class, raised, &mut taken);
            places.insert(std::ptr::from_ref(named.container), types.len());
            types.push(Shape { named, class, raised, body });
        }
        let mut taken = Unique::with(super::EXPORTS);
        let services = api.services.iter().map(|schema| {
            let client = taken.take(&names::class(&schema.name));
            let handler = taken.take(&format!("{client}Handler"));
            Served { schema, client, handler }
        });
        let services = services.collect();
        let hashable = vec![false; api.types.len()];
        let mut package = Self { api, types, services, places, hashable };
        // From the inside out, so that each type is looked at once.
        for place in Graph::new(api).inside_first() {
            package.hashable[*place] = package.is_hashable_type(&package.types[*place]);
        }
        package
    }

    /// The type that a format of `service` names.
    pub(super) fn shape(&self, service: &ServiceSchema, key: &str) -> Option<&Shape<'a>> {
        let named = self.api.named(service, key)?;
        self.types.get(*self.places.get(&std::ptr::from_ref(named.container))?)
    }
}

/// The types that methods fail with.
fn raised(api: &Api<'_>) -> HashSet<*const Container> {
    let mut raised = HashSet::new();
    for service in api.services {
        for method in &service.methods {
            if let Some(Format::Named(key)) = &method.fails
                && let Some(named) = api.named(service, key)
            {
                raised.insert(std::ptr::from_ref(named.container));
            }
        }
    }
    raised
}

fn body<'a>(container: &'a Container, class: &str, raised: bool, taken: &mut Unique) -> Body<'a> {
    let ContainerKind::Enum(variants) = &container.kind else {
        return Body::Struct(parts(&container.kind));
    };
    let plain = variants.iter().all(|variant| variant.kind == ContainerKind::Unit);
    let mut names = Unique::default();
    // An enum without members could not be told from its base.
    if plain && !raised && !variants.is_empty() {
        let members = variants.iter().map(|variant| names.take(&names::constant(&variant.name)));
        return Body::Names(members.collect());
    }
    let cases = variants.iter().map(|variant| {
        let name = names.take(&names::class(&variant.name));
        let class = taken.take(&format!("{class}{name}"));
        let nested = matches!(variant.kind, ContainerKind::Tuple(_) | ContainerKind::Struct(_));
        Case { name, class, parts: parts(&variant.kind), nested }
    });
    Body::Variants(cases.collect())
}

fn parts(kind: &ContainerKind) -> Vec<Part<'_>> {
    let mut names = Unique::default();
    match kind {
        ContainerKind::Newtype(format) => {
            vec![Part { name: "value".to_owned(), format, field: None }]
        }
        ContainerKind::Tuple(formats) => {
            let numbered = formats.iter().enumerate();
            let part =
                |(index, format)| Part { name: format!("field{index}"), format, field: None };
            numbered.map(part).collect()
        }
        ContainerKind::Struct(fields) => fields
            .iter()
            .map(|field| Part {
                name: names.take(&names::field(&field.name)),
                format: &field.format,
                field: Some(field),
            })
            .collect(),
        _ => Vec::new(),
    }
}
