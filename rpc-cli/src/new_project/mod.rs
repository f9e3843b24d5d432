//! A project to begin with: a workspace of the trait, a server with a test, and a client. The files are below `files`, with
//! `{{name}}` where the project's name stands.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result};
use heck::ToUpperCamelCase as _;

use crate::exit::Failure;

/// Each file of a project, and what is in it.
const WORKSPACE: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("files/workspace.toml")),
    ("README.md", include_str!("files/README.md.txt")),
    (".gitignore", "/target\n"),
    ("api/Cargo.toml", include_str!("files/api.toml")),
    ("api/src/lib.rs", include_str!("files/api.rs.txt")),
    ("server/Cargo.toml", include_str!("files/server.toml")),
    ("server/src/lib.rs", include_str!("files/server_lib.rs.txt")),
    ("server/src/main.rs", include_str!("files/server_main.rs.txt")),
    ("server/tests/greeter.rs", include_str!("files/server_test.rs.txt")),
    ("client/Cargo.toml", include_str!("files/client.toml")),
    ("client/src/main.rs", include_str!("files/client_main.rs.txt")),
];

/// Those of a project in one file.
const MINIMAL: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("minimal/Cargo.toml.txt")),
    ("README.md", include_str!("minimal/README.md.txt")),
    (".gitignore", "/target\n"),
    ("src/main.rs", include_str!("minimal/main.rs.txt")),
];

/// How much there is of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// A workspace of trait, server and client.
    Workspace,
    /// One file.
    Minimal,
}

/// The source that this program was built from, if it is still there.
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../rpc-core");

/// Writes the project into `folder`, which must not be there; `rpc_core` is where that crate's source is.
pub(crate) fn write(folder: &Path, size: Size, rpc_core: Option<&Path>) -> Result<()> {
    let Some(name) = folder.file_name().and_then(|name| name.to_str()) else {
        let message = format!("{folder:?} has no name for the project: name a folder to create");
        return Err(Failure::usage(message).into());
    };
    check_name(name)?;
    if folder.exists() {
        let message = format!("{} is there already: choose another name", folder.display());
        return Err(Failure::usage(message).into());
    }
    let (ident, dependency) = (name.replace('-', "_"), dependency(rpc_core)?);
    let files = match size {
        Size::Workspace => WORKSPACE,
        Size::Minimal => MINIMAL,
    };
    for (path, text) in files {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)
                .with_context(|| format!("cannot make the folder {}", parent.display()))?;
        }
        let text = text
            .replace("{{name}}", name)
            .replace("{{as_name}}", &" ".repeat(name.len()))
            .replace("{{ident}}", &ident)
            .replace("{{trait}}", &trait_name(name))
            .replace("{{rpc_core}}", &dependency);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Begins a repository, unless the folder is in one, or there is no git.
pub(crate) fn begin_repository(folder: &Path) {
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args(arguments).current_dir(folder);
        git.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()
    };
    let is_in_one = git(&["rev-parse", "--is-inside-work-tree"]).is_ok_and(|done| done.success());
    if !is_in_one {
        // A project without a repository is one, too.
        let _ = git(&["init", "--quiet"]);
    }
}

/// The name of the trait: that of the project, unless it is one that the project's code has for something else.
fn trait_name(name: &str) -> String {
    const TAKEN: [&str; 12] = [
        "Call",
        "CallError",
        "Doorman",
        "Error",
        "ExitCode",
        "Greeting",
        "GreetError",
        "HashMap",
        "Mutex",
        "Schema",
        "Server",
        "Stream",
    ];
    let plain = name.to_upper_camel_case();
    if TAKEN.contains(&&*plain) { format!("{plain}Service") } else { plain }
}

/// Cargo takes it for the name of a package, and Rust for that of a crate.
fn check_name(name: &str) -> Result<()> {
    let plain = |letter: char| {
        letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-_".contains(letter)
    };
    let wrong = |why: &str| {
        Err(Failure::usage(format!("{name:?} cannot be the name of a project: {why}")).into())
    };
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) || !name.chars().all(plain) {
        return wrong("use lower-case letters, digits, `-` and `_`, a letter first");
    }
    let ident = name.replace('-', "_");
    if KEYWORDS.contains(&&*ident) {
        return wrong("it is a keyword of Rust");
    }
    if CRATES.contains(&&*ident) {
        return wrong("a crate that the project depends on has that name");
    }
    Ok(())
}

/// Words that cannot name a crate.
const KEYWORDS: [&str; 51] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Crates of the language, and those that a project depends on.
const CRATES: [&str; 12] = [
    "alloc",
    "bytes",
    "core",
    "futures_util",
    "proc_macro",
    "rpc_core",
    "rpc_macros",
    "serde",
    "std",
    "test",
    "thiserror",
    "tokio",
];

fn dependency(given: Option<&Path>) -> Result<String> {
    let path = match given {
        Some(path) => path.canonicalize().map_err(|error| {
            Failure::usage(format!("there is no rpc-core at {}: {error}", path.display()))
        })?,
        None => match Path::new(SOURCE).canonicalize() {
            Ok(path) => path,
            Err(_) => return Ok(format!("{:?}", env!("CARGO_PKG_VERSION"))),
        },
    };
    // As TOML has texts, which JSON's are.
    Ok(format!("{{ path = {} }}", serde_json::to_string(&path)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_packages() {
        for good in ["greeter", "my-service2", "a_b"] {
            check_name(good).unwrap();
        }
        for bad in
            ["", "2x", "Upper", "a b", "-a", "ä", "fn", "self", "gen", "tokio", "rpc-core", "test"]
        {
            check_name(bad).unwrap_err();
        }
    }

    #[test]
    fn the_trait_has_the_projects_name_where_it_is_free() {
        for (name, expected) in [
            ("greeter", "Greeter"),
            ("my-service2", "MyService2"),
            ("server", "ServerService"),
            ("greeting", "GreetingService"),
        ] {
            assert_eq!(trait_name(name), expected);
        }
    }

    #[test]
    fn nothing_is_left_to_fill_in() {
        let parent = tempfile::TempDir::new().unwrap();
        let folder = parent.path().join("my-service");
        let small = parent.path().join("small");
        write(&small, Size::Minimal, None).unwrap();
        write(&folder, Size::Workspace, None).unwrap();
        for (folder, files) in [(&folder, WORKSPACE), (&small, MINIMAL)] {
            for (path, _) in files {
                let text = fs::read_to_string(folder.join(path)).unwrap();
                assert!(!text.contains("{{"), "{path}: {text}");
            }
            let text = fs::read_to_string(folder.join("README.md")).unwrap();
            let comments = text.lines().filter_map(|line| line.find(" # "));
            let columns: Vec<_> = comments.collect();
            assert!(columns.iter().all(|column| *column == columns[0]), "{text}");
        }
        let again = write(&folder, Size::Workspace, None).unwrap_err().to_string();
        assert!(again.ends_with("is there already: choose another name"), "{again}");
    }
}
