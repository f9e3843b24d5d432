//! A project to begin with: a workspace of the trait, a server with a test, and a client. The files are below `files`, with
//! `{{name}}` where the project's name stands.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};

use crate::exit::Failure;

/// Each file of a project, and what is in it.
const FILES: [(&str, &str); 11] = [
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

/// The source that this program was built from, if it is still there.
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../rpc-core");

/// Writes the project into `folder`, which must not be there; `rpc_core` is where that crate's source is.
pub(crate) fn write(folder: &Path, rpc_core: Option<&Path>) -> Result<()> {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    check_name(name)?;
    if folder.exists() {
        let message = format!("{} is there already: choose another name", folder.display());
        return Err(Failure::usage(message).into());
    }
    let (ident, dependency) = (name.replace('-', "_"), dependency(rpc_core)?);
    for (path, text) in FILES {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)
                .with_context(|| format!("cannot make the folder {}", parent.display()))?;
        }
        let text = text
            .replace("{{name}}", name)
            .replace("{{ident}}", &ident)
            .replace("{{rpc_core}}", &dependency);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Cargo takes it for the name of a package, and Rust for that of a crate.
fn check_name(name: &str) -> Result<()> {
    let plain = |letter: char| {
        letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-_".contains(letter)
    };
    if name.starts_with(|first: char| first.is_ascii_lowercase()) && name.chars().all(plain) {
        return Ok(());
    }
    let message =
        format!("{name:?} is no name for a project: use small letters, digits, `-` and `_`");
    Err(Failure::usage(message).into())
}

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
        for bad in ["", "2x", "Upper", "a b", "-a", "ä"] {
            check_name(bad).unwrap_err();
        }
    }

    #[test]
    fn nothing_is_left_to_fill_in() {
        let parent = tempfile::TempDir::new().unwrap();
        let folder = parent.path().join("my-service");
        write(&folder, None).unwrap();
        for (path, _) in FILES {
            let text = fs::read_to_string(folder.join(path)).unwrap();
            assert!(!text.contains("{{"), "{path}: {text}");
        }
        let again = write(&folder, None).unwrap_err().to_string();
        assert!(again.ends_with("is there already: choose another name"), "{again}");
    }
}
