//! `rpc schema`: descriptions as documents, to keep beside the code and to compare.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Subcommand;

use crate::{output, source};

const EXAMPLES: &str = "\
Examples:
  rpc schema save 127.0.0.1:7000 > api.json";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write what a server offers as a document.
    Save(Save),
}

#[derive(Debug, clap::Args)]
struct Save {
    /// A server's address, host:port or unix:/path.
    source: String,
    /// Write to this file instead of stdout.
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Only this service; may be repeated.
    #[arg(short, long = "service", value_name = "NAME")]
    services: Vec<String>,
}

pub(super) async fn run(args: Args) -> Result<()> {
    match args.command {
        Command::Save(args) => save(args).await,
    }
}

async fn save(args: Save) -> Result<()> {
    let document = source::keep(source::load(&args.source).await?, &args.services)?;
    let text = document.to_json();
    match args.out {
        None => output::line(text.trim_end()),
        Some(path) => std::fs::write(&path, text)
            .with_context(|| format!("cannot write {}", path.display()))?,
    }
    Ok(())
}
