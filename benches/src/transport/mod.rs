//! The transports that are compared, behind one trait: a side that serves and a side that drives.
//!
//! ```text
//!   server process: Transport::serve ──▶ an address, printed
//!   client process: Transport::connect(address) ──▶ Link::drive(lanes, meter) ──▶ one tally a lane
//! ```
//!
//! A transport whose client makes one call at a time has only a `Caller` to write; the loop is in
//! `callers`. Nothing here measures CPU or prints.

mod axum_reqwest;
mod callers;
mod capnp;
pub(crate) mod certificates;
mod faces;
pub(crate) mod generated;
mod http;
mod jsonrpsee;
mod limit;
pub(crate) mod messages;
mod ours;
mod post;
mod rest;
mod soap;
mod tarpc;
mod threads;
pub(crate) mod tonic;
mod xml_rpc;

use std::{any::Any, fmt, sync::Arc};

use anyhow::{Context, Result};
use futures_util::future::BoxFuture;
use rpc_cli::load::record::Tally;
use serde::{Deserialize, Serialize};

use crate::{
    meter::Meter,
    plan::{Job, Lane},
};

/// What a transport is to the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// What the machine allows: the others are divided by it.
    Limit,
    /// This framework.
    Ours,
    /// One call a request over HTTP/1.1, which ours is to replace.
    Http,
    /// Another framework.
    Peer,
}

/// What tables say of a transport.
#[derive(Debug, Clone, Copy)]
pub struct Info {
    /// The name in tables, in `--only` and for the server process.
    pub name: &'static str,
    /// What it is to the comparison.
    pub role: Role,
    /// Its settings in a sentence, so that a reader can judge whether it is treated fairly.
    pub settings: &'static str,
}

/// One way of calling a server.
pub trait Transport: fmt::Debug + Send + Sync {
    /// What tables say of it.
    fn info(&self) -> Info;

    /// The name in tables.
    fn name(&self) -> &'static str {
        self.info().name
    }

    /// Whether it can do this job.
    fn performs(&self, job: Job) -> bool {
        !matches!(job, Job::EchoVec { .. })
    }

    /// Whether its server is another process: only what is in memory has none.
    fn is_apart(&self) -> bool {
        true
    }

    /// Whether it does its work on threads of its own, beside the runtime that it is given.
    fn has_own_threads(&self) -> bool {
        false
    }

    /// Binds to a free address and accepts in the background of the current runtime.
    fn serve(&self) -> BoxFuture<'static, Result<Listening>>;

    /// Opens one connection to a server of this transport (or one pool, where a connection takes
    /// one call at a time).
    fn connect(&self, address: String) -> BoxFuture<'static, Result<Box<dyn Link>>>;
}

/// One open connection that callers share.
pub trait Link: Send + Sync {
    /// Keeps every lane's number of calls in flight for as long as the meter says, and returns
    /// what each lane counted.
    fn drive(&self, lanes: Vec<Lane>, meter: Arc<Meter>) -> BoxFuture<'static, Result<Vec<Tally>>>;

    /// One call that has the server do what `jobs::perform` does.
    fn work(&self, kind: u32, amount: u32) -> BoxFuture<'static, Result<i64>> {
        let _ = (kind, amount);
        Box::pin(async { anyhow::bail!("this transport drives its calls by itself") })
    }
}

/// A server that accepts, until it is dropped with its runtime.
pub struct Listening {
    address: String,
    held: Box<dyn Any + Send>,
}

impl Listening {
    /// Says where the server is; `held` lives as long as it does.
    pub fn new(address: impl Into<String>, held: impl Any + Send) -> Self {
        Self { address: address.into(), held: Box::new(held) }
    }

    /// What a client connects to.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = (*self.held).type_id();
        f.debug_struct("Listening").field("address", &self.address).field("held", &held).finish()
    }
}

/// All transports, in the order of the tables.
pub fn all() -> Vec<Box<dyn Transport>> {
    vec![
        Box::new(limit::Limit),
        Box::new(ours::Ours::Tcp),
        Box::new(ours::Ours::Threads),
        Box::new(ours::Ours::Unix),
        Box::new(ours::Ours::Json),
        Box::new(ours::Ours::Memory),
        Box::new(faces::Face::Rpc),
        Box::new(faces::Face::JsonRpc),
        Box::new(tarpc::Tarpc),
        Box::new(tonic::Tonic::Plain),
        Box::new(capnp::CapnpRpc),
        Box::new(jsonrpsee::Jsonrpsee::WebSocket),
        Box::new(faces::Face::Http),
        Box::new(faces::Face::HttpSmall),
        Box::new(jsonrpsee::Jsonrpsee::Http),
        Box::new(axum_reqwest::AxumReqwest),
        Box::new(rest::Rest),
        Box::new(xml_rpc::XmlRpc),
        Box::new(soap::Soap),
    ]
}

/// Those that are encrypted: they stand beside the others on request, for each has a bar of its own.
fn encrypted() -> Vec<Box<dyn Transport>> {
    vec![Box::new(ours::Ours::Tls), Box::new(tonic::Tonic::Tls)]
}

/// Finds a transport by its name.
///
/// # Errors
///
/// When none has that name; the message lists those that there are.
pub fn find(name: &str) -> Result<Box<dyn Transport>> {
    let mut named = all().into_iter().chain(encrypted());
    named.find(|transport| transport.name() == name).with_context(|| {
        let names: Vec<_> = all().iter().map(|transport| transport.name()).collect();
        format!("no transport is called {name:?}, there are {}", names.join(", "))
    })
}

/// The numbers that the given call adds: small, as most are, and not always the same.
fn operands(call: u64) -> (i64, i64) {
    ((call % 41) as i64, 20)
}

/// The largest message that servers and clients with a limit are told to allow.
const LARGEST_MESSAGE: u32 = 16 << 20;

/// The same for calls in flight on a connection, and for connections.
const MOST_CALLS: u32 = 16 << 10;
const MOST_CONNECTIONS: u32 = 100_000;

#[cfg(test)]
mod tests;
