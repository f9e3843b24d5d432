//! The description of a service: its methods with their arguments and results, and the types these need.

use serde::{Deserialize, Serialize};

use super::{Format, Registry, Schema};
use crate::proto::MethodKey;

/// The description of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct ServiceSchema {
    /// The name, unique on its server.
    pub name: String,
    /// The documentation of the trait.
    #[serde(default)]
    pub doc: String,
    /// The reason given by its author, which may be empty, if it is deprecated.
    #[serde(default)]
    pub deprecated: Option<String>,
    /// The methods, in the order of the trait.
    pub methods: Vec<MethodSchema>,
    /// True if calls of all its methods share one order; each method is marked as ordered then too.
    #[serde(default)]
    pub ordered: bool,
    /// The named types that the methods use.
    pub types: Registry,
}

/// One method of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct MethodSchema {
    /// The name within its service.
    pub name: String,
    /// `Service.method`.
    pub path: String,
    /// The documentation of the method.
    #[serde(default)]
    pub doc: String,
    /// The reason given by its author, which may be empty, if it is deprecated.
    #[serde(default)]
    pub deprecated: Option<String>,
    /// The kind of exchange that a call is.
    pub kind: MethodKind,
    /// The arguments that travel with the request, in order.
    pub arguments: Vec<Argument>,
    /// The argument that is streamed to the server: its name and the shape of an item.
    #[serde(default)]
    pub upload: Option<Argument>,
    /// The shape of the value, or of an item if the server streams.
    pub returns: Format,
    /// The shape of the method's own error, if it can fail.
    #[serde(default)]
    pub fails: Option<Format>,
    /// True if calls are started and finished in the order in which they were sent.
    #[serde(default)]
    pub ordered: bool,
    /// The way in which a call that may have run can be made again. No part of the signature.
    #[serde(default)]
    pub repetition: Repetition,
    /// The permissions that callers need, all of them; those of its service first. No part of the signature.
    #[serde(default)]
    pub requires: Vec<String>,
    /// The hash of the path and that of the signature, which name the method on the wire.
    pub key: MethodKey,
}

/// The kind of exchange that a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
#[non_exhaustive]
pub enum MethodKind {
    /// One request, one reply.
    Unary,
    /// One request, no reply.
    Oneway,
    /// One request, a stream of items in reply.
    ServerStream,
    /// A stream of items beside the request, one reply.
    ClientStream,
    /// A stream of items each way.
    Duplex,
}

/// The way in which a call that may have run can be made again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Schema)]
#[non_exhaustive]
pub enum Repetition {
    /// By its maker alone, who knows what a second run does.
    #[default]
    Never,
    /// By itself: a second run does nothing that the first did not.
    Idempotent,
    /// By itself, under a key by which its server gives the answer of the first run.
    Once,
}

/// An argument of a method.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct Argument {
    /// The name on the wire.
    pub name: String,
    /// The shape of its value.
    pub format: Format,
}

/// Builds a [`ServiceSchema`]; used by generated code.
#[derive(Debug)]
pub struct ServiceBuilder {
    schema: ServiceSchema,
    /// What all methods require.
    requires: Vec<String>,
}

/// Describes one method of a [`ServiceBuilder`].
#[derive(Debug)]
pub struct MethodBuilder<'a> {
    method: &'a mut MethodSchema,
    types: &'a mut Registry,
}

impl ServiceBuilder {
    /// A service without methods.
    #[must_use]
    pub fn new(name: &str, doc: &str) -> Self {
        let (name, doc) = (name.to_owned(), doc.to_owned());
        let (methods, types) = (Vec::new(), Registry::new());
        let (deprecated, ordered) = (None, false);
        let schema = ServiceSchema { name, doc, deprecated, methods, ordered, types };
        Self { schema, requires: Vec::new() }
    }

    /// Marks the service as deprecated, for the given reason.
    pub fn deprecated(&mut self, why: &str) -> &mut Self {
        self.schema.deprecated = Some(why.to_owned());
        self
    }

    /// Makes calls of all methods share one order.
    pub const fn ordered(&mut self) -> &mut Self {
        self.schema.ordered = true;
        self
    }

    /// Makes all methods require a permission.
    pub fn requires(&mut self, permission: &str) -> &mut Self {
        self.requires.push(permission.to_owned());
        self
    }

    /// Adds a method without arguments and result, which the builder then adds.
    pub fn method(&mut self, name: &str, doc: &str, kind: MethodKind) -> MethodBuilder<'_> {
        let ServiceSchema { name: service, methods, types, .. } = &mut self.schema;
        let path = format!("{service}.{name}");
        let method = MethodSchema {
            name: name.to_owned(),
            key: MethodKey::bare(&path),
            path,
            doc: doc.to_owned(),
            deprecated: None,
            kind,
            arguments: Vec::new(),
            upload: None,
            returns: Format::Unit,
            fails: None,
            ordered: false,
            repetition: Repetition::Never,
            requires: Vec::new(),
        };
        methods.push(method);
        let last = methods.len() - 1;
        MethodBuilder { method: &mut methods[last], types }
    }

    /// The schema, with the keys of all methods.
    #[must_use]
    pub fn build(mut self) -> ServiceSchema {
        for method in &mut self.schema.methods {
            method.ordered |= self.schema.ordered;
            let own = std::mem::replace(&mut method.requires, self.requires.clone());
            for permission in own {
                if !method.requires.contains(&permission) {
                    method.requires.push(permission);
                }
            }
            method.key = method.expected_key(&self.schema.types);
        }
        self.schema
    }
}

impl MethodBuilder<'_> {
    /// Adds an argument.
    pub fn argument<T: Schema>(&mut self, name: &str) -> &mut Self {
        let format = T::format(self.types);
        self.method.arguments.push(Argument { name: name.to_owned(), format });
        self
    }

    /// Sets the argument that is streamed to the server, in items of type `T`.
    pub fn upload<T: Schema>(&mut self, name: &str) -> &mut Self {
        let format = T::format(self.types);
        self.method.upload = Some(Argument { name: name.to_owned(), format });
        self
    }

    /// Sets the type of the value, or of an item if the server streams.
    pub fn returns<T: Schema>(&mut self) -> &mut Self {
        self.method.returns = T::format(self.types);
        self
    }

    /// Sets the method's own error.
    pub fn fails<E: Schema>(&mut self) -> &mut Self {
        self.method.fails = Some(E::format(self.types));
        self
    }

    /// Marks the method as deprecated, for the given reason.
    pub fn deprecated(&mut self, why: &str) -> &mut Self {
        self.method.deprecated = Some(why.to_owned());
        self
    }

    /// Makes calls start and finish in the order in which they were sent.
    pub const fn ordered(&mut self) -> &mut Self {
        self.method.ordered = true;
        self
    }

    /// Lets calls that may have run be made again by themselves.
    pub const fn idempotent(&mut self) -> &mut Self {
        self.method.repetition = Repetition::Idempotent;
        self
    }

    /// Has calls carry a key, by which their server runs each once.
    pub const fn once(&mut self) -> &mut Self {
        self.method.repetition = Repetition::Once;
        self
    }

    /// Makes the method require a permission, beside those of its service.
    pub fn requires(&mut self, permission: &str) -> &mut Self {
        self.method.requires.push(permission.to_owned());
        self
    }
}

impl MethodKind {
    /// True if the reply is a stream of items.
    #[must_use]
    pub const fn streams_reply(self) -> bool {
        matches!(self, Self::ServerStream | Self::Duplex)
    }
}

impl ServiceSchema {
    /// The method with this name.
    #[must_use]
    pub fn method(&self, name: &str) -> Option<&MethodSchema> {
        self.methods.iter().find(|method| method.name == name)
    }
}
