//! What was typed: words, quoted texts, and JSON that may go over several lines.

/// Splits a line at its spaces, but not inside of quotes and brackets. A text in double quotes loses them, unless it
/// is part of JSON: `name="Ada L."` is `name=Ada L.`, and `name:="Ada"` stays as it is. Single quotes at the beginning
/// of a word or of a value are as in a shell: they go, and what is between them stays as it is.
pub(super) fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = Word::default();
    let mut scan = Scan::default();
    for character in line.chars() {
        let inside = scan.is_inside();
        if scan.take(character) {
            word.literal = true;
        } else if character.is_whitespace() && !inside {
            words.extend(std::mem::take(&mut word).finish());
        } else {
            word.text.push(character);
        }
    }
    words.extend(word.finish());
    words
}

/// A word as far as it was read.
#[derive(Default)]
struct Word {
    text: String,
    /// It was in single quotes, at least in part.
    literal: bool,
}

impl Word {
    fn finish(self) -> Option<String> {
        let Self { text: word, literal } = self;
        let quoted = |text: &str| Some(text.strip_prefix('"')?.strip_suffix('"')?.to_owned());
        match word.split_once('=') {
            _ if literal => Some(word),
            Some((name, text)) if !name.ends_with(':') && !word.starts_with(['{', '[']) => {
                let text = quoted(text).unwrap_or_else(|| text.to_owned());
                Some(format!("{name}={text}"))
            }
            _ => (!word.is_empty()).then_some(word),
        }
    }
}

/// Whether more is to come: a bracket or a quote is open. Comments open nothing.
pub(super) fn is_open(text: &str) -> bool {
    let mut scan = Scan::default();
    for line in text.split_inclusive('\n') {
        if scan.is_inside() || !is_comment(line) {
            for character in line.chars() {
                scan.take(character);
            }
        }
    }
    scan.is_inside()
}

/// Whether a line is for who reads the script.
pub(super) fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

/// Whether an item of a stream may go over several lines: JSON may, words do not.
pub(super) fn is_json(item: &str) -> bool {
    item.trim_start().starts_with(['{', '[', '"'])
}

/// Takes the first line, a command or an item, out of what was typed or pasted: one that ends within brackets or quotes
/// goes on in the next.
pub(super) fn take(typed: &mut String, item: bool) -> String {
    let goes_on = |line: &str| (!item || is_json(line)) && is_open(line);
    let mut ends = typed.match_indices('\n').map(|(end, _)| end);
    let end = ends.find(|&end| !goes_on(&typed[..end])).unwrap_or(typed.len());
    let line = typed[..end].trim_end_matches(['\r', '\n']).to_owned();
    typed.drain(..typed.len().min(end + 1));
    line
}

/// Where in a text of words and JSON one stands.
#[derive(Default)]
struct Scan {
    depth: u32,
    quoted: bool,
    escaped: bool,
    /// Between single quotes.
    literal: bool,
    /// In a word, behind its first character and not right behind `=`: an apostrophe there is one.
    within: bool,
}

impl Scan {
    const fn is_inside(&self) -> bool {
        self.depth > 0 || self.quoted || self.literal
    }

    /// Goes on behind a character. True if it was a single quote that opens or ends a text.
    const fn take(&mut self, character: char) -> bool {
        let within =
            std::mem::replace(&mut self.within, !matches!(character, '=' | ' ' | '\t' | '\n'));
        if self.literal {
            self.literal = character != '\'';
            return !self.literal;
        }
        if self.escaped {
            self.escaped = false;
        } else if self.quoted {
            self.escaped = character == '\\';
            self.quoted = character != '"';
        } else {
            match character {
                '\'' if self.depth == 0 && !within => self.literal = true,
                '"' => self.quoted = true,
                '{' | '[' => self.depth += 1,
                '}' | ']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        self.literal
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
    fn single_quotes_are_as_in_a_shell() {
        let split = words(r#"S.m 'numbers:=[1, 2,3]' name='Ada "L." ' json:='{"a": "it"}' b=2"#);
        let expected =
            ["S.m", "numbers:=[1, 2,3]", r#"name=Ada "L." "#, r#"json:={"a": "it"}"#, "b=2"];
        assert_eq!(split, expected);
        assert_eq!(
            words(r#"S.m '{"a": 1}' name='"x"' ''"#),
            ["S.m", r#"{"a": 1}"#, r#"name="x""#, ""]
        );
        // An apostrophe is none, in words and in JSON.
        let split = words(r#"S.m text=it's b='' c:="it's" ["x 'y", 1]"#);
        assert_eq!(split, ["S.m", "text=it's", "b=", r#"c:="it's""#, r#"["x 'y", 1]"#]);
    }

    #[test]
    fn what_is_pasted_is_a_command_a_line() {
        let mut pasted = "S.m a=1\r\nS.m {\n \"a\": 1\n}\n# it's {\n\n:list".to_owned();
        let expected = ["S.m a=1", "S.m {\n \"a\": 1\n}", "# it's {", "", ":list"];
        assert_eq!(expected.map(|_| take(&mut pasted, false)), expected);
        assert_eq!((take(&mut pasted, false), pasted), (String::new(), String::new()));
    }

    #[test]
    fn items_are_lines_unless_they_are_json() {
        let mut pasted = "rock 'n roll\n{\n \"a\": 1\n}\n\nS.m".to_owned();
        let expected = ["rock 'n roll", "{\n \"a\": 1\n}", "", "S.m"];
        assert_eq!(expected.map(|_| take(&mut pasted, true)), expected);
    }

    #[test]
    fn json_goes_on_until_its_brackets_close() {
        for open in ["S.m {", "S.m {\"a\": \"}", "S.m [1, [2]", "S.m 'a=", "S.m a='x\n"] {
            assert!(is_open(open), "{open}");
        }
        for closed in
            ["", "S.m a=1", "S.m {\"a\": \"\\\"{\"}", "S.m ]", "S.m a=it's", "S.m '{'", " # it's {"]
        {
            assert!(!is_open(closed), "{closed}");
        }
    }
}
