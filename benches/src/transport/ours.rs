//! This framework, over TCP and over a Unix socket, as its README shows it.

use anyhow::Result;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use rpc_core::{Address, Limits, Listener, Server, service};
use tempfile::TempDir;

use super::{
    LARGEST_MESSAGE, Link, Listening, Role, Transport,
    callers::{Caller, Callers},
};

/// The jobs, as a trait.
#[service]
trait Jobs {
    /// Adds.
    async fn add(&self, a: i64, b: i64) -> i64;
    /// Adds, after the task has been scheduled once more.
    async fn add_pending(&self, a: i64, b: i64) -> i64;
    /// Gives the bytes back.
    async fn echo(&self, payload: Bytes) -> Bytes;
}

struct Worker;

impl Jobs for Worker {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a.wrapping_add(b)
    }

    async fn add_pending(&self, a: i64, b: i64) -> i64 {
        tokio::task::yield_now().await;
        a.wrapping_add(b)
    }

    async fn echo(&self, payload: Bytes) -> Bytes {
        payload
    }
}

/// Which socket.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ours {
    Tcp,
    Unix,
}

impl Transport for Ours {
    fn name(&self) -> &'static str {
        match self {
            Self::Tcp => "ours-tcp",
            Self::Unix => "ours-unix",
        }
    }

    fn role(&self) -> Role {
        Role::Ours
    }

    fn settings(&self) -> &'static str {
        "bincode, limits on message size and connections raised, otherwise the defaults"
    }

    fn serve(&self) -> BoxFuture<'static, Result<Listening>> {
        let ours = *self;
        Box::pin(async move {
            let directory = TempDir::new()?;
            let address = match ours {
                Self::Tcp => Address::Tcp { host: "127.0.0.1".to_owned(), port: 0 },
                Self::Unix => Address::Unix(directory.path().join("socket")),
            };
            let listener = Listener::bind(address).await?;
            let address = listener.address().to_string();
            let limits = Limits { max_message: LARGEST_MESSAGE, ..Limits::default() };
            let server = Server::new().limits(limits).max_connections(100_000);
            let running = server.with(JobsServer::new(Worker)).start_on(listener)?;
            Ok(Listening::new(address, (running, directory)))
        })
    }

    fn connect(&self, address: String) -> BoxFuture<'static, Result<Box<dyn Link>>> {
        Box::pin(async move {
            let limits = Limits { max_message: LARGEST_MESSAGE, ..Limits::default() };
            let channel = rpc_core::Endpoint::new().limits(limits).connect(address).await?;
            channel.ready().await?;
            Ok(Box::new(Callers(JobsClient::new(channel))) as Box<dyn Link>)
        })
    }
}

impl Caller for JobsClient {
    async fn add(&self, a: i64, b: i64) -> Result<i64> {
        Ok(Self::add(self, a, b).await?)
    }

    async fn add_pending(&self, a: i64, b: i64) -> Result<i64> {
        Ok(Self::add_pending(self, a, b).await?)
    }

    async fn echo(&self, payload: Bytes) -> Result<Bytes> {
        Ok(Self::echo(self, payload).await?)
    }
}
