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

Exit codes:
  0    success
  1    a breaking change, a load of which no call succeeded or no rate held, anything not below
  2    wrong usage: an option, address, name or file that is wrong before any server is asked
  66   the method's own error
  67   invalid argument: it does not fit the server's description, or the server says so
  68   deadline exceeded
  76   unimplemented: there is no such service or method, or no description
  78   unavailable: nobody is there, it is no such server, or the connection was lost
  130  ended by Ctrl-C
  Any other status is 64 plus its number: 65 cancelled, 69 not found, 70 already exists,
  71 permission denied, 72 resource exhausted, 73 failed precondition, 74 aborted,
  75 out of range, 77 internal, 79 data loss, 80 unauthenticated.";

fn main() -> ExitCode {
    let program = Program::parse();
    let json = program.command.json();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(program.command.run()),
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::report(&error, json),
    }
}
