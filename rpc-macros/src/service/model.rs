//! What an annotated trait means: the service, its methods, their arguments and results; and every rule
//! that a trait must keep to be one.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use syn::{
    Attribute, FnArg, Ident, ItemTrait, Pat, Path, Receiver, ReceiverKind, Result, TraitItem,
    TraitItemFn, Type, TypeParamBound, Visibility, ext::IdentExt as _, punctuated::Punctuated,
    token::Plus,
};

use super::{
    mistakes::Mistakes,
    options::{MethodOptions, ServiceOptions},
    types::{self, Form, Output},
};
use crate::docs;

/// A service.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) private: Path,
    pub(super) vis: Visibility,
    pub(super) ident: Ident,
    /// The name on the wire.
    pub(super) name: String,
    pub(super) doc: String,
    /// Attributes of the trait, to be written out on it.
    pub(super) attributes: Vec<Attribute>,
    pub(super) supertraits: Punctuated<TypeParamBound, Plus>,
    pub(super) methods: Vec<Method>,
}

/// A method of a service.
#[derive(Debug)]
pub(super) struct Method {
    pub(super) ident: Ident,
    /// The name on the wire.
    pub(super) name: String,
    pub(super) doc: String,
    /// Attributes to be written out on the method in the trait and in the client.
    pub(super) attributes: Vec<Attribute>,
    /// All parameters in the order of the trait, the context among them.
    pub(super) parameters: Vec<Parameter>,
    pub(super) output: Output,
    pub(super) oneway: bool,
}

/// A parameter of a method.
#[derive(Debug)]
pub(super) enum Parameter {
    Context { ident: Ident, ty: Type },
    Argument(Argument),
}

/// A parameter that travels.
#[derive(Debug)]
pub(super) struct Argument {
    pub(super) ident: Ident,
    /// The name on the wire.
    pub(super) name: String,
    pub(super) ty: Type,
    pub(super) form: Form,
}

/// Names that the client has itself.
const CLIENT_NAMES: [&str; 5] = ["new", "connect", "in_memory", "channel", "schema"];

impl Service {
    /// Reads and checks a trait; every mistake in it is reported.
    pub(super) fn read(options: TokenStream, item: &ItemTrait) -> Result<Self> {
        let mut mistakes = Mistakes::default();
        let options = ServiceOptions::read(options).unwrap_or_else(|error| {
            mistakes.add(error);
            ServiceOptions { private: syn::parse_quote!(::rpc_core::__private), name: None }
        });
        check_trait(item, &mut mistakes);
        let mut methods = Vec::new();
        let mut names = HashSet::new();
        for member in &item.items {
            let TraitItem::Fn(method) = member else {
                mistakes
                    .at(member, "a service consists of methods only: move this out of the trait");
                continue;
            };
            let method = Method::read(method, &mut mistakes);
            if !names.insert(method.name.clone()) {
                let message =
                    format!("a second method is called {}: give it another name", method.name);
                mistakes.at(&method.ident, message);
            }
            methods.push(method);
        }
        let ident = item.ident.clone();
        mistakes.finish(Self {
            private: options.private,
            vis: item.vis.clone(),
            name: options.name.unwrap_or_else(|| ident.unraw().to_string()),
            ident,
            doc: docs::text(&item.attrs),
            attributes: item.attrs.clone(),
            supertraits: item.supertraits.clone(),
            methods,
        })
    }
}

fn check_trait(item: &ItemTrait, mistakes: &mut Mistakes) {
    if !item.generics.params.is_empty() {
        let message = "a service has no type parameters: its client and server must agree on every \
            type; write one trait for each, or use an enum";
        mistakes.at(&item.generics.params, message);
    }
    if let Some(clause) = &item.generics.where_clause {
        mistakes.at(clause, "a service has no where clause");
    }
    if let Some(token) = &item.unsafety {
        mistakes.at(token, "a service is an ordinary trait: remove `unsafe`");
    }
}

impl Method {
    fn read(method: &TraitItemFn, mistakes: &mut Mistakes) -> Self {
        let signature = &method.sig;
        check_signature(method, mistakes);
        let (options, attributes) = read_attributes(method, mistakes);
        let parameters = read_parameters(method, mistakes);
        let output = Output::read(&signature.output, mistakes);
        if options.oneway && !matches!(output, Output::Nothing) {
            let message = "a one-way method has no reply: remove the return type, or `oneway`";
            mistakes.at(&signature.output, message);
        }
        Self {
            ident: signature.ident.clone(),
            name: signature.ident.unraw().to_string(),
            doc: docs::text(&method.attrs),
            attributes,
            parameters,
            output,
            oneway: options.oneway,
        }
    }

    /// The parameters that travel.
    pub(super) fn arguments(&self) -> impl Iterator<Item = &Argument> {
        self.parameters.iter().filter_map(|parameter| match parameter {
            Parameter::Argument(argument) => Some(argument),
            Parameter::Context { .. } => None,
        })
    }

    pub(super) fn wants_context(&self) -> bool {
        self.parameters.iter().any(|parameter| matches!(parameter, Parameter::Context { .. }))
    }
}

fn check_signature(method: &TraitItemFn, mistakes: &mut Mistakes) {
    let signature = &method.sig;
    let name = signature.ident.unraw().to_string();
    if signature.asyncness.is_none() {
        let message = "a method of a service is `async fn`: its reply comes from elsewhere";
        mistakes.at(signature.fn_token, message);
    }
    if let Some(token) = &signature.constness {
        mistakes.at(token, "a method of a service cannot be `const`");
    }
    if !matches!(signature.safety, syn::Safety::Default) {
        mistakes.at(&signature.safety, "a method of a service cannot be `unsafe`: remove it");
    }
    if let Some(abi) = &signature.abi {
        mistakes.at(abi, "a method of a service cannot be `extern`: remove it");
    }
    if let Some(variadic) = &signature.variadic {
        mistakes.at(variadic, "a method of a service has a fixed number of arguments");
    }
    if !signature.generics.params.is_empty() {
        let message = "a method of a service cannot be generic: both sides must know its types";
        mistakes.at(&signature.generics.params, message);
    }
    if let Some(clause) = &signature.generics.where_clause {
        mistakes.at(clause, "a method of a service has no where clause");
    }
    if let Some(body) = &method.default {
        mistakes
            .at(body, "a method of a service has no body: write it where the trait is implemented");
    }
    if CLIENT_NAMES.contains(&name.as_str()) {
        let message =
            format!("the client has a method {name} of its own: give this one another name");
        mistakes.at(&signature.ident, message);
    } else if name.starts_with("__") {
        mistakes.at(&signature.ident, "names that begin with `__` are reserved");
    }
}

/// The options of a method, and its other attributes.
fn read_attributes(
    method: &TraitItemFn,
    mistakes: &mut Mistakes,
) -> (MethodOptions, Vec<Attribute>) {
    let mut options = MethodOptions::default();
    let mut kept = Vec::new();
    for attribute in &method.attrs {
        let is = |name| attribute.path().is_ident(name);
        if is("rpc") {
            if let Err(error) = MethodOptions::read(attribute, &mut options) {
                mistakes.add(error);
            }
        } else if is("cfg") || is("cfg_attr") {
            let message = "a service is the same in every build, or its sides could not agree: put \
                `cfg` on the whole trait";
            mistakes.at(attribute, message);
        } else if ["doc", "deprecated", "allow", "expect", "warn", "must_use"]
            .iter()
            .any(|name| is(name))
        {
            kept.push(attribute.clone());
        } else {
            mistakes.at(attribute, "this attribute means nothing on a method of a service");
        }
    }
    (options, kept)
}

fn read_parameters(method: &TraitItemFn, mistakes: &mut Mistakes) -> Vec<Parameter> {
    let signature = &method.sig;
    match signature.receiver() {
        Some(receiver) => check_receiver(receiver, mistakes),
        None => {
            let message = "a method of a service takes `&self`: many calls run at once";
            mistakes.at(&signature.ident, message);
        }
    }
    let mut parameters: Vec<Parameter> = Vec::new();
    let mut names = HashSet::new();
    for input in &signature.inputs {
        let FnArg::Typed(input) = input else { continue };
        let Pat::Ident(pattern) = &*input.pat else {
            mistakes.at(&input.pat, "give the argument a name: it travels under it");
            continue;
        };
        if let Some(token) = &pattern.mutability {
            mistakes.at(token, "`mut` belongs to where the trait is implemented");
        }
        for attribute in &input.attrs {
            mistakes.at(attribute, "this attribute means nothing on an argument of a service");
        }
        let (ident, ty) = (pattern.ident.clone(), (*input.ty).clone());
        if !names.insert(ident.unraw().to_string()) {
            mistakes.at(&ident, format!("a second argument is called {ident}"));
        }
        if types::is_context(&ty, mistakes) {
            if parameters.iter().any(|known| matches!(known, Parameter::Context { .. })) {
                mistakes.at(&ty, "a call has one context");
            }
            parameters.push(Parameter::Context { ident, ty });
        } else {
            types::check(&ty, "argument", mistakes);
            let (name, form) = (ident.unraw().to_string(), Form::of(&ty));
            parameters.push(Parameter::Argument(Argument { ident, name, ty, form }));
        }
    }
    parameters
}

fn check_receiver(receiver: &Receiver, mistakes: &mut Mistakes) {
    let message = match &receiver.kind {
        ReceiverKind::Reference(_, None, None) => return,
        ReceiverKind::Reference(_, _, Some(_)) => {
            "take `&self`: many calls run at once; keep what changes behind a Mutex or a channel"
        }
        _ => "take `&self`: many calls run at once",
    };
    mistakes.at(receiver, message);
}
