//! The module of services: for each a class with which to call it, an interface with which to answer it, and the
//! function that makes a handler of that.

use rpc_core::schema::{Format, MethodKind};

use super::{
    super::{
        names::{Callable, Role, Served},
        target::From,
    },
    Part, TypeScript,
    text::{doc, string},
};
use crate::api::{Method, Shape};

/// The beginning of a part of a service.
pub(super) fn head(out: &mut String, part: Part, service: &Served<'_>) {
    let schema = service.of.schema;
    let [class, handler, function, table] = &service.names[..] else { return };
    out.push('\n');
    match part {
        Part::Class => {
            out.push_str(&doc(&schema.doc, schema.deprecated.as_deref(), 0));
            put!(
                out,
                "export class {class} {{\n  readonly #caller: rpc.Caller;\n\n  \
                 constructor(caller: rpc.Caller) {{\n    this.#caller = caller;\n  }}"
            );
        }
        Part::Interface => {
            out.push_str(&doc(&format!("Answers calls of `{}`.", schema.name), None, 0));
            put!(out, "export interface {handler} {{");
        }
        Part::Function => {
            let name = &schema.name;
            let does = format!("What `connection.register` takes, for the calls of `{name}`.");
            out.push_str(&doc(&does, None, 0));
            put!(
                out,
                "export function {function}(handler: {handler}): rpc.ServiceHandler {{\n  \
                 return rpc.service({}, [",
                string(name)
            );
        }
        _ => put!(out, "const {table} = {{"),
    }
}

/// The row of a handler's method.
pub(super) fn handle(out: &mut String, service: &Served<'_>, method: &Callable<'_>) {
    let answer = match method.of.schema.kind {
        MethodKind::Unary | MethodKind::Oneway => "answer",
        MethodKind::ServerStream => "answerStream",
        MethodKind::ClientStream => "answerUpload",
        _ => "answerDuplex",
    };
    let arguments = method.arguments(Role::Handler);
    let list = if arguments.is_empty() { "_".to_owned() } else { list(method, Role::Handler) };
    let behind = method.upload(Role::Handler).into_iter().chain(["context"]);
    let given: Vec<_> = arguments.iter().map(String::as_str).chain(behind.clone()).collect();
    let parameters: Vec<_> = [&*list].into_iter().chain(behind).collect();
    put!(
        out,
        "    rpc.{answer}({}.{name}, ({}) => handler.{name}({})),",
        service.names[3],
        parameters.join(", "),
        given.join(", "),
        name = method.name,
    );
}

/// The arguments as an array, or the pattern that takes it apart.
fn list(method: &Callable<'_>, role: Role) -> String {
    format!("[{}]", method.arguments(role).join(", "))
}

impl<'a> TypeScript<'a> {
    /// How the calls of a method travel.
    pub(super) fn describe(&self, out: &mut String, method: &Callable<'a>) {
        let (of, schema) = (method.of, method.of.schema);
        let codec = |shape: &Shape<'_>| self.codec(shape, From::Elsewhere);
        let returns = match (&schema.returns, schema.kind.streams_reply()) {
            (Format::Unit, false) => "rpc.nothing".to_owned(),
            _ => codec(&of.returns),
        };
        put!(
            out,
            "  {}: {{\n    path: {},\n    key: 0x{:016x}n,\n    arguments: {},\n    returns: {returns},\n    \
             upload: {},\n    fails: {},\n  }},",
            method.name,
            string(&schema.path),
            schema.key.to_u64(),
            self.tuple_codec(&of.arguments, From::Elsewhere),
            of.upload.as_ref().map_or_else(|| "rpc.unit".to_owned(), codec),
            of.fails.as_ref().map_or_else(|| "undefined".to_owned(), codec),
        );
    }

    /// The method of the class.
    pub(super) fn call(&self, out: &mut String, service: &Served<'a>, method: &Callable<'a>) {
        let schema = method.of.schema;
        let streamed = self.type_of(&method.of.returns, From::Elsewhere);
        let (call, returns) = match schema.kind {
            MethodKind::Oneway => ("notify", "Promise<void>".to_owned()),
            MethodKind::Unary => ("call", self.promised(method.of)),
            MethodKind::ClientStream => ("upload", self.promised(method.of)),
            MethodKind::ServerStream => ("stream", format!("rpc.ItemStream<{streamed}>")),
            _ => ("duplex", format!("rpc.ItemStream<{streamed}>")),
        };
        let mut parameters = self.parameters(method, Role::Caller);
        parameters.push("options?: rpc.CallOptions".to_owned());
        let name = &method.name;
        let own = [format!("{}.{name}", service.names[3]), list(method, Role::Caller)];
        let behind = method.upload(Role::Caller).into_iter().chain(["options"]);
        let given: Vec<_> = own.iter().map(String::as_str).chain(behind).collect();
        out.push('\n');
        out.push_str(&doc(&schema.doc, schema.deprecated.as_deref(), 2));
        put!(
            out,
            "  {name}({}): {returns} {{\n    return this.#caller.{call}({});\n  }}",
            parameters.join(", "),
            given.join(", ")
        );
    }

    /// The method of the interface.
    pub(super) fn answer(&self, out: &mut String, method: &Callable<'a>) {
        let of = method.of;
        // Handlers must answer calls of deprecated methods too.
        out.push_str(&doc(&of.schema.doc, None, 2));
        let mut parameters = self.parameters(method, Role::Handler);
        parameters.push("context: rpc.CallContext".to_owned());
        let value = self.given_type(&of.returns);
        let returns = match of.schema.returns {
            _ if of.schema.kind.streams_reply() => format!("rpc.Items<{value}>"),
            Format::Unit => "void | Promise<void>".to_owned(),
            _ => format!("{value} | Promise<{value}>"),
        };
        put!(out, "  {}({}): {returns};", method.name, parameters.join(", "));
    }

    /// The parameters with their types.
    fn parameters(&self, method: &Callable<'a>, role: Role) -> Vec<String> {
        let shape = |shape: &Shape<'_>| match role {
            Role::Caller => self.given_type(shape),
            Role::Handler => self.type_of(shape, From::Elsewhere),
        };
        let given = if role == Role::Caller { method.of.given() } else { usize::MAX };
        let with = method.arguments(role).iter().zip(&method.of.arguments).enumerate();
        let parameter = |(index, (name, argument)): (usize, (&String, &Shape<'a>))| {
            let optional = if index < given { "" } else { "?" };
            format!("{name}{optional}: {}", shape(argument))
        };
        let mut parameters: Vec<String> = with.map(parameter).collect();
        if let (Some(name), Some(upload)) = (method.upload(role), &method.of.upload) {
            let items = match role {
                Role::Caller => "rpc.Items",
                Role::Handler => "AsyncIterableIterator",
            };
            parameters.push(format!("{name}: {items}<{}>", shape(upload)));
        }
        parameters
    }

    /// The result of a method that does not stream.
    fn promised(&self, method: &Method<'_>) -> String {
        match method.schema.returns {
            Format::Unit => "Promise<void>".to_owned(),
            _ => format!("Promise<{}>", self.type_of(&method.returns, From::Elsewhere)),
        }
    }
}
