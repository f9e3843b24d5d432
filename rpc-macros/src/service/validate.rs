//! The rules for a trait that is a service, and for its methods, each with what to write instead, in words
//! for people who meet a service for the first time. Looks at syntax, keeps nothing.

use syn::{
    Attribute, Ident, ItemTrait, Pat, PatType, Receiver, ReceiverKind, ReturnType, Safety,
    Signature, TraitItem, TraitItemFn, Type, ext::IdentExt as _,
};

use super::{options::MethodOptions, output::Output, types};
use crate::diagnostics::Diagnostics;

/// Names of methods that the client has itself, or by traits that it has as every type does: `client.into()` would be
/// a call.
const CLIENT_NAMES: [&str; 18] = [
    "borrow",
    "borrow_mut",
    "channel",
    "clone",
    "clone_from",
    "clone_into",
    "connect",
    "drop",
    "fmt",
    "from",
    "in_memory",
    "into",
    "new",
    "schema",
    "to_owned",
    "try_from",
    "try_into",
    "type_id",
];

/// Attributes that may stand on a method.
const ATTRIBUTES: [&str; 9] =
    ["cfg", "doc", "deprecated", "must_use", "allow", "expect", "warn", "deny", "forbid"];

/// Checks the head of a trait.
pub(super) fn check_trait(item: &ItemTrait, diagnostics: &mut Diagnostics) {
    if !item.generics.params.is_empty() {
        diagnostics.add(
            &item.generics.params,
            "a service cannot be generic: client and server must \
            agree on every type; write one trait for each type, or use an enum",
        );
    }
    if let Some(clause) = &item.generics.where_clause {
        diagnostics
            .add(clause, "a service cannot have a where clause: write `trait Name: Bound` instead");
    }
    if let Some(token) = &item.unsafety {
        diagnostics.add(token, "a service is an ordinary trait: remove `unsafe`");
    }
    if let Some(token) = &item.modifiers.auto_token {
        diagnostics.add(token, "a service is an ordinary trait: remove `auto`");
    }
}

/// Refuses a member of a trait that is not a method.
pub(super) fn refuse_member(member: &TraitItem, diagnostics: &mut Diagnostics) {
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
    diagnostics.add(member, message);
}

/// Checks all of a method but the types in it.
pub(super) fn check_method(method: &TraitItemFn, diagnostics: &mut Diagnostics) {
    let signature = &method.sig;
    check_name(signature, diagnostics);
    check_qualifiers(signature, diagnostics);
    match signature.receiver() {
        Some(receiver) => check_receiver(receiver, diagnostics),
        None => diagnostics.add(
            &signature.ident,
            "a method of a service takes `&self`: write it as the first argument",
        ),
    }
    if !signature.generics.params.is_empty() {
        diagnostics.add(
            &signature.generics.params,
            "a method of a service cannot be generic: client \
            and server must agree on every type; write the types out",
        );
    }
    if let Some(clause) = &signature.generics.where_clause {
        diagnostics
            .add(clause, "a method of a service cannot have a where clause: write the types out");
    }
    if let Some(body) = &method.default {
        diagnostics.add(
            body,
            "a method of a service has no body here: end it with `;` and write the \
            body where the trait is implemented",
        );
    }
}

/// Checks that a one-way method has no reply, and no argument that is streamed; `uploads` are the types of such.
pub(super) fn check_oneway<'a>(
    signature: &Signature,
    output: &Output,
    uploads: impl Iterator<Item = &'a Type>,
    diagnostics: &mut Diagnostics,
) {
    if !matches!(output, Output::Nothing) {
        let message = "a one-way method has no reply: remove the return type, or `oneway`";
        diagnostics.add(&signature.output, message);
    }
    for upload in uploads {
        let message = "a one-way call is a single message: take a `Vec`, or remove `oneway`";
        diagnostics.add(upload, message);
    }
}

/// Checks that a method which may be called again has a reply, and one way to be called again.
pub(super) fn check_repetition(
    options: &MethodOptions,
    name: &Ident,
    diagnostics: &mut Diagnostics,
) {
    let word = match (options.idempotent, options.once) {
        (true, true) => {
            let message = "`once` and `idempotent` exclude each other: write `idempotent` where a second run does \
                nothing more, `once` where the server is to prevent it";
            diagnostics.add(name, message);
            return;
        }
        (true, false) => "idempotent",
        (false, true) => "once",
        (false, false) => return,
    };
    if options.oneway {
        let message = format!(
            "nobody learns how a one-way call ended, so that it is not made again: remove `{word}`, or `oneway`"
        );
        diagnostics.add(name, message);
    }
}

/// Checks that a method whose answers are kept answers with one value; `uploads` are the types of streamed arguments.
pub(super) fn check_once<'a>(
    signature: &Signature,
    output: &Output,
    uploads: impl Iterator<Item = &'a Type>,
    diagnostics: &mut Diagnostics,
) {
    if matches!(output, Output::Stream(_)) {
        let message = "the server keeps one answer for a method that runs `once`, and no stream: return a `Vec`, or \
            remove `once`";
        diagnostics.add(&signature.output, message);
    }
    for upload in uploads {
        let message = "a stream cannot be sent a second time: take a `Vec`, or remove `once`";
        diagnostics.add(upload, message);
    }
}

fn check_name(signature: &Signature, diagnostics: &mut Diagnostics) {
    let name = signature.ident.unraw().to_string();
    if CLIENT_NAMES.contains(&name.as_str()) {
        let message =
            format!("the client has a method `{name}` of its own: give this one another name");
        diagnostics.add(&signature.ident, message);
    }
    if name.starts_with("__") {
        diagnostics.add(
            &signature.ident,
            "names that begin with `__` are reserved: give the method another name",
        );
    }
}

fn check_qualifiers(signature: &Signature, diagnostics: &mut Diagnostics) {
    if signature.asyncness.is_none() && !returns_stream(signature) {
        diagnostics.add(
            signature.fn_token,
            "a method of a service is asynchronous: write `async fn`, or return a stream, \
            `impl Stream<Item = T>`",
        );
    }
    if let Some(token) = &signature.constness {
        diagnostics.add(token, "a method of a service cannot be `const`: remove it");
    }
    if !matches!(signature.safety, Safety::Default) {
        diagnostics.add(&signature.safety, "a method of a service is an ordinary one: remove this");
    }
    if let Some(abi) = &signature.abi {
        diagnostics.add(abi, "a method of a service is an ordinary one: remove `extern`");
    }
    if let Some(variadic) = &signature.variadic {
        diagnostics
            .add(variadic, "a method of a service has a fixed number of arguments: use a `Vec`");
    }
}

/// True if the return type holds a stream; one in the wrong place is refused with the types.
fn returns_stream(signature: &Signature) -> bool {
    let ReturnType::Type(_, ty) = &signature.output else { return false };
    types::mentions_stream(ty)
}

fn check_receiver(receiver: &Receiver, diagnostics: &mut Diagnostics) {
    let message = match &receiver.kind {
        ReceiverKind::Reference(_, None, None) => return,
        ReceiverKind::Reference(_, _, Some(_)) => {
            "write `&self`: many calls run at once; what changes goes behind a `Mutex` or a channel"
        }
        ReceiverKind::Reference(..) => "write `&self`: a method of a service has no lifetimes",
        _ => "write `&self`: one value serves many calls",
    };
    diagnostics.add(receiver, message);
}

/// Checks an attribute of a method that is not ours.
pub(super) fn check_attribute(attribute: &Attribute, diagnostics: &mut Diagnostics) {
    let path = attribute.path();
    if path.is_ident("cfg_attr") {
        diagnostics.add(
            attribute,
            "attributes of a method of a service cannot depend on the build: write `#[cfg(..)]` for a \
            method that may be left out",
        );
    } else if !ATTRIBUTES.iter().any(|known| path.is_ident(known)) {
        diagnostics.add(
            attribute,
            "this attribute means nothing on a method of a service: put it \
            where the trait is implemented",
        );
    }
}

/// Checks all of a parameter but its type.
pub(super) fn check_parameter(parameter: &PatType, diagnostics: &mut Diagnostics) {
    for attribute in &parameter.attrs {
        diagnostics.add(
            attribute,
            "an argument of a service has no attributes: describe it in the \
            documentation of the method",
        );
    }
    match &*parameter.pat {
        Pat::Ident(name) => {
            if let Some(token) = &name.mutability {
                diagnostics
                    .add(token, "`mut` belongs where the trait is implemented: remove it here");
            }
            if let Some(token) = &name.by_ref {
                diagnostics
                    .add(token, "`ref` belongs where the trait is implemented: remove it here");
            }
        }
        pattern => diagnostics.add(
            pattern,
            "an argument of a service needs a name, under which it travels: write `name: Type`",
        ),
    }
}
