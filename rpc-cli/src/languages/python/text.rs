//! Lines of Python, docstrings and literals.

use std::fmt::Write as _;

/// The lines of a module.
#[derive(Debug, Default)]
pub(super) struct Lines(String);

impl Lines {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn line(&mut self, line: &str) {
        self.0.push_str(line.trim_end());
        self.0.push('\n');
    }

    pub(super) fn blank(&mut self) {
        self.0.push('\n');
    }

    /// A docstring, if there is anything to say.
    pub(super) fn doc(&mut self, indent: &str, doc: &str) {
        let doc = escape_doc(doc.trim());
        let mut lines = doc.lines();
        let Some(first) = lines.next() else { return };
        if doc.lines().count() == 1 {
            // A quote at the end would run into those that close.
            let gap = if first.ends_with('"') { " " } else { "" };
            self.line(&format!("{indent}\"\"\"{first}{gap}\"\"\""));
            return;
        }
        self.line(&format!("{indent}\"\"\"{first}"));
        for line in lines {
            self.line(&format!("{indent}{line}"));
        }
        self.line(&format!("{indent}\"\"\""));
    }

    /// An import of several names, one a line, in the order in which tools want them.
    pub(super) fn names(&mut self, head: &str, names: &[&str]) {
        self.line(&format!("{head}("));
        for name in names {
            self.line(&format!("    {name},"));
        }
        self.line(")");
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// Documentation, with a note if what it describes is deprecated. Tools run what looks like a prompt of Python.
pub(super) fn documentation(doc: &str, deprecated: Option<&str>) -> String {
    with_note(doc, deprecated).replace(">>>", "> > >")
}

fn with_note(doc: &str, deprecated: Option<&str>) -> String {
    let Some(why) = deprecated else { return doc.trim().to_owned() };
    let note = format!("Deprecated. {}", why.trim());
    match doc.trim() {
        "" => note.trim().to_owned(),
        doc => format!("{doc}\n\n{}", note.trim()),
    }
}

/// Text between triple quotes.
fn escape_doc(doc: &str) -> String {
    let mut out = String::new();
    for character in doc.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push('\n'),
            '\t' => out.push_str("    "),
            _ if character.is_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.replace("\"\"\"", "\\\"\\\"\\\"")
}

/// A string literal.
pub(super) fn literal(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            _ if u32::from(character) < 0x100 && character.is_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(character));
            }
            _ if character.is_control() || ('\u{2000}'..='\u{206f}').contains(&character) => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doc(text: &str) -> String {
        let mut lines = Lines::new();
        lines.doc("  ", text);
        lines.finish()
    }

    #[test]
    fn docstrings_hold_whatever_they_are_given() {
        assert_eq!(doc("One."), "  \"\"\"One.\"\"\"\n");
        assert_eq!(doc("a\nb"), "  \"\"\"a\n  b\n  \"\"\"\n");
        assert_eq!(doc("say \"hi\""), "  \"\"\"say \"hi\" \"\"\"\n");
        assert_eq!(doc("\"\"\" \\"), "  \"\"\"\\\"\\\"\\\" \\\\\"\"\"\n");
        assert_eq!(doc(""), "");
    }

    #[test]
    fn documentation_is_not_run() {
        assert_eq!(documentation(">>> exit()", Some(">>>>")), "> > > exit()\n\nDeprecated. > > >>");
    }

    #[test]
    fn literals_escape_what_would_end_them() {
        assert_eq!(literal("a\"\\\n\u{7}ü"), "\"a\\\"\\\\\\n\\x07ü\"");
        assert_eq!(literal("\u{202e}"), "\"\\u202e\"");
    }
}
