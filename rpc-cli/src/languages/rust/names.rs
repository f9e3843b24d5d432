//! Names as Rust has them; what travels is told apart where it differs.

use heck::{ToSnakeCase as _, ToUpperCamelCase as _};

use super::{
    super::names::{Kind, Naming},
    Rust,
};
use crate::api::{Unique, is_word, starts_word};

/// Words that are not names, even written raw.
const NEVER: &str = "self Self super crate _";

/// Words that are names only if written raw.
const KEYWORDS: &str = "abstract as async await become box break const continue do dyn else enum extern false final \
    fn for gen if impl in let loop macro match mod move mut override priv pub ref return static struct trait true try \
    type typeof unsafe unsized use virtual where while yield union";

impl Naming for Rust<'_> {
    /// Types that generated code says by their bare names.
    fn taken(kind: Kind) -> &'static str {
        if kind == Kind::Service { "Box Option Result String Vec" } else { "" }
    }

    fn spelt(kind: Kind, name: &str) -> String {
        match kind {
            // They travel as they are in Rust.
            Kind::Method | Kind::Argument(_) => plain(name),
            Kind::Field => {
                let snake = words(name).to_snake_case();
                plain(&if snake.starts_with(starts_word) {
                    snake
                } else {
                    format!("field_{snake}")
                })
            }
            Kind::Service | Kind::Type | Kind::Member | Kind::Variant => upper(name),
        }
    }

    /// The name once, with a number that leaves it a name of Rust as it is usual.
    fn take(kind: Kind, name: &str, scope: &mut Unique) -> String {
        // A trait's client and server are made by its attribute.
        let beside: &[&str] = if kind == Kind::Service { &["Client", "Server"] } else { &[] };
        let name = Self::spelt(kind, name);
        scope.take_with(&name, unraw(&name).trim_end_matches('_'), beside)
    }

    /// Names that need no change stay, the others get numbers where needed.
    fn all(kind: Kind, names: &[&str]) -> Vec<String> {
        let kept = |name: &str| Some(Self::spelt(kind, name)).filter(|spelt| unraw(spelt) == name);
        let keep: Vec<_> = names.iter().filter_map(|name| kept(name)).collect();
        let mut scope = Unique::with(keep.iter().map(String::as_str));
        let free = |name: &&str| kept(name).unwrap_or_else(|| Self::take(kind, name, &mut scope));
        names.iter().map(free).collect()
    }
}

fn plain(name: &str) -> String {
    let is_in = |words: &str| words.split(' ').any(|word| word == name);
    match () {
        () if is_in(NEVER) => format!("{name}_"),
        () if is_in(KEYWORDS) => format!("r#{name}"),
        () => name.to_owned(),
    }
}

/// The name of a type or variant, which serde renames if it has to.
fn upper(name: &str) -> String {
    let is_part = |character| is_word(character) && character != '_';
    let fits = name.chars().all(is_part) && !name.starts_with(char::is_lowercase);
    let camel = if fits { name.to_owned() } else { words(name).to_upper_camel_case() };
    plain(&if camel.starts_with(starts_word) { camel } else { format!("V{camel}") })
}

/// The name with nothing in it but what names of Rust can have.
fn words(name: &str) -> String {
    name.chars().map(|character| if is_word(character) { character } else { '_' }).collect()
}

/// The name as serde sees it.
pub(super) fn unraw(name: &str) -> &str {
    name.strip_prefix("r#").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_come_out_the_same_get_numbers_but_for_one_that_needed_no_change() {
        let fields =
            ["None", "none", "self", "self_", "foo-bar", "fooBar", "foo_bar", "Type", "type"];
        assert_eq!(
            Rust::all(Kind::Field, &fields),
            [
                "none2", "none", "self2", "self_", "foo_bar2", "foo_bar3", "foo_bar", "type2",
                "r#type"
            ]
        );
        let variants = ["Self", "Self_", "dark", "Dark"];
        assert_eq!(Rust::all(Kind::Variant, &variants), ["Self2", "Self_", "Dark2", "Dark"]);
    }

    #[test]
    fn types_are_called_neither_like_traits_nor_like_what_code_says() {
        let mut module = Unique::of(Rust::taken(Kind::Service));
        assert_eq!(Rust::service("Clock", &mut module), ["Clock"]);
        assert_eq!(Rust::service("ClockClient", &mut module), ["ClockClient2"]);
        let mut module = Rust::types(module);
        let types = ["Clock", "ClockServer", "Option", "Time"];
        let types = types.map(|name| Rust::take(Kind::Type, name, &mut module));
        assert_eq!(types, ["Clock2", "ClockServer2", "Option2", "Time"]);
    }

    #[test]
    fn any_name_becomes_one_of_rust() {
        let field = |name| Rust::spelt(Kind::Field, name);
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
