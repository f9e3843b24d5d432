//! The command line: its help, and the subcommands, a file or folder each, with its arguments and what it does.

mod bench;
mod call;
mod cert;
mod codegen;
mod completions;
mod demo;
mod describe;
mod explain;
mod gateway;
mod health;
mod kill;
mod list;
mod new;
mod ping;
mod ps;
mod repl;
mod schema;
mod serving;
mod stream;
mod top;
mod waterfall;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::{
    access::Access,
    patience::{Limits, Patience},
};

/// Talk to any rpc-core server: no source, no stubs, nothing but its address.
#[derive(Debug, Parser)]
#[command(name = "rpc", version, after_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Program {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub access: Access,
    #[command(flatten)]
    pub limits: Limits,
}

const EXAMPLES: &str = "\
Examples:
  rpc demo                                            serve something to play with
  rpc list 127.0.0.1:7000                             what a server offers
  rpc describe 127.0.0.1:7000 Calculator              its methods and types, as Rust
  rpc call 127.0.0.1:7000 Calculator.add a=1 b=2      call a method
  rpc bench 127.0.0.1:7000 Calculator.add a=1 b=2     load it and measure
  rpc repl 127.0.0.1:7000                             the same at a prompt
  rpc top 127.0.0.1:7000                              watch what it does
  rpc health 127.0.0.1:7000                           is it serving? an exit code tells
  rpc gateway --upstream 127.0.0.1:7000               HTTP and WebSocket in front of it
  rpc codegen 127.0.0.1:7000 --lang python --out api  a client for another language

An address is host:port, tls:host:port, ws:host:port, wss:host:port or unix:/path; ws: and wss: pass where only HTTP \
does. Several with commas between them, dns:host:port, file:/path and etcd://host:port/prefix stand for servers any of \
which will do. If no address is given, the variable RPC_ADDRESS is used.

Exit codes:
  0    success
  1    a server that does not serve (rpc health), a breaking change, a load in which no call succeeded or no rate \
held, output that could not be written, anything not listed here
  2    wrong usage: an option, address, name or file that is wrong before any server is asked
  66   the method's own error
  67   invalid argument: it does not match the server's description, or the server says so
  68   deadline exceeded: that of the call, or a time limit of the command
  71   permission denied: the caller lacks a permission that the method requires
  76   unimplemented: there is no such service or method, or no description
  78   unavailable: nothing answers, it is not an rpc-core server, or the connection was lost
  80   unauthenticated: a token is needed (--token), or the one that was sent is not accepted
  130  ended by Ctrl-C: by the signal itself, so that shell loops end too; ping and bench print their report first, \
and demo shuts down cleanly with 0
  Any other status is 64 plus its number: 65 cancelled, 69 not found, 70 already exists, 72 resource exhausted, \
73 failed precondition, 74 aborted, 75 out of range, 77 internal, 79 data loss.";

/// What `rpc` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve a demo to play with.
    Demo(demo::Args),
    /// List the services of a server.
    List(list::Args),
    /// Show services, methods and types as Rust.
    Describe(describe::Args),
    /// Call a method.
    Call(call::Args),
    /// Call methods at a prompt with completion.
    Repl(repl::Args),
    /// Measure the round trip to a server.
    Ping(ping::Args),
    /// Ask whether a server is serving: for probes.
    Health(health::Args),
    /// Load a method with calls and measure it.
    Bench(Box<bench::Args>),
    /// List the calls in flight on a server.
    Ps(ps::Args),
    /// End calls in flight on a server.
    Kill(kill::Args),
    /// Watch a server: its methods, calls and connections.
    Top(top::Args),
    /// Serve HTTP, JSON-RPC and WebSocket in front of any server.
    Gateway(gateway::Args),
    /// Explore a server in the browser: serve a page that calls it.
    Ui(gateway::UiArgs),
    /// Generate a client for another language.
    Codegen(codegen::Args),
    /// Save what a server offers as a document, or compare two.
    Schema(schema::Args),
    /// Start a project: trait, server, client, test.
    New(new::Args),
    /// Create certificates for TLS during development.
    Cert(cert::Args),
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
            Self::Health(args) => args.json,
            Self::Bench(args) => args.json(),
            Self::Ps(args) => args.json,
            Self::Kill(args) => args.json,
            Self::Schema(args) => args.json(),
            _ => false,
        }
    }

    /// What was typed where the address of a server stands.
    pub(crate) fn address(&self) -> Option<&str> {
        match self {
            Self::List(args) => Some(&args.source),
            Self::Describe(args) => Some(&args.source),
            Self::Call(args) => Some(&args.address),
            Self::Repl(args) => Some(&args.address),
            Self::Ping(args) => Some(&args.address),
            Self::Health(args) => Some(&args.address),
            Self::Bench(args) => args.address.as_deref(),
            Self::Ps(args) => Some(&args.address),
            Self::Kill(args) => Some(&args.address),
            Self::Top(args) => Some(&args.address),
            Self::Schema(args) => args.address(),
            Self::Gateway(args) => Some(args.address()),
            Self::Ui(args) => Some(&args.address),
            _ => None,
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
            Self::Health(args) => health::run(args, patience).await,
            Self::Bench(args) => bench::run(*args, patience).await,
            Self::Ps(args) => ps::run(args, patience).await,
            Self::Kill(args) => kill::run(args, patience).await,
            Self::Top(args) => top::run(args, patience).await,
            Self::Gateway(args) => gateway::run(args, patience).await,
            Self::Ui(args) => gateway::run_ui(args, patience).await,
            Self::Codegen(args) => codegen::run(args, patience).await,
            Self::Schema(args) => schema::run(args, patience).await,
            Self::New(args) => new::run(&args),
            Self::Cert(args) => cert::run(&args),
            Self::Completions(args) => {
                completions::run(&args);
                Ok(())
            }
        }
    }
}
