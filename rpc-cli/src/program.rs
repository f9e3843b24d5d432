//! The program: its arguments, help and exit code. Data goes to stdout, everything else to stderr; the exit code says
//! how a call ended.

use std::{
    env,
    ffi::{OsStr, OsString},
    process::ExitCode,
};

use clap::{Parser as _, error::ErrorKind};
use rpc_core::IntoAddress as _;

use crate::{commands::Program, exit, patience::Patience, source};

/// The variable that holds the address of the server that is meant where none is typed.
const ADDRESS: &str = "RPC_ADDRESS";

/// The words behind which the address of a server stands.
const ASKING: [&str; 11] =
    ["list", "describe", "call", "repl", "ping", "bench", "ps", "kill", "top", "codegen", "schema"];

/// The same command with the address of the environment, if there is one and none was typed.
fn with_address(
    parsed: clap::error::Result<Program>,
    typed: &[OsString],
) -> clap::error::Result<Program> {
    let is_missing = match &parsed {
        Ok(program) => program
            .command
            .address()
            .is_some_and(|address| address.into_address().is_err() && !source::is_kept(address)),
        Err(error) => error.kind() == ErrorKind::MissingRequiredArgument,
    };
    let Some(address) = env::var_os(ADDRESS).filter(|address| is_missing && !address.is_empty())
    else {
        return parsed;
    };
    let is = |word: &OsString, text: &str| word == OsStr::new(text);
    let Some(command) = typed.iter().position(|word| ASKING.iter().any(|text| is(word, text)))
    else {
        return parsed;
    };
    let nested = typed.get(command + 1).is_some_and(|word| is(word, "save"));
    let mut with = typed.to_vec();
    with.insert(command + 1 + usize::from(is(&typed[command], "schema") && nested), address);
    // What is wrong anyway is told as it was typed.
    Program::try_parse_from(with).or(parsed)
}

/// Runs the program with the arguments of this process.
#[must_use]
pub fn run() -> ExitCode {
    let typed: Vec<_> = env::args_os().collect();
    let program = match with_address(Program::try_parse_from(&typed), &typed) {
        Ok(program) => program,
        Err(help_or_error) => return exit::usage(&help_or_error),
    };
    let patience = Patience::new(program.limits);
    let json = program.command.json();
    if let Err(error) = program.access.settle() {
        return exit::end(Err(error), json);
    }
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
