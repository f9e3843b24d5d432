//! A server of the fleet.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use anyhow::Result;
use rpc_core::{Server, service};

use crate::transport::Listening;

#[service]
pub(super) trait Node {
    /// Adds.
    #[rpc(idempotent)]
    async fn add(&self, a: i64, b: i64) -> i64;
    /// Sleeps for so many microseconds, times what was said of this server.
    #[rpc(idempotent)]
    async fn sleep(&self, micros: u64);
    /// Has `sleep` take so many times as long.
    async fn set_times(&self, times: u64);
    /// How many calls of `sleep` have begun.
    #[rpc(idempotent)]
    async fn slept(&self) -> u64;
}

struct Bed {
    times: AtomicU64,
    slept: AtomicU64,
}

impl Node for Bed {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a.wrapping_add(b)
    }

    async fn sleep(&self, micros: u64) {
        self.slept.fetch_add(1, Relaxed);
        tokio::time::sleep(Duration::from_micros(micros * self.times.load(Relaxed))).await;
    }

    async fn set_times(&self, times: u64) {
        self.times.store(times, Relaxed);
    }

    async fn slept(&self) -> u64 {
        self.slept.load(Relaxed)
    }
}

pub(super) async fn serve(count: usize) -> Result<Listening> {
    let mut running = Vec::new();
    for _ in 0..count {
        let bed = Bed { times: AtomicU64::new(1), slept: AtomicU64::new(0) };
        running.push(Server::new().with(NodeServer::new(bed)).start("127.0.0.1:0").await?);
    }
    let addresses: Vec<_> = running.iter().map(|one| one.address().to_string()).collect();
    Ok(Listening::new(addresses.join(","), running))
}
