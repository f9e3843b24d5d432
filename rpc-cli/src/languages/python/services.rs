//! `services.py`: for each service a client, and a handler for those who answer its calls.

use rpc_core::schema::{Format, MethodKind};

use super::{
    super::{
        names::{Callable, Role, Served},
        target::From,
    },
    Part, Python,
    text::{self, documentation, literal},
};
use crate::api::Shape;

/// The parameters of every call beside its arguments.
const OPTIONS: [&str; 2] = ["timeout: float | None = None", "metadata: _runtime.Metadata = None"];

/// Who calls a method that is written, or who answers it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Caller,
    Blocking,
    Handler,
}

/// The module around its services.
pub(super) fn file(services: String) -> String {
    let mut out = String::new();
    let doc = "The services: a client for each, and a handler for those who answer its calls.";
    text::doc(&mut out, "", doc);
    out.push_str("\nfrom __future__ import annotations\n");
    let uses = |name: &&str| services.contains(&format!("{name}."));
    let modules = text::imports(&["abc", "ipaddress", "typing", "warnings"], &services);
    let mut own: Vec<_> = ["_codecs", "_runtime"].into_iter().filter(uses).collect();
    if services.contains("[types.") || services.contains(" types.") {
        own.push("types");
    }
    let own = own.join(", ");
    let gap = |text: &str| if text.is_empty() { "" } else { "\n" };
    out = out + gap(&modules) + &modules + gap(&own);
    if !own.is_empty() {
        put!(out, "from . import {own}");
    }
    text::runtime_imports(&mut out, &["natives", "shapes", "wire"], &services);
    out + &services
}

/// The beginning of a part of a service.
pub(super) fn head(out: &mut String, part: Part, service: &Served<'_>) {
    let schema = service.of.schema;
    let [client, handler, blocking] = &service.names[..] else { return };
    match part {
        Part::Constants => out.push('\n'),
        Part::Client => {
            put!(out, "\n\nclass {client}:");
            let doc = documentation(&schema.doc, schema.deprecated.as_deref());
            let plain = format!("Calls ``{}`` on the other side.", schema.name);
            text::doc(out, "    ", if doc.is_empty() { &plain } else { &doc });
            put!(
                out,
                "\n    def __init__(self, connection: _runtime.Connection) -> None:\n        \
                 self._connection = connection"
            );
        }
        Part::Blocking => {
            put!(out, "\n\nclass {blocking}:");
            text::doc(out, "    ", &format!("The same as ``{client}``, for code that blocks."));
            put!(
                out,
                "\n    def __init__(self, link: _runtime.BlockingConnection) -> None:\n        \
                 self._link = link\n        self._service = {client}(link.connection)"
            );
        }
        Part::Handler => {
            put!(out, "\n\nclass {handler}(abc.ABC):");
            let does = "implement its methods, and register it.";
            let doc = format!("Answers calls of ``{}`` from the other side: {does}", schema.name);
            text::doc(out, "    ", &doc);
        }
        _ => put!(
            out,
            "\n    def __rpc_methods__(self) -> list[_runtime.Handled]:\n        return ["
        ),
    }
}

impl<'a> Python<'a> {
    /// The constant that describes a method to the run-time.
    pub(super) fn describe(
        &self,
        out: &mut String,
        service: &Served<'a>,
        method: &Callable<'a>,
        constant: &str,
    ) {
        let (of, schema) = (method.of, method.of.schema);
        let codec = |shape: &Shape<'_>| self.codec(shape, From::Elsewhere);
        let returns = self.annotation(&of.returns, From::Elsewhere);
        let arguments: Vec<_> = of.arguments.iter().map(codec).collect();
        put!(out, "{constant}: _runtime.Method[{returns}] = _runtime.Method(");
        put!(out, "    path={},", literal(&schema.path));
        put!(out, "    key=0x{:016X},", schema.key.to_u64());
        put!(out, "    arguments=_shapes.Tuple({}),", arguments.join(", "));
        put!(out, "    returns={},", codec(&of.returns));
        match &of.fails {
            Some(named @ Shape::Named(_)) => put!(out, "    fails={},", codec(named)),
            Some(plain) => put!(out, "    fails=_runtime.Plain({}),", codec(plain)),
            None => {}
        }
        if let Some(upload) = &of.upload {
            put!(out, "    uploads={},", codec(upload));
        }
        if schema.kind.streams_reply() {
            put!(out, "    downloads=True,");
        }
        if schema.ordered {
            let whole = service.of.schema.ordered;
            let order = if whole { &service.of.schema.name } else { &schema.path };
            put!(out, "    ordered={},", literal(order));
        }
        put!(out, ")");
    }

    /// The method of a client.
    pub(super) fn call(&self, out: &mut String, method: &Callable<'a>, constant: &str) {
        let schema = method.of.schema;
        self.signature(out, method, Side::Caller);
        text::doc(out, "        ", &documentation(&schema.doc, schema.deprecated.as_deref()));
        if let Some(why) = &schema.deprecated {
            let text = literal(format!("{} is deprecated. {why}", schema.path).trim());
            put!(out, "        warnings.warn({text}, DeprecationWarning, stacklevel=2)");
        }
        let call = match schema.kind {
            MethodKind::Oneway => "await self._connection.tell",
            kind if kind.streams_reply() => "return self._connection.stream",
            _ if schema.returns == Format::Unit => "await self._connection.call",
            _ => "return await self._connection.call",
        };
        let list = text::tuple(method.arguments(Role::Caller));
        let items = method.upload(Role::Caller).map(|name| format!(", items={name}"));
        let items = items.unwrap_or_default();
        put!(out, "        {call}({constant}, {list}, timeout=timeout, metadata=metadata{items})");
    }

    /// The method of a handler.
    pub(super) fn answer(&self, out: &mut String, method: &Callable<'a>) {
        let schema = method.of.schema;
        put!(out, "\n    @abc.abstractmethod");
        self.signature(out, method, Side::Handler);
        let doc = documentation(&schema.doc, schema.deprecated.as_deref());
        text::doc(out, "        ", if doc.is_empty() { "Answers a call." } else { &doc });
    }

    /// The method of a client for code that blocks.
    pub(super) fn block(&self, out: &mut String, method: &Callable<'a>) {
        let schema = method.of.schema;
        self.signature(out, method, Side::Blocking);
        text::doc(out, "        ", &documentation(&schema.doc, schema.deprecated.as_deref()));
        let call = match schema.kind {
            MethodKind::Oneway => "self._link.run",
            kind if kind.streams_reply() => "return self._link.iterate",
            _ if schema.returns == Format::Unit => "self._link.run",
            _ => "return self._link.run",
        };
        let given = method.arguments(Role::Caller).iter().map(String::as_str);
        let given: Vec<_> = given.chain(method.upload(Role::Caller)).collect();
        let given: String = given.iter().map(|name| format!("{name}, ")).collect();
        let name = &method.name;
        put!(
            out,
            "        {call}(self._service.{name}({given}timeout=timeout, metadata=metadata))"
        );
    }

    fn signature(&self, out: &mut String, method: &Callable<'a>, side: Side) {
        let role = if side == Side::Handler { Role::Handler } else { Role::Caller };
        let of = method.of;
        let annotation = |shape: &Shape<'_>| self.annotation(shape, From::Elsewhere);
        let mut parameters = vec!["self".to_owned()];
        let given = if role == Role::Caller { of.given() } else { of.arguments.len() };
        let arguments = method.arguments(role).iter().zip(&of.arguments).enumerate();
        parameters.extend(arguments.map(|(index, (name, shape))| {
            let default = if index < given { "" } else { " = None" };
            format!("{name}: {}{default}", annotation(shape))
        }));
        if let (Some(name), Some(upload)) = (method.upload(role), &of.upload) {
            let items =
                if role == Role::Caller { "_runtime.Items" } else { "typing.AsyncIterator" };
            parameters.push(format!("{name}: {items}[{}]", annotation(upload)));
        }
        if role == Role::Caller {
            parameters.push("*".to_owned());
            parameters.extend(OPTIONS.map(str::to_owned));
        }
        let value = annotation(&of.returns);
        let (keyword, returns) = match (of.schema.kind.streams_reply(), side) {
            (true, Side::Caller) => ("def", format!("typing.AsyncGenerator[{value}, None]")),
            (true, Side::Handler) => ("def", format!("typing.AsyncIterator[{value}]")),
            (true, Side::Blocking) => ("def", format!("typing.Iterator[{value}]")),
            (false, Side::Blocking) => ("def", value),
            (false, _) => ("async def", value),
        };
        let name = &method.name;
        let line = format!("    {keyword} {name}({}) -> {returns}:", parameters.join(", "));
        if line.chars().count() <= 100 {
            put!(out, "{line}");
            return;
        }
        put!(out, "    {keyword} {name}(");
        parameters.iter().for_each(|parameter| put!(out, "        {parameter},"));
        put!(out, "    ) -> {returns}:");
    }
}
