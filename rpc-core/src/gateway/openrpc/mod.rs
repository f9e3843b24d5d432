//! OpenRPC 1.4: <https://spec.open-rpc.org>. What OpenRPC has no word for, streams and one-way methods, is said in
//! extensions, `x-rpc-…`, and so are the permissions that callers need.

mod json_schema;
pub(super) mod names;

use serde_json::{Map, Value, json};

use crate::schema::{
    Argument, Document, Format, MethodKind, MethodSchema, Repetition, ServiceSchema,
};
use json_schema::Schemas;
use names::Names;

/// The services of a document as an OpenRPC 1.4 document: what [`Http`](crate::Http) answers to `rpc.discover`.
///
/// ```
/// use rpc_core::schema::{Document, ServiceBuilder};
///
/// let document = Document::new(vec![ServiceBuilder::new("Clock", "").build()]);
/// assert_eq!(rpc_core::openrpc(&document, "clocks")["info"]["title"], "clocks");
/// ```
#[must_use]
pub fn openrpc(document: &Document, title: &str) -> Value {
    let names = Names::of(document);
    let mut schemas = Map::new();
    for named in &names.types {
        let writer = Schemas { names: &names, service: named.service };
        schemas.insert(named.name.clone(), writer.container(named.container));
    }
    let methods = document.services.iter().flat_map(|service| {
        let writer = Schemas { names: &names, service };
        service.methods.iter().map(move |method| self::method(writer, method))
    });
    json!({
        "openrpc": "1.4.0",
        "info": { "title": title, "version": "1" },
        "methods": methods.collect::<Vec<_>>(),
        "components": { "schemas": schemas },
    })
}

fn method(writer: Schemas<'_>, method: &MethodSchema) -> Value {
    let mut value = json!({
        "name": method.path,
        "tags": [{ "name": writer.service.name }],
        "paramStructure": "either",
        "params": method.arguments.iter().map(|argument| param(writer, argument)).collect::<Vec<_>>(),
        "x-rpc-kind": kind(method.kind),
        "x-rpc-key": method.key,
    });
    let Value::Object(object) = &mut value else { return value };
    let mut add = |key: &str, value: Value| {
        object.insert(key.to_owned(), value);
    };
    if let Some(summary) = method.doc.lines().next().filter(|line| !line.is_empty()) {
        add("summary", summary.into());
    }
    let description = description(writer.service, method);
    if !description.is_empty() {
        add("description", description.into());
    }
    if method.deprecated.is_some() {
        add("deprecated", true.into());
    }
    if method.kind != MethodKind::Oneway {
        add("result", json!({ "name": "result", "schema": writer.format(&method.returns) }));
    }
    if let Some(upload) = &method.upload {
        add(
            "x-rpc-upload",
            json!({ "name": upload.name, "schema": writer.format(&upload.format) }),
        );
    }
    if let Some(error) = &method.fails {
        // The code is that of JSON-RPC gateways for an application's own error.
        let schema = writer.format(error);
        add("errors", json!([{ "code": 2, "message": "the method's own error", "data": schema }]));
    }
    if method.ordered {
        add("x-rpc-ordered", true.into());
    }
    if let Some(word) = method.repetition.word() {
        add("x-rpc-repetition", word.into());
    }
    if !method.requires.is_empty() {
        add("x-rpc-requires", method.requires.as_slice().into());
    }
    value
}

/// The documentation, and what OpenRPC cannot say otherwise.
fn description(service: &ServiceSchema, method: &MethodSchema) -> String {
    let mut parts = Vec::new();
    if !method.doc.is_empty() {
        parts.push(method.doc.clone());
    }
    parts.extend(exchange(method.kind).map(str::to_owned));
    parts.extend(repetition(method.repetition).map(str::to_owned));
    parts.extend(requirement(method));
    parts.extend(method.deprecated.as_deref().map(deprecation));
    parts.push(format!("`{}`", service.signature(method)));
    parts.join("\n\n")
}

fn param(writer: Schemas<'_>, argument: &Argument) -> Value {
    json!({
        "name": argument.name,
        "required": !matches!(argument.format, Format::Option(_)),
        "schema": writer.format(&argument.format),
    })
}

const fn kind(kind: MethodKind) -> &'static str {
    match kind {
        MethodKind::Oneway => "oneway",
        MethodKind::ServerStream => "server-stream",
        MethodKind::ClientStream => "client-stream",
        MethodKind::Duplex => "duplex",
        MethodKind::Unary => "unary",
    }
}

/// A sentence about a method that is not one request and one reply.
const fn exchange(kind: MethodKind) -> Option<&'static str> {
    match kind {
        MethodKind::Oneway => Some("One-way: there is no reply."),
        MethodKind::ServerStream => Some("The reply is a stream."),
        MethodKind::ClientStream => Some("Takes a stream."),
        MethodKind::Duplex => Some("Takes a stream and replies with one."),
        MethodKind::Unary => None,
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
