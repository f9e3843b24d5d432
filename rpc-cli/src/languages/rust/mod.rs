//! Rust: the traits and types of a server whose source is not at hand. The keys of all methods are those of the
//! server, for they follow from the shapes alone.

mod foreign;
mod names;
mod types;

use rpc_core::schema::MethodKind;

use super::{
    names::{Callable, Client, Defined, Kind, Naming as _, Role, Served},
    target::{File, Target},
};
use crate::api::{Parts, Shape, Unique, harmless};
use foreign::Foreign;

const ALLOWED: &str =
    "#![allow(missing_docs, deprecated, clippy::all, clippy::pedantic, clippy::nursery)]\n";

/// A module for Rust.
#[derive(Debug)]
pub(super) struct Rust<'a> {
    client: Client<'a>,
    /// Which types are written as a `Result`.
    results: Vec<bool>,
    foreign: Foreign<'a>,
}

/// A trait for each service, a definition for each type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item;

impl<'a> Target<'a> for Rust<'a> {
    type Part = Item;

    const FILES: &'static [File<Item>] =
        &[File { path: "services.rs", services: &[Item], types: &[Item] }];

    fn new(client: Client<'a>) -> Self {
        let services = client.services.iter().flat_map(|service| &service.names);
        let types = client.types.iter().map(|named| &named.name);
        let mut taken = Unique::of(Self::taken(Kind::Service));
        for name in services.chain(types) {
            taken.take_with(name, name, &["Client", "Server"]);
        }
        let results = types::results(client.api);
        let mut this = Self { results, client, foreign: Foreign::default() };
        this.find_foreign(&mut taken);
        this
    }

    fn client(&self) -> &Client<'a> {
        &self.client
    }

    fn define(&self, out: &mut String, Item: Item, named: &Defined<'a>) {
        self.definition(out, named);
    }

    fn head(&self, out: &mut String, Item: Item, service: &Served<'a>) {
        let schema = service.of.schema;
        let name = &service.names[0];
        out.push('\n');
        document(out, "", &schema.doc, schema.deprecated.as_deref());
        let mut options = Vec::new();
        if *name != schema.name {
            options.push(format!("name = {}", literal(&schema.name)));
        }
        if schema.ordered {
            options.push("ordered".to_owned());
        }
        let options =
            if options.is_empty() { String::new() } else { format!("({})", options.join(", ")) };
        put!(out, "#[rpc_core::service{options}]\npub trait {name} {{");
    }

    fn method(&self, out: &mut String, Item: Item, service: &Served<'a>, method: &Callable<'a>) {
        let schema = method.of.schema;
        if method.place > 0 {
            out.push('\n');
        }
        document(out, "    ", &schema.doc, schema.deprecated.as_deref());
        let mut options = Vec::new();
        if schema.kind == MethodKind::Oneway {
            options.push("oneway".to_owned());
        }
        if schema.ordered && !service.of.schema.ordered {
            options.push("ordered".to_owned());
        }
        let repetition = schema.repetition.of_kind(schema.kind);
        options.extend(repetition.word().map(str::to_owned));
        options.extend(schema.requirement());
        if !options.is_empty() {
            put!(out, "    #[rpc({})]", options.join(", "));
        }
        let argument = |(name, shape): (&String, &Shape<'_>)| format!("{name}: {}", self.ty(shape));
        let arguments = method.arguments(Role::Caller).iter().zip(&method.of.arguments);
        let mut parameters: Vec<_> = arguments.map(argument).collect();
        if let (Some(name), Some(upload)) = (method.upload(Role::Caller), &method.of.upload) {
            parameters.push(format!("{name}: rpc_core::Streaming<{}>", self.ty(upload)));
        }
        let parameters: String = parameters.iter().map(|text| format!(", {text}")).collect();
        let value = self.ty(&method.of.returns);
        let error = method.of.fails.as_ref().map(|error| self.ty(error));
        let returns = match (schema.kind.streams_reply(), error) {
            (false, None) if value == "()" => String::new(),
            (false, None) => format!(" -> {value}"),
            (false, Some(error)) => format!(" -> Result<{value}, {error}>"),
            (true, None) => format!(" -> impl rpc_core::Stream<Item = {value}>"),
            (true, Some(error)) => {
                let item = format!("Result<{value}, {error}>");
                format!(" -> Result<impl rpc_core::Stream<Item = {item}>, {error}>")
            }
        };
        // A stream that may be refused is made by an async method.
        let plain_stream = schema.kind.streams_reply() && schema.fails.is_none();
        let r#async = if plain_stream { "" } else { "async " };
        put!(out, "    {async}fn {}(&self{parameters}){returns};", method.name);
    }

    fn foot(&self, out: &mut String, Item: Item, _service: &Served<'a>) {
        out.push_str("}\n");
    }

    fn file(&self, _path: &str, mut parts: String) -> String {
        self.foreign.definitions(&mut parts);
        let crates: Vec<_> = self.crates().iter().map(|name| format!("`{name}`")).collect();
        let (features, others) = match &crates[..] {
            [] => (String::new(), String::new()),
            [one] => (format!(" (with the feature {one})"), format!(", {one}")),
            all => {
                let all = all.join(", ");
                (format!(" (with the features {all})"), format!(", {all}"))
            }
        };
        format!(
            "// Needs the crates `rpc-core`{features}, `serde` (with `derive`){others}.\n\n{ALLOWED}{parts}"
        )
    }
}

/// A string literal.
fn literal(text: &str) -> String {
    format!("{text:?}")
}

/// Documentation and what goes with it, line by line.
fn document(out: &mut String, indent: &str, doc: &str, deprecated: Option<&str>) {
    for line in harmless(doc).lines() {
        put!(out, "{}", format!("{indent}/// {line}").trim_end());
    }
    if let Some(why) = deprecated {
        let note = if why.is_empty() { String::new() } else { format!(" = {}", literal(why)) };
        put!(out, "{indent}#[deprecated{note}]");
    }
}
