//! The walls of the house: which folder of each crate may import which, what every file looks like, and that
//! the rules which code cites exist. See docs/architecture.md.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// A folder or file below `src`, and what it may import besides itself: rows above its own alone, so that there are no
/// circles.
type Wall = (&'static str, &'static [&'static str]);

const CORE: &[Wall] = &[
    ("figures", &[]),
    ("proto", &[]),
    ("time", &[]),
    ("quiet", &[]),
    ("resume", &["proto"]),
    ("codec", &["proto"]),
    ("schema", &["proto"]),
    ("dynamic", &["proto", "codec", "schema"]),
    ("extensions", &[]),
    ("transport", &["proto", "extensions", "time", "figures"]),
    ("etcd", &["transport"]),
    ("identity", &["proto", "extensions", "transport", "time"]),
    ("seam", &["proto", "extensions", "transport", "time"]),
    ("overload", &["proto", "seam", "time", "figures"]),
    ("connection", &["proto", "transport", "seam", "overload", "time", "figures"]),
    ("layers", &["proto", "schema", "transport", "identity", "seam", "time", "figures"]),
    ("call", &["proto", "codec", "schema", "transport", "seam", "layers", "time", "figures"]),
    (
        "service",
        &[
            "proto",
            "codec",
            "schema",
            "dynamic",
            "extensions",
            "transport",
            "identity",
            "seam",
            "layers",
            "call",
            "time",
        ],
    ),
    ("broadcast", &["proto", "codec", "schema"]),
    ("health", &["schema", "service"]),
    ("gateway", &["proto", "schema", "transport", "identity", "seam", "health", "time", "quiet"]),
    ("reflect", &["schema", "service"]),
    ("inspect", &["proto", "schema", "seam", "service", "time"]),
    ("times", &[]),
    ("layer", &["proto", "layers", "call", "service"]),
    (
        "server",
        &[
            "proto",
            "transport",
            "identity",
            "seam",
            "connection",
            "overload",
            "call",
            "service",
            "layer",
            "etcd",
            "gateway",
            "health",
            "reflect",
            "resume",
            "inspect",
            "schema",
            "time",
            "times",
            "figures",
            "quiet",
        ],
    ),
    (
        "client",
        &[
            "proto",
            "transport",
            "identity",
            "seam",
            "connection",
            "etcd",
            "call",
            "resume",
            "service",
            "layer",
            "time",
            "times",
        ],
    ),
    ("in_memory", &["transport", "call", "server", "client"]),
    // The door for generated code names whatever that code needs.
    (
        "private",
        &[
            "proto",
            "broadcast",
            "call",
            "codec",
            "schema",
            "seam",
            "server",
            "service",
            "transport",
        ],
    ),
];

const MACROS: &[Wall] = &[
    ("crate_path", &[]),
    ("diagnostics", &[]),
    ("docs", &[]),
    ("schema", &["crate_path", "diagnostics", "docs"]),
    ("service", &["crate_path", "diagnostics", "docs"]),
];

const CLI: &[Wall] = &[
    ("suggest", &[]),
    ("demo", &[]),
    ("dry_run", &[]),
    ("colours", &[]),
    ("help", &[]),
    ("readable", &[]),
    ("output", &["colours"]),
    ("exit", &["output"]),
    ("access", &["exit"]),
    ("description", &["output"]),
    ("api", &["output"]),
    ("patience", &["exit"]),
    ("template", &["exit"]),
    ("new_project", &["exit"]),
    ("arguments", &["exit", "suggest"]),
    ("coding", &["arguments", "exit"]),
    ("languages", &["api"]),
    ("documents", &["api", "output", "template"]),
    ("generate", &["api", "description", "documents", "languages", "output", "suggest"]),
    ("wire", &[]),
    ("connect", &["access", "description", "exit", "output", "patience", "suggest", "wire"]),
    ("by_steps", &["access", "connect", "exit", "patience", "wire"]),
    ("inspected", &["connect", "exit", "patience"]),
    ("source", &["connect", "description", "exit", "generate", "patience"]),
    ("config", &["exit", "generate", "languages", "source"]),
    ("load", &["arguments", "coding", "connect", "exit", "output", "patience"]),
    (
        "commands",
        &[
            "access",
            "api",
            "arguments",
            "by_steps",
            "coding",
            "config",
            "connect",
            "demo",
            "description",
            "documents",
            "dry_run",
            "exit",
            "generate",
            "help",
            "inspected",
            "languages",
            "load",
            "new_project",
            "output",
            "patience",
            "readable",
            "source",
            "suggest",
            "template",
            "wire",
        ],
    ),
    ("program", &["commands", "exit", "help", "patience", "source"]),
];

const BENCHES: &[Wall] = &[
    ("compile", &[]),
    ("memory", &[]),
    ("meter", &[]),
    ("machine", &[]),
    ("gauge", &[]),
    ("jobs", &[]),
    ("plan", &["jobs"]),
    ("pin", &["plan"]),
    ("process", &["plan"]),
    ("runtime", &["plan"]),
    ("transport", &["jobs", "meter", "pin", "plan", "runtime"]),
    ("allocations", &["plan", "transport"]),
    ("idle", &["memory", "meter", "plan", "process", "runtime", "transport"]),
    ("record", &["gauge", "plan", "transport"]),
    ("wire", &["meter", "plan", "process", "runtime", "transport"]),
    ("report", &["idle", "record", "transport"]),
    (
        "run",
        &["gauge", "memory", "meter", "pin", "plan", "process", "record", "runtime", "transport"],
    ),
    ("streams", &["gauge", "memory", "plan", "process", "runtime", "transport"]),
    ("overload", &["jobs", "pin", "plan", "process", "transport"]),
    ("sound", &["gauge", "jobs", "memory", "plan", "process", "runtime", "transport"]),
    ("layers", &["gauge", "plan"]),
    ("jsonrpc", &["plan", "runtime"]),
    ("fleet", &["gauge", "plan", "process", "runtime", "transport"]),
    ("survive", &["gauge", "jobs", "machine", "memory", "plan", "process", "runtime", "transport"]),
    ("strangers", &["gauge", "memory", "plan", "process", "runtime", "transport"]),
    (
        "server",
        &[
            "fleet",
            "overload",
            "plan",
            "runtime",
            "sound",
            "strangers",
            "streams",
            "survive",
            "transport",
        ],
    ),
    (
        "results",
        &[
            "allocations",
            "gauge",
            "idle",
            "machine",
            "plan",
            "record",
            "runtime",
            "streams",
            "survive",
            "transport",
            "wire",
        ],
    ),
    ("page", &["plan", "record", "report", "results", "transport"]),
    (
        "tls",
        &["gauge", "memory", "idle", "plan", "process", "record", "run", "runtime", "transport"],
    ),
    ("survey", &["allocations", "idle", "plan", "results", "run", "streams", "survive", "wire"]),
];

const CRATES: [(&str, &[Wall]); 4] =
    [("rpc-core", CORE), ("rpc-macros", MACROS), ("rpc-cli", CLI), ("benches", BENCHES)];

/// Levels inside `proto`: a file names no module of a level above its own.
const LEVELS: [&[&str]; 3] = [
    &[
        "call_id",
        "codec",
        "failure",
        "id",
        "id_hasher",
        "idempotency",
        "limits",
        "load",
        "metadata",
        "opening",
        "payload",
        "priority",
        "session",
        "status",
        "token",
    ],
    &["wire", "decoder", "encoder", "greeting"],
    &["connection"],
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
            // What is built, generated, or there to be wrong is not a source of ours.
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

/// The folder or file below `src` that a path belongs to, unless it is a test or the root of a crate.
fn place(relative: &Path) -> Option<&str> {
    let first = relative.components().next().unwrap().as_os_str().to_str().unwrap();
    let own = first.trim_end_matches(".rs");
    let is_test = relative.components().any(|part| part.as_os_str() == "tests")
        || relative.file_name().is_some_and(|name| name == "tests.rs");
    (!is_test && !["lib", "main", "bin"].contains(&own)).then_some(own)
}

#[test]
fn folders_import_only_lower_levels() {
    for (crate_name, walls) in CRATES {
        let source = root().join(crate_name).join("src");
        let mut checked = 0;
        for (path, text) in sources(&source) {
            let Some(own) = place(path.strip_prefix(&source).unwrap()) else { continue };
            let (_, allowed) =
                walls.iter().find(|(folder, _)| *folder == own).unwrap_or_else(|| {
                    panic!("{crate_name}: {own} is not in the table: which level is it?")
                });
            for import in imports(text.split("#[cfg(test)]").next().unwrap()) {
                // What is written with a capital letter, or is a macro, is re-exported at the root.
                let known = walls.iter().any(|(folder, _)| *folder == import);
                let fine = !known || import == own || allowed.contains(&import.as_str());
                assert!(fine, "{} imports {import}", path.display());
                checked += usize::from(known);
            }
        }
        assert!(checked > walls.len(), "{crate_name}: {checked} imports were found");
    }
}

#[test]
fn there_are_no_circles() {
    for (crate_name, walls) in CRATES {
        for (row, (folder, allowed)) in walls.iter().enumerate() {
            for import in *allowed {
                let above = walls[..row].iter().any(|(lower, _)| lower == import);
                assert!(above, "{crate_name}: {folder} imports {import}, which is not below it");
            }
        }
    }
}

#[test]
fn frames_stop_at_the_machine() {
    let source = root().join("rpc-core/src/proto");
    for (path, text) in sources(&source) {
        let Some(own) = place(path.strip_prefix(&source).unwrap()) else { continue };
        if own == "mod" {
            continue;
        }
        let level = LEVELS.iter().position(|level| level.contains(&own));
        let level = level.unwrap_or_else(|| panic!("proto/{own} is in no level"));
        let text = text.split("#[cfg(test)]").next().unwrap();
        for above in LEVELS[level + 1..].iter().copied().flatten() {
            let module = format!("{above}::");
            assert!(
                !code(text).any(|line| line.contains(&module)),
                "{} names {module}",
                path.display()
            );
        }
    }
    // Above the machine nobody knows frames.
    for (path, text) in sources(&root().join("rpc-core/src")) {
        let outside = !path.starts_with(&source)
            && !path.components().any(|part| part.as_os_str() == "tests");
        let text = text.split("#[cfg(test)]").next().unwrap();
        assert!(
            !(outside
                && code(text).any(|line| line.contains("proto::wire") || line.contains("wire::"))),
            "{} names frames",
            path.display()
        );
    }
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
