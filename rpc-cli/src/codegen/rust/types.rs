//! The types of a description, as Rust that compiles: derives that hold, boxes where a type contains itself, names
//! that serde gives back.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
};

use rpc_core::schema::{ContainerKind, Field, Format, Registry, ServiceSchema, Variant};

use super::{super::api::NamedType, Api, document, names};

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
    /// Types without floats inside, which have an order.
    ordered: HashSet<&'a str>,
    /// What each type leads to, itself too if it does.
    leads_to: HashMap<&'a str, HashSet<&'a str>>,
    /// Types that methods fail with.
    errors: HashSet<&'a str>,
}

impl<'a> Types<'a> {
    pub(super) fn new(api: &'a Api<'a>) -> Self {
        let mut module = names::Module::new();
        let traits = api.services.iter().map(|service| module.service(&service.name)).collect();
        let named = api.types.iter().map(|named| (named.name.as_str(), module.type_(&named.name)));
        let mut types = Self {
            api,
            traits,
            names: named.collect(),
            ordered: HashSet::new(),
            leads_to: HashMap::new(),
            errors: HashSet::new(),
        };
        for named in &api.types {
            let found = named.registry().reachable(named.container.kind.formats());
            let leads_to = found.iter().filter_map(|(key, _)| api.named(named.service, key));
            let leads_to: HashSet<&str> = leads_to.map(|other| other.name.as_str()).collect();
            let floats = |kind: &ContainerKind| kind.formats().into_iter().any(has_float);
            let all = found.iter().map(|(_, container)| &container.kind);
            if !all.chain([&named.container.kind]).any(floats) {
                types.ordered.insert(&named.name);
            }
            types.leads_to.insert(&named.name, leads_to);
        }
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
        match result(named) {
            Some((ok, error)) => {
                let (ok, error) = (self.name(named.service, ok), self.name(named.service, error));
                format!("Result<{ok}, {error}>")
            }
            None => self.own_name(named).to_owned(),
        }
    }

    /// The definition of a type, unless the standard library has it.
    pub(super) fn definition(&self, named: &NamedType<'_>) -> Option<String> {
        let is_this = |key| {
            let standard = self.api.named(named.service, key);
            standard.is_some_and(|standard| std::ptr::eq(standard, named))
        };
        let is_standard = STANDARD.iter().any(|(key, _)| is_this(key));
        if is_standard || result(named).is_some() {
            return None;
        }
        let container = named.container;
        let mut text = String::new();
        document(&mut text, "", &container.doc, container.deprecated.as_deref());
        let orders = ", Eq, PartialOrd, Ord, Hash";
        let orders = if self.ordered.contains(named.name.as_str()) { orders } else { "" };
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
                    self.variant(&mut text, named, variant, &name);
                }
                text.push_str("}\n");
            }
            ContainerKind::Struct(fields) => {
                let _ = writeln!(text, "pub struct {name} {{");
                self.fields(&mut text, named, fields, "    ", "pub ");
                text.push_str("}\n");
            }
            kind => {
                let _ = writeln!(text, "pub struct {name}{};", self.unnamed(named, kind, "pub "));
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

    fn variant(&self, text: &mut String, named: &NamedType<'_>, variant: &Variant, name: &str) {
        document(text, "    ", &variant.doc, variant.deprecated.as_deref());
        if names::unraw(name) != variant.name {
            let _ = writeln!(text, "    #[serde(rename = {:?})]", variant.name);
        }
        if let ContainerKind::Struct(fields) = &variant.kind {
            let _ = writeln!(text, "    {name} {{");
            self.fields(text, named, fields, "        ", "");
            text.push_str("    },\n");
        } else {
            let _ = writeln!(text, "    {name}{},", self.unnamed(named, &variant.kind, ""));
        }
    }

    /// What follows the name of a struct or variant without named fields.
    fn unnamed(&self, named: &NamedType<'_>, kind: &ContainerKind, visibility: &str) -> String {
        let of = |format: &Format| format!("{visibility}{}", self.inside(named, format));
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
        named: &NamedType<'_>,
        fields: &[Field],
        indent: &str,
        visibility: &str,
    ) {
        let all = fields.iter().map(|field| field.name.as_str());
        for (field, name) in fields.iter().zip(names::each_once(all, names::field)) {
            document(text, indent, &field.doc, field.deprecated.as_deref());
            let mut options = Vec::new();
            if names::unraw(&name) != field.name {
                options.push(format!("rename = {:?}", field.name));
            }
            if field.optional && has_default(&field.format) {
                options.push("default".to_owned());
            }
            if !options.is_empty() {
                let _ = writeln!(text, "{indent}#[serde({})]", options.join(", "));
            }
            let ty = self.inside(named, &field.format);
            let _ = writeln!(text, "{indent}{visibility}{name}: {ty},");
        }
    }

    /// The type of a field; boxed where the type would contain itself.
    fn inside(&self, named: &NamedType<'_>, format: &Format) -> String {
        match format {
            Format::Option(content) => format!("Option<{}>", self.inside(named, content)),
            Format::Named(key) => {
                let name = self.name(named.service, format);
                let leads_back = self.api.named(named.service, key).is_some_and(|other| {
                    other.name == named.name
                        || self
                            .leads_to
                            .get(other.name.as_str())
                            .is_some_and(|reached| reached.contains(named.name.as_str()))
                });
                if leads_back { format!("Box<{name}>") } else { name }
            }
            format => self.name(named.service, format),
        }
    }
}

/// The two sides of a `Result`.
fn result<'a>(named: &NamedType<'a>) -> Option<(&'a Format, &'a Format)> {
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
