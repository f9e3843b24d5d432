//! Pieces of source: strings of JavaScript, names of properties, comments.

use std::fmt::Write as _;

/// A string literal of JavaScript and TypeScript, in letters of ASCII.
pub(super) fn string(text: &str) -> String {
    let mut literal = String::from("\"");
    for sign in text.chars() {
        match sign {
            '"' => literal.push_str("\\\""),
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            plain if plain.is_ascii() && !plain.is_ascii_control() => literal.push(plain),
            other => {
                let _ = write!(literal, "\\u{{{:x}}}", u32::from(other));
            }
        }
    }
    literal.push('"');
    literal
}

/// The name of a property, quoted where it is not an identifier.
pub(super) fn property(name: &str) -> String {
    let word = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
    let starts = name.starts_with(|first: char| word(first) && !first.is_ascii_digit());
    if starts && name.chars().all(word) { name.to_owned() } else { string(name) }
}

/// A comment in front of a declaration, if there is anything to say, each line after `indent` spaces.
pub(super) fn doc(text: &str, deprecated: Option<&str>, indent: usize) -> String {
    let mut lines: Vec<String> = text.trim().lines().map(harmless).collect();
    if let Some(why) = deprecated {
        let why = if why.trim().is_empty() { "It may go away." } else { why };
        let why = why.split_whitespace().collect::<Vec<_>>().join(" ");
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push(format!("@deprecated {}", harmless(&why)));
    }
    let margin = " ".repeat(indent);
    match lines.as_slice() {
        [] => String::new(),
        [line] => format!("{margin}/** {line} */\n"),
        lines => {
            let mut comment = format!("{margin}/**\n");
            for line in lines {
                comment.push_str(format!("{margin} * {line}").trim_end());
                comment.push('\n');
            }
            comment + &margin + " */\n"
        }
    }
}

/// A line that cannot end its comment or begin a tag.
fn harmless(line: &str) -> String {
    let unseen = |sign: char| {
        sign.is_control()
            || matches!(sign, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    line.trim_end().replace("*/", "*\\/").replace('@', "\\@").replace(unseen, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_cannot_be_left() {
        assert_eq!(string("a\"b\\c\nd\u{2028}\u{e9}"), r#""a\"b\\c\nd\u{2028}\u{e9}""#);
    }

    #[test]
    fn comments_cannot_be_left() {
        assert_eq!(doc("ends */ here", None, 2), "  /** ends *\\/ here */\n");
        assert_eq!(doc("", Some(""), 0), "/** @deprecated It may go away. */\n");
        let both = "/**\n * a\n *\n * b\n *\n * @deprecated why\n */\n";
        assert_eq!(doc("a\n\nb", Some("why"), 0), both);
        assert_eq!(doc("", None, 0), "");
    }

    #[test]
    fn names_are_quoted_where_they_must() {
        assert_eq!(property("a_1"), "a_1");
        assert_eq!(property("dark-green"), "\"dark-green\"");
        assert_eq!(property("1st"), "\"1st\"");
    }
}
