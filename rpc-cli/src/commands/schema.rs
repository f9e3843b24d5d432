//! `rpc schema`: descriptions as documents, to keep beside the code and to compare.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clap::{Subcommand, ValueEnum};

use crate::{
    diff::{Change, changes},
    output::{self, BOLD, DIM},
    patience::Patience,
    source,
};

const EXAMPLES: &str = "\
Examples:
  rpc schema save 127.0.0.1:7000 > api.json
  rpc schema diff api.json 127.0.0.1:7000            what has changed since
  rpc schema diff --callers json old.json new.json   for callers in JSON alone

A change is breaking if somebody built against OLD can fail when the server has NEW. Callers in bincode
need the exact signature; callers in JSON tolerate more. Exit code 1 if a change is breaking.";

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
    /// Tell what has changed between two documents or servers, and whom it breaks.
    Diff(Diff),
}

#[derive(Debug, clap::Args)]
struct Diff {
    /// The former: a file, or a server's address.
    old: String,
    /// The present: a file, or a server's address.
    new: String,
    /// Whose point of view counts for the exit code.
    #[arg(long, value_enum, default_value_t = Callers::All)]
    callers: Callers,
    /// Print JSON, errors too.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Callers {
    All,
    Bincode,
    Json,
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

impl Args {
    pub(super) const fn json(&self) -> bool {
        matches!(&self.command, Command::Diff(Diff { json: true, .. }))
    }
}

pub(super) async fn run(args: Args, patience: Patience) -> Result<()> {
    match args.command {
        Command::Save(args) => save(args, patience).await,
        Command::Diff(args) => diff(args, patience).await,
    }
}

async fn diff(args: Diff, patience: Patience) -> Result<()> {
    let old = source::load(&args.old, patience).await?;
    let new = source::load(&args.new, patience).await?;
    let changes = changes(&old, &new);
    let breaks = |change: &Change| match args.callers {
        Callers::All => change.breaks_bincode || change.breaks_json,
        Callers::Bincode => change.breaks_bincode,
        Callers::Json => change.breaks_json,
    };
    if args.json {
        output::json(&serde_json::to_value(&changes)?, false);
    } else if changes.is_empty() {
        output::note("nothing has changed");
    } else {
        changes.iter().for_each(print);
    }
    match changes.iter().filter(|change| breaks(change)).count() {
        0 => Ok(()),
        1 => bail!("1 change is breaking"),
        breaking => bail!("{breaking} changes are breaking"),
    }
}

fn print(change: &Change) {
    let breaks = match (change.breaks_bincode, change.breaks_json) {
        (false, false) => format!("{DIM}compatible      {DIM:#}"),
        (true, false) => format!("{BOLD}breaks bincode  {BOLD:#}"),
        (false, true) => format!("{BOLD}breaks JSON     {BOLD:#}"),
        (true, true) => format!("{BOLD}breaks both     {BOLD:#}"),
    };
    output::line(&format!("{breaks}{} {}", change.path, change.what));
}

async fn save(args: Save, patience: Patience) -> Result<()> {
    let document = source::keep(source::load(&args.source, patience).await?, &args.services)?;
    let text = document.to_json();
    match args.out {
        None => output::line(text.trim_end()),
        Some(path) => std::fs::write(&path, text)
            .with_context(|| format!("cannot write {}", path.display()))?,
    }
    Ok(())
}
