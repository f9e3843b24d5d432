//! The program: its arguments, help and exit code. Data goes to stdout, everything else to stderr; the exit code says
//! how a call ended.

use std::{
    env,
    ffi::{OsStr, OsString},
    path::Path,
    process::ExitCode,
};

use clap::{CommandFactory as _, FromArgMatches as _, Parser as _, error::ErrorKind};
use rpc_core::IntoAddress as _;

use crate::{commands::Program, exit, help, patience::Patience, source};

/// The variable that holds the address of the server that is meant where none is typed.
const ADDRESS: &str = "RPC_ADDRESS";

/// The words behind which the address of a server stands.
const ASKING: [&str; 13] = [
    "list", "describe", "call", "repl", "ping", "health", "bench", "ps", "kill", "top", "ui",
    "codegen", "schema",
];

/// What was typed, with the file of a report behind its option as that takes it: `--json out.json` is `--json=out.json`.
fn with_files(typed: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let typed: Vec<OsString> = typed.collect();
    let is_there = |word: &str| typed.iter().any(|typed| typed == word);
    // What is compared are files, too.
    if !is_there("bench") || is_there("compare") {
        return typed;
    }
    let mut all: Vec<OsString> = Vec::new();
    for word in typed {
        let is_file = ["json", "csv"].into_iter().any(|form| {
            let names = Path::new(&word).extension() == Some(OsStr::new(form));
            names && all.last().is_some_and(|option| option == &*format!("--{form}"))
        });
        match all.last_mut().filter(|_| is_file && !word.to_string_lossy().contains('=')) {
            Some(option) => {
                option.push("=");
                option.push(word);
            }
            None => all.push(word),
        }
    }
    all
}

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
    parse(&with).or(parsed)
}

/// What was typed, or the help that was asked for, or what is wrong.
fn parse(typed: &[OsString]) -> clap::error::Result<Program> {
    Program::try_parse_from(typed).or_else(|told| match told.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let mut command = help::fitted_to_terminal(Program::command());
            let mut matches = command.try_get_matches_from_mut(typed)?;
            Program::from_arg_matches_mut(&mut matches)
        }
        _ => Err(told),
    })
}

/// Runs the program with the arguments of this process.
#[must_use]
pub fn run() -> ExitCode {
    let typed = with_files(env::args_os());
    let program = match with_address(parse(&typed), &typed) {
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

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory as _};

    use crate::{commands::Program, help::fitted};

    /// The lines of all commands' texts that stand behind the options.
    fn texts(command: &Command) -> Vec<String> {
        let own = command.get_after_help().map(ToString::to_string);
        own.into_iter().chain(command.get_subcommands().flat_map(texts)).collect()
    }

    #[test]
    fn no_width_breaks_a_line_twice() {
        for width in 60..=100 {
            let texts = texts(&fitted(Program::command(), width));
            assert!(texts.len() > 15);
            for line in texts.iter().flat_map(|text| text.lines()) {
                // Commands are to be copied as they stand.
                let is_command = line.trim_start().starts_with("rpc ");
                assert!(is_command || line.chars().count() <= width, "{width}: {line}");
            }
        }
    }
}
