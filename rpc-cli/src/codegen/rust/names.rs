//! Names as Rust has them; what travels is told apart where it differs.

use heck::{ToSnakeCase as _, ToUpperCamelCase as _};

/// Words that are no names, even written raw.
const NEVER: [&str; 5] = ["self", "Self", "super", "crate", "_"];

/// Words that are names only if written raw.
const KEYWORDS: [&str; 49] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
    "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return",
    "static", "struct", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use",
    "virtual", "where", "while", "yield", "union",
];

/// The name of a method or argument: they travel as they are in Rust.
pub(super) fn plain(name: &str) -> String {
    if NEVER.contains(&name) {
        return format!("{name}_");
    }
    if KEYWORDS.contains(&name) { format!("r#{name}") } else { name.to_owned() }
}

/// The name of a field, which serde renames if it has to.
pub(super) fn field(name: &str) -> String {
    let snake = name.to_snake_case();
    let starts_well = snake.starts_with(|first: char| first.is_alphabetic());
    plain(&if starts_well { snake } else { format!("field_{snake}") })
}

/// The name of a type or variant, which serde renames if it has to.
pub(super) fn upper(name: &str) -> String {
    let fits = name.chars().all(char::is_alphanumeric) && !name.starts_with(char::is_lowercase);
    let camel = if fits { name.to_owned() } else { name.to_upper_camel_case() };
    let starts_well = camel.starts_with(|first: char| first.is_alphabetic());
    plain(&if starts_well { camel } else { format!("V{camel}") })
}

/// The name as serde sees it.
pub(super) fn unraw(name: &str) -> &str {
    name.strip_prefix("r#").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_becomes_one_of_rust() {
        assert_eq!(field("displayName"), "display_name");
        assert_eq!(field("type"), "r#type");
        assert_eq!(field("self"), "self_");
        assert_eq!(field("2nd"), "field_2nd");
        assert_eq!(upper("dark-green"), "DarkGreen");
        assert_eq!(upper("self"), "Self_");
        assert_eq!(upper("HTTPError"), "HTTPError");
        assert_eq!(upper("3D"), "V3D");
        assert_eq!(plain("match"), "r#match");
    }
}
