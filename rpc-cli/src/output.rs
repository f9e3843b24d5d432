//! What people see: data on stdout, the rest on stderr; colours only where a terminal shows them and
//! NO_COLOR does not forbid them. What a server says cannot command the terminal: control characters are shown.

use std::{
    borrow::Cow,
    io::{self, ErrorKind, IsTerminal as _, Write as _, stdout},
    sync::OnceLock,
};

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use crate::colours;

/// What stands back.
pub(crate) const DIM: Style = Style::new().dimmed();
/// What stands out.
pub(crate) const BOLD: Style = Style::new().bold();
const RED: Style = AnsiColor::Red.on_default().bold();

/// The first error of writing data.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// Remembers that data was lost, for the end of the program. A reader that has gone away is not an error:
/// `rpc list | head -1`.
fn written(outcome: io::Result<()>) -> bool {
    match outcome {
        Ok(()) => true,
        Err(error) => {
            if error.kind() != ErrorKind::BrokenPipe {
                // Only the first one tells why.
                let _ = LOST.set(error);
            }
            false
        }
    }
}

/// Why data did not get to where stdout leads, if any was lost.
pub(crate) fn lost() -> Option<&'static io::Error> {
    written(stdout().flush());
    LOST.get()
}

/// Prints a line of data.
pub(crate) fn line(text: &str) {
    written(writeln!(anstream::stdout(), "{}", visible(text)));
}

/// Writes bytes of data as they are: nothing is added to them, nor taken away.
pub(crate) fn bytes(bytes: &[u8]) {
    written(write(&[bytes]));
}

/// Prints a value: over several lines for a person, on one for a program.
pub(crate) fn json(value: &Value, compact: bool) {
    if !compact && stdout().is_terminal() {
        pretty(value);
    } else {
        line(&one_line(value));
    }
}

/// Prints a value over several lines, wherever it goes: it is to be edited.
pub(crate) fn pretty(value: &Value) {
    line(&colours::json(&escaped(&serde_json::to_string_pretty(value).unwrap_or_default())));
}

/// A value on one line.
pub(crate) fn one_line(value: &Value) -> String {
    escaped(&value.to_string()).into_owned()
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    /// Texts without quotes, as they are.
    Raw,
    /// The same, and bytes too, with nothing added: every list is bytes.
    RawBytes,
}

/// Prints the one result of a call.
pub(crate) fn result(value: &Value, form: Form, compact: bool) {
    match raw(value, form) {
        Some(outcome) => {
            written(outcome);
        }
        None => json(value, compact),
    }
}

/// Prints one of many results, at once. False if nobody reads any more.
pub(crate) fn item(value: &Value, form: Form) -> bool {
    written(raw(value, form).unwrap_or_else(|| write(&[one_line(value).as_bytes(), b"\n"])))
}

/// The same for a person at a terminal.
pub(crate) fn item_to_read(value: &Value) -> bool {
    let text = colours::json(&one_line(value));
    written(writeln!(anstream::stdout(), "{}", visible(&text)))
}

/// Prints types and methods of Rust.
pub(crate) fn rust(text: &str) {
    line(&colours::rust(&visible(text)));
}

/// Writes a value as it is, if it is one that can be.
fn raw(value: &Value, form: Form) -> Option<io::Result<()>> {
    match (form, value) {
        (Form::Raw | Form::RawBytes, Value::String(text)) => Some(write(&[text.as_bytes(), b"\n"])),
        (Form::RawBytes, Value::Array(bytes)) => {
            let byte = |value: &Value| value.as_u64().and_then(|byte| u8::try_from(byte).ok());
            let bytes: Vec<u8> = bytes.iter().map(byte).collect::<Option<_>>()?;
            Some(write(&[&bytes]))
        }
        _ => None,
    }
}

/// Writes to stdout, all of it at once.
fn write(parts: &[&[u8]]) -> io::Result<()> {
    let mut out = stdout().lock();
    parts.iter().try_for_each(|part| out.write_all(part))?;
    out.flush()
}

/// Prints a line beside the data.
pub(crate) fn note(text: &str) {
    let _ = writeln!(anstream::stderr(), "{}", visible(text));
}

/// Prints an error.
pub(crate) fn error(text: &str) {
    note(&format!("{RED}error:{RED:#} {text}"));
}

/// JSON that says the same without characters that steer a terminal or turn the order of what is shown.
fn escaped(json: &str) -> Cow<'_, str> {
    // All of them have 16 bits, as JSON's escapes do.
    replace(json, "\n", |character| format!("\\u{:04x}", u32::from(character)))
}

/// A text in which such characters can be seen. Lines, and the colours that this program gives them, stay.
fn visible(text: &str) -> Cow<'_, str> {
    let shown =
        |text| replace(text, "\n\t", |character| format!("\\u{{{:x}}}", u32::from(character)));
    let Some((before, behind)) = text.split_once(ESCAPE) else { return shown(text) };
    let mut all = shown(before).into_owned();
    for part in behind.split(ESCAPE) {
        let colour = colour(part);
        let (escape, rest) = part.split_at(colour);
        all.push_str(if colour == 0 { "\\u{1b}" } else { "\u{1b}" });
        all.push_str(escape);
        all.push_str(&shown(rest));
    }
    all.into()
}

/// What begins a command to a terminal.
const ESCAPE: char = '\u{1b}';

/// The length of what makes a colour behind an escape, 0 if it is something else.
fn colour(text: &str) -> usize {
    let numbers = |character: char| character.is_ascii_digit() || character == ';';
    let end = text.strip_prefix('[').map(|text| text.trim_start_matches(numbers));
    end.and_then(|end| end.strip_prefix('m')).map_or(0, |rest| text.len() - rest.len())
}

/// The text with such characters replaced, all but those to `keep`.
fn replace<'t>(text: &'t str, keep: &str, by: impl Fn(char) -> String) -> Cow<'t, str> {
    let unwanted = |character| steers(character) && !keep.contains(character);
    if !text.contains(unwanted) {
        return text.into();
    }
    let mut all = String::with_capacity(text.len());
    for character in text.chars() {
        if unwanted(character) {
            all.push_str(&by(character));
        } else {
            all.push(character);
        }
    }
    all.into()
}

/// Whether it is a control character, or one of those that turn the direction of the text beside them.
pub(crate) fn steers(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_not_commanded_by_what_is_shown() {
        assert_eq!(visible("plain: Zoë 🦀\n\tlines"), "plain: Zoë 🦀\n\tlines");
        assert_eq!(visible("\u{1b}[1;31merror:\u{1b}[0m no"), "\u{1b}[1;31merror:\u{1b}[0m no");
        assert_eq!(visible("\u{1b}]0;title\u{7}"), "\\u{1b}]0;title\\u{7}");
        assert_eq!(visible("\u{1b}[2J\u{9b}2J\r\u{7f}"), "\\u{1b}[2J\\u{9b}2J\\u{d}\\u{7f}");
        assert_eq!(visible("user\u{202e}nimda"), "user\\u{202e}nimda");
    }

    #[test]
    fn colours_are_shown() {
        let coloured = colours::json(r#"{"a": [1, "b"]}"#);
        assert_eq!(visible(&coloured), coloured);
    }

    #[test]
    fn json_without_such_characters_is_the_same_value() {
        let value = serde_json::json!({ "a\u{85}": ["\u{1b}\u{7f}\u{9b}\u{202e}\u{2069}", "é\n"] });
        let text = one_line(&value);
        assert_eq!(text, r#"{"a\u0085":["\u001b\u007f\u009b\u202e\u2069","é\n"]}"#);
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        for text in [&*text, &escaped(&pretty)] {
            assert_eq!(serde_json::from_str::<Value>(text).unwrap(), value);
        }
    }
}
