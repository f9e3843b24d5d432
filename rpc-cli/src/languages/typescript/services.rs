//! The module of services: for each a class with which to call it, an interface with which to answer it, and the
//! function that makes a handler of that.

use std::fmt::Write as _;

use rpc_core::schema::{Format, MethodKind, MethodSchema};

use super::{
    codecs::Place,
    names::{NamedService, Names, variable},
    text::{doc, string},
};
use crate::api::unique::Unique;

/// The module.
pub(super) fn module(names: &Names<'_>) -> String {
    if names.services().is_empty() {
        return "export {};\n".to_owned();
    }
    let mut body = String::new();
    for service in names.services() {
        let place = Place { names, service: service.service, defined: None };
        for part in [table, class, handler, function] {
            body.push('\n');
            body.push_str(&part(place, service));
        }
    }
    let types =
        if body.contains("types.") { "import * as types from \"./types.js\";\n" } else { "" };
    format!("\nimport * as rpc from \"./runtime/index.js\";\n{types}{body}")
}

/// How the calls of each method travel.
fn table(place: Place<'_>, service: &NamedService<'_>) -> String {
    let mut text = format!("const {} = {{\n", service.table);
    for (name, method) in &service.methods {
        let arguments: Vec<Format> =
            method.arguments.iter().map(|argument| argument.format.clone()).collect();
        let returns = match (&method.returns, method.kind.streams_reply()) {
            (Format::Unit, false) => "rpc.nothing".to_owned(),
            (format, _) => place.codec(format),
        };
        let upload = method.upload.as_ref().map(|upload| place.codec(&upload.format));
        let fails = method.fails.as_ref().map(|fails| place.codec(fails));
        let _ = write!(
            text,
            "  {name}: {{\n    path: {},\n    key: 0x{:016x}n,\n    arguments: {},\n    returns: {returns},\n    \
             upload: {},\n    fails: {},\n  }},\n",
            string(&method.path),
            method.key.to_u64(),
            place.tuple_codec(&arguments),
            upload.as_deref().unwrap_or("rpc.unit"),
            fails.as_deref().unwrap_or("undefined"),
        );
    }
    text.push_str("};\n");
    text
}

/// The class of callers.
fn class(place: Place<'_>, service: &NamedService<'_>) -> String {
    let schema = service.service;
    let mut text = doc(&schema.doc, schema.deprecated.as_deref(), 0);
    let _ = write!(
        text,
        "export class {} {{\n  readonly #connection: rpc.Connection;\n\n  constructor(connection: \
         rpc.Connection) {{\n    this.#connection = connection;\n  }}\n",
        service.class
    );
    for (name, method) in &service.methods {
        text.push('\n');
        text.push_str(&doc(&method.doc, method.deprecated.as_deref(), 2));
        let signature = Signature::new(method, "options");
        let returns = match method.kind {
            MethodKind::Oneway => "Promise<void>".to_owned(),
            kind if kind.streams_reply() => {
                format!("rpc.ItemStream<{}>", place.type_of(&method.returns))
            }
            _ => format!("Promise<{}>", result_type(place, method, false)),
        };
        let mut parameters = signature.typed(place, method, Side::Caller);
        parameters.push("options?: rpc.CallOptions".to_owned());
        let call = match method.kind {
            MethodKind::Unary => "call",
            MethodKind::Oneway => "notify",
            MethodKind::ServerStream => "stream",
            MethodKind::ClientStream => "upload",
            _ => "duplex",
        };
        let mut given = vec![format!("{}.{name}", service.table), signature.list()];
        given.extend(signature.upload);
        given.push("options".to_owned());
        let _ = write!(
            text,
            "  {name}({}): {returns} {{\n    return this.#connection.{call}({});\n  }}\n",
            parameters.join(", "),
            given.join(", ")
        );
    }
    text.push_str("}\n");
    text
}

/// The interface of those who answer.
fn handler(place: Place<'_>, service: &NamedService<'_>) -> String {
    let summary = format!("Answers calls of `{}`.", service.service.name);
    let mut text = doc(&summary, None, 0);
    let _ = writeln!(text, "export interface {} {{", service.handler);
    for (name, method) in &service.methods {
        // Whoever answers must answer calls of deprecated methods too.
        text.push_str(&doc(&method.doc, None, 2));
        let mut parameters = Signature::new(method, "context").typed(place, method, Side::Answerer);
        parameters.push("context: rpc.CallContext".to_owned());
        let returns = if method.kind.streams_reply() {
            format!("rpc.Items<{}>", place.given_type(&method.returns))
        } else {
            let value = result_type(place, method, true);
            format!("{value} | Promise<{value}>")
        };
        let _ = writeln!(text, "  {name}({}): {returns};", parameters.join(", "));
    }
    text.push_str("}\n");
    text
}

/// The function that makes a handler of that interface.
fn function(_: Place<'_>, service: &NamedService<'_>) -> String {
    let summary =
        format!("What `connection.register` takes, for the calls of `{}`.", service.service.name);
    let mut text = doc(&summary, None, 0);
    let _ = write!(
        text,
        "export function {}(handler: {}): \
         rpc.ServiceHandler {{\n  return rpc.service({}, [\n",
        service.function,
        service.handler,
        string(&service.service.name)
    );
    for (name, method) in &service.methods {
        let answer = match method.kind {
            MethodKind::Unary | MethodKind::Oneway => "answer",
            MethodKind::ServerStream => "answerStream",
            MethodKind::ClientStream => "answerUpload",
            _ => "answerDuplex",
        };
        let signature = Signature::new(method, "context");
        let pattern =
            if signature.arguments.is_empty() { "_".to_owned() } else { signature.list() };
        let mut parameters = vec![pattern];
        parameters.extend(signature.upload.clone());
        parameters.push("context".to_owned());
        let mut given = signature.arguments.clone();
        given.extend(signature.upload.clone());
        given.push("context".to_owned());
        let _ = writeln!(
            text,
            "    rpc.{answer}({}.{name}, ({}) => handler.{name}({})),",
            service.table,
            parameters.join(", "),
            given.join(", ")
        );
    }
    text.push_str("  ]);\n}\n");
    text
}

/// Who writes or reads the types of a method.
#[derive(Clone, Copy)]
enum Side {
    Caller,
    Answerer,
}

/// The names of the parameters.
struct Signature {
    arguments: Vec<String>,
    upload: Option<String>,
}

impl Signature {
    /// None of them is `last`, which comes behind, nor what else the code around uses.
    fn new(method: &MethodSchema, last: &str) -> Self {
        let mut taken = Unique::with(["_", "rpc", "types", "handler", last]);
        let mut name = |argument: &str| variable(argument, &mut taken);
        let arguments = method.arguments.iter().map(|argument| name(&argument.name)).collect();
        let upload = method.upload.as_ref().map(|upload| name(&upload.name));
        Self { arguments, upload }
    }

    /// The arguments as an array, or the pattern that takes it apart.
    fn list(&self) -> String {
        format!("[{}]", self.arguments.join(", "))
    }

    /// The parameters with their types.
    fn typed(&self, place: Place<'_>, method: &MethodSchema, side: Side) -> Vec<String> {
        let shape = |format: &Format| match side {
            Side::Caller => place.given_type(format),
            Side::Answerer => place.type_of(format),
        };
        let with = self.arguments.iter().zip(&method.arguments);
        let mut parameters: Vec<String> =
            with.map(|(name, argument)| format!("{name}: {}", shape(&argument.format))).collect();
        if let (Some(name), Some(upload)) = (&self.upload, &method.upload) {
            let item = shape(&upload.format);
            parameters.push(match side {
                Side::Caller => format!("{name}: rpc.Items<{item}>"),
                Side::Answerer => format!("{name}: AsyncIterableIterator<{item}>"),
            });
        }
        parameters
    }
}

/// What a method returns that does not stream.
fn result_type(place: Place<'_>, method: &MethodSchema, given: bool) -> String {
    match &method.returns {
        Format::Unit => "void".to_owned(),
        format if given => place.given_type(format),
        format => place.type_of(format),
    }
}
