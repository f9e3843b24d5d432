//! Documentation comments as text, for descriptions that travel.

use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// The text of the documentation comments among `attributes`.
pub(crate) fn text(attributes: &[Attribute]) -> String {
    let lines: Vec<String> = attributes.iter().filter_map(line).collect();
    lines.join("\n").trim().to_owned()
}

fn line(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attribute.meta else { return None };
    let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &pair.value else { return None };
    if !pair.path.is_ident("doc") {
        return None;
    }
    let lines: Vec<String> = text.value().lines().map(unindented).collect();
    Some(lines.join("\n"))
}

/// Without the space that people write after the slashes, and without trailing ones.
fn unindented(line: &str) -> String {
    line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::text;

    #[test]
    fn lines_are_joined_and_inner_indentation_stays() {
        let attributes = [
            parse_quote!(#[doc = " First."]),
            parse_quote!(#[doc = ""]),
            parse_quote!(#[allow(dead_code)]),
            parse_quote!(#[doc = "   let x = 1;"]),
        ];
        assert_eq!(text(&attributes), "First.\n\n  let x = 1;");
    }

    #[test]
    fn computed_documentation_is_left_out() {
        assert_eq!(text(&[parse_quote!(#[doc = include_str!("x.md")])]), "");
    }
}
