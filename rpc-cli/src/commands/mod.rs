//! The subcommands: a file each, with its arguments and what it does.

mod bench;
pub(crate) mod call;
mod codegen;
mod completions;
mod demo;
mod describe;
mod list;
mod new;
mod ping;
mod repl;
mod schema;
mod stream;

use anyhow::Result;
use clap::Subcommand;

use crate::patience::Patience;

/// What `rpc` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve something to play with.
    Demo(demo::Args),
    /// List the services of a server.
    List(list::Args),
    /// Show services, methods and types as Rust.
    Describe(describe::Args),
    /// Call a method.
    Call(call::Args),
    /// Call methods at a prompt with completion.
    Repl(repl::Args),
    /// Measure the way to a server and back.
    Ping(ping::Args),
    /// Load a method with calls and measure it.
    Bench(Box<bench::Args>),
    /// Generate a client for another language.
    Codegen(codegen::Args),
    /// Keep what a server offers as a document.
    Schema(schema::Args),
    /// Make a project to begin with: trait, server, client, test.
    New(new::Args),
    /// Print the completion script of a shell.
    Completions(completions::Args),
}

impl Command {
    /// Whether stdout is for a program, and stderr then too.
    pub(crate) fn json(&self) -> bool {
        match self {
            Self::List(args) => args.json,
            Self::Describe(args) => args.json(),
            Self::Call(args) => args.json,
            Self::Ping(args) => args.json,
            Self::Bench(args) => args.json(),
            Self::Schema(args) => args.json(),
            _ => false,
        }
    }

    /// Does it, within the time that it has.
    pub(crate) async fn run(self, patience: Patience) -> Result<()> {
        match self {
            // A call that was sent may have run: it ends by a time of its own, which says so.
            Self::Call(args) => call::run(args, patience).await,
            command => patience.command(command.run_to_its_end(patience)).await,
        }
    }

    async fn run_to_its_end(self, patience: Patience) -> Result<()> {
        match self {
            Self::Demo(args) => demo::run(args).await,
            Self::List(args) => list::run(args, patience).await,
            Self::Describe(args) => describe::run(args, patience).await,
            Self::Call(args) => call::run(args, patience).await,
            Self::Repl(args) => repl::run(args, patience).await,
            Self::Ping(args) => ping::run(args, patience).await,
            Self::Bench(args) => bench::run(*args, patience).await,
            Self::Codegen(args) => codegen::run(args, patience).await,
            Self::Schema(args) => schema::run(args, patience).await,
            Self::New(args) => new::run(&args),
            Self::Completions(args) => {
                completions::run(&args);
                Ok(())
            }
        }
    }
}
