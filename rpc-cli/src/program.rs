//! The program: its arguments, help and exit code. Data goes to stdout, everything else to stderr; the exit code says
//! how a call ended.

use std::process::ExitCode;

use clap::Parser as _;

use crate::{commands::Program, exit, patience::Patience};

/// Runs the program with the arguments of this process.
#[must_use]
pub fn run() -> ExitCode {
    let program = match Program::try_parse() {
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
