//! `rpc schema`: descriptions as documents, to keep beside the code and to compare.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clap::{
    Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser as _},
};
use rpc_core::schema::{Answers, Change, Rule, changes};

use crate::{
    output::{self, BOLD, DIM},
    patience::Patience,
    source,
};

const EXAMPLES: &str = "\
Examples:
  rpc schema save 127.0.0.1:7000 > api.json
  rpc schema diff api.json 127.0.0.1:7000            what has changed since
  rpc schema diff --callers json old.json new.json   for callers in JSON alone
  rpc schema diff git:origin/main:api.json api.json --annotate github   for CI, from a revision

A change is breaking if a caller built against OLD can fail when the server has NEW. Callers in bincode need the \
exact signature; callers in JSON tolerate more. The exit code is 1 if a change is breaking.";

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
    /// Show what has changed between two documents or servers, and which callers it breaks.
    Diff(Diff),
}

#[derive(Debug, clap::Args)]
struct Diff {
    /// The earlier one: a file, git:REVISION:PATH, or a server's address.
    old: String,
    /// The later one, given in the same way.
    new: String,
    /// Whose point of view counts for the exit code.
    #[arg(long, value_enum, default_value_t = Callers::All)]
    callers: Callers,
    /// Who answers calls of these services: clients, where the server calls them back.
    #[arg(long, value_enum, value_name = "SIDE", default_value_t = Side::Server)]
    answered_by: Side,
    /// Ignore changes of this kind; may be repeated.
    #[arg(long = "ignore", value_name = "RULE", value_parser = rules(), hide_possible_values = true)]
    ignored: Vec<Rule>,
    /// Print annotations for this service to show beside the changed files.
    #[arg(long, value_enum, value_name = "SERVICE", conflicts_with = "json")]
    annotate: Option<Annotations>,
    /// Print JSON, for errors too.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Callers {
    All,
    Bincode,
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Side {
    Server,
    Clients,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Annotations {
    Github,
}

/// The names of rules, as arguments.
fn rules() -> impl clap::builder::TypedValueParser<Value = Rule> {
    PossibleValuesParser::new(Rule::ALL.iter().map(|rule| rule.name()))
        .try_map(|name| name.parse::<Rule>())
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
    /// Where the address of a server stands that is the only one.
    pub(super) fn address(&self) -> Option<&str> {
        match &self.command {
            Command::Save(args) => Some(&args.source),
            Command::Diff(_) => None,
        }
    }

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
    let answers = match args.answered_by {
        Side::Server => Answers::Server,
        Side::Clients => Answers::Clients,
    };
    let mut changes = changes(&old, &new, answers);
    changes.retain(|change| !args.ignored.contains(&change.rule));
    let breaks = |change: &Change| match args.callers {
        Callers::All => change.breaks_bincode || change.breaks_json,
        Callers::Bincode => change.breaks_bincode,
        Callers::Json => change.breaks_json,
    };
    if args.json {
        output::json(&serde_json::to_value(&changes)?, false);
    } else if let Some(Annotations::Github) = args.annotate {
        let file = [&args.new, &args.old].into_iter().find(|source| source::is_file(source));
        for change in &changes {
            let level = if breaks(change) { "error" } else { "notice" };
            annotate(level, file.map(String::as_str), change);
        }
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
    output::line(&format!(
        "{breaks}{} {}{DIM}  [{}]{DIM:#}",
        change.path, change.what, change.rule
    ));
}

/// A workflow command of GitHub's, which shows a message beside a file.
fn annotate(level: &str, file: Option<&str>, change: &Change) {
    let message = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| message(text).replace(':', "%3A").replace(',', "%2C");
    let file = file.map(|file| format!("file={},", property(file))).unwrap_or_default();
    let (rule, text) = (change.rule, message(&format!("{} {}", change.path, change.what)));
    output::line(&format!("::{level} {file}title={rule}::{text}"));
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
