//! Names as Python has them: no keywords, none that hides what annotations say.

use super::{
    super::names::{Kind, Naming},
    EXPORTS, Python,
};
use crate::api::{Unique, capitals, is_word, snake_words, starts_word};

/// Names with a meaning of their own where fields and arguments are named.
const RESERVED: &str = "abc add_note args cls dataclasses enum ipaddress map metadata object self set super timeout \
    warnings with_traceback case match";

/// Those that methods cannot have either: things inside of a class say them.
const SAID: &str = "and as assert async await break class continue def del elif else except finally for from global \
    if import in is lambda nonlocal not or pass raise return try type while with yield None True False bool bytes dict \
    float int list property str tuple types typing";

/// Names of types that Python or generated code has for itself.
const TYPES: &str = "None True False Exception DeprecationWarning";

impl Naming for Python<'_> {
    fn taken(kind: Kind) -> &'static str {
        if kind == Kind::Service { EXPORTS } else { "" }
    }

    /// `display_name` for the field `displayName`, `DARK_GREEN` for the member `dark-green`, `DarkGreen` for a class.
    fn spelt(kind: Kind, name: &str) -> String {
        let is_in = |words: &str, name: &str| words.split(' ').any(|word| word == name);
        match kind {
            Kind::Field | Kind::Argument(_) => {
                let name = snake_words(name);
                reserve(&name, is_in(SAID, &name) || is_in(RESERVED, &name))
            }
            Kind::Method => {
                let name = snake_words(name);
                reserve(&name, is_in(SAID, &name))
            }
            Kind::Member => constant(name),
            Kind::Service | Kind::Type | Kind::Variant => {
                let name = capitals(name.split(|sign: char| !is_word(sign) || sign == '_'));
                reserve(&name, is_in(TYPES, &name))
            }
        }
    }

    /// Its client, its handler, and the client for code that blocks.
    fn service(name: &str, scope: &mut Unique) -> Vec<String> {
        let client = Self::take(Kind::Service, name, scope);
        let handler = scope.take(&format!("{client}Handler"));
        let blocking = scope.take(&format!("Blocking{client}"));
        vec![client, handler, blocking]
    }

    fn types(_services: Unique) -> Unique {
        Unique::default()
    }
}

/// A member of an enum or a constant.
pub(super) fn constant(name: &str) -> String {
    reserve(&snake_words(name).to_uppercase(), false)
}

/// The name with what makes it an identifier that is free.
fn reserve(name: &str, reserved: bool) -> String {
    match name {
        "" => "unnamed".to_owned(),
        name => {
            let digit = if name.starts_with(starts_word) { "" } else { "n" };
            format!("{digit}{name}{}", if reserved { "_" } else { "" })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_python() {
        assert_eq!(
            ["displayName", "class", "r_e", "self", "2x"]
                .map(|name| Python::spelt(Kind::Field, name)),
            ["display_name", "class_", "r_e", "self_", "n2x"]
        );
        assert_eq!(
            ["dark-green", "Red", "HTTPPort"].map(constant),
            ["DARK_GREEN", "RED", "HTTPPORT"]
        );
        let class = |name| Python::spelt(Kind::Type, name);
        assert_eq!(["dark-green", "None", "9"].map(class), ["DarkGreen", "None_", "n9"]);
        assert_eq!(
            ["list", "lambda"].map(|name| Python::spelt(Kind::Method, name)),
            ["list_", "lambda_"]
        );
    }
}
