//! The walls of the house: which folder of `rpc-core` may import which, what every file looks like, and that
//! the rules which code cites exist. See docs/architecture.md.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Folders and files of `rpc-core/src`, each with what it may import besides itself.
const WALLS: [(&str, &[&str]); 17] = [
    ("proto", &[]),
    ("time", &[]),
    ("codec", &["proto"]),
    ("schema", &["proto"]),
    ("extensions", &[]),
    ("transport", &["proto", "extensions"]),
    ("seam", &["proto", "transport"]),
    ("connection", &["proto", "transport", "seam", "time"]),
    ("call", &["proto", "codec", "schema", "transport", "seam", "time"]),
    ("service", &["proto", "codec", "schema", "extensions", "transport", "seam", "call", "time"]),
    ("broadcast", &["proto", "codec", "schema"]),
    ("reflect", &["schema", "service"]),
    ("times", &[]),
    (
        "server",
        &["proto", "transport", "seam", "connection", "service", "reflect", "time", "times"],
    ),
    ("client", &["proto", "transport", "seam", "connection", "call", "service", "times"]),
    ("in_memory", &["transport", "call", "server", "client"]),
    // The door for generated code names whatever that code needs.
    (
        "private",
        &["broadcast", "call", "codec", "schema", "seam", "server", "service", "transport"],
    ),
];

/// Lines of a file without its tests, and of a file of tests.
const LONGEST: usize = 450;
const LONGEST_TEST: usize = 700;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every Rust file below `folder`, as path and text.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // What is built, generated, or there to be wrong is no source of ours.
            let others = ["target", "ui", "snapshots", "generated", "expected"];
            if !others.iter().any(|other| path.ends_with(other)) {
                found.extend(sources(&path));
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

fn all_sources() -> Vec<(PathBuf, String)> {
    let crates = ["rpc-core", "rpc-macros", "rpc-cli", "examples", "benches", "tests"];
    crates.iter().flat_map(|name| sources(&root().join(name))).collect()
}

/// Lines that are code: neither comments nor empty.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.starts_with("//"))
}

/// The modules of the crate that a text names right behind `crate::`, grouped imports included.
fn imports(text: &str) -> BTreeSet<String> {
    let text: String = code(text).collect::<Vec<_>>().join(" ");
    let mut names = BTreeSet::new();
    for after in text.split("crate::").skip(1) {
        let Some(group) = after.strip_prefix('{') else {
            names.insert(name(after));
            continue;
        };
        let (mut depth, mut start) = (0, true);
        for (index, character) in group.char_indices() {
            match character {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                ' ' => {}
                _ if start && depth == 0 => {
                    names.insert(name(&group[index..]));
                    start = false;
                }
                _ => {}
            }
        }
    }
    names.remove("");
    names
}

fn name(text: &str) -> String {
    text.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect()
}

#[test]
fn folders_import_only_lower_levels() {
    let core = root().join("rpc-core/src");
    let mut checked = 0;
    for (path, text) in sources(&core) {
        let relative = path.strip_prefix(&core).unwrap();
        let first = relative.components().next().unwrap().as_os_str().to_str().unwrap();
        let own = first.trim_end_matches(".rs");
        if own == "lib" || relative.components().any(|part| part.as_os_str() == "tests") {
            continue;
        }
        let (_, allowed) = WALLS
            .iter()
            .find(|(folder, _)| *folder == own)
            .unwrap_or_else(|| panic!("{own} is not in the table: which level is it?"));
        // What is written with a capital letter, or is a macro, is re-exported at the root.
        let modules = WALLS.map(|(folder, _)| folder);
        for import in imports(text.split("#[cfg(test)]").next().unwrap()) {
            let known = modules.contains(&import.as_str());
            let fine = !known || import == own || allowed.contains(&import.as_str());
            assert!(fine, "{} imports {import}", path.display());
            checked += usize::from(known);
        }
    }
    assert!(checked > 50, "{checked} imports were found");
}

#[test]
fn every_file_opens_with_what_it_is() {
    for (path, text) in all_sources() {
        assert!(text.starts_with("//! "), "{} has no head", path.display());
    }
}

#[test]
fn files_tell_one_story() {
    for (path, text) in all_sources() {
        let is_test = path.components().any(|part| part.as_os_str() == "tests");
        let lines = text.split("#[cfg(test)]").next().unwrap().lines().count();
        let limit = if is_test { LONGEST_TEST } else { LONGEST };
        assert!(lines <= limit, "{} has {lines} lines", path.display());
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let vague = ["utils", "util", "helpers", "helper", "common", "misc"];
        assert!(!vague.contains(&stem), "{}: what is it about?", path.display());
    }
}

#[test]
fn nothing_is_left_undone() {
    let marks =
        [["to", "do!("], ["unimplement", "ed!("], ["db", "g!("]].map(|parts| parts.concat());
    for (path, text) in all_sources() {
        for line in code(&text) {
            for mark in &marks {
                assert!(!line.contains(mark.as_str()), "{}: {line}", path.display());
            }
            let glob = line.starts_with("pub use ") && line.ends_with("::*;");
            assert!(!glob, "{}: {line}", path.display());
        }
    }
}

#[test]
fn cited_rules_exist() {
    let protocol = fs::read_to_string(root().join("docs/protocol.md")).unwrap();
    let mut cited = BTreeSet::new();
    for (_, text) in sources(&root().join("rpc-core/src")) {
        for after in text.split("PROTOCOL §").skip(1) {
            let number: String = after.chars().take_while(char::is_ascii_digit).collect();
            if !number.is_empty() {
                cited.insert(number);
            }
        }
    }
    assert!(cited.len() >= 8, "{cited:?}");
    for number in cited {
        let heading = format!("\n## {number}. ");
        assert!(protocol.contains(&heading), "docs/protocol.md has no section {number}");
    }
}
