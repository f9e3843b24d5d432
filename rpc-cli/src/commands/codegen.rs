//! `rpc codegen`: typed clients for other languages, from a live server or a saved schema.

use std::{
    collections::{HashMap, hash_map::Entry},
    path::PathBuf,
};

use anyhow::{Result, anyhow, bail};

use crate::{
    config::{self, Wanted},
    exit::Failure,
    generate::{GenerateError, Output, generate},
    languages::{Package, Platform},
    output,
    patience::Patience,
    source,
};

const EXAMPLES: &str = "\
Examples:
  rpc codegen 127.0.0.1:7000 --lang python --out client
  rpc codegen api.json --lang typescript --out src/rpc --service Calculator
  rpc codegen 127.0.0.1:7000 --lang typescript --for browser --out web
  rpc codegen api.json --lang python --out dist --package acme-client@1.0.0
  rpc codegen                 everything that rpc.toml lists
  rpc codegen --check         the same for CI: list files that differ, write none

rpc.toml, whose paths are relative to it:
  source = \"api.json\"         an address or file, for all outputs that name no other
  [[output]]
  language = \"python\"
  out = \"client\"
  services = [\"Calculator\"]   all if left out
  package = \"acme@1.0.0\"      as --package
  for = \"browser\"             as --for";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A server's address, host:port or unix:/path, or a file from `rpc schema save`; rpc.toml if left out.
    #[arg(requires_all = ["language", "out"])]
    source: Option<String>,
    /// What to generate.
    #[arg(short, long = "lang", value_name = "LANGUAGE", requires = "source")]
    language: Option<Output>,
    /// Where a client in TypeScript runs.
    #[arg(long = "for", value_name = "PLATFORM", default_value = "node", requires = "source")]
    platform: Platform,
    /// The folder to write to; it is created if need be.
    #[arg(short, long, value_name = "DIR", requires = "source")]
    out: Option<PathBuf>,
    /// Only this service; may be repeated.
    #[arg(short, long = "service", value_name = "NAME", requires = "source")]
    services: Vec<String>,
    /// Make the Python or TypeScript client a package that can be published: NAME or NAME@VERSION.
    #[arg(long, value_name = "NAME", requires = "source")]
    package: Option<Package>,
    /// Read what to generate from this file instead of rpc.toml.
    #[arg(long, value_name = "FILE", conflicts_with = "source")]
    config: Option<PathBuf>,
    /// Write nothing: list the files that differ, and exit with 1 if there are any.
    #[arg(long)]
    check: bool,
}

pub(super) async fn run(args: Args, patience: Patience) -> Result<()> {
    let wanted = match (args.source, args.language, args.out) {
        (Some(source), Some(output), Some(out)) => {
            let (platform, services) = (args.platform, args.services);
            vec![Wanted { source, output, platform, out, services, package: args.package }]
        }
        _ => config::read(args.config.as_deref())?,
    };
    let mut sources = HashMap::new();
    let mut files = Vec::new();
    for wanted in wanted {
        let (document, name) = match sources.entry(wanted.source) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let found = source::named(new.key(), patience).await?;
                new.insert(found)
            }
        };
        let generate = generate(document.clone(), wanted.output);
        let mut generate = generate.platform(wanted.platform);
        if let Some(name) = name {
            generate = generate.title(&**name);
        }
        if let Some(package) = wanted.package {
            generate = generate.package(package);
        }
        let generate = wanted.services.into_iter().fold(generate, |all, name| all.service(name));
        files.push((wanted.out, generate.files().map_err(failure)?));
    }
    let all = files.iter().flat_map(|(out, files)| files.iter().map(move |file| (out, file)));
    if !args.check {
        for (out, file) in all {
            // Its words have those of the system in them.
            let written = file.write_to(out).map_err(|error| anyhow!("{error}"))?;
            output::line(&written.display().to_string());
        }
        return Ok(());
    }
    let mut differing = 0;
    for (out, file) in all {
        if let Some(path) = file.differs(out)? {
            output::line(&path.display().to_string());
            differing += 1;
        }
    }
    match differing {
        0 => Ok(()),
        1 => bail!("1 file is out of date"),
        files => bail!("{files} files are out of date"),
    }
}

/// A service that is not there is what the description lacks; all else is the user's.
fn failure(error: GenerateError) -> Failure {
    match error {
        GenerateError::UnknownService { .. } => Failure::unknown(error.to_string()),
        error => Failure::usage(error.to_string()),
    }
}
