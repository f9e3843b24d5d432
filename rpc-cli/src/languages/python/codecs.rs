//! `_codecs.py`: how each type travels, part by part.

use super::{
    shapes::{Body, Package, Part, Shape},
    text::Lines,
};

/// The module.
pub(super) fn module(package: &Package<'_>) -> String {
    let mut body = Lines::new();
    for shape in &package.types {
        define(&mut body, package, shape);
    }
    let body = body.finish();
    let mut out = Lines::new();
    out.doc("", "How the types travel.");
    out.blank();
    out.line("from __future__ import annotations");
    if !package.types.is_empty() {
        out.blank();
        out.line("from . import types as _types");
        for module in ["shapes", "wire"] {
            if body.contains(&format!("_{module}.")) {
                out.line(&format!("from ._runtime import {module} as _{module}"));
            }
        }
        out.blank();
    }
    out.finish() + &body
}

fn define(out: &mut Lines, package: &Package<'_>, shape: &Shape<'_>) {
    let class = &shape.class;
    let head = format!("{class}: _wire.Codec[_types.{class}] = _shapes.");
    match &shape.body {
        Body::Names(_) => out.line(&format!("{head}Names(_types.{class})")),
        Body::Struct(parts) => {
            let (names, codecs) = lists(package, shape, parts);
            out.line(&format!("{head}Struct("));
            out.line(&format!("    _types.{class},"));
            out.line(&format!("    {names},"));
            out.line(&format!("    lambda: {codecs},"));
            out.line(")");
        }
        Body::Variants(cases) => {
            out.line(&format!("{head}Variants("));
            out.line(&format!("    _types.{class},"));
            out.line("    (");
            for case in cases {
                let (names, codecs) = lists(package, shape, &case.parts);
                let nested = if case.nested { "True" } else { "False" };
                out.line("        _shapes.Variant(");
                out.line(&format!("            _types.{},", case.class));
                out.line(&format!("            {names},"));
                out.line(&format!("            lambda: {codecs},"));
                out.line(&format!("            {nested},"));
                out.line("        ),");
            }
            out.line("    ),");
            out.line(")");
        }
    }
}

/// The names of fields and their codecs, as tuples.
fn lists(package: &Package<'_>, shape: &Shape<'_>, parts: &[Part<'_>]) -> (String, String) {
    let names = parts.iter().map(|part| format!("\"{}\"", part.name)).collect();
    let codec = |part: &Part<'_>| package.codec(shape.named.service, part.format, "");
    (tuple(names), tuple(parts.iter().map(codec).collect()))
}

/// A tuple of expressions.
fn tuple(parts: Vec<String>) -> String {
    match parts.as_slice() {
        [one] => format!("({one},)"),
        parts => format!("({})", parts.join(", ")),
    }
}
