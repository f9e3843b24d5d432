//! The types of a description, as Rust that compiles: derives that hold, boxes where a type contains itself, names
//! that serde gives back.

use rpc_core::schema::{Field, Format, Registry};

use super::{super::names::Defined, Parts, Rust, Shape, document, foreign, literal, names::unraw};
use crate::api::{Api, Body, TypeId};

/// Types of the standard library that are described as structs, by the beginnings of their keys.
const STANDARD: [(&str, &str); 2] = [
    ("core::time::Duration", "std::time::Duration"),
    ("std::time::SystemTime", "std::time::SystemTime"),
];

impl<'a> Rust<'a> {
    /// A type as it is written where it is used.
    pub(super) fn ty(&self, shape: &Shape<'a>) -> String {
        match shape {
            Shape::Scalar(format) => Registry::new().type_name(format),
            Shape::Bytes => "Vec<u8>".to_owned(),
            Shape::Octets(size) => format!("[u8; {size}]"),
            Shape::Option(content, _) => format!("Option<{}>", self.ty(content)),
            Shape::Seq(content) => format!("Vec<{}>", self.ty(content)),
            Shape::Array(content, size) => format!("[{}; {size}]", self.ty(content)),
            Shape::Map { key, value, .. } => {
                format!("std::collections::BTreeMap<{}, {}>", self.ty(key), self.ty(value))
            }
            Shape::Tuple(contents) if contents.len() == 1 => {
                format!("({},)", self.ty(&contents[0]))
            }
            Shape::Tuple(contents) => {
                let contents: Vec<_> = contents.iter().map(|content| self.ty(content)).collect();
                format!("({})", contents.join(", "))
            }
            Shape::Text(text, _) => foreign::path(*text),
            Shape::Foreign(name, wire) => self.foreign.of(name, &self.ty(wire)),
            Shape::Named(id) => self.reference(*id),
            Shape::Unseen(wire) => self.ty(wire),
        }
    }

    fn reference(&self, id: TypeId) -> String {
        let named = &self.client.types[id];
        if let Some(standard) = standard(named.of.key) {
            return standard.to_owned();
        }
        match named.of.result() {
            Some((ok, error)) if self.results[id] => {
                format!("Result<{}, {}>", self.ty(ok), self.ty(error))
            }
            _ => named.name.clone(),
        }
    }

    /// The definition of a type, unless the standard library has it.
    pub(super) fn definition(&self, out: &mut String, named: &Defined<'a>) {
        let (of, name) = (named.of, &named.name);
        if standard(of.key).is_some() || self.results[of.id] {
            return;
        }
        out.push('\n');
        document(out, "", &of.container.doc, of.container.deprecated.as_deref());
        let orders = if of.floats { "" } else { ", Eq, PartialOrd, Ord, Hash" };
        put!(
            out,
            "#[derive(Clone, Debug, PartialEq{orders}, serde::Serialize, serde::Deserialize)]\n\
             #[derive(rpc_core::Schema)]"
        );
        match &of.body {
            Body::Enum(cases) => {
                put!(out, "pub enum {name} {{");
                for (case, (name, fields)) in cases.iter().zip(&named.cases) {
                    let variant = case.variant;
                    document(out, "    ", &variant.doc, variant.deprecated.as_deref());
                    if unraw(name) != variant.name {
                        put!(out, "    #[serde(rename = {})]", literal(&variant.name));
                    }
                    let head = format!("    {name}");
                    self.parts(out, of.id, &case.parts, fields, &head, ["", ","]);
                }
                out.push_str("}\n");
            }
            Body::Struct(parts) => {
                let head = format!("pub struct {name}");
                self.parts(out, of.id, parts, &named.fields, &head, ["pub ", ";"]);
            }
        }
        if of.raised {
            put!(
                out,
                "\nimpl std::fmt::Display for {name} {{\n    \
                    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {{\n        \
                        write!(f, \"{{self:?}}\")\n    }}\n}}\n\nimpl std::error::Error for {name} {{}}"
            );
        }
    }

    /// The inside of a struct or variant behind its head, with the visibility of fields and what ends one without
    /// names.
    fn parts(
        &self,
        out: &mut String,
        id: TypeId,
        parts: &Parts<'a>,
        names: &[String],
        head: &str,
        [visibility, end]: [&str; 2],
    ) {
        let of = |shape| format!("{visibility}{}", self.inside(id, shape));
        match parts {
            Parts::Unit => put!(out, "{head}{end}"),
            Parts::Newtype(content) => put!(out, "{head}({}){end}", of(content)),
            Parts::Tuple(contents) => {
                put!(
                    out,
                    "{head}({}){end}",
                    contents.iter().map(of).collect::<Vec<_>>().join(", ")
                );
            }
            Parts::Struct(fields) => {
                let indent = &head[..head.len() - head.trim_start().len()];
                put!(out, "{head} {{");
                for ((field, shape), name) in fields.iter().zip(names) {
                    let indent = format!("{indent}    ");
                    document(out, &indent, &field.doc, field.deprecated.as_deref());
                    let options = options(field, name);
                    if !options.is_empty() {
                        put!(out, "{indent}#[serde({})]", options.join(", "));
                    }
                    put!(out, "{indent}{visibility}{name}: {},", self.inside(id, shape));
                }
                let end = if end == "," { "," } else { "" };
                put!(out, "{indent}}}{end}");
            }
        }
    }

    /// The type of a field; boxed where the type would contain itself.
    fn inside(&self, id: TypeId, shape: &Shape<'a>) -> String {
        match shape {
            Shape::Option(content, _) => format!("Option<{}>", self.inside(id, content)),
            Shape::Named(other) if self.client.api.graph.leads_back(id, *other) => {
                format!("Box<{}>", self.ty(shape))
            }
            shape => self.ty(shape),
        }
    }
}

fn standard(key: &str) -> Option<&'static str> {
    STANDARD.iter().find(|(known, _)| *known == key).map(|(_, standard)| *standard)
}

/// The options of serde for a field.
fn options(field: &Field, name: &str) -> Vec<String> {
    let mut options = Vec::new();
    if unraw(name) != field.name {
        options.push(format!("rename = {}", literal(&field.name)));
    }
    if field.optional && has_default(&field.format) {
        options.push("default".to_owned());
    }
    options
}

/// Which types are written as a `Result`: none that contains itself, nor many in each other, which would be written
/// out again and again.
pub(super) fn results(api: &Api<'_>) -> Vec<bool> {
    let mut sizes = vec![0; api.types.len()];
    for id in api.graph.inside_first() {
        let Some((ok, error)) = api.types[*id].result() else { continue };
        let size = written(ok, &sizes).saturating_add(written(error, &sizes)).saturating_add(1);
        if !api.graph.contains_itself(*id) && size <= MOST_IN_RESULT {
            sizes[*id] = size;
        }
    }
    sizes.iter().map(|size| *size > 0).collect()
}

/// How much there is of types in a `Result`, other results in it written out.
const MOST_IN_RESULT: usize = 64;

fn written(shape: &Shape<'_>, sizes: &[usize]) -> usize {
    let inner = |shape: &Shape<'_>| written(shape, sizes);
    match shape {
        Shape::Named(id) => sizes[*id].max(1),
        Shape::Option(content, _) | Shape::Seq(content) | Shape::Array(content, _) => {
            1 + inner(content)
        }
        Shape::Map { key, value, .. } => 1 + inner(key) + inner(value),
        Shape::Tuple(contents) => 1 + contents.iter().map(inner).sum::<usize>(),
        Shape::Foreign(_, wire) | Shape::Unseen(wire) => inner(wire),
        _ => 1,
    }
}

/// True if the type has a default without one being written for it.
fn has_default(format: &Format) -> bool {
    match format {
        Format::Named(_) | Format::Text { .. } => false,
        Format::Tuple(contents) => contents.iter().all(has_default),
        Format::Array { content, .. } => has_default(content),
        _ => true,
    }
}
