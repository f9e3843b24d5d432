//! Documentation comments and deprecations as text, for descriptions that travel.

use syn::{Attribute, Expr, ExprLit, Lit, LitStr, Meta};

/// The text of the documentation comments among `attributes`.
pub(crate) fn text(attributes: &[Attribute]) -> String {
    let lines: Vec<String> = attributes.iter().filter_map(line).collect();
    lines.join("\n").trim().to_owned()
}

/// The reason given by `#[deprecated]` among `attributes`, which may be empty; none without such an attribute.
pub(crate) fn deprecated(attributes: &[Attribute]) -> Option<String> {
    let attribute = attributes.iter().find(|attribute| attribute.path().is_ident("deprecated"))?;
    let mut why = String::new();
    match &attribute.meta {
        Meta::Path(_) => {}
        Meta::NameValue(pair) => {
            if let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &pair.value {
                why = text.value();
            }
        }
        // The compiler reports mistakes in it.
        Meta::List(list) => drop(list.parse_nested_meta(|option| {
            let text: LitStr = option.value()?.parse()?;
            if option.path.is_ident("note") {
                why = text.value();
            }
            Ok(())
        })),
    }
    Some(why)
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

/// The line without the space that people write after the slashes, and without trailing ones.
fn unindented(line: &str) -> String {
    line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::{deprecated, text};

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
    fn deprecations_say_why_if_they_do() {
        let of = |attribute| deprecated(&[attribute]);
        assert_eq!(of(parse_quote!(#[deprecated])).as_deref(), Some(""));
        assert_eq!(of(parse_quote!(#[deprecated = "Too slow."])).as_deref(), Some("Too slow."));
        let both = parse_quote!(#[deprecated(since = "1.2", note = "Use `b`.")]);
        assert_eq!(of(both).as_deref(), Some("Use `b`."));
        assert_eq!(of(parse_quote!(#[must_use])), None);
    }

    #[test]
    fn computed_documentation_is_left_out() {
        assert_eq!(text(&[parse_quote!(#[doc = include_str!("x.md")])]), "");
    }
}
