//! `rpc.toml`: all that a project generates, so that one command does it.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::ValueEnum as _;
use serde::Deserialize;

use crate::{
    exit::Failure,
    generate::Output,
    languages::{Package, Platform},
    source,
};

/// The file that is read where none is named.
const FILE: &str = "rpc.toml";

/// Something to generate.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// A file or an address.
    pub source: String,
    pub output: Output,
    /// The place that a client runs in.
    pub platform: Platform,
    pub out: PathBuf,
    /// The services to keep; all if there are none.
    pub services: Vec<String>,
    /// The package that a client becomes.
    pub package: Option<Package>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    source: Option<String>,
    output: Vec<Section>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    source: Option<String>,
    language: String,
    #[serde(rename = "for")]
    platform: Option<String>,
    out: PathBuf,
    #[serde(default)]
    services: Vec<String>,
    package: Option<String>,
}

/// Reads the configuration; paths in it are relative to it.
pub(crate) fn read(path: Option<&Path>) -> Result<Vec<Wanted>> {
    let file = path.unwrap_or_else(|| Path::new(FILE));
    let wrong = |why: &dyn std::fmt::Display| Failure::usage(format!("{}: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| match path {
        None if error.kind() == std::io::ErrorKind::NotFound => {
            Failure::usage(format!("there is no {FILE} here: name a source, --lang and --out"))
        }
        _ => wrong(&error),
    })?;
    let config: Config = toml::from_str(&text).map_err(|error| wrong(&error))?;
    let folder = file.parent().unwrap_or_else(|| Path::new(""));
    let wanted = |section: Section| {
        let source = section.source.or_else(|| config.source.clone());
        let source = source.ok_or_else(|| wrong(&"an output has no source"))?;
        let is_file = source::is_file(&source) || folder.join(&source).is_file();
        Ok(Wanted {
            source: match is_file {
                true => folder.join(source).display().to_string(),
                false => source,
            },
            output: Output::from_str(&section.language, false).map_err(|error| wrong(&error))?,
            platform: match section.platform {
                Some(name) => Platform::from_str(&name, false).map_err(|error| wrong(&error))?,
                None => Platform::Node,
            },
            out: folder.join(section.out),
            services: section.services,
            package: section
                .package
                .map(|name| name.parse())
                .transpose()
                .map_err(|error: crate::languages::PackageError| wrong(&error))?,
        })
    };
    config.output.into_iter().map(wanted).collect()
}
