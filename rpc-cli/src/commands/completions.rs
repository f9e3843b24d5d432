//! `rpc completions`: a script that makes a shell complete this program's words.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::Program;
use crate::output;

const EXAMPLES: &str = "\
Examples:
  rpc completions bash > ~/.local/share/bash-completion/completions/rpc
  rpc completions zsh > ~/.zfunc/_rpc
  rpc completions fish > ~/.config/fish/completions/rpc.fish";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The shell.
    shell: Shell,
}

pub(super) fn run(args: &Args) {
    // Not to stdout at once: the generator panics where a reader has gone away.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Program::command(), "rpc", &mut script);
    output::bytes(&script);
}
