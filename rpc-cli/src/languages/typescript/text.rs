//! Pieces of TypeScript source: strings, property names, documentation.

use std::fmt::Write as _;

use crate::api::harmless;

/// A string literal.
pub(super) fn string(text: &str) -> String {
    let mut literal = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => literal.push_str("\\\""),
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            // Line separators end a line of source as well.
            control if control.is_control() || matches!(control, '\u{2028}' | '\u{2029}') => {
                let _ = write!(literal, "\\u{{{:x}}}", u32::from(control));
            }
            plain => literal.push(plain),
        }
    }
    literal.push('"');
    literal
}

/// The name of a property, quoted where it is not an identifier.
pub(super) fn property(name: &str) -> String {
    let mut characters = name.chars();
    let starts = characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    let goes_on = characters.all(|character| character.is_ascii_alphanumeric() || character == '_');
    // A quoted `__proto__` is as special as a bare one in literals, but not in types.
    if starts && goes_on { name.to_owned() } else { string(name) }
}

/// A comment for TSDoc, if there is anything to say, each line after `indent` spaces.
pub(super) fn doc(text: &str, deprecated: Option<&str>, indent: usize) -> String {
    let mut lines: Vec<String> = harmless(text).lines().map(escaped).collect();
    if let Some(why) = deprecated {
        let why = harmless(why);
        let why = why.split_whitespace().collect::<Vec<_>>().join(" ");
        // A reason is part of the tag, and rules of style want one.
        let why = if why.is_empty() { "It may go away.".to_owned() } else { escaped(&why) };
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push(format!("@deprecated {why}"));
    }
    let margin = " ".repeat(indent);
    match lines.as_slice() {
        [] => String::new(),
        [line] => format!("{margin}/** {line} */\n"),
        lines => {
            let mut comment = format!("{margin}/**\n");
            for line in lines {
                let line = format!("{margin} * {line}");
                comment.push_str(line.trim_end());
                comment.push('\n');
            }
            let _ = writeln!(comment, "{margin} */");
            comment
        }
    }
}

/// A line that cannot end its comment, begin a tag or a link.
fn escaped(line: &str) -> String {
    line.trim_end()
        .replace("*/", "*\\/")
        .replace('@', "\\@")
        .replace(['\u{2028}', '\u{2029}', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_cannot_be_left() {
        assert_eq!(string("a\"b\\c\nd\u{2028}"), "\"a\\\"b\\\\c\\nd\\u{2028}\"");
    }

    #[test]
    fn comments_cannot_be_left() {
        assert_eq!(doc("ends */ here", None, 2), "  /** ends *\\/ here */\n");
        assert_eq!(doc("", Some(""), 0), "/** @deprecated It may go away. */\n");
        assert_eq!(
            doc("a\n\nb", Some("why"), 0),
            "/**\n * a\n *\n * b\n *\n * @deprecated why\n */\n"
        );
        assert_eq!(doc("", None, 0), "");
    }

    #[test]
    fn names_are_quoted_where_they_must() {
        assert_eq!(property("a_1"), "a_1");
        assert_eq!(property("dark-green"), "\"dark-green\"");
        assert_eq!(property("1st"), "\"1st\"");
    }
}
