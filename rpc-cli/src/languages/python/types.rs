//! `types.py`: a dataclass, an enum or an exception for each named type.

use rpc_core::schema::{ContainerKind, Variant};

use super::{
    formats::From,
    shapes::{Body, Case, Package, Part, Shape},
    text::{Lines, documentation},
};

/// The module.
pub(super) fn module(package: &Package<'_>) -> String {
    let mut body = Lines::new();
    for shape in &package.types {
        body.blank();
        body.blank();
        define(&mut body, package, shape);
    }
    let body = body.finish();
    let mut out = Lines::new();
    out.doc("", "The types that travel.");
    out.blank();
    out.line("from __future__ import annotations");
    out.blank();
    let modules = ["dataclasses", "enum", "ipaddress", "typing"];
    let used = |module: &&str| body.contains(&format!("{module}."));
    let used: Vec<_> = modules.iter().filter(|module| used(module)).collect();
    for module in &used {
        out.line(&format!("import {module}"));
    }
    let runtime = ["errors", "shapes"];
    let runtime: Vec<_> =
        runtime.iter().filter(|module| body.contains(&format!("_{module}."))).collect();
    if !used.is_empty() && !runtime.is_empty() {
        out.blank();
    }
    for module in runtime {
        out.line(&format!("from ._runtime import {module} as _{module}"));
    }
    out.finish() + &body
}

fn define(out: &mut Lines, package: &Package<'_>, shape: &Shape<'_>) {
    let container = shape.named.container;
    let doc = documentation(&container.doc, container.deprecated.as_deref());
    match &shape.body {
        Body::Struct(parts) => {
            let base = if shape.raised { "(_errors.ApplicationError)" } else { "" };
            out.line(decorator(shape));
            out.line(&format!("class {}{base}:", shape.class));
            fields(out, package, shape, &doc, parts);
        }
        Body::Names(members) => {
            out.line(&format!("class {}(enum.Enum):", shape.class));
            out.doc("    ", &doc);
            if !doc.is_empty() {
                out.blank();
            }
            for (member, variant) in members.iter().zip(variants(shape)) {
                let value = super::text::literal(&variant.name);
                out.line(&format!("    {member} = {value}"));
                out.doc("    ", &documentation(&variant.doc, variant.deprecated.as_deref()));
            }
        }
        Body::Variants(cases) => enumeration(out, package, shape, &doc, cases),
    }
}

/// A class for the enum, which says what variants there are, and one below it for each of these.
fn enumeration(
    out: &mut Lines,
    package: &Package<'_>,
    shape: &Shape<'_>,
    doc: &str,
    cases: &[Case<'_>],
) {
    let class = &shape.class;
    let base = if shape.raised { "(_errors.ApplicationError)" } else { "" };
    out.line(&format!("class {class}{base}:"));
    let plain = if shape.raised { "How a call fails." } else { "One of several." };
    out.doc("    ", if doc.is_empty() { plain } else { doc });
    if !cases.is_empty() {
        out.blank();
    }
    for case in cases {
        out.line(&format!("    {}: typing.ClassVar[type[{}]]", case.name, case.class));
    }
    for (case, variant) in cases.iter().zip(variants(shape)) {
        out.blank();
        out.blank();
        out.line(decorator(shape));
        out.line(&format!("class {}({class}):", case.class));
        let doc = documentation(&variant.doc, variant.deprecated.as_deref());
        let doc = if doc.is_empty() { format!("``{class}.{}``.", case.name) } else { doc };
        fields(out, package, shape, &doc, &case.parts);
    }
    out.blank();
    out.blank();
    for case in cases {
        out.line(&format!("{class}.{} = {}", case.name, case.class));
    }
}

/// The body of a dataclass: fields that must be given come first, as dataclasses have it.
fn fields(
    out: &mut Lines,
    package: &Package<'_>,
    shape: &Shape<'_>,
    doc: &str,
    parts: &[Part<'_>],
) {
    out.doc("    ", doc);
    if parts.is_empty() {
        if doc.is_empty() {
            out.line("    pass");
        }
        return;
    }
    if !doc.is_empty() {
        out.blank();
    }
    let service = shape.named.service;
    let with_default = |part| {
        let part: &Part<'_> = part;
        let default = part.field.and_then(|field| package.default(service, field));
        (part, default)
    };
    let (required, optional): (Vec<_>, Vec<_>) =
        parts.iter().map(with_default).partition(|(_, default)| default.is_none());
    for (part, default) in required.into_iter().chain(optional) {
        let annotation = package.annotation(service, part.format, From::Types);
        let default = default.map(|default| format!(" = {}", default.text())).unwrap_or_default();
        out.line(&format!("    {}: {annotation}{default}", part.name));
        if let Some(field) = part.field {
            out.doc("    ", &documentation(&field.doc, field.deprecated.as_deref()));
        }
    }
}

/// Values do not change; exceptions must, since Python notes in them where they were raised.
const fn decorator(shape: &Shape<'_>) -> &'static str {
    if shape.raised {
        "@dataclasses.dataclass(eq=False)"
    } else {
        "@dataclasses.dataclass(frozen=True)"
    }
}

fn variants<'a>(shape: &Shape<'a>) -> &'a [Variant] {
    match &shape.named.container.kind {
        ContainerKind::Enum(variants) => variants,
        _ => &[],
    }
}
