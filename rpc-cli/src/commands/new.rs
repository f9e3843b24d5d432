//! `rpc new`: a project to begin with.

use std::path::PathBuf;

use anyhow::Result;

use crate::{new_project, output};

const EXAMPLES: &str = "\
Examples:
  rpc new greeter && cd greeter && cargo test";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The folder to make; its last part is the name of the project.
    name: PathBuf,
    /// The folder of the crate rpc-core; by default, what this program was built from.
    #[arg(long, value_name = "DIR")]
    rpc_core: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<()> {
    new_project::write(&args.name, args.rpc_core.as_deref())?;
    let folder = args.name.display();
    output::line(&format!("made {folder}: a trait, a server, a client and a test"));
    output::line(&format!("Try:\n  cd {folder}\n  cargo test\n  cat README.md"));
    Ok(())
}
