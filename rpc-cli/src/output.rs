//! What people see: data on stdout, the rest on stderr; colours only where a terminal shows them and
//! NO_COLOR does not forbid them.

use std::io::{IsTerminal as _, Write as _, stdout};

use anstyle::{AnsiColor, Style};
use serde_json::Value;

/// What stands back.
pub(crate) const DIM: Style = Style::new().dimmed();
/// What stands out.
pub(crate) const BOLD: Style = Style::new().bold();
const RED: Style = AnsiColor::Red.on_default().bold();

/// Prints a line of data. A reader that has gone away is no error: `rpc list | head -1`.
pub(crate) fn line(text: &str) {
    let _ = writeln!(anstream::stdout(), "{text}");
}

/// Writes bytes of data as they are: nothing is added to them, nor taken away.
pub(crate) fn bytes(bytes: &[u8]) {
    let mut out = stdout().lock();
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}

/// Prints a value: over several lines for a person, on one for a program.
pub(crate) fn json(value: &Value, compact: bool) {
    let pretty = !compact && stdout().is_terminal();
    let text =
        if pretty { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
    line(&text.unwrap_or_default());
}

/// Prints a value over several lines, wherever it goes: it is to be edited.
pub(crate) fn pretty(value: &Value) {
    line(&serde_json::to_string_pretty(value).unwrap_or_default());
}

/// Prints a line beside the data.
pub(crate) fn note(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Prints an error.
pub(crate) fn error(text: &str) {
    note(&format!("{RED}error:{RED:#} {text}"));
}
