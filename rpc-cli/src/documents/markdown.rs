//! Markdown: a page for repositories and wikis.

use std::fmt::Write as _;

use rpc_core::schema::ServiceSchema;

use super::{deprecation, exchange, repetition, requirement};
use crate::{
    api::{Api, harmless},
    output::steers,
};

/// All services as one page.
pub(crate) fn markdown(api: &Api<'_>, title: &str) -> String {
    let mut text = format!("# {}\n", escaped(title));
    // Writing to a string cannot fail, here and below.
    if api.services.len() > 1 {
        text.push('\n');
        for service in api.schemas() {
            let (name, anchor) = (escaped(&service.name), service.name.to_lowercase());
            let _ = writeln!(text, "- [{name}](#{anchor})");
        }
    }
    for service in api.schemas() {
        one(&mut text, service);
    }
    let shown = api.types.iter().rev().filter(|named| !named.is_result());
    let mut heading = "\n## Types\n";
    for named in shown {
        let _ = writeln!(text, "{}\n### {}", std::mem::take(&mut heading), escaped(&named.name));
        code(&mut text, &named.registry().render(named.container));
    }
    text
}

fn one(text: &mut String, service: &ServiceSchema) {
    let _ = writeln!(text, "\n## {}", escaped(&service.name));
    paragraph(text, &service.doc);
    paragraph(text, &service.deprecated.as_deref().map(deprecation).unwrap_or_default());
    for method in &service.methods {
        let _ = writeln!(text, "\n### {}", escaped(&method.path));
        paragraph(text, &method.doc);
        paragraph(text, exchange(method.kind).unwrap_or_default());
        if method.ordered {
            paragraph(text, "Calls start and end in the order in which they were sent.");
        }
        paragraph(text, repetition(method.repetition).unwrap_or_default());
        paragraph(text, &requirement(method).unwrap_or_default());
        paragraph(text, &method.deprecated.as_deref().map(deprecation).unwrap_or_default());
        code(text, &service.signature(method));
    }
}

fn paragraph(text: &mut String, content: &str) {
    // It is Markdown, and may be a stranger's.
    let content = harmless(content);
    if !content.is_empty() {
        let _ = writeln!(text, "\n{content}");
    }
}

/// A block of code that nothing in it ends.
fn code(text: &mut String, code: &str) {
    let runs = code.split(|sign| sign != '`').map(str::len);
    let fence = "`".repeat(runs.max().unwrap_or_default().max(2) + 1);
    let _ = writeln!(text, "\n{fence}rust\n{}\n{fence}", code.trim_end());
}

/// A name or title, all of it on one line and none of it Markdown.
fn escaped(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    let mut before = ' ';
    let mut signs = name.chars().peekable();
    while let Some(sign) = signs.next() {
        let inside =
            before.is_alphanumeric() && signs.peek().is_some_and(|next| next.is_alphanumeric());
        match sign {
            // Inside of a word they mean themselves.
            '_' | ':' | '-' if inside => escaped.push(sign),
            '.' | '/' => escaped.push(sign),
            _ if steers(sign) => escaped.push(' '),
            _ if sign.is_ascii_punctuation() => escaped.extend(['\\', sign]),
            _ => escaped.push(sign),
        }
        before = sign;
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_markdown() {
        assert_eq!(escaped("Inventory.set_picture"), "Inventory.set_picture");
        assert_eq!(escaped("<img src=x>\n# `a`"), "\\<img src\\=x\\> \\# \\`a\\`");
        assert_eq!(escaped("__init__"), "\\_\\_init\\_\\_");
    }

    #[test]
    fn code_does_not_end_its_block() {
        let mut text = String::new();
        code(&mut text, "a\n````\nb\n");
        assert_eq!(text, "\n`````rust\na\n````\nb\n`````\n");
    }
}
