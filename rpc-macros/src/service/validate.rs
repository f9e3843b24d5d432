//! The rules for a trait that is a service, and for its methods: what is wrong and what to write instead,
//! in words for people who meet a service for the first time. Looks at syntax, keeps nothing.

use syn::{
    Attribute, ItemTrait, Pat, PatType, Receiver, ReceiverKind, ReturnType, Safety, Signature,
    TraitItem, TraitItemFn, ext::IdentExt as _,
};

use super::{model::Parameter, output::Output, types};
use crate::mistakes::Mistakes;

/// Names of methods that the client has itself, or as every type has them: `client.into()` would be the trait's.
const CLIENT_NAMES: [&str; 7] =
    ["new", "connect", "in_memory", "channel", "schema", "into", "try_into"];

/// Attributes that may stand on a method.
const ATTRIBUTES: [&str; 8] =
    ["doc", "deprecated", "must_use", "allow", "expect", "warn", "deny", "forbid"];

/// Checks the head of a trait.
pub(super) fn check_trait(item: &ItemTrait, mistakes: &mut Mistakes) {
    if !item.generics.params.is_empty() {
        mistakes.add(
            &item.generics.params,
            "a service cannot be generic: client and server must \
            agree on every type; write one trait for each type, or use an enum",
        );
    }
    if let Some(clause) = &item.generics.where_clause {
        mistakes
            .add(clause, "a service cannot have a where clause: write `trait Name: Bound` instead");
    }
    if let Some(token) = &item.unsafety {
        mistakes.add(token, "a service is an ordinary trait: remove `unsafe`");
    }
    if let Some(token) = &item.modifiers.auto_token {
        mistakes.add(token, "a service is an ordinary trait: remove `auto`");
    }
}

/// Refuses what is in a trait and no method.
pub(super) fn refuse_member(member: &TraitItem, mistakes: &mut Mistakes) {
    let message = match member {
        TraitItem::Const(_) => {
            "a service cannot have constants: make it a method, or put it outside of the trait"
        }
        TraitItem::Type(_) => {
            "a service cannot have associated types: client and server must agree on every type; \
                name it in the methods"
        }
        _ => "a service consists of methods only: move this out of the trait",
    };
    mistakes.add(member, message);
}

/// Checks all of a method but the types in it.
pub(super) fn check_method(method: &TraitItemFn, mistakes: &mut Mistakes) {
    let signature = &method.sig;
    check_name(signature, mistakes);
    check_qualifiers(signature, mistakes);
    match signature.receiver() {
        Some(receiver) => check_receiver(receiver, mistakes),
        None => mistakes.add(
            &signature.ident,
            "a method of a service takes `&self`: write it as the first argument",
        ),
    }
    if !signature.generics.params.is_empty() {
        mistakes.add(
            &signature.generics.params,
            "a method of a service cannot be generic: client \
            and server must agree on every type; write the types out",
        );
    }
    if let Some(clause) = &signature.generics.where_clause {
        mistakes
            .add(clause, "a method of a service cannot have a where clause: write the types out");
    }
    if let Some(body) = &method.default {
        mistakes.add(
            body,
            "a method of a service has no body here: end it with `;` and write the \
            body where the trait is implemented",
        );
    }
}

/// Checks that nothing comes back from a one-way method, and that it is one message.
pub(super) fn check_oneway(
    signature: &Signature,
    output: &Output,
    parameters: &[Parameter],
    mistakes: &mut Mistakes,
) {
    if !matches!(output, Output::Nothing) {
        let message = "a one-way method has no reply: remove the return type, or `oneway`";
        mistakes.add(&signature.output, message);
    }
    for parameter in parameters {
        if let Parameter::Upload(upload) = parameter {
            let message = "a one-way call is a single message: take a `Vec`, or remove `oneway`";
            mistakes.add(&upload.ty, message);
        }
    }
}

fn check_name(signature: &Signature, mistakes: &mut Mistakes) {
    let name = signature.ident.unraw().to_string();
    if CLIENT_NAMES.contains(&name.as_str()) {
        let message =
            format!("the client has a method `{name}` of its own: give this one another name");
        mistakes.add(&signature.ident, message);
    }
    if name.starts_with("__") {
        mistakes.add(
            &signature.ident,
            "names that begin with `__` are reserved: give the method another name",
        );
    }
}

fn check_qualifiers(signature: &Signature, mistakes: &mut Mistakes) {
    if signature.asyncness.is_none() && !returns_stream(signature) {
        mistakes.add(
            signature.fn_token,
            "a method of a service is asynchronous: write `async fn`, or return a stream, \
            `impl Stream<Item = T>`",
        );
    }
    if let Some(token) = &signature.constness {
        mistakes.add(token, "a method of a service cannot be `const`: remove it");
    }
    if !matches!(signature.safety, Safety::Default) {
        mistakes.add(&signature.safety, "a method of a service is an ordinary one: remove this");
    }
    if let Some(abi) = &signature.abi {
        mistakes.add(abi, "a method of a service is an ordinary one: remove `extern`");
    }
    if let Some(variadic) = &signature.variadic {
        mistakes
            .add(variadic, "a method of a service has a fixed number of arguments: use a `Vec`");
    }
}

/// Whether there is a stream in the return type; one in the wrong place is refused with the types.
fn returns_stream(signature: &Signature) -> bool {
    let ReturnType::Type(_, ty) = &signature.output else { return false };
    types::mentions_stream(ty)
}

fn check_receiver(receiver: &Receiver, mistakes: &mut Mistakes) {
    let message = match &receiver.kind {
        ReceiverKind::Reference(_, None, None) => return,
        ReceiverKind::Reference(_, _, Some(_)) => {
            "write `&self`: many calls run at once; what changes goes behind a `Mutex` or a channel"
        }
        ReceiverKind::Reference(..) => "write `&self`: a method of a service has no lifetimes",
        _ => "write `&self`: one value serves many calls",
    };
    mistakes.add(receiver, message);
}

/// Checks an attribute of a method that is not ours.
pub(super) fn check_attribute(attribute: &Attribute, mistakes: &mut Mistakes) {
    let path = attribute.path();
    if path.is_ident("cfg") || path.is_ident("cfg_attr") {
        mistakes.add(
            attribute,
            "a method of a service cannot depend on the build, or client and \
            server would differ: put `#[cfg]` on the whole trait",
        );
    } else if !ATTRIBUTES.iter().any(|known| path.is_ident(known)) {
        mistakes.add(
            attribute,
            "this attribute means nothing on a method of a service: put it \
            where the trait is implemented",
        );
    }
}

/// Checks all of a parameter but its type.
pub(super) fn check_parameter(parameter: &PatType, mistakes: &mut Mistakes) {
    for attribute in &parameter.attrs {
        mistakes.add(
            attribute,
            "an argument of a service has no attributes: describe it in the \
            documentation of the method",
        );
    }
    match &*parameter.pat {
        Pat::Ident(name) => {
            if let Some(token) = &name.mutability {
                mistakes.add(token, "`mut` belongs where the trait is implemented: remove it here");
            }
            if let Some(token) = &name.by_ref {
                mistakes.add(token, "`ref` belongs where the trait is implemented: remove it here");
            }
        }
        pattern => mistakes.add(
            pattern,
            "an argument of a service needs a name, under which it travels: write `name: Type`",
        ),
    }
}
