//! The program: its arguments, help and exit code. Data goes to stdout, everything else to stderr; the exit code says
//! how a call ended.

use std::process::ExitCode;

use clap::Parser;

use crate::{
    commands::Command,
    exit,
    patience::{Limits, Patience},
};

/// Talk to any rpc-core server: no source, no stubs, nothing but its address.
#[derive(Debug, Parser)]
#[command(name = "rpc", version, after_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Program {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    limits: Limits,
}

const EXAMPLES: &str = "\
Examples:
  rpc demo                                            serve something to play with
  rpc list 127.0.0.1:7000                             what a server offers
  rpc describe 127.0.0.1:7000 Calculator              its methods and types, as Rust
  rpc call 127.0.0.1:7000 Calculator.add a=1 b=2      call a method
  rpc bench 127.0.0.1:7000 Calculator.add a=1 b=2     load it and measure
  rpc repl 127.0.0.1:7000                             the same at a prompt
  rpc codegen 127.0.0.1:7000 --lang python --out api  a client for another language

An address is host:port or unix:/path.

Exit codes:
  0    success
  1    a breaking change, a load of which no call succeeded or no rate held, output that could
       not be written, anything not below
  2    wrong usage: an option, address, name or file that is wrong before any server is asked
  66   the method's own error
  67   invalid argument: it does not fit the server's description, or the server says so
  68   deadline exceeded: the call's, or a time limit of the command's
  76   unimplemented: there is no such service or method, or no description
  78   unavailable: nobody is there, it is no such server, or the connection was lost
  130  ended by Ctrl-C: by the signal itself, so that loops of shells end too; demo and bench
       end in good order instead, with 0
  Any other status is 64 plus its number: 65 cancelled, 69 not found, 70 already exists,
  71 permission denied, 72 resource exhausted, 73 failed precondition, 74 aborted,
  75 out of range, 77 internal, 79 data loss, 80 unauthenticated.";

/// Runs the program with the arguments of this process.
#[must_use]
pub fn run() -> ExitCode {
    let program = match Program::try_parse() {
        Ok(program) => program,
        Err(help_or_error) => return exit::usage(&help_or_error),
    };
    let patience = Patience::new(program.limits);
    let json = program.command.json();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => {
            let outcome = runtime.block_on(program.command.run(patience));
            // A name that is still looked up is not waited for.
            runtime.shutdown_background();
            outcome
        }
        Err(error) => Err(error.into()),
    };
    exit::end(outcome, json)
}
