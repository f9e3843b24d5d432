//! From an [`Api`] to clients in other languages. A folder or file each, which says how the language spells what
//! `target.rs` walks; none knows where the description came from or where the files go.

/// Writes a line of source; writing to a string cannot fail.
macro_rules! put {
    ($out:expr, $($text:tt)*) => {{
        use std::fmt::Write as _;
        let _ = writeln!($out, $($text)*);
    }};
}

/// The files of a run-time, which is a package of its own, by their paths in a client.
macro_rules! runtime {
    ($package:literal as $folder:literal: $($name:literal)*) => {
        &[$((
            concat!($folder, "/", $name),
            include_str!(concat!("../../../runtimes/", $package, "/", $name)),
        )),*]
    };
}

mod browser;
mod names;
mod packages;
mod python;
mod rust;
mod target;
mod typescript;

use clap::ValueEnum;

use crate::api::Api;
pub use packages::{Package, PackageError};

/// A language that clients are generated in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum Language {
    /// Traits and types for Rust, `services.rs`.
    Rust,
    /// A client for Python 3.9+, standard library only.
    Python,
    /// A client for Node 20+, no dependencies.
    Typescript,
}

/// The place that a client in TypeScript runs in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum Platform {
    /// Node, Deno and Bun: sources in TypeScript, for sockets and WebSocket.
    #[default]
    Node,
    /// Web pages and workers: one module in JavaScript with its declarations, for WebSocket.
    Browser,
}

/// A file that was generated.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GeneratedFile {
    /// The path below the folder that it is to be written to, with `/`.
    pub path: String,
    /// All of its text.
    pub text: String,
}

impl GeneratedFile {
    pub(crate) fn new(path: &str, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), text: text.into() }
    }
}

/// All files of a client; those for web pages are in TypeScript alone.
pub(crate) fn client(
    language: Language,
    platform: Platform,
    api: &Api<'_>,
) -> Option<Vec<GeneratedFile>> {
    Some(match (language, platform) {
        (Language::Typescript, Platform::Browser) => browser::files(api),
        (_, Platform::Browser) => return None,
        (language, Platform::Node) => plain(language, api),
    })
}

fn plain(language: Language, api: &Api<'_>) -> Vec<GeneratedFile> {
    match language {
        Language::Rust => target::write::<rust::Rust<'_>>(api),
        Language::Python => target::write::<python::Python<'_>>(api),
        Language::Typescript => target::write::<typescript::TypeScript<'_>>(api),
    }
}
