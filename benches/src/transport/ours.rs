//! This framework, over TCP, with TLS and without, over a Unix socket and in memory, in bincode and in JSON, as its README shows it.

use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use rpc_cli::load::record::Tally;
use rpc_core::{Address, Codec, Endpoint, Limits, Server, service, tls::ClientTls};
use tempfile::TempDir;

use super::{
    Info, LARGEST_MESSAGE, Link, Listening, MOST_CALLS, MOST_CONNECTIONS, Role, Transport,
    callers::{Caller, Callers},
    certificates,
    threads::Place,
};
use crate::{
    jobs::{self, Order},
    meter::Meter,
    plan::{Job, Lane},
};

/// The jobs, as a trait.
#[service]
trait Jobs {
    /// Adds.
    async fn add(&self, a: i64, b: i64) -> i64;
    /// Does some work.
    async fn work(&self, kind: u32, amount: u32) -> i64;
    /// Gives the bytes back.
    async fn echo(&self, payload: Bytes) -> Bytes;
    /// Gives the vector back.
    async fn echo_vec(&self, payload: Vec<u8>) -> Vec<u8>;
    /// Gives the order back.
    async fn record(&self, order: Order) -> Order;
}

struct Worker;

impl Jobs for Worker {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a.wrapping_add(b)
    }

    async fn work(&self, kind: u32, amount: u32) -> i64 {
        jobs::perform(kind, amount).await
    }

    async fn echo(&self, payload: Bytes) -> Bytes {
        payload
    }

    async fn echo_vec(&self, payload: Vec<u8>) -> Vec<u8> {
        payload
    }

    async fn record(&self, order: Order) -> Order {
        order
    }
}

/// Which socket.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ours {
    Tcp,
    /// TCP, with connections on threads that have a runtime each, on both sides.
    Threads,
    Unix,
    /// TCP, with TLS.
    Tls,
    /// TCP, with values in JSON.
    Json,
    /// No socket: both ends in the client's process.
    Memory,
}

impl Transport for Ours {
    fn info(&self) -> Info {
        let (name, settings) = match self {
            Self::Tcp => ("ours-tcp", RAISED),
            Self::Unix => ("ours-unix", RAISED),
            Self::Tls => (
                "ours-tls",
                "bincode over TLS 1.3 and TCP, limits raised as without TLS, otherwise the defaults",
            ),
            Self::Threads => (
                "ours-threads",
                "bincode over TCP; the server has a thread with a runtime of its own for each core, and the client \
                 shares its connections and their callers out over as many",
            ),
            Self::Memory => {
                ("ours-memory", "bincode, both ends in one process and one runtime of two workers")
            }
            Self::Json => {
                ("ours-json", "JSON over TCP, limits raised as for bincode, otherwise the defaults")
            }
        };
        Info { name, role: Role::Ours, settings }
    }

    fn performs(&self, _: Job) -> bool {
        true
    }

    fn is_apart(&self) -> bool {
        !matches!(self, Self::Memory)
    }

    fn has_own_threads(&self) -> bool {
        matches!(self, Self::Threads)
    }

    fn serve(&self) -> BoxFuture<'static, Result<Listening>> {
        let ours = *self;
        Box::pin(async move {
            let directory = TempDir::new()?;
            let address = match ours {
                Self::Memory => return Ok(Listening::new("memory", ())),
                Self::Tls => {
                    let (certificates, tls) = certificates::ours()?;
                    let running = server().tls(tls).start("127.0.0.1:0").await?;
                    let address = certificates.address(running.address());
                    return Ok(Listening::new(address, (running, certificates)));
                }
                Self::Tcp | Self::Threads | Self::Json => {
                    Address::Tcp { host: "127.0.0.1".to_owned(), port: 0 }
                }
                Self::Unix => Address::Unix(directory.path().join("socket")),
            };
            let cores = std::thread::available_parallelism()?.get();
            let threads = if matches!(ours, Self::Threads) { cores } else { 0 };
            let running = server().threads(threads).start(address).await?;
            Ok(Listening::new(running.address().to_string(), (running, directory)))
        })
    }

    fn connect(&self, address: String) -> BoxFuture<'static, Result<Box<dyn Link>>> {
        let ours = *self;
        Box::pin(async move {
            if !matches!(ours, Self::Threads) {
                return Ok(Box::new(Callers(ours.client(address).await?)) as Box<dyn Link>);
            }
            let place = Place::next();
            let client = place.run(ours.client(address))?.await??;
            Ok(Box::new(Placed { client, place }) as Box<dyn Link>)
        })
    }
}

impl Ours {
    async fn client(self, address: String) -> Result<JobsClient> {
        let codec = if matches!(self, Self::Json) { Codec::Json } else { Codec::Bincode };
        let endpoint = Endpoint::new().limits(limits()).codec(codec);
        let channel = match self {
            Self::Memory => endpoint.in_memory(server()),
            Self::Tls => {
                let (address, authority) = certificates::read(&address)?;
                endpoint.tls(ClientTls::roots_pem(authority)?).connect(address).await?
            }
            _ => endpoint.connect(address).await?,
        };
        channel.ready().await?;
        Ok(JobsClient::new(channel))
    }
}

const RAISED: &str =
    "bincode, limits on sizes, calls and connections raised, otherwise the defaults";

/// A connection that stays on one thread, with its callers.
struct Placed {
    client: JobsClient,
    place: Place,
}

impl Link for Placed {
    fn drive(&self, lanes: Vec<Lane>, meter: Arc<Meter>) -> BoxFuture<'static, Result<Vec<Tally>>> {
        let callers = Callers(self.client.clone());
        let running = self.place.run(async move { callers.drive(lanes, meter).await });
        Box::pin(async move { running?.await? })
    }
}

impl Caller for JobsClient {
    async fn add(&self, a: i64, b: i64) -> Result<i64> {
        Ok(Self::add(self, a, b).await?)
    }

    async fn work(&self, kind: u32, amount: u32) -> Result<i64> {
        Ok(Self::work(self, kind, amount).await?)
    }

    async fn echo(&self, payload: Bytes) -> Result<Bytes> {
        Ok(Self::echo(self, payload).await?)
    }

    async fn echo_vec(&self, payload: Vec<u8>) -> Result<Vec<u8>> {
        Ok(Self::echo_vec(self, payload).await?)
    }

    async fn record(&self, order: &Order) -> Result<Order> {
        Ok(Self::record(self, order).await?)
    }
}

/// A client of this framework's, at any address of its server.
pub(super) async fn client(address: String) -> Result<impl Caller> {
    Ours::Tcp.client(address).await
}

pub(super) fn server() -> Server {
    let server = Server::new().limits(limits()).max_connections(MOST_CONNECTIONS as usize);
    server.with(JobsServer::new(Worker))
}

/// What both sides allow beyond the defaults, as the loads ask for it.
fn limits() -> Limits {
    Limits::default().max_message(LARGEST_MESSAGE).max_calls(MOST_CALLS).request_window(1 << 30)
}
