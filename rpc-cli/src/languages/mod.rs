//! From a description to source code in other languages, or to documents. One folder or file per language; each is
//! a function from an [`Api`] to files, and knows nothing of where the description came from or where the files
//! go.

mod python;
mod rust;
#[cfg(test)]
mod strangers;
mod typescript;

use clap::ValueEnum;

use crate::{api::Api, documents};

/// What can be generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// Traits and types for Rust, `services.rs`.
    Rust,
    /// A client for Python 3.9+, standard library only.
    Python,
    /// A client for Node 20+, no dependencies.
    Typescript,
    /// An OpenRPC 1.4 document, `openrpc.json`.
    Openrpc,
    /// A page for repositories and wikis, `api.md`.
    Markdown,
    /// A page to look at, `api.html`.
    Html,
}

/// A file to be written below the folder that the user names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GeneratedFile {
    /// The path below that folder, with `/`.
    pub path: String,
    /// All of its text.
    pub text: String,
}

/// What documents are called whose server has no name: they may be of any number of services.
pub(crate) const TITLE: &str = "Services";

fn one(path: &str, text: String) -> Vec<GeneratedFile> {
    vec![GeneratedFile { path: path.to_owned(), text }]
}

/// All files of a client in `language`, or the document, which has this title.
pub(crate) fn generate(language: Language, api: &Api<'_>, title: &str) -> Vec<GeneratedFile> {
    match language {
        Language::Rust => rust::generate(api),
        Language::Python => python::generate(api),
        Language::Typescript => typescript::generate(api),
        Language::Openrpc => {
            let document = documents::openrpc(api, title);
            one("openrpc.json", format!("{document:#}\n"))
        }
        Language::Markdown => one("api.md", documents::markdown(api, title)),
        Language::Html => one("api.html", documents::page(api, title)),
    }
}
