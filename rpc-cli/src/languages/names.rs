//! The names of everything in a client, decided once for all of its files: each language says which names are its own
//! and how they are spelt, the scopes are walked here.

use crate::api::{Api, Body, Method, Parts, Service, Type, Unique};

/// How a language names things.
pub(super) trait Naming {
    /// The names that are taken in a scope of this kind, with spaces between them.
    fn taken(_kind: Kind) -> &'static str {
        ""
    }

    /// The name as the language writes it, free of what it keeps for itself.
    fn spelt(_kind: Kind, name: &str) -> String {
        name.to_owned()
    }

    /// Takes the name, or one like it that is free.
    fn take(kind: Kind, name: &str, scope: &mut Unique) -> String {
        scope.take(&Self::spelt(kind, name))
    }

    /// Names of a scope of their own, in their order.
    fn all(kind: Kind, names: &[&str]) -> Vec<String> {
        let mut scope = Unique::of(Self::taken(kind));
        names.iter().map(|name| Self::take(kind, name, &mut scope)).collect()
    }

    /// The name of a service, and of what else is defined for it.
    fn service(name: &str, scope: &mut Unique) -> Vec<String> {
        vec![Self::take(Kind::Service, name, scope)]
    }

    /// The scope that types are named in: that of the services, unless they have modules of their own.
    fn types(services: Unique) -> Unique {
        services
    }
}

/// The kinds of things that have names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Service,
    Type,
    Field,
    /// Of an enum that has nothing but names.
    Member,
    Variant,
    Method,
    /// Of a method, as this side writes it.
    Argument(Role),
}

/// The two sides of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Caller,
    Handler,
}

/// An API with all names.
#[derive(Debug)]
pub(super) struct Client<'a> {
    pub api: &'a Api<'a>,
    pub services: Vec<Served<'a>>,
    /// In the order of the API, so that the id of a type is its place.
    pub types: Vec<Defined<'a>>,
}

/// A service with its names.
#[derive(Debug)]
pub(super) struct Served<'a> {
    pub of: &'a Service<'a>,
    /// Its place among the services.
    pub place: usize,
    /// Its own name, and those of what else is defined for it.
    pub names: Vec<String>,
    pub methods: Vec<Callable<'a>>,
}

/// A method with its names.
#[derive(Debug)]
pub(super) struct Callable<'a> {
    pub of: &'a Method<'a>,
    /// Its place among the methods of its service.
    pub place: usize,
    pub name: String,
    /// The arguments as callers and handlers have them; what is streamed comes last.
    caller: Vec<String>,
    handler: Vec<String>,
}

/// A type with its names.
#[derive(Debug)]
pub(super) struct Defined<'a> {
    pub of: &'a Type<'a>,
    pub name: String,
    /// Of a struct with names.
    pub fields: Vec<String>,
    /// The variants, each with the names of its fields.
    pub cases: Vec<(String, Vec<String>)>,
}

impl<'a> Client<'a> {
    pub(super) fn new<N: Naming>(api: &'a Api<'a>) -> Self {
        let mut scope = Unique::of(N::taken(Kind::Service));
        let services = api.services.iter().enumerate();
        let services = services.map(|(place, of)| served::<N>(of, place, &mut scope)).collect();
        let mut scope = N::types(scope);
        let defined = |named: &'a Type<'a>| {
            let name = N::take(Kind::Type, &named.name, &mut scope);
            let fields = |parts: &Parts<'a>| N::all(Kind::Field, &parts.names());
            let (fields, cases) = match &named.body {
                Body::Struct(parts) => (fields(parts), Vec::new()),
                Body::Enum(cases) => {
                    let plain = named.plain().is_some() && !named.raised;
                    let kind = if plain { Kind::Member } else { Kind::Variant };
                    let own: Vec<_> = cases.iter().map(|case| &*case.variant.name).collect();
                    let inside = cases.iter().map(|case| fields(&case.parts));
                    (Vec::new(), N::all(kind, &own).into_iter().zip(inside).collect())
                }
            };
            Defined { of: named, name, fields, cases }
        };
        Self { api, services, types: api.types.iter().map(defined).collect() }
    }
}

fn served<'a, N: Naming>(of: &'a Service<'a>, place: usize, scope: &mut Unique) -> Served<'a> {
    let own: Vec<_> = of.methods.iter().map(|method| &*method.schema.name).collect();
    let callable = |(place, (of, name)): (usize, (&'a Method<'a>, String))| {
        let arguments = of.schema.arguments.iter().chain(&of.schema.upload);
        let arguments: Vec<_> = arguments.map(|argument| &*argument.name).collect();
        let [caller, handler] =
            [Role::Caller, Role::Handler].map(|role| N::all(Kind::Argument(role), &arguments));
        Callable { of, place, name, caller, handler }
    };
    let names = N::service(&of.schema.name, scope);
    let methods = of.methods.iter().zip(N::all(Kind::Method, &own)).enumerate();
    Served { of, place, names, methods: methods.map(callable).collect() }
}

impl Callable<'_> {
    /// The names of the arguments that travel with the request.
    pub(super) fn arguments(&self, role: Role) -> &[String] {
        let all = if role == Role::Caller { &self.caller } else { &self.handler };
        &all[..self.of.arguments.len()]
    }

    /// The name of the argument that is streamed.
    pub(super) fn upload(&self, role: Role) -> Option<&str> {
        let all = if role == Role::Caller { &self.caller } else { &self.handler };
        all.get(self.of.arguments.len()).map(String::as_str)
    }
}
