//! Python: a package with the types and services of a description, beside a run-time that is the same for all.
//!
//! ```text
//! __init__.py    what users import
//! types.py       dataclasses, enums and exceptions            types.rs
//! _codecs.py     how each of them travels                     types.rs, shapes.rs
//! services.py    a client and a handler for each service      services.rs
//! _runtime/      the protocol and asyncio                     rpc-cli/runtimes/python, as it is
//! ```

mod names;
mod services;
mod shapes;
mod text;
mod types;

use super::{
    names::{Callable, Client, Defined, Served},
    target::{File, Literal, Target},
};
use crate::api::Unique;

/// A package for Python.
#[derive(Debug)]
pub(super) struct Python<'a> {
    client: Client<'a>,
    /// The classes of variants, by type; none where all variants are names.
    classes: Vec<Vec<String>>,
    /// The names that stand for any variant, by type; none where there are no such classes.
    unions: Vec<Option<String>>,
    /// The constants that describe methods, by service.
    constants: Vec<Vec<String>>,
}

/// The things that are written of a type or service.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    Definition,
    Codec,
    Constants,
    Client,
    /// A client for code that blocks.
    Blocking,
    Handler,
    /// The handler's methods with their constants.
    Table,
}

/// Names that every package exports beside its services, in their order.
const EXPORTS: &str = "ApplicationError BlockingConnection Code ConnectError Connection Context DecodeError Detail \
    EncodeError Failed Limits ProtocolError Resume RpcError Some StatusError context priority received services types";

impl<'a> Target<'a> for Python<'a> {
    type Part = Part;

    const COMMENT: &'static str = "#";

    const FILES: &'static [File<Part>] = &[
        File { path: "__init__.py", services: &[], types: &[] },
        File { path: "_codecs.py", services: &[], types: &[Part::Codec] },
        File { path: "py.typed", services: &[], types: &[] },
        File {
            path: "services.py",
            services: &[Part::Constants, Part::Client, Part::Blocking, Part::Handler, Part::Table],
            types: &[],
        },
        File { path: "types.py", services: &[], types: &[Part::Definition] },
    ];

    const RUNTIME: &'static [(&'static str, &'static str)] = runtime!["python/rpc_runtime" as "_runtime":
        "__init__.py" "answers.py" "blocking.py" "calls.py" "connection.py" "errors.py" "frames.py" "metadata.py"
        "natives.py" "ours.py" "outgoing.py" "protocol.py" "requests.py" "resume.py" "room.py" "session.py" "shapes.py" "state.py"
        "streams.py" "theirs.py" "transport.py" "wire.py"
    ];

    fn new(client: Client<'a>) -> Self {
        let mut taken = Unique::with(client.types.iter().map(|named| &*named.name));
        let classes = client.types.iter().map(|named| match is_names(named) {
            true => Vec::new(),
            false => {
                let cases = named.cases.iter();
                cases.map(|(case, _)| taken.take(&format!("{}{case}", named.name))).collect()
            }
        });
        let classes: Vec<Vec<String>> = classes.collect();
        let unions = client.types.iter().map(|named| {
            let any = !classes[named.of.id].is_empty();
            any.then(|| taken.take(&format!("{}Union", named.name)))
        });
        let unions = unions.collect();
        let mut taken = Unique::default();
        let constants = client.services.iter().map(|service| {
            let methods = service.methods.iter().map(|method| {
                let both = format!("{}_{}", service.names[0], method.of.schema.name);
                taken.take(&format!("_{}", names::constant(&both)))
            });
            methods.collect()
        });
        Self { classes, unions, constants: constants.collect(), client }
    }

    fn client(&self) -> &Client<'a> {
        &self.client
    }

    fn define(&self, out: &mut String, part: Part, named: &Defined<'a>) {
        match part {
            Part::Codec => self.codec_of(out, named),
            _ => self.definition(out, named),
        }
    }

    fn head(&self, out: &mut String, part: Part, service: &Served<'a>) {
        services::head(out, part, service);
    }

    fn method(&self, out: &mut String, part: Part, service: &Served<'a>, method: &Callable<'a>) {
        let constant = &self.constants[service.place][method.place];
        match part {
            Part::Constants => self.describe(out, service, method, constant),
            Part::Client => {
                out.push('\n');
                self.call(out, method, constant);
            }
            Part::Blocking => {
                out.push('\n');
                self.block(out, method);
            }
            Part::Handler => self.answer(out, method),
            _ => put!(out, "            _runtime.Handled({constant}, self.{}),", method.name),
        }
    }

    fn foot(&self, out: &mut String, part: Part, _service: &Served<'a>) {
        if matches!(part, Part::Table) {
            out.push_str("        ]\n");
        }
    }

    fn file(&self, path: &str, parts: String) -> String {
        match path {
            "__init__.py" => self.package(),
            "_codecs.py" => types::codecs(parts),
            "services.py" => services::file(parts),
            "types.py" => types::file(parts),
            _ => parts,
        }
    }

    fn literal(&self, literal: Literal<'_>) -> Option<String> {
        self.expression(literal)
    }
}

/// True for enums of plain names. One without members could not be told from its base.
fn is_names(named: &Defined<'_>) -> bool {
    !named.of.raised && named.of.plain().is_some_and(|members| !members.is_empty())
}

impl Python<'_> {
    /// `__init__.py`: what users import.
    fn package(&self) -> String {
        let (modules, own): (Vec<&str>, Vec<&str>) =
            EXPORTS.split(' ').partition(|name| ["services", "types"].contains(name));
        let services = &self.client.services;
        let mut served: Vec<_> =
            services.iter().flat_map(|service| &service.names).map(String::as_str).collect();
        served.sort_unstable();
        let names: Vec<_> = self.client.api.schemas().map(|schema| &*schema.name).collect();
        let names = if names.is_empty() { "no service".to_owned() } else { names.join(", ") };
        let mut out = String::new();
        text::doc(&mut out, "", &format!("A client for {names}."));
        put!(out, "\nfrom . import {}", modules.join(", "));
        let mut names = |head: &str, names: &[&str], [open, close]: [&str; 2], quote: &str| {
            put!(out, "{head}{open}");
            names.iter().for_each(|name| put!(out, "    {quote}{name}{quote},"));
            put!(out, "{close}");
        };
        names("from ._runtime import ", &own, ["(", ")"], "");
        if !served.is_empty() {
            names("from .services import ", &served, ["(", ")"], "");
        }
        let mut all: Vec<&str> = EXPORTS.split(' ').chain(served).collect();
        all.sort_unstable();
        names("\n__all__ = ", &all, ["[", "]"], "\"");
        out
    }
}
