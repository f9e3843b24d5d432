//! Colours for what is read at a terminal: JSON, and Rust. They are taken away where the text does not go to one.

use anstyle::{AnsiColor, Style};

const KEY: Style = AnsiColor::Blue.on_default();
const TEXT: Style = AnsiColor::Green.on_default();
const LITERAL: Style = AnsiColor::Magenta.on_default();

/// JSON in colours, which are taken away where it does not go to a terminal.
pub(crate) fn json(json: &str) -> String {
    let mut all = String::with_capacity(json.len() * 2);
    let mut rest = json;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => end_of_text(rest),
            '-' | '0'..='9' | 'a'..='z' => {
                let more = |letter: char| letter.is_ascii_alphanumeric() || "+-.".contains(letter);
                rest.find(|letter| !more(letter)).unwrap_or(rest.len())
            }
            other => {
                all.push(other);
                rest = &rest[other.len_utf8()..];
                continue;
            }
        };
        let (word, behind) = rest.split_at(length);
        let style = match first {
            '"' if behind.starts_with(':') => KEY,
            '"' => TEXT,
            _ => LITERAL,
        };
        all.push_str(&format!("{style}{word}{style:#}"));
        rest = behind;
    }
    all
}

/// The length of a text in JSON, quotes included.
fn end_of_text(json: &str) -> usize {
    let mut escaped = false;
    for (place, letter) in json.char_indices().skip(1) {
        match letter {
            '"' if !escaped => return place + 1,
            letter => escaped = letter == '\\' && !escaped,
        }
    }
    json.len()
}

const KEYWORD: Style = AnsiColor::Magenta.on_default();
const TYPE: Style = AnsiColor::Cyan.on_default();
const COMMENT: Style = AnsiColor::Green.on_default();

/// Rust in colours: its comments, words of the language, and names of types.
pub(crate) fn rust(text: &str) -> String {
    text.split_inclusive('\n').map(rust_line).collect()
}

fn rust_line(line: &str) -> String {
    if line.trim_start().starts_with("//") {
        let (comment, end) = line.split_at(line.trim_end().len());
        return format!("{COMMENT}{comment}{COMMENT:#}{end}");
    }
    let mut all = String::with_capacity(line.len() * 2);
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
        let length = match first {
            '"' => end_of_text(rest),
            first if is_word(first) => rest.find(|letter| !is_word(letter)).unwrap_or(rest.len()),
            first => first.len_utf8(),
        };
        let (word, behind) = rest.split_at(length);
        let style = match word {
            "async" | "const" | "dyn" | "enum" | "fn" | "impl" | "mut" | "pub" | "self"
            | "struct" | "trait" | "type" => KEYWORD,
            _ if first == '"' => TEXT,
            _ if first.is_uppercase() => TYPE,
            _ => Style::new(),
        };
        all.push_str(&format!("{style}{word}{style:#}"));
        rest = behind;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_change_nothing_but_colours() {
        let value =
            serde_json::json!({ "a \"b\\": [1, -2.5e10, null, true, "c: \"d\" é"], "e": {} });
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        let shown = json(&pretty);
        assert!(shown.contains(&format!("{LITERAL}null{LITERAL:#}")), "{shown}");
        assert!(shown.contains(&format!("{KEY}\"e\"{KEY:#}: ")), "{shown}");
        assert_eq!(anstream::adapter::strip_str(&shown).to_string(), pretty);
    }

    #[test]
    fn colours_leave_the_text_as_it_is() {
        let json = r#"{"a\"b": [1, -2.5e3, true, "x: \\"], "c": null}"#;
        let text = "/// A \"thing\".\npub struct Item<T> {\n    // what\n    name: Vec<T>, // no\n}\n#[x = \"A\"]\n";
        for (coloured, plain) in [(self::json(json), json), (rust(text), text)] {
            assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain);
        }
    }

    #[test]
    fn words_of_rust_are_told_apart() {
        let line = rust("pub x: Vec<u8>,");
        assert!(line.starts_with(&format!("{KEYWORD}pub{KEYWORD:#} x")), "{line:?}");
        assert!(line.contains(&format!("{TYPE}Vec{TYPE:#}<u8>")), "{line:?}");
        assert!(rust("/// Done.\n").ends_with(&format!("Done.{COMMENT:#}\n")));
    }
}
