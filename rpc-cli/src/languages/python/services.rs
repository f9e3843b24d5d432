//! `services.py`: for each service a client, and a handler for those who answer its calls.

use rpc_core::schema::{Format, MethodKind, MethodSchema};

use super::{
    formats::From,
    names,
    shapes::{Package, Served},
    text::{Lines, documentation, literal},
};
use crate::api::unique::Unique;

/// What every call takes beside its arguments.
const OPTIONS: [&str; 2] = ["timeout: float | None = None", "metadata: _runtime.Metadata = None"];

/// A method with its names.
struct Named<'a> {
    schema: &'a MethodSchema,
    name: String,
    constant: String,
}

/// The module.
pub(super) fn module(package: &Package<'_>) -> String {
    let mut body = Lines::new();
    let mut constants = Unique::default();
    for service in &package.services {
        let mut taken = Unique::default();
        let method = |schema: &'_ MethodSchema| {
            let both = format!("{}_{}", service.client, schema.name);
            let constant = constants.take(&format!("_{}", names::constant(&both)));
            (taken.take(&names::method(&schema.name)), constant)
        };
        let named: Vec<_> = service.schema.methods.iter().map(method).collect();
        let schemas = service.schema.methods.iter();
        let methods: Vec<_> = schemas
            .zip(named)
            .map(|(schema, (name, constant))| Named { schema, name, constant })
            .collect();
        body.blank();
        for method in &methods {
            describe(&mut body, package, service, method);
        }
        client(&mut body, package, service, &methods);
        handler(&mut body, package, service, &methods);
    }
    let body = body.finish();
    head(&body) + &body
}

fn head(body: &str) -> String {
    let mut out = Lines::new();
    out.doc("", "The services: a client for each, and a handler for those who answer its calls.");
    out.blank();
    out.line("from __future__ import annotations");
    let modules: Vec<_> = ["abc", "ipaddress", "typing", "warnings"]
        .into_iter()
        .filter(|module| body.contains(&format!("{module}.")))
        .collect();
    if !modules.is_empty() {
        out.blank();
    }
    for module in modules {
        out.line(&format!("import {module}"));
    }
    let uses = |name: &str| body.contains(&format!("{name}."));
    let mut own = Vec::new();
    for name in ["_codecs", "_runtime"] {
        if uses(name) {
            own.push(name);
        }
    }
    if body.contains("[types.") || body.contains(" types.") {
        own.push("types");
    }
    if !own.is_empty() {
        out.blank();
        out.line(&format!("from . import {}", own.join(", ")));
    }
    for module in ["shapes", "wire"] {
        if uses(&format!("_{module}")) {
            out.line(&format!("from ._runtime import {module} as _{module}"));
        }
    }
    out.finish()
}

/// The constant that describes a method to the run-time.
fn describe(out: &mut Lines, package: &Package<'_>, service: &Served<'_>, method: &Named<'_>) {
    let schema = method.schema;
    let codec = |format: &Format| package.codec(service.schema, format, "_codecs.");
    let returns = package.annotation(service.schema, &schema.returns, From::Elsewhere);
    let arguments: Vec<_> =
        schema.arguments.iter().map(|argument| codec(&argument.format)).collect();
    out.line(&format!("{}: _runtime.Method[{returns}] = _runtime.Method(", method.constant));
    out.line(&format!("    path={},", literal(&schema.path)));
    out.line(&format!("    key=0x{:016X},", schema.key.to_u64()));
    out.line(&format!("    arguments=_shapes.Tuple({}),", arguments.join(", ")));
    out.line(&format!("    returns={},", codec(&schema.returns)));
    match &schema.fails {
        Some(format) if is_class(package, service, format) => {
            out.line(&format!("    fails={},", codec(format)));
        }
        Some(format) => out.line(&format!("    fails=_runtime.Plain({}),", codec(format))),
        None => {}
    }
    if let Some(upload) = &schema.upload {
        out.line(&format!("    uploads={},", codec(&upload.format)));
    }
    if schema.kind.streams_reply() {
        out.line("    downloads=True,");
    }
    if schema.ordered {
        let order = if service.schema.ordered { &service.schema.name } else { &schema.path };
        out.line(&format!("    ordered={},", literal(order)));
    }
    out.line(")");
}

fn is_class(package: &Package<'_>, service: &Served<'_>, format: &Format) -> bool {
    matches!(format, Format::Named(key) if package.shape(service.schema, key).is_some())
}

fn client(out: &mut Lines, package: &Package<'_>, service: &Served<'_>, methods: &[Named<'_>]) {
    out.blank();
    out.blank();
    out.line(&format!("class {}:", service.client));
    let doc = documentation(&service.schema.doc, service.schema.deprecated.as_deref());
    let plain = format!("Calls ``{}`` on the other side.", service.schema.name);
    out.doc("    ", if doc.is_empty() { &plain } else { &doc });
    out.blank();
    out.line("    def __init__(self, connection: _runtime.Connection) -> None:");
    out.line("        self._connection = connection");
    for method in methods {
        out.blank();
        signature(out, package, service, method, Role::Client);
        out.doc(
            "        ",
            &documentation(&method.schema.doc, method.schema.deprecated.as_deref()),
        );
        if let Some(why) = &method.schema.deprecated {
            let text = format!("{} is deprecated. {why}", method.schema.path);
            let text = literal(text.trim());
            out.line(&format!("        warnings.warn({text}, DeprecationWarning, stacklevel=2)"));
        }
        let arguments = argument_names(method.schema);
        let list = match arguments.as_slice() {
            [one] => format!("({one},)"),
            all => format!("({})", all.join(", ")),
        };
        let items = upload_name(method.schema).map(|name| format!(", items={name}"));
        let items = items.unwrap_or_default();
        let call = match method.schema.kind {
            MethodKind::Oneway => "await self._connection.tell",
            kind if kind.streams_reply() => "return self._connection.stream",
            _ if method.schema.returns == Format::Unit => "await self._connection.call",
            _ => "return await self._connection.call",
        };
        let constant = &method.constant;
        out.line(&format!(
            "        {call}({constant}, {list}, timeout=timeout, metadata=metadata{items})"
        ));
    }
}

fn handler(out: &mut Lines, package: &Package<'_>, service: &Served<'_>, methods: &[Named<'_>]) {
    out.blank();
    out.blank();
    out.line(&format!("class {}(abc.ABC):", service.handler));
    let name = &service.schema.name;
    out.doc("    ", &format!("Answers calls of ``{name}`` from the other side: implement its methods, and register it."));
    for method in methods {
        out.blank();
        out.line("    @abc.abstractmethod");
        signature(out, package, service, method, Role::Handler);
        let doc = documentation(&method.schema.doc, method.schema.deprecated.as_deref());
        out.doc("        ", if doc.is_empty() { "Answers a call." } else { &doc });
    }
    out.blank();
    out.line("    def __rpc_methods__(self) -> list[_runtime.Handled]:");
    out.line("        return [");
    for method in methods {
        out.line(&format!(
            "            _runtime.Handled({}, self.{}),",
            method.constant, method.name
        ));
    }
    out.line("        ]");
}

/// Who a signature is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Client,
    Handler,
}

fn signature(
    out: &mut Lines,
    package: &Package<'_>,
    service: &Served<'_>,
    method: &Named<'_>,
    role: Role,
) {
    let schema = method.schema;
    let annotation = |format| package.annotation(service.schema, format, From::Elsewhere);
    let mut parameters = vec!["self".to_owned()];
    let given = if role == Role::Client { given(schema) } else { schema.arguments.len() };
    for (index, name) in argument_names(schema).iter().enumerate() {
        let default = if index < given { "" } else { " = None" };
        let annotation = annotation(&schema.arguments[index].format);
        parameters.push(format!("{name}: {annotation}{default}"));
    }
    if let (Some(name), Some(upload)) = (upload_name(schema), &schema.upload) {
        let items = if role == Role::Client { "_runtime.Items" } else { "typing.AsyncIterator" };
        parameters.push(format!("{name}: {items}[{}]", annotation(&upload.format)));
    }
    if role == Role::Client {
        parameters.push("*".to_owned());
        parameters.extend(OPTIONS.map(str::to_owned));
    }
    let value = annotation(&schema.returns);
    let (keyword, returns) = match (schema.kind.streams_reply(), role) {
        (true, Role::Client) => ("def", format!("typing.AsyncGenerator[{value}, None]")),
        (true, Role::Handler) => ("def", format!("typing.AsyncIterator[{value}]")),
        _ => ("async def", value),
    };
    let name = &method.name;
    let line = format!("    {keyword} {name}({}) -> {returns}:", parameters.join(", "));
    if line.chars().count() <= 100 {
        out.line(&line);
        return;
    }
    out.line(&format!("    {keyword} {name}("));
    for parameter in parameters {
        out.line(&format!("        {parameter},"));
    }
    out.line(&format!("    ) -> {returns}:"));
}

/// How many arguments callers have to give: options at the end may be left out.
fn given(schema: &MethodSchema) -> usize {
    let arguments = &schema.arguments;
    if schema.upload.is_some() {
        return arguments.len();
    }
    let options = arguments.iter().rev();
    let options = options.take_while(|argument| matches!(argument.format, Format::Option(_)));
    arguments.len() - options.count()
}

/// The names of the arguments that travel with the request.
fn argument_names(schema: &MethodSchema) -> Vec<String> {
    let mut taken = Unique::default();
    schema.arguments.iter().map(|argument| taken.take(&names::field(&argument.name))).collect()
}

/// The name of the argument that is streamed.
fn upload_name(schema: &MethodSchema) -> Option<String> {
    let own = argument_names(schema);
    let upload = schema.upload.as_ref()?;
    Some(Unique::with(own.iter().map(String::as_str)).take(&names::field(&upload.name)))
}
