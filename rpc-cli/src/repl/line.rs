//! What was typed: words, quoted texts, and JSON that may go over several lines.

/// Splits a line at its spaces, but not inside of quotes and brackets. A text in quotes loses them, unless it is part
/// of JSON: `name="Ada L."` is `name=Ada L.`, and `name:="Ada"` stays as it is.
pub(super) fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut scan = Scan::default();
    for character in line.chars() {
        let inside = scan.is_inside();
        scan.take(character);
        if character.is_whitespace() && !inside {
            words.extend(finished(&mut word));
        } else {
            word.push(character);
        }
    }
    words.extend(finished(&mut word));
    words
}

fn finished(word: &mut String) -> Option<String> {
    let word = std::mem::take(word);
    let quoted = |text: &str| Some(text.strip_prefix('"')?.strip_suffix('"')?.to_owned());
    match word.split_once('=') {
        Some((name, text)) if !name.ends_with(':') && !word.starts_with(['{', '[']) => {
            let text = quoted(text).unwrap_or_else(|| text.to_owned());
            Some(format!("{name}={text}"))
        }
        _ => (!word.is_empty()).then_some(word),
    }
}

/// Whether more is to come: a bracket or a quote is open.
pub(super) fn is_open(text: &str) -> bool {
    let mut scan = Scan::default();
    text.chars().for_each(|character| scan.take(character));
    scan.is_inside()
}

/// Where in a text of words and JSON one stands.
#[derive(Default)]
struct Scan {
    depth: u32,
    quoted: bool,
    escaped: bool,
}

impl Scan {
    const fn is_inside(&self) -> bool {
        self.depth > 0 || self.quoted
    }

    const fn take(&mut self, character: char) {
        if self.escaped {
            self.escaped = false;
        } else if self.quoted {
            self.escaped = character == '\\';
            self.quoted = character != '"';
        } else {
            match character {
                '"' => self.quoted = true,
                '{' | '[' => self.depth += 1,
                '}' | ']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_at_spaces_outside_of_quotes_and_brackets() {
        let split = words(r#"S.m  a=1 name="Ada L." json:={"a": [1, 2], "b": "}"} text:="x y""#);
        let expected =
            ["S.m", "a=1", "name=Ada L.", r#"json:={"a": [1, 2], "b": "}"}"#, r#"text:="x y""#];
        assert_eq!(split, expected);
        assert_eq!(words(r#"S.m {"a": "b=c d"}"#), ["S.m", r#"{"a": "b=c d"}"#]);
        assert_eq!(words("  "), Vec::<String>::new());
    }

    #[test]
    fn json_goes_on_until_its_brackets_close() {
        for open in ["S.m {", "S.m {\"a\": \"}", "S.m [1, [2]"] {
            assert!(is_open(open), "{open}");
        }
        for closed in ["", "S.m a=1", "S.m {\"a\": \"\\\"{\"}", "S.m ]"] {
            assert!(!is_open(closed), "{closed}");
        }
    }
}
