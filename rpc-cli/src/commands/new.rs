//! `rpc new`: a project to begin with.

use std::path::PathBuf;

use anyhow::Result;

use crate::{
    new_project::{self, Size},
    output,
};

const EXAMPLES: &str = "\
Examples:
  rpc new greeter && cd greeter && cargo test
  rpc new --minimal greeter                           everything in one file";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The folder to create; its last part is the name of the project.
    name: PathBuf,
    /// The folder of the crate rpc-core; by default, the one this program was built from.
    #[arg(long, value_name = "DIR")]
    rpc_core: Option<PathBuf>,
    /// One crate with everything in one file, instead of a workspace.
    #[arg(long)]
    minimal: bool,
    /// Do not create a git repository.
    #[arg(long)]
    no_git: bool,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let (size, what) = match args.minimal {
        true => (Size::Minimal, "one file of a trait, a server, a client and a test"),
        false => (Size::Workspace, "a trait, a server, a client and a test"),
    };
    new_project::write(&args.name, size, args.rpc_core.as_deref())?;
    if !args.no_git {
        new_project::begin_repository(&args.name);
    }
    let folder = args.name.display();
    output::line(&format!("made {folder}: {what}"));
    output::line(&format!("Try:\n  cd {folder}\n  cargo test\n  cat README.md"));
    Ok(())
}
