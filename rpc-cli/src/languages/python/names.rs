//! Names as Python has them: no keywords, none that hides what annotations say.

use crate::api::{is_word, starts_word};

/// Names with a meaning of their own where fields, arguments and methods are named.
const RESERVED: &[&str] = &[
    "and",
    "as",
    "assert",
    "async",
    "await",
    "break",
    "class",
    "continue",
    "def",
    "del",
    "elif",
    "else",
    "except",
    "finally",
    "for",
    "from",
    "global",
    "if",
    "import",
    "in",
    "is",
    "lambda",
    "match",
    "nonlocal",
    "not",
    "or",
    "pass",
    "raise",
    "return",
    "try",
    "type",
    "while",
    "with",
    "yield",
    "case",
    "None",
    "True",
    "False",
    "self",
    "cls",
    "bool",
    "bytes",
    "dict",
    "float",
    "int",
    "list",
    "map",
    "object",
    "property",
    "set",
    "str",
    "tuple",
    "super",
    "abc",
    "types",
    "dataclasses",
    "enum",
    "ipaddress",
    "typing",
    "warnings",
    "args",
    "add_note",
    "with_traceback",
    "timeout",
    "metadata",
];

/// Of those, the ones that methods may have all the same: nothing inside of a class says them.
const HARMLESS: &[&str] = &[
    "args",
    "add_note",
    "with_traceback",
    "timeout",
    "metadata",
    "map",
    "set",
    "enum",
    "abc",
    "cls",
    "self",
    "warnings",
    "ipaddress",
    "dataclasses",
    "match",
    "case",
    "object",
    "super",
];

/// Names of types that Python or generated code has for itself.
const TYPES: &[&str] = &["None", "True", "False", "Exception", "DeprecationWarning"];

/// A field or argument: `display_name` for `displayName`, `class_` for `class`.
pub(super) fn field(name: &str) -> String {
    reserve(words(name).join("_"), RESERVED.contains(&words(name).join("_").as_str()))
}

/// A method of a service.
pub(super) fn method(name: &str) -> String {
    let name = words(name).join("_");
    let reserved = RESERVED.contains(&name.as_str()) && !HARMLESS.contains(&name.as_str());
    reserve(name, reserved)
}

/// A member of an enum or a constant: `DARK_GREEN` for `dark-green`.
pub(super) fn constant(name: &str) -> String {
    reserve(words(name).join("_").to_uppercase(), false)
}

/// A class: `DarkGreen` for `dark-green`.
pub(super) fn class(name: &str) -> String {
    let capital = |word: &str| {
        let mut characters = word.chars();
        let first = characters.next().into_iter().flat_map(char::to_uppercase);
        first.chain(characters).collect::<String>()
    };
    let parts = name.split(|character: char| !is_word(character) || character == '_');
    let name: String = parts.filter(|word| !word.is_empty()).map(capital).collect();
    let reserved = TYPES.contains(&name.as_str());
    reserve(name, reserved)
}

/// The name with what makes it an identifier that is free.
fn reserve(name: String, reserved: bool) -> String {
    if name.is_empty() {
        return "unnamed".to_owned();
    }
    let digit = name.starts_with(|first: char| !starts_word(first));
    let name = if digit { format!("n{name}") } else { name };
    if reserved { format!("{name}_") } else { name }
}

/// The words of a name, in small letters: at underscores, other signs and capitals after small letters.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut previous = None;
    for character in name.chars() {
        let starts = character.is_uppercase()
            && previous.is_some_and(|last: char| last.is_lowercase() || last.is_ascii_digit());
        let part = is_word(character) && character != '_';
        if !part || starts {
            words.push(String::new());
        }
        if part && let Some(word) = words.last_mut() {
            word.extend(character.to_lowercase());
        }
        previous = Some(character);
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_python() {
        assert_eq!(
            ["displayName", "class", "r_e", "self", "2x"].map(field),
            ["display_name", "class_", "r_e", "self_", "n2x"]
        );
        assert_eq!(
            ["dark-green", "Red", "HTTPPort"].map(constant),
            ["DARK_GREEN", "RED", "HTTPPORT"]
        );
        assert_eq!(["dark-green", "None", "9"].map(class), ["DarkGreen", "None_", "n9"]);
        assert_eq!(["list", "lambda"].map(method), ["list_", "lambda_"]);
    }
}
