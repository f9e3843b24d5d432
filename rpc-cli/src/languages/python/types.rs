//! `types.py`: a dataclass, an enum or an exception for each named type; and `_codecs.py`: how they travel.

use rpc_core::schema::Field;

use super::{
    super::{names::Defined, target::From},
    Python, is_names,
    shapes::native,
    text::{self, documentation},
};
use crate::api::{Body, Case, Parts, Shape};

/// A field of a dataclass: its name, shape, and description if it has a name in Rust as well.
type Part<'p, 'a> = (String, &'p Shape<'a>, Option<&'a Field>);

/// `types.py` around its definitions.
pub(super) fn file(definitions: String) -> String {
    let mut out = String::new();
    text::doc(&mut out, "", "The types that travel.");
    out.push_str("\nfrom __future__ import annotations\n\n");
    let used = text::imports(&["dataclasses", "enum", "ipaddress", "typing"], &definitions);
    let mut runtime = String::new();
    text::runtime_imports(&mut runtime, &["errors", "shapes"], &definitions);
    let gap = if used.is_empty() || runtime.is_empty() { "" } else { "\n" };
    out + &used + gap + &runtime + &definitions
}

/// `_codecs.py` around its codecs.
pub(super) fn codecs(codecs: String) -> String {
    let mut out = String::new();
    text::doc(&mut out, "", "How the types travel.");
    out.push_str("\nfrom __future__ import annotations\n");
    if !codecs.is_empty() {
        let used = text::imports(&[], &codecs);
        if !used.is_empty() {
            out.push('\n');
            out.push_str(&used);
        }
        out.push_str("\nfrom . import types as _types\n");
        text::runtime_imports(&mut out, &["natives", "shapes", "wire"], &codecs);
        out.push('\n');
    }
    out + &codecs
}

impl<'a> Python<'a> {
    pub(super) fn definition(&self, out: &mut String, named: &Defined<'a>) {
        let (of, class) = (named.of, &named.name);
        if native(of).is_some() {
            return;
        }
        let base = if of.raised { "(_errors.ApplicationError)" } else { "" };
        let doc = documentation(&of.container.doc, of.container.deprecated.as_deref());
        out.push_str("\n\n");
        match &of.body {
            Body::Struct(inside) => {
                put!(out, "{}\nclass {class}{base}:", decorator(named));
                self.fields(out, named, &doc, parts(inside, &named.fields));
            }
            Body::Enum(cases) if is_names(named) => {
                put!(out, "class {class}(enum.Enum):");
                text::doc(out, "    ", &doc);
                if !doc.is_empty() {
                    out.push('\n');
                }
                for (Case { variant, .. }, (member, _)) in cases.iter().zip(&named.cases) {
                    put!(out, "    {member} = {}", text::literal(&variant.name));
                    let doc = documentation(&variant.doc, variant.deprecated.as_deref());
                    text::doc(out, "    ", &doc);
                }
            }
            Body::Enum(cases) => {
                put!(out, "class {class}{base}:");
                let plain = if of.raised { "How a call fails." } else { "One of several." };
                text::doc(out, "    ", if doc.is_empty() { plain } else { &doc });
                self.variants(out, named, cases);
            }
        }
    }

    /// The variants that a class names, and a class below it for each of these.
    fn variants(&self, out: &mut String, named: &Defined<'a>, cases: &[Case<'a>]) {
        let (class, classes) = (&named.name, &self.classes[named.of.id]);
        if !cases.is_empty() {
            out.push('\n');
        }
        for ((name, _), own) in named.cases.iter().zip(classes) {
            put!(out, "    {name}: typing.ClassVar[type[{own}]]");
        }
        for ((case, (name, names)), own) in cases.iter().zip(&named.cases).zip(classes) {
            put!(out, "\n\n{}\nclass {own}({class}):", decorator(named));
            let doc = documentation(&case.variant.doc, case.variant.deprecated.as_deref());
            let doc = if doc.is_empty() { format!("``{class}.{name}``.") } else { doc };
            self.fields(out, named, &doc, parts(&case.parts, names));
        }
        out.push_str("\n\n");
        for ((name, _), own) in named.cases.iter().zip(classes) {
            put!(out, "{class}.{name} = {own}");
        }
        if let Some(union) = &self.unions[named.of.id] {
            put!(out, "\n{union} = typing.Union[{}]  # noqa: UP007", classes.join(", "));
            let doc = format!(
                "Any ``{class}``, for annotations: tools see that these are all there are."
            );
            text::doc(out, "", &doc);
        }
    }

    /// The body of a dataclass: fields that must be given come first, as dataclasses have it.
    fn fields(&self, out: &mut String, named: &Defined<'a>, doc: &str, parts: Vec<Part<'_, 'a>>) {
        text::doc(out, "    ", doc);
        match (parts.is_empty(), doc.is_empty()) {
            (true, true) => out.push_str("    pass\n"),
            (false, false) => out.push('\n'),
            _ => {}
        }
        let with_default = |(name, shape, field): Part<'_, 'a>| {
            let annotation = self.annotation(shape, From::Type(named.of.id));
            let default = field.and_then(|field| self.default_text(field, shape));
            (format!("    {name}: {annotation}"), default, field)
        };
        let (required, optional): (Vec<_>, Vec<_>) =
            parts.into_iter().map(with_default).partition(|(_, default, _)| default.is_none());
        for (text, default, field) in required.into_iter().chain(optional) {
            put!(out, "{text}{}", default.map(|value| format!(" = {value}")).unwrap_or_default());
            if let Some(field) = field {
                text::doc(out, "    ", &documentation(&field.doc, field.deprecated.as_deref()));
            }
        }
    }

    pub(super) fn codec_of(&self, out: &mut String, named: &Defined<'a>) {
        let class = &named.name;
        if native(named.of).is_some() {
            return;
        }
        let any = self.unions[named.of.id].as_ref().unwrap_or(class);
        let head = format!("{class}: _wire.Codec[_types.{any}] = _shapes.");
        match &named.of.body {
            Body::Struct(inside) => {
                let (names, codecs) = self.lists(named, parts(inside, &named.fields));
                put!(
                    out,
                    "{head}Struct(\n    _types.{class},\n    {names},\n    lambda: {codecs},\n)"
                );
            }
            Body::Enum(_) if is_names(named) => put!(out, "{head}Names(_types.{class})"),
            Body::Enum(cases) => {
                put!(out, "{head}Variants(\n    _types.{class},\n    (");
                let classes = &self.classes[named.of.id];
                for ((case, (_, names)), own) in cases.iter().zip(&named.cases).zip(classes) {
                    let (names, codecs) = self.lists(named, parts(&case.parts, names));
                    // Content of several parts counts as a level of nesting.
                    let nested = match case.parts {
                        Parts::Tuple(_) | Parts::Struct(_) => "True",
                        Parts::Unit | Parts::Newtype(_) => "False",
                    };
                    put!(
                        out,
                        "        _shapes.Variant(\n            _types.{own},\n            {names},\n            \
                         lambda: {codecs},\n            {nested},\n        ),"
                    );
                }
                put!(out, "    ),\n)");
            }
        }
    }

    /// The names of fields and their codecs, as tuples.
    fn lists(&self, named: &Defined<'a>, parts: Vec<Part<'_, 'a>>) -> (String, String) {
        let codec = |(_, shape, _): &Part<'_, '_>| self.codec(shape, From::Type(named.of.id));
        let codecs = parts.iter().map(codec).collect::<Vec<_>>();
        (
            text::tuple(&parts.iter().map(|(name, ..)| format!("\"{name}\"")).collect::<Vec<_>>()),
            text::tuple(&codecs),
        )
    }
}

/// The fields of a dataclass; those that have no name in Rust are `value`, or `field0`, `field1`, ….
fn parts<'p, 'a>(parts: &'p Parts<'a>, names: &[String]) -> Vec<Part<'p, 'a>> {
    match parts {
        Parts::Unit => Vec::new(),
        Parts::Newtype(shape) => vec![("value".to_owned(), shape, None)],
        Parts::Tuple(shapes) => {
            let numbered = shapes.iter().enumerate();
            numbered.map(|(index, shape)| (format!("field{index}"), shape, None)).collect()
        }
        Parts::Struct(fields) => {
            let named = fields.iter().zip(names);
            named.map(|((field, shape), name)| (name.clone(), shape, Some(*field))).collect()
        }
    }
}

/// Values do not change; exceptions must, since Python notes in them where they were raised.
const fn decorator(named: &Defined<'_>) -> &'static str {
    if named.of.raised {
        "@dataclasses.dataclass(eq=False)"
    } else {
        "@dataclasses.dataclass(frozen=True)"
    }
}
