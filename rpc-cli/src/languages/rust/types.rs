//! The types of a description, as Rust that compiles: derives that hold, boxes where a type contains itself, names
//! that serde gives back.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
};

use rpc_core::schema::{ContainerKind, Field, Format, Registry, ServiceSchema, Variant};

use super::{document, literal, names};
use crate::api::{Api, NamedType, graph::Graph};

/// Types of the standard library that are described as structs, by the beginnings of their keys.
const STANDARD: [(&str, &str); 2] = [
    ("core::time::Duration", "std::time::Duration"),
    ("std::time::SystemTime", "std::time::SystemTime"),
];

/// What is known of all types together.
pub(super) struct Types<'a> {
    api: &'a Api<'a>,
    /// The names of traits, in the order of services.
    traits: Vec<String>,
    /// The names of types here, by those they have for all languages.
    names: HashMap<&'a str, String>,
    /// Types with floats inside, which have no order, by place.
    floats: Vec<bool>,
    /// What leads to what.
    graph: Graph,
    /// Types that are a `Result` of Rust, by place.
    results: Vec<bool>,
    /// Types that methods fail with.
    errors: HashSet<&'a str>,
}

impl<'a> Types<'a> {
    pub(super) fn new(api: &'a Api<'a>) -> Self {
        let mut module = names::Module::new();
        let traits = api.services.iter().map(|service| module.service(&service.name)).collect();
        let named = api.types.iter().map(|named| (named.name.as_str(), module.type_(&named.name)));
        let graph = Graph::new(api);
        let float =
            |place: usize| api.types[place].container.kind.formats().into_iter().any(has_float);
        let mut types = Self {
            api,
            traits,
            names: named.collect(),
            floats: graph.having(float),
            results: results(api, &graph),
            graph,
            errors: HashSet::new(),
        };
        for service in api.services {
            for error in service.methods.iter().filter_map(|method| method.fails.as_ref()) {
                if let Format::Named(key) = error
                    && let Some(named) = api.named(service, key)
                {
                    types.errors.insert(&named.name);
                }
            }
        }
        types
    }

    /// The names of the traits, one for each service.
    pub(super) fn traits(&self) -> impl Iterator<Item = &str> {
        self.traits.iter().map(String::as_str)
    }

    /// What a type is called here.
    fn own_name<'n>(&'n self, named: &'n NamedType<'_>) -> &'n str {
        self.names.get(named.name.as_str()).map_or(&named.name, String::as_str)
    }

    /// A type as it is written where it is used.
    pub(super) fn name(&self, service: &ServiceSchema, format: &Format) -> String {
        let inner = |format: &Format| self.name(service, format);
        match format {
            Format::Bytes => "Vec<u8>".to_owned(),
            Format::Option(content) => format!("Option<{}>", inner(content)),
            Format::Seq(content) => format!("Vec<{}>", inner(content)),
            Format::Map { key, value } => self.map(service, key, value),
            Format::Tuple(contents) if contents.len() == 1 => format!("({},)", inner(&contents[0])),
            Format::Tuple(contents) => {
                format!("({})", contents.iter().map(inner).collect::<Vec<_>>().join(", "))
            }
            Format::Array { content, size } => format!("[{}; {size}]", inner(content)),
            Format::Named(key) => match self.api.named(service, key) {
                Some(named) => self.reference(named, key),
                None => "()".to_owned(),
            },
            Format::Text { name, wire } => match name.as_str() {
                "IpAddr" | "Ipv4Addr" | "Ipv6Addr" | "SocketAddr" | "SocketAddrV4"
                | "SocketAddrV6" => {
                    format!("std::net::{name}")
                }
                "MethodKey" => "rpc_core::proto::MethodKey".to_owned(),
                // What other crates have is written as it travels.
                _ => inner(wire),
            },
            format => Registry::new().type_name(format),
        }
    }

    fn map(&self, service: &ServiceSchema, key: &Format, value: &Format) -> String {
        let map = format!("<{}, {}>", self.name(service, key), self.name(service, value));
        format!("std::collections::BTreeMap{map}")
    }

    fn reference(&self, named: &NamedType<'_>, key: &str) -> String {
        if let Some((_, standard)) = STANDARD.iter().find(|(known, _)| *known == key) {
            return (*standard).to_owned();
        }
        match self.result(named, key) {
            Some((ok, error)) => {
                let (ok, error) = (self.name(named.service, ok), self.name(named.service, error));
                format!("Result<{ok}, {error}>")
            }
            None => self.own_name(named).to_owned(),
        }
    }

    /// The two sides of a type that is written as a `Result`.
    fn result<'n>(&self, named: &NamedType<'n>, key: &str) -> Option<(&'n Format, &'n Format)> {
        let place = self.api.place(named.service, key)?;
        if self.results[place] { sides(named) } else { None }
    }

    /// The definition of a type, unless the standard library has it.
    pub(super) fn definition(&self, place: usize) -> Option<String> {
        let named = &self.api.types[place];
        let is_this = |key| {
            let standard = self.api.named(named.service, key);
            standard.is_some_and(|standard| std::ptr::eq(standard, named))
        };
        let is_standard = STANDARD.iter().any(|(key, _)| is_this(key));
        if is_standard || self.results[place] {
            return None;
        }
        let container = named.container;
        let mut text = String::new();
        document(&mut text, "", &container.doc, container.deprecated.as_deref());
        let orders = ", Eq, PartialOrd, Ord, Hash";
        let orders = if self.floats[place] { "" } else { orders };
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(
            text,
            "#[derive(Clone, Debug, PartialEq{orders}, serde::Serialize, serde::Deserialize)]"
        );
        let _ = writeln!(text, "#[derive(rpc_core::Schema)]");
        let name = self.own_name(named);
        match &container.kind {
            ContainerKind::Enum(variants) => {
                let _ = writeln!(text, "pub enum {name} {{");
                let all = variants.iter().map(|variant| variant.name.as_str());
                for (variant, name) in variants.iter().zip(names::each_once(all, names::upper)) {
                    self.variant(&mut text, place, variant, &name);
                }
                text.push_str("}\n");
            }
            ContainerKind::Struct(fields) => {
                let _ = writeln!(text, "pub struct {name} {{");
                self.fields(&mut text, place, fields, "    ", "pub ");
                text.push_str("}\n");
            }
            kind => {
                let _ = writeln!(text, "pub struct {name}{};", self.unnamed(place, kind, "pub "));
            }
        }
        if self.errors.contains(named.name.as_str()) {
            let _ = write!(
                text,
                "\nimpl std::fmt::Display for {name} {{\n    \
                    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {{\n        \
                        write!(f, \"{{self:?}}\")\n    }}\n}}\n\nimpl std::error::Error for {name} {{}}\n"
            );
        }
        Some(text)
    }

    fn variant(&self, text: &mut String, place: usize, variant: &Variant, name: &str) {
        document(text, "    ", &variant.doc, variant.deprecated.as_deref());
        if names::unraw(name) != variant.name {
            let _ = writeln!(text, "    #[serde(rename = {})]", literal(&variant.name));
        }
        if let ContainerKind::Struct(fields) = &variant.kind {
            let _ = writeln!(text, "    {name} {{");
            self.fields(text, place, fields, "        ", "");
            text.push_str("    },\n");
        } else {
            let _ = writeln!(text, "    {name}{},", self.unnamed(place, &variant.kind, ""));
        }
    }

    /// What follows the name of a struct or variant without named fields.
    fn unnamed(&self, place: usize, kind: &ContainerKind, visibility: &str) -> String {
        let of = |format: &Format| format!("{visibility}{}", self.inside(place, format));
        match kind {
            ContainerKind::Newtype(content) => format!("({})", of(content)),
            ContainerKind::Tuple(contents) => {
                format!("({})", contents.iter().map(of).collect::<Vec<_>>().join(", "))
            }
            _ => String::new(),
        }
    }

    fn fields(
        &self,
        text: &mut String,
        place: usize,
        fields: &[Field],
        indent: &str,
        visibility: &str,
    ) {
        let all = fields.iter().map(|field| field.name.as_str());
        for (field, name) in fields.iter().zip(names::each_once(all, names::field)) {
            document(text, indent, &field.doc, field.deprecated.as_deref());
            let mut options = Vec::new();
            if names::unraw(&name) != field.name {
                options.push(format!("rename = {}", literal(&field.name)));
            }
            if field.optional && has_default(&field.format) {
                options.push("default".to_owned());
            }
            if !options.is_empty() {
                let _ = writeln!(text, "{indent}#[serde({})]", options.join(", "));
            }
            let ty = self.inside(place, &field.format);
            let _ = writeln!(text, "{indent}{visibility}{name}: {ty},");
        }
    }

    /// The type of a field; boxed where the type would contain itself.
    fn inside(&self, place: usize, format: &Format) -> String {
        let service = self.api.types[place].service;
        match format {
            Format::Option(content) => format!("Option<{}>", self.inside(place, content)),
            Format::Named(key) => {
                let name = self.name(service, format);
                let other = self.api.place(service, key);
                let leads_back = other.is_some_and(|other| self.graph.leads_back(place, other));
                if leads_back { format!("Box<{name}>") } else { name }
            }
            format => self.name(service, format),
        }
    }
}

/// The types that are written as a `Result`, with both sides: none that contains itself, nor many in each other, which
/// would be written out again and again.
fn results(api: &Api<'_>, graph: &Graph) -> Vec<bool> {
    let mut sizes = vec![0; api.types.len()];
    for place in graph.inside_first() {
        let named = &api.types[*place];
        let Some((ok, error)) = sides(named) else { continue };
        let size = [ok, error].map(|side| written(api, named.service, side, &sizes));
        let size = size.iter().fold(1, |sum: usize, size| sum.saturating_add(*size));
        if !graph.contains_itself(*place) && size <= MOST_IN_RESULT {
            sizes[*place] = size;
        }
    }
    sizes.iter().map(|size| *size > 0).collect()
}

/// How much there is of types in a `Result`, other results in it written out.
const MOST_IN_RESULT: usize = 64;

fn written(api: &Api<'_>, service: &ServiceSchema, format: &Format, sizes: &[usize]) -> usize {
    let inner = |format: &Format| written(api, service, format, sizes);
    match format {
        Format::Named(key) => api.place(service, key).map_or(1, |place| sizes[place].max(1)),
        Format::Option(content) | Format::Seq(content) | Format::Array { content, .. } => {
            1 + inner(content)
        }
        Format::Map { key, value } => 1 + inner(key) + inner(value),
        Format::Tuple(contents) => 1 + contents.iter().map(inner).sum::<usize>(),
        Format::Text { wire, .. } => inner(wire),
        _ => 1,
    }
}

/// The two sides of a `Result`.
fn sides<'a>(named: &NamedType<'a>) -> Option<(&'a Format, &'a Format)> {
    let ContainerKind::Enum(variants) = &named.container.kind else { return None };
    let [ok, error] = &variants[..] else { return None };
    if !named.container.name.starts_with("Result<") || ok.name != "Ok" || error.name != "Err" {
        return None;
    }
    match (&ok.kind, &error.kind) {
        (ContainerKind::Newtype(ok), ContainerKind::Newtype(error)) => Some((ok, error)),
        _ => None,
    }
}

/// Whether the type has a default without one being written for it.
fn has_default(format: &Format) -> bool {
    match format {
        Format::Named(_) | Format::Text { .. } => false,
        Format::Tuple(contents) => contents.iter().all(has_default),
        Format::Array { content, .. } => has_default(content),
        _ => true,
    }
}

fn has_float(format: &Format) -> bool {
    match format {
        Format::F32 | Format::F64 => true,
        Format::Option(content) | Format::Seq(content) | Format::Array { content, .. } => {
            has_float(content)
        }
        Format::Map { key, value } => has_float(key) || has_float(value),
        Format::Tuple(contents) => contents.iter().any(has_float),
        _ => false,
    }
}
