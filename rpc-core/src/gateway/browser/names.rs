//! The names of everything in a client: identifiers of JavaScript, each given once.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use super::Role;
use crate::{
    gateway::openrpc::names::merged,
    schema::{Container, MethodKind, MethodSchema, ServiceSchema},
};

/// Names that the module exports itself, and that its declarations use.
const TAKEN: &str = "AppError AsyncDisposable AsyncIterable AsyncIterableIterator AbortSignal Array CallContext CallOptions \
    Caller Channel ChannelOptions ChannelState CloseOptions Code Codec ConnectOptions Connection DecodeError Detail EncodeError \
    Error Extract Infinity ItemStream Items Iterable JSON Limits Map Metadata MetadataInput MetadataValue NaN Object Promise \
    RangeError ServiceHandler StatusError Symbol URL Uint8Array channel connect decode encode globalThis";

/// Words that cannot be names of variables in modules.
const RESERVED: &str = "any arguments as async await boolean break case catch class const continue debugger default delete \
    do else enum eval export extends false finally for function if implements import in instanceof interface let never \
    new null number object package private protected public return static string super switch symbol this throw true try \
    type typeof undefined unknown var void while with yield bigint";

/// Members that every object has, or that make it something else.
const MEMBERS: &str = "constructor toString valueOf hasOwnProperty then __proto__";

/// The services of a client and the types that they use, with their names.
pub(super) struct Names<'d> {
    pub(super) services: Vec<Service<'d>>,
    pub(super) types: Vec<Type<'d>>,
    /// The places of types by service and key.
    places: HashMap<(&'d str, &'d str), usize>,
}

pub(super) struct Service<'d> {
    pub(super) schema: &'d ServiceSchema,
    pub(super) role: Role,
    /// The class of callers.
    pub(super) class: String,
    /// The interface of those who answer.
    pub(super) handler: String,
    /// The function that makes of one of them what a connection registers.
    pub(super) function: String,
    pub(super) methods: Vec<Method<'d>>,
}

pub(super) struct Method<'d> {
    pub(super) schema: &'d MethodSchema,
    pub(super) name: String,
    pub(super) arguments: Vec<String>,
    /// The argument that is streamed.
    pub(super) upload: Option<String>,
}

pub(super) struct Type<'d> {
    pub(super) name: String,
    /// The place of the service in whose description its formats are looked up.
    pub(super) service: usize,
    pub(super) container: &'d Container,
}

impl<'d> Names<'d> {
    pub(super) fn of(services: &'d [(Cow<'d, ServiceSchema>, Role)]) -> Self {
        let mut scope = Scope::of(&[TAKEN, RESERVED]);
        let services: Vec<_> =
            services.iter().map(|(schema, role)| Service::of(schema, *role, &mut scope)).collect();
        let (found, places) = merged(services.iter().map(|service| service.schema));
        let types = found.into_iter().map(|(name, _, schema, container)| Type {
            name: scope.take(&name),
            service: services
                .iter()
                .position(|service| service.schema.name == schema.name)
                .unwrap_or(0),
            container,
        });
        let types = types.collect();
        Self { services, types, places }
    }

    /// The type with this key in the description of a service.
    pub(super) fn get(&self, service: &ServiceSchema, key: &str) -> Option<&Type<'d>> {
        self.types.get(self.place(service, key)?)
    }

    /// Its place among the types.
    pub(super) fn place(&self, service: &ServiceSchema, key: &str) -> Option<usize> {
        self.places.get(&(service.name.as_str(), key)).copied()
    }

    /// Whether calls of the client bring streams.
    pub(super) fn streams(&self) -> bool {
        let streams = |kind| matches!(kind, MethodKind::ServerStream | MethodKind::Duplex);
        self.kinds().any(streams)
    }

    /// Whether they all have one request and one reply.
    pub(super) fn is_plain(&self) -> bool {
        self.kinds().all(|kind| kind == MethodKind::Unary)
    }

    /// Whether items come or go with calls that it answers.
    pub(super) fn answers_items(&self) -> bool {
        let answered = self.services.iter().filter(|service| service.role.answers());
        let has_items = |kind| !matches!(kind, MethodKind::Unary | MethodKind::Oneway);
        answered.flat_map(|service| &service.methods).any(|method| has_items(method.schema.kind))
    }

    /// The kinds of methods that the client calls.
    fn kinds(&self) -> impl Iterator<Item = MethodKind> {
        let called = self.services.iter().filter(|service| service.role.calls());
        called.flat_map(|service| &service.methods).map(|method| method.schema.kind)
    }

    /// Whether the client answers calls at all.
    pub(super) fn answers(&self) -> bool {
        self.services.iter().any(|service| service.role.answers())
    }
}

impl<'d> Service<'d> {
    fn of(schema: &'d ServiceSchema, role: Role, scope: &mut Scope) -> Self {
        let name = identifier(&schema.name);
        let mut initial = name.chars();
        let first: String = initial.next().into_iter().flat_map(char::to_lowercase).collect();
        let class = scope.take(&name);
        let handler = scope.take(&format!("{name}Handler"));
        let function = scope.take(&format!("{first}{}Handler", initial.as_str()));
        let mut own = Scope::of(&[MEMBERS]);
        let methods = schema.methods.iter().map(|method| Method::of(method, &mut own)).collect();
        Self { schema, role, class, handler, function, methods }
    }
}

impl<'d> Method<'d> {
    fn of(schema: &'d MethodSchema, scope: &mut Scope) -> Self {
        let name = scope.take(&camel(&schema.name));
        let mut own = Scope::of(&[RESERVED, "options context"]);
        let arguments = schema.arguments.iter().map(|argument| own.take(&camel(&argument.name)));
        let arguments = arguments.collect();
        let upload = schema.upload.as_ref().map(|upload| own.take(&camel(&upload.name)));
        Self { schema, name, arguments, upload }
    }

    /// How many arguments callers have to give: options at the end may be left out, unless a stream follows them.
    pub(super) fn given(&self) -> usize {
        let arguments = &self.schema.arguments;
        if self.upload.is_some() {
            return arguments.len();
        }
        let optional = |format: &_| matches!(format, crate::schema::Format::Option(_));
        arguments.len() - arguments.iter().rev().take_while(|each| optional(&each.format)).count()
    }
}

/// Names that are given.
struct Scope {
    taken: HashSet<String>,
    /// The first number behind a name that may be free.
    next: HashMap<String, u32>,
}

impl Scope {
    fn of(taken: &[&str]) -> Self {
        let taken = taken.iter().flat_map(|names| names.split_whitespace()).map(str::to_owned);
        Self { taken: taken.collect(), next: HashMap::new() }
    }

    /// The name; with an underscore behind it if something else has it, and a number too if that is not enough.
    fn take(&mut self, name: &str) -> String {
        let mut free = name.to_owned();
        if self.taken.contains(&free) {
            free.push('_');
            let next = self.next.entry(free.clone()).or_insert(2);
            let base = free.clone();
            while self.taken.contains(&free) {
                free = format!("{base}{next}");
                *next += 1;
            }
        }
        self.taken.insert(free.clone());
        free
    }
}

/// `showRecord` for `show_record`.
fn camel(name: &str) -> String {
    let name = name.trim_start_matches('_');
    let (first, rest) = name.split_once('_').unwrap_or((name, ""));
    let mut camel = first.to_owned();
    for word in rest.split('_') {
        let mut characters = word.chars();
        camel.extend(characters.next().into_iter().flat_map(char::to_uppercase));
        camel.extend(characters);
    }
    identifier(&camel)
}

/// The name without what identifiers cannot have.
fn identifier(name: &str) -> String {
    let plain = |sign: char| if is_word(sign) { sign } else { '_' };
    let identifier: String = name.chars().map(plain).collect();
    let starts = identifier.starts_with(|first: char| is_word(first) && !first.is_ascii_digit());
    if starts { identifier } else { format!("_{identifier}") }
}

/// Whether identifiers of JavaScript may have a letter. Letters in circles and squares are none there.
fn is_word(sign: char) -> bool {
    let enclosed = matches!(sign, '\u{2460}'..='\u{24ff}' | '\u{1f100}'..='\u{1f1ff}');
    sign == '_' || sign.is_ascii_digit() || (sign.is_alphabetic() && !enclosed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_javascript() {
        assert_eq!(camel("show_record"), "showRecord");
        assert_eq!(camel("_private"), "private");
        assert_eq!(camel("p\u{159}idej_\u{161}est"), "p\u{159}idej\u{160}est");
        assert_eq!(identifier("a-b"), "a_b");
        assert_eq!(identifier("3d"), "_3d");
        assert_eq!(identifier("\u{24b6}\u{b2}"), "__");
        assert_eq!(identifier(""), "_");
    }

    #[test]
    fn a_name_that_is_taken_gets_an_underscore_and_then_a_number() {
        let mut scope = Scope::of(&["a b"]);
        assert_eq!(["a", "a", "a_", "c"].map(|name| scope.take(name)), ["a_", "a_2", "a__", "c"]);
    }
}
