//! The server that is killed, dies and comes back.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use anyhow::Result;
use futures_util::{Stream, stream};
use nix::time::{ClockId, clock_gettime};
use rpc_core::{Running, Server, service};

use crate::transport::Listening;

/// Three numbers: 24 bytes.
pub(super) type Triple = (f64, f64, f64);

#[service]
pub(super) trait Node {
    /// Adds.
    #[rpc(idempotent)]
    async fn add(&self, a: i64, b: i64) -> i64;
    /// So many items of 24 bytes.
    fn items(&self, count: u32) -> impl Stream<Item = Triple>;
}

/// Counts its runs.
#[derive(Default)]
pub(super) struct Counting(pub(super) std::sync::Arc<AtomicU64>);

impl Node for Counting {
    async fn add(&self, a: i64, b: i64) -> i64 {
        self.0.fetch_add(1, Relaxed);
        a.wrapping_add(b)
    }

    fn items(&self, count: u32) -> impl Stream<Item = Triple> {
        stream::iter((0..count).map(|_| (1.0, 2.0, 3.0)))
    }
}

pub(super) fn server(node: Counting) -> Server {
    Server::new().with(NodeServer::new(node))
}

/// Serves it; names the address, and behind it when it began to listen: in nanoseconds, by [`clock`].
pub(super) async fn serve(address: &str) -> Result<Listening> {
    let listens = clock()?.as_nanos();
    let running: Running = server(Counting::default()).start(address).await?;
    Ok(Listening::new(format!("{} {listens}", running.address()), running))
}

/// A clock that is the same in all processes.
pub(super) fn clock() -> Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_MONOTONIC)?.into())
}
