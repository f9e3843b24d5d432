//! The module of types: for each an interface or alias, and a constant of the same name that is its codec.

use rpc_core::schema::Field;

use super::{
    super::{
        names::Defined,
        target::{From, Target as _},
    },
    TypeScript,
    text::{doc, property, string},
};
use crate::api::{Body, Case, Parts, Shape};

/// Fields with their shapes.
type Fields<'f, 'a> = &'f [(&'a Field, Shape<'a>)];

impl<'a> TypeScript<'a> {
    /// The type and its codec.
    pub(super) fn definition(&self, out: &mut String, named: &Defined<'a>) {
        let (of, name, from) = (named.of, &named.name, From::Type(named.of.id));
        out.push('\n');
        out.push_str(&doc(&of.container.doc, of.container.deprecated.as_deref(), 0));
        let (shape, codec) = match (&of.body, of.result()) {
            (Body::Struct(Parts::Unit), _) => ("null".to_owned(), "rpc.unit".to_owned()),
            (Body::Struct(Parts::Newtype(content)), _) => {
                (self.type_of(content, from), format!("rpc.newtype({})", self.codec(content, from)))
            }
            (Body::Struct(Parts::Tuple(parts)), _) => {
                (self.tuple_type(parts, from), self.tuple_codec(parts, from))
            }
            (Body::Struct(Parts::Struct(fields)), _) if fields.is_empty() => {
                ("rpc.Empty".to_owned(), "rpc.struct<rpc.Empty>([])".to_owned())
            }
            (Body::Struct(Parts::Struct(fields)), _) => {
                put!(
                    out,
                    "export interface {name} {{\n{}}}\nexport const {name}: rpc.Codec<{name}> = \
                     rpc.struct<{name}>([\n{}]);",
                    self.properties(fields, from, 2),
                    self.field_codecs(fields, from, 2)
                );
                return;
            }
            (_, Some((ok, err))) => {
                let [value, error] = [ok, err].map(|shape| self.type_of(shape, from));
                let [ok, err] = [ok, err].map(|shape| self.codec(shape, from));
                (
                    format!("{{ ok: {value} }} | {{ err: {error} }}"),
                    format!("rpc.result({ok}, {err})"),
                )
            }
            (Body::Enum(cases), _) if cases.is_empty() => {
                ("never".to_owned(), "rpc.literals<never>([])".to_owned())
            }
            (Body::Enum(cases), _) => {
                self.variants(out, named, cases);
                return;
            }
        };
        put!(
            out,
            "export type {name} = {shape};\nexport const {name}: rpc.Codec<{name}> = {codec};"
        );
    }

    /// An enum: names, or objects whose `kind` is the name of the variant.
    fn variants(&self, out: &mut String, named: &Defined<'a>, cases: &[Case<'a>]) {
        let (name, from) = (&named.name, From::Type(named.of.id));
        let plain = named.of.plain().is_some();
        out.push_str(&["export type ", name, " ="].concat());
        for case in cases {
            let Case { variant, parts } = case;
            out.push('\n');
            out.push_str(&doc(&variant.doc, variant.deprecated.as_deref(), 2));
            let kind = string(&variant.name);
            let shape = if plain { kind } else { self.variant_type(&kind, parts, from) };
            out.push_str(&["  | ", &shape].concat());
        }
        let make = if plain { "literals" } else { "union" };
        put!(out, ";\nexport const {name}: rpc.Codec<{name}> = rpc.{make}<{name}>([");
        for Case { variant, parts } in cases {
            let kind = string(&variant.name);
            let codec = if plain { kind } else { self.variant_codec(&kind, parts, from, name) };
            put!(out, "  {codec},");
        }
        put!(out, "]);");
    }

    fn properties(&self, fields: Fields<'_, 'a>, from: From, indent: usize) -> String {
        let mut text = String::new();
        for (field, shape) in fields {
            text.push_str(&doc(&field.doc, field.deprecated.as_deref(), indent));
            let optional = if self.stands_in(field, shape).is_some() { "?" } else { "" };
            let (name, shape) = (property(&field.name), self.type_of(shape, from));
            put!(text, "{:indent$}{name}{optional}: {shape};", "");
        }
        text
    }

    fn field_codecs(&self, fields: Fields<'_, 'a>, from: From, indent: usize) -> String {
        let mut text = String::new();
        for (field, shape) in fields {
            let default = self.stands_in(field, shape).map(|value| format!(", {value}"));
            let (name, codec) = (string(&field.name), self.codec(shape, from));
            put!(text, "{:indent$}[{name}, {codec}{}],", "", default.unwrap_or_default());
        }
        text
    }

    /// The expression for a field that is left out: its default, or that there is nothing.
    fn stands_in(&self, field: &Field, shape: &Shape<'a>) -> Option<String> {
        let none = || matches!(shape, Shape::Option(..)).then(|| "null".to_owned());
        if field.default.is_some() { self.default_of(field, shape) } else { none() }
    }

    fn variant_type(&self, kind: &str, parts: &Parts<'a>, from: From) -> String {
        let value = match parts {
            Parts::Newtype(content) => self.type_of(content, from),
            Parts::Tuple(parts) => self.tuple_type(parts, from),
            Parts::Struct(fields) if hides_kind(fields) => self.object(fields, from),
            Parts::Struct(fields) if !fields.is_empty() => {
                let properties = self.properties(fields, from, 6);
                return format!("{{\n      kind: {kind};\n{properties}    }}");
            }
            Parts::Unit | Parts::Struct(_) => return format!("{{ kind: {kind} }}"),
        };
        format!("{{ kind: {kind}; value: {value} }}")
    }

    fn variant_codec(&self, kind: &str, parts: &Parts<'a>, from: From, name: &str) -> String {
        let content = match parts {
            Parts::Unit => return format!("rpc.bare({kind})"),
            Parts::Newtype(content) => self.codec(content, from),
            Parts::Tuple(parts) => self.tuple_codec(parts, from),
            Parts::Struct(fields) => {
                let codecs = self.field_codecs(fields, from, 4);
                if !hides_kind(fields) {
                    let shape = format!("Extract<{name}, {{ kind: {kind} }}>");
                    return format!("rpc.fields<{shape}>({kind}, [\n{codecs}  ])");
                }
                format!("rpc.struct<{}>([\n{codecs}  ])", self.object(fields, from))
            }
        };
        format!("rpc.content({kind}, {content})")
    }

    /// The type of an object without a name.
    fn object(&self, fields: Fields<'_, 'a>, from: From) -> String {
        format!("{{\n{}    }}", self.properties(fields, from, 6))
    }
}

/// True if the fields cannot stand beside `kind`, since one of them is called so.
fn hides_kind(fields: Fields<'_, '_>) -> bool {
    fields.iter().any(|(field, _)| field.name == "kind")
}
