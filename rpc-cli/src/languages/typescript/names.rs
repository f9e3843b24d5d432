//! Names of what is generated: unique, and none that the language or the run-time has for itself.

use std::collections::{HashMap, HashSet};

use rpc_core::schema::{Format, MethodSchema, ServiceSchema};

use super::codecs::known_text;
use crate::api::{Api, NamedType, is_word, starts_word, unique::Unique};

/// What modules import or the language defines, as far as generated code could use it or hide it.
const TAKEN: [&str; 22] = [
    "AppError",
    "AsyncIterableIterator",
    "CallContext",
    "CallOptions",
    "Code",
    "ConnectOptions",
    "Connection",
    "DecodeError",
    "EncodeError",
    "Extract",
    "ItemStream",
    "Items",
    "Map",
    "Object",
    "Promise",
    "StatusError",
    "Symbol",
    "Uint8Array",
    "connect",
    "globalThis",
    "rpc",
    "types",
];

/// Words that cannot be names of variables in modules.
const RESERVED: [&str; 54] = [
    "any",
    "arguments",
    "as",
    "async",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "eval",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "if",
    "implements",
    "import",
    "in",
    "instanceof",
    "interface",
    "let",
    "never",
    "new",
    "null",
    "object",
    "package",
    "private",
    "protected",
    "public",
    "return",
    "static",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "undefined",
    "var",
    "void",
    "while",
    "with",
    "yield",
];

/// A service with the names of what is generated for it.
pub(super) struct NamedService<'a> {
    pub(super) service: &'a ServiceSchema,
    /// The class of callers.
    pub(super) class: String,
    /// The interface of those who answer.
    pub(super) handler: String,
    /// The function that makes a handler of it.
    pub(super) function: String,
    /// The constant with its methods.
    pub(super) table: String,
    /// The methods with their names.
    pub(super) methods: Vec<(String, &'a MethodSchema)>,
}

/// An API with the names of its types and services.
pub(super) struct Names<'a> {
    api: &'a Api<'a>,
    services: Vec<NamedService<'a>>,
    /// The types that values show, by their names in the API, with their names here; in order.
    types: Vec<(&'a NamedType<'a>, String)>,
    places: HashMap<&'a str, usize>,
}

impl<'a> Names<'a> {
    pub(super) fn new(api: &'a Api<'a>) -> Self {
        let mut taken = Unique::with(TAKEN);
        let services = api.services.iter().map(|service| named(service, &mut taken)).collect();
        let shown = shown(api);
        let mut names = Self { api, services, types: Vec::new(), places: HashMap::new() };
        for type_ in api.types.iter().filter(|type_| shown.contains(type_.name.as_str())) {
            let name = free(&identifier(&type_.name), &mut taken);
            names.places.insert(&type_.name, names.types.len());
            names.types.push((type_, name));
        }
        names
    }

    pub(super) const fn api(&self) -> &'a Api<'a> {
        self.api
    }

    pub(super) fn services(&self) -> &[NamedService<'a>] {
        &self.services
    }

    /// The types with their names.
    pub(super) fn types(&self) -> impl Iterator<Item = (&'a NamedType<'a>, &str)> {
        self.types.iter().map(|(type_, name)| (*type_, name.as_str()))
    }

    /// The place in the order of types, the name and the description of the type that `Format::Named(key)` means in a
    /// description of `service`.
    pub(super) fn of(
        &self,
        service: &ServiceSchema,
        key: &str,
    ) -> Option<(usize, &str, &'a NamedType<'a>)> {
        let place = *self.places.get(self.api.named(service, key)?.name.as_str())?;
        let (type_, name) = self.types.get(place)?;
        Some((place, name, type_))
    }
}

/// A word with a capital, `ShowRecord`, or without, `showRecord`, for `show_record`.
pub(super) fn camel(name: &str) -> String {
    let mut camel = String::new();
    for word in name.split('_').filter(|word| !word.is_empty()) {
        let mut characters = word.chars();
        let first = characters.next().into_iter();
        if camel.is_empty() {
            camel.extend(first);
        } else {
            camel.extend(first.flat_map(char::to_uppercase));
        }
        camel.extend(characters);
    }
    identifier(&camel)
}

/// The name of a variable: no reserved word, none of `taken`.
pub(super) fn variable(name: &str, taken: &mut Unique) -> String {
    let mut name = camel(name);
    while RESERVED.contains(&name.as_str()) {
        name.push('_');
    }
    free(&name, taken)
}

fn named<'a>(service: &'a ServiceSchema, taken: &mut Unique) -> NamedService<'a> {
    let name = identifier(&service.name);
    let mut initial = name.chars();
    let first: String = initial.next().into_iter().flat_map(char::to_lowercase).collect();
    let lower = format!("{first}{}", initial.as_str());
    // What an instance of the class has for itself.
    let mut methods =
        Unique::with(["constructor", "toString", "valueOf", "hasOwnProperty", "then"]);
    NamedService {
        service,
        class: free(&name, taken),
        handler: free(&format!("{name}Handler"), taken),
        function: free(&format!("{lower}Handler"), taken),
        table: free(&format!("{lower}Methods"), taken),
        methods: service
            .methods
            .iter()
            .map(|method| (free(&camel(&method.name), &mut methods), method))
            .collect(),
    }
}

/// The name with an underscore behind it if something else has it, and a number too if that is not enough; it is
/// taken then.
fn free(name: &str, taken: &mut Unique) -> String {
    if taken.is_free(name) { taken.take(name) } else { taken.take(&format!("{name}_")) }
}

/// The name without what identifiers cannot have.
fn identifier(name: &str) -> String {
    let plain = |character| if is_word(character) { character } else { '_' };
    let identifier: String = name.chars().map(plain).collect();
    if !identifier.starts_with(|first| starts_word(first) || first == '_') {
        return format!("_{identifier}");
    }
    identifier
}

/// The names of all types that programs see: those inside of texts stay unseen.
fn shown<'a>(api: &'a Api<'a>) -> HashSet<&'a str> {
    let mut shown = HashSet::new();
    for service in api.services {
        for format in service.methods.iter().flat_map(MethodSchema::formats) {
            show(api, service, format, &mut shown);
        }
    }
    shown
}

fn show<'a>(
    api: &'a Api<'a>,
    service: &ServiceSchema,
    format: &Format,
    shown: &mut HashSet<&'a str>,
) {
    let mut rest: Vec<(&ServiceSchema, &Format)> = vec![(service, format)];
    while let Some((service, format)) = rest.pop() {
        match format {
            Format::Option(content) | Format::Seq(content) | Format::Array { content, .. } => {
                rest.push((service, content));
            }
            Format::Map { key, value } => rest.extend([(service, &**key), (service, &**value)]),
            Format::Tuple(parts) => rest.extend(parts.iter().map(|part| (service, part))),
            Format::Text { name, wire } if known_text(name, wire).is_none() => {
                rest.push((service, wire));
            }
            Format::Named(key) => {
                if let Some(type_) = api.named(service, key)
                    && shown.insert(type_.name.as_str())
                {
                    let inside = type_.container.kind.formats();
                    rest.extend(inside.into_iter().map(|format| (type_.service, format)));
                }
            }
            _ => {}
        }
    }
}
