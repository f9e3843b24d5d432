//! `rpc repl`: a prompt with completion.

use anyhow::Result;

use crate::{patience::Patience, repl};

const EXAMPLES: &str = "\
At the prompt:
  Calculator.add a=1 b=2          call a method; Tab completes services, methods and arguments
  :describe Calculator            its methods and types
  :set timeout 1s                 for every call
  :help                           all of it

Examples:
  rpc repl 127.0.0.1:7000
  printf 'Calculator.add a=1 b=2\\n' | rpc repl 127.0.0.1:7000";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Where the server listens: host:port or unix:/path.
    address: String,
}

pub(super) async fn run(args: Args, patience: Patience) -> Result<()> {
    repl::run(&args.address, patience).await
}
