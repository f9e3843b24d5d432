//! The subcommands: a file each, with its arguments and what it does.

mod bench;
mod call;
mod completions;
mod demo;
mod describe;
mod list;
mod ping;
mod stream;

use anyhow::Result;
use clap::Subcommand;

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
    /// Measure the way to a server and back.
    Ping(ping::Args),
    /// Load a method with calls and measure it.
    Bench(Box<bench::Args>),
    /// Print the completion script of a shell.
    Completions(completions::Args),
}

impl Command {
    /// Does it.
    pub(crate) async fn run(self) -> Result<()> {
        match self {
            Self::Demo(args) => demo::run(args).await,
            Self::List(args) => list::run(args).await,
            Self::Describe(args) => describe::run(args).await,
            Self::Call(args) => call::run(args).await,
            Self::Ping(args) => ping::run(args).await,
            Self::Bench(args) => bench::run(*args).await,
            Self::Completions(args) => {
                completions::run(&args);
                Ok(())
            }
        }
    }
}
