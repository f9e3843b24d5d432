//! Descriptions as documents that others read: OpenRPC for programs, Markdown and a page for people.

mod html;
mod markdown;

pub(crate) use html::page;
pub(crate) use markdown::markdown;

use clap::ValueEnum;
use rpc_core::schema::{Document, MethodKind, MethodSchema, Repetition};
use serde_json::Value;

use crate::api::Api;

/// A form of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum Form {
    /// An OpenRPC 1.4 document, `openrpc.json`.
    Openrpc,
    /// A page for repositories and wikis, `api.md`.
    Markdown,
    /// A page to look at, `api.html`.
    Html,
}

/// The document in that form with the name of its file.
pub(crate) fn document(form: Form, api: &Api<'_>, title: &str) -> (&'static str, String) {
    match form {
        Form::Openrpc => ("openrpc.json", format!("{:#}\n", openrpc(api, title))),
        Form::Markdown => ("api.md", markdown(api, title)),
        Form::Html => ("api.html", page(api, title)),
    }
}

/// The OpenRPC document of all services: what a server with an HTTP face gives of itself.
pub(crate) fn openrpc(api: &Api<'_>, title: &str) -> Value {
    rpc_core::openrpc(&Document::new(api.schemas().cloned().collect()), title)
}

/// A sentence about a method that is not one request and one reply.
const fn exchange(kind: MethodKind) -> Option<&'static str> {
    match kind {
        MethodKind::Oneway => Some("One-way: there is no reply."),
        MethodKind::ServerStream => Some("The reply is a stream."),
        MethodKind::ClientStream => Some("Takes a stream."),
        MethodKind::Duplex => Some("Takes a stream and replies with one."),
        _ => None,
    }
}

/// A sentence about a method whose calls may be made again.
const fn repetition(repetition: Repetition) -> Option<&'static str> {
    match repetition {
        Repetition::Idempotent => Some("Idempotent: may be called again."),
        Repetition::Once => Some("Runs once for all calls with the same idempotency key."),
        _ => None,
    }
}

/// A sentence about a method that not everybody may call.
fn requirement(method: &MethodSchema) -> Option<String> {
    match &method.requires[..] {
        [] => None,
        [one] => Some(format!("Requires the permission `{one}`.")),
        all => Some(format!("Requires the permissions `{}`.", all.join("`, `"))),
    }
}

/// The reason of `deprecated` as a sentence.
fn deprecation(why: &str) -> String {
    if why.is_empty() { "Deprecated.".to_owned() } else { format!("Deprecated: {why}") }
}
