//! Markdown: a page for repositories and wikis.

use std::fmt::Write as _;

use rpc_core::schema::ServiceSchema;

use super::{deprecation, exchange};
use crate::codegen::Api;

/// All services as one page.
pub(crate) fn markdown(api: &Api<'_>, title: &str) -> String {
    let mut text = format!("# {title}\n");
    // Writing to a string cannot fail, here and below.
    if api.services.len() > 1 {
        text.push('\n');
        for service in api.services {
            let _ = writeln!(text, "- [{0}](#{1})", service.name, service.name.to_lowercase());
        }
    }
    for service in api.services {
        one(&mut text, service);
    }
    let shown = api.types.iter().rev().filter(|named| !named.container.name.starts_with("Result<"));
    let mut heading = "\n## Types\n";
    for named in shown {
        let _ = writeln!(text, "{}\n### {}", std::mem::take(&mut heading), named.name);
        let _ = writeln!(text, "\n```rust\n{}```", named.registry().render(named.container));
    }
    text
}

fn one(text: &mut String, service: &ServiceSchema) {
    let _ = writeln!(text, "\n## {}", service.name);
    paragraph(text, &service.doc);
    paragraph(text, &service.deprecated.as_deref().map(deprecation).unwrap_or_default());
    for method in &service.methods {
        let _ = writeln!(text, "\n### {}", method.path);
        paragraph(text, &method.doc);
        paragraph(text, exchange(method.kind).unwrap_or_default());
        if method.ordered {
            paragraph(text, "Calls start and end in the order in which they were sent.");
        }
        paragraph(text, &method.deprecated.as_deref().map(deprecation).unwrap_or_default());
        let _ = writeln!(text, "\n```rust\n{}\n```", service.signature(method));
    }
}

fn paragraph(text: &mut String, content: &str) {
    if !content.is_empty() {
        let _ = writeln!(text, "\n{content}");
    }
}
