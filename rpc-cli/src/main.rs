//! `rpc`: plays with, lists, describes and calls any live server that describes itself. Data goes to
//! stdout, everything else to stderr; the exit code says how a call ended.

mod arguments;
mod bench;
mod codegen;
mod commands;
mod connect;
mod demo;
mod diff;
mod documents;
mod dry_run;
mod exit;
mod new_project;
mod output;
mod repl;
mod source;
mod suggest;
mod template;

use std::process::ExitCode;

use clap::Parser;

use commands::Command;

/// Talk to any rpc-core server: no source, no stubs, nothing but its address.
#[derive(Debug, Parser)]
#[command(name = "rpc", version, after_help = EXAMPLES, max_term_width = 100)]
struct Program {
    #[command(subcommand)]
    command: Command,
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

Exit codes: 0 for success, 2 for wrong usage, 64 plus the status code for a failed call
(68 deadline exceeded, 76 unimplemented, 78 unavailable; 66 for the method's own error).";

fn main() -> ExitCode {
    let program = Program::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(program.command.run()),
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::report(&error),
    }
}
