//! Names as Rust has them; what travels is told apart where it differs.

use heck::{ToSnakeCase as _, ToUpperCamelCase as _};

use crate::api::{is_word, starts_word, unique::Unique};

/// Words that are no names, even written raw.
const NEVER: [&str; 5] = ["self", "Self", "super", "crate", "_"];

/// Types that generated code says by their bare names.
const SAID: [&str; 5] = ["Box", "Option", "Result", "String", "Vec"];

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
    let snake = words(name).to_snake_case();
    let starts_well = snake.starts_with(starts_word);
    plain(&if starts_well { snake } else { format!("field_{snake}") })
}

/// The name of a type or variant, which serde renames if it has to.
pub(super) fn upper(name: &str) -> String {
    let is_part = |character| is_word(character) && character != '_';
    let fits = name.chars().all(is_part) && !name.starts_with(char::is_lowercase);
    let camel = if fits { name.to_owned() } else { words(name).to_upper_camel_case() };
    let starts_well = camel.starts_with(starts_word);
    plain(&if starts_well { camel } else { format!("V{camel}") })
}

/// The name with nothing in it but what names of Rust can have.
fn words(name: &str) -> String {
    name.chars().map(|character| if is_word(character) { character } else { '_' }).collect()
}

/// The name as serde sees it.
pub(super) fn unraw(name: &str) -> &str {
    name.strip_prefix("r#").unwrap_or(name)
}

/// Names of Rust for all of these, each once: what needs no change keeps its name, the rest gets numbers where needed.
pub(super) fn each_once<'a>(
    names: impl Iterator<Item = &'a str> + Clone,
    rust: fn(&str) -> String,
) -> Vec<String> {
    let kept = |name: &&str| unraw(&rust(name)) == *name;
    let keep: Vec<String> = names.clone().filter(kept).map(rust).collect();
    let mut taken = Unique::with(keep.iter().map(String::as_str));
    names
        .map(|name| if kept(&name) { rust(name) } else { free(&rust(name), &[], &mut taken) })
        .collect()
}

/// The names of traits and types, which share a namespace with what the traits' attribute makes of them.
pub(super) struct Module(Unique);

impl Module {
    pub(super) fn new() -> Self {
        Self(Unique::with(SAID))
    }

    /// A trait, whose client and server are free as well.
    pub(super) fn service(&mut self, name: &str) -> String {
        free(&upper(name), &["Client", "Server"], &mut self.0)
    }

    pub(super) fn type_(&mut self, name: &str) -> String {
        free(&upper(name), &[], &mut self.0)
    }
}

/// The name once, with a number that leaves it a name of Rust as it is usual.
fn free(name: &str, suffixes: &[&str], taken: &mut Unique) -> String {
    taken.take_with(name, unraw(name).trim_end_matches('_'), suffixes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_come_out_the_same_get_numbers_but_for_one_that_needed_no_change() {
        let fields =
            ["None", "none", "self", "self_", "foo-bar", "fooBar", "foo_bar", "Type", "type"];
        assert_eq!(
            each_once(fields.into_iter(), field),
            [
                "none2", "none", "self2", "self_", "foo_bar2", "foo_bar3", "foo_bar", "type2",
                "r#type"
            ]
        );
        let variants = ["Self", "Self_", "dark", "Dark"];
        assert_eq!(each_once(variants.into_iter(), upper), ["Self2", "Self_", "Dark2", "Dark"]);
    }

    #[test]
    fn types_are_called_neither_like_traits_nor_like_what_code_says() {
        let mut module = Module::new();
        assert_eq!(module.service("Clock"), "Clock");
        assert_eq!(module.service("ClockClient"), "ClockClient2");
        let types = ["Clock", "ClockServer", "Option", "Time"].map(|name| module.type_(name));
        assert_eq!(types, ["Clock2", "ClockServer2", "Option2", "Time"]);
    }

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
