//! From a description to files: a client in another language, or a document. For build scripts as for `rpc codegen`.

#[cfg(test)]
mod strangers;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use clap::{ValueEnum, builder::PossibleValue};
use rpc_core::schema::Document;
use thiserror::Error;

use crate::{
    api::Api,
    description::{self, Unreadable},
    documents::{self, Form},
    languages::{self, GeneratedFile, Language, Package, Platform},
    suggest,
};

/// Prepares files that follow from a description.
///
/// The same description gives the same files, byte for byte. It is checked before it is used, as one that comes from a
/// stranger is.
///
/// # Examples
///
/// A build script that keeps a client of Rust beside its sources, `mod services;`:
///
/// ```no_run
/// use std::path::Path;
///
/// fn main() -> Result<(), rpc_cli::GenerateError> {
///     println!("cargo::rerun-if-changed=api.json");
///     let api = Path::new("api.json"); // from `rpc schema save`
///     rpc_cli::generate(api, rpc_cli::Language::Rust).write_to("src")?;
///     Ok(())
/// }
/// ```
///
/// The files themselves, from a service that is described in this process:
///
/// ```
/// use rpc_core::schema::{Document, MethodKind, ServiceBuilder};
///
/// let mut clock = ServiceBuilder::new("Clock", "Tells the time.");
/// clock.method("now", "", MethodKind::Unary).returns::<u64>();
/// let document = Document::new(vec![clock.build()]);
///
/// let files = rpc_cli::generate(document, rpc_cli::Form::Markdown).title("Clocks").files()?;
/// assert_eq!(files[0].path, "api.md");
/// assert!(files[0].text.starts_with("# Clocks\n"));
/// # Ok::<(), rpc_cli::GenerateError>(())
/// ```
pub fn generate(source: impl Into<Source>, output: impl Into<Output>) -> Generate {
    let (source, output) = (source.into(), output.into());
    let (services, title) = (Vec::new(), "Services".to_owned());
    Generate { source, output, platform: Platform::Node, services, title, package: None }
}

/// A description to generate from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Source {
    /// A file that `rpc schema save` or [`Document::to_json`] wrote.
    File(PathBuf),
    /// The text of such a file.
    Json(String),
    /// The document itself.
    Document(Document),
}

/// A kind of files to generate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// A client.
    Client(Language),
    /// A document.
    Document(Form),
}

/// Files that were not generated or not written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// The description could not be read.
    #[error("cannot read the schema from {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// It is not a description that can be used.
    #[error("{origin}: {why}")]
    Description {
        /// The file, or what else it comes from.
        origin: String,
        /// The rule that it breaks.
        why: String,
    },
    /// It has no service of that name.
    #[error("no service {name}; {instead}")]
    UnknownService {
        /// The name.
        name: String,
        /// Those that there are, in words.
        instead: String,
    },
    /// A package was asked for of what is none.
    #[error("only clients in Python and TypeScript are packages of their own")]
    NotPackaged,
    /// A client for web pages was asked for in a language that these do not run.
    #[error("clients for browsers are in TypeScript: --lang typescript --for browser")]
    NotForBrowsers,
    /// A file or its folder could not be written, or not be read to compare it.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
}

/// Files that are about to be generated; see [`generate`].
#[derive(Clone, Debug)]
#[must_use = "nothing is generated until the files are asked for"]
pub struct Generate {
    source: Source,
    output: Output,
    platform: Platform,
    services: Vec<String>,
    title: String,
    package: Option<Package>,
}

impl Generate {
    /// Keeps this service; others that are not kept as well are left out. Without a call of this all are kept.
    pub fn service(mut self, name: impl Into<String>) -> Self {
        self.services.push(name.into());
        self
    }

    /// Sets the title of a document, "Services" otherwise.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Makes a client in TypeScript one for another platform than Node.
    pub fn platform(mut self, platform: Platform) -> Self {
        self.platform = platform;
        self
    }

    /// Makes a client a package that a registry takes: `pyproject.toml` beside the package for Python, `package.json` and
    /// `tsconfig.json` beside `src` for TypeScript, where `npm pack` builds JavaScript and declarations.
    pub fn package(mut self, package: Package) -> Self {
        self.package = Some(package);
        self
    }

    /// Generates the files, and writes none.
    ///
    /// # Errors
    ///
    /// If the description cannot be read or used, or lacks a service that is to be kept.
    pub fn files(self) -> Result<Vec<GeneratedFile>, GenerateError> {
        let document = keep(self.source.document()?, &self.services)?;
        let api = Api::new(&document);
        let files = self.output.files(self.platform, &api, &self.title);
        let files = files.ok_or(GenerateError::NotForBrowsers)?;
        match (self.package, self.output) {
            (None, _) => Ok(files),
            (Some(package), Output::Client(language)) => {
                let packaged = package.around(language, self.platform, &api, files);
                packaged.ok_or(GenerateError::NotPackaged)
            }
            (Some(_), Output::Document(_)) => Err(GenerateError::NotPackaged),
        }
    }

    /// Generates the files and writes those that differ below `folder`, which is made if it is not there. Gives the
    /// paths of all of them.
    ///
    /// # Errors
    ///
    /// As [`Generate::files`]; or if a file cannot be written: those before it are.
    pub fn write_to(self, folder: impl AsRef<Path>) -> Result<Vec<PathBuf>, GenerateError> {
        let folder = folder.as_ref();
        self.files()?.iter().map(|file| file.write_to(folder)).collect()
    }

    /// Generates the files and gives the paths of those that are not below `folder` as they should be. Writes nothing.
    ///
    /// # Errors
    ///
    /// As [`Generate::files`]; or if a file that is there cannot be read.
    pub fn differing(self, folder: impl AsRef<Path>) -> Result<Vec<PathBuf>, GenerateError> {
        let folder = folder.as_ref();
        let differs = |file: &GeneratedFile| file.differs(folder).transpose();
        self.files()?.iter().filter_map(differs).collect()
    }
}

impl Output {
    /// All files; documents have this title. Nothing if there is no such thing for the platform.
    pub(crate) fn files(
        self,
        platform: Platform,
        api: &Api<'_>,
        title: &str,
    ) -> Option<Vec<GeneratedFile>> {
        match (self, platform) {
            (Self::Client(language), platform) => languages::client(language, platform, api),
            (Self::Document(form), Platform::Node) => {
                let (path, text) = documents::document(form, api, title);
                Some(vec![GeneratedFile::new(path, text)])
            }
            (Self::Document(_), Platform::Browser) => None,
        }
    }
}

impl GeneratedFile {
    /// Writes the file below a folder, unless it is there already: its time tells build tools of a change.
    pub(crate) fn write_to(&self, folder: &Path) -> Result<PathBuf, GenerateError> {
        let Some(path) = self.differs(folder)? else { return Ok(folder.join(&self.path)) };
        let written = path.parent().map_or(Ok(()), fs::create_dir_all);
        match written.and_then(|()| fs::write(&path, &self.text)) {
            Ok(()) => Ok(path),
            Err(source) => Err(GenerateError::Write { path, source }),
        }
    }

    /// The path of the file below a folder, if there is another one there or none.
    pub(crate) fn differs(&self, folder: &Path) -> Result<Option<PathBuf>, GenerateError> {
        let path = folder.join(&self.path);
        match fs::read(&path) {
            Ok(text) => Ok((text != self.text.as_bytes()).then_some(path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some(path)),
            Err(source) => Err(GenerateError::Write { path, source }),
        }
    }
}

impl Source {
    /// The document, checked.
    pub(crate) fn document(self) -> Result<Document, GenerateError> {
        let refused = |origin: &str, why: &dyn ToString| GenerateError::Description {
            origin: origin.to_owned(),
            why: why.to_string(),
        };
        match self {
            Self::File(path) => description::open(&path).map_err(|error| match error {
                Unreadable::Io(source) => GenerateError::Read { path, source },
                Unreadable::Refused(why) => refused(&path.display().to_string(), &why),
            }),
            Self::Json(text) => description::read(&text).map_err(|why| refused("the schema", &why)),
            Self::Document(document) => match description::check_all(&document.services) {
                Ok(()) => Ok(document),
                Err(why) => Err(refused("the schema", &why)),
            },
        }
    }
}

/// Keeps the named services only, all if none is named.
pub(crate) fn keep(document: Document, names: &[String]) -> Result<Document, GenerateError> {
    if names.is_empty() {
        return Ok(document);
    }
    let all: Vec<&str> = document.services.iter().map(|service| service.name.as_str()).collect();
    if let Some(name) = names.iter().find(|name| !all.contains(&name.as_str())) {
        let instead = suggest::instead(name, &all);
        return Err(GenerateError::UnknownService { name: name.clone(), instead });
    }
    let kept = document.services.into_iter().filter(|service| names.contains(&service.name));
    Ok(Document::new(kept.collect()))
}

impl From<&Path> for Source {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl From<Document> for Source {
    fn from(document: Document) -> Self {
        Self::Document(document)
    }
}

impl From<Language> for Output {
    fn from(language: Language) -> Self {
        Self::Client(language)
    }
}

impl From<Form> for Output {
    fn from(form: Form) -> Self {
        Self::Document(form)
    }
}

/// The words of command lines and configuration files: those of languages, then those of documents.
impl ValueEnum for Output {
    fn value_variants<'a>() -> &'a [Self] {
        static ALL: LazyLock<Vec<Output>> = LazyLock::new(|| {
            let languages = Language::value_variants().iter().copied().map(Output::Client);
            languages.chain(Form::value_variants().iter().copied().map(Output::Document)).collect()
        });
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::Client(language) => language.to_possible_value(),
            Self::Document(form) => form.to_possible_value(),
        }
    }
}
