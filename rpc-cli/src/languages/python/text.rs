//! Docstrings, imports and literals of Python.

use std::fmt::Write as _;

/// A docstring, if there is anything to say.
pub(super) fn doc(out: &mut String, indent: &str, doc: &str) {
    let doc = escape_doc(doc.trim());
    let mut lines = doc.lines();
    let Some(first) = lines.next() else { return };
    if doc.lines().count() == 1 {
        // A quote at the end would run into those that close.
        let gap = if first.ends_with('"') { " " } else { "" };
        put!(out, "{indent}\"\"\"{first}{gap}\"\"\"");
        return;
    }
    put!(out, "{}", format!("{indent}\"\"\"{first}").trim_end());
    for line in lines {
        put!(out, "{}", format!("{indent}{line}").trim_end());
    }
    put!(out, "{indent}\"\"\"");
}

/// The imports of those modules of the standard library that a text says. Fields may be called as some of them are.
pub(super) fn imports(modules: &[&str], text: &str) -> String {
    let plain = modules.iter().map(|module| (*module, (*module).to_owned(), String::new()));
    let hidden = HIDDEN.map(|module| (module, format!("_{module}"), format!(" as _{module}")));
    let mut all: Vec<_> = plain.chain(hidden).collect();
    all.sort_unstable();
    let used = all.iter().filter(|(_, name, _)| text.contains(&format!("{name}.")));
    used.map(|(module, _, alias)| format!("import {module}{alias}\n")).collect()
}

/// Modules that are imported by another name.
const HIDDEN: [&str; 3] = ["datetime", "decimal", "uuid"];

/// The imports of those modules of the run-time that a text says.
pub(super) fn runtime_imports(out: &mut String, modules: &[&str], text: &str) {
    for module in modules.iter().filter(|module| text.contains(&format!("_{module}."))) {
        put!(out, "from ._runtime import {module} as _{module}");
    }
}

/// Documentation, with a note if what it describes is deprecated. Tools run what looks like a prompt of Python.
pub(super) fn documentation(doc: &str, deprecated: Option<&str>) -> String {
    let note = deprecated.map(|why| format!("Deprecated. {}", why.trim())).unwrap_or_default();
    let parts = [doc.trim(), note.trim()];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("\n\n").replace(">>>", "> > >")
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

/// A tuple of expressions.
pub(super) fn tuple(parts: &[String]) -> String {
    match parts {
        [one] => format!("({one},)"),
        parts => format!("({})", parts.join(", ")),
    }
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
        let mut out = String::new();
        super::doc(&mut out, "  ", text);
        out
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
