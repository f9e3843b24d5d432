//! From a description to source code in other languages, or to documents. One folder or file per language; each is
//! a function from an [`Api`] to files, and knows nothing of where the description came from or where the files
//! go.

mod api;
mod python;
mod typescript;

pub(crate) use api::Api;

use clap::ValueEnum;

/// What can be generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// A client for Python 3.9+, standard library only.
    Python,
    /// A client for Node 20+, no dependencies.
    Typescript,
}

/// A file to be written below the folder that the user names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GeneratedFile {
    /// The path below that folder, with `/`.
    pub path: String,
    /// All of its text.
    pub text: String,
}

/// All files of a client in `language`.
pub(crate) fn generate(language: Language, api: &Api<'_>) -> Vec<GeneratedFile> {
    match language {
        Language::Python => python::generate(api),
        Language::Typescript => typescript::generate(api),
    }
}
