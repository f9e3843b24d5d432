//! Documentation comments, as the text that a reader sees.

use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// The lines of all doc comments in `attributes`, without the space that follows the slashes.
pub(crate) fn text(attributes: &[Attribute]) -> String {
    let lines: Vec<String> = attributes.iter().filter_map(line).collect();
    let lines: Vec<&str> = lines.iter().flat_map(|line| line.split('\n')).collect();
    let lines: Vec<&str> =
        lines.iter().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end()).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

fn line(attribute: &Attribute) -> Option<String> {
    match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use syn::{ItemStruct, parse_quote};

    #[test]
    fn lines_are_joined_without_their_first_space() {
        let item: ItemStruct = parse_quote! {
            /// One.
            ///
            ///   Indented.
            struct X;
        };
        assert_eq!(super::text(&item.attrs), "One.\n\n  Indented.");
    }
}
