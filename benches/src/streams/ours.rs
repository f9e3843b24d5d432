//! The framework's side: a service with the streams that are measured.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use anyhow::Result;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use rpc_core::{Broadcast, Endpoint, Limits, Schema, Server, Shared, Status, Stream, service};
use serde::{Deserialize, Serialize, Serializer};
use tokio::sync::watch;

use crate::transport::Listening;

/// 24 bytes in bincode.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, Schema)]
pub(super) struct Item {
    pub a: f64,
    pub b: f64,
    pub c: f64,
}

/// The same, counting how often it is serialised.
#[derive(Clone, Debug, Deserialize, Schema)]
pub(super) struct Counted(Item);

static SERIALISED: AtomicU64 = AtomicU64::new(0);

impl Serialize for Counted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        SERIALISED.fetch_add(1, SeqCst);
        serializer.serialize_newtype_struct("Counted", &self.0)
    }
}

#[service]
pub(super) trait Streams {
    async fn add(&self, a: i64, b: i64) -> i64;
    fn items(&self) -> impl Stream<Item = Item>;
    fn blobs(&self, length: u32) -> impl Stream<Item = Bytes>;
    /// Counts itself while it runs.
    async fn hang(&self);
    /// The most that ran at once, and how many run.
    async fn hanging(&self) -> (u64, u64);
    /// Answers once none of them runs: those that are tasks of their own are dropped by another thread.
    async fn unhung(&self);
    fn subscribe(&self) -> impl Stream<Item = Result<Shared<Counted>, Status>>;
    /// So many items, as a plain stream.
    fn some(&self, count: u64) -> impl Stream<Item = Item>;
    /// Sends so many values to all subscribers; gives how often one was serialised before.
    async fn publish(&self, values: u64) -> u64;
}

struct Source {
    running: watch::Sender<u64>,
    most: AtomicU64,
    values: Broadcast<Counted>,
}

struct Running(watch::Sender<u64>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.send_modify(|running| *running -= 1);
    }
}

const ITEM: Item = Item { a: 1.0, b: 2.0, c: 3.0 };

impl Streams for Source {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a.wrapping_add(b)
    }

    fn items(&self) -> impl Stream<Item = Item> {
        stream::repeat(ITEM)
    }

    fn blobs(&self, length: u32) -> impl Stream<Item = Bytes> {
        stream::repeat(Bytes::from(vec![7; length as usize]))
    }

    async fn hang(&self) {
        self.running.send_modify(|running| {
            *running += 1;
            self.most.fetch_max(*running, SeqCst);
        });
        let _running = Running(self.running.clone());
        std::future::pending().await
    }

    async fn hanging(&self) -> (u64, u64) {
        (self.most.load(SeqCst), *self.running.borrow())
    }

    async fn unhung(&self) {
        // The sender is the service's own: it cannot be gone.
        let _ = self.running.subscribe().wait_for(|running| *running == 0).await;
    }

    fn subscribe(&self) -> impl Stream<Item = Result<Shared<Counted>, Status>> {
        self.values.subscribe().until_lag()
    }

    fn some(&self, count: u64) -> impl Stream<Item = Item> {
        stream::iter(0..count).map(|_| ITEM)
    }

    async fn publish(&self, values: u64) -> u64 {
        let before = SERIALISED.load(SeqCst);
        for _ in 0..values {
            self.values.send(Counted(ITEM));
        }
        before
    }
}

/// Values that the broadcast keeps for who is slow.
const BEHIND: usize = 4096;

pub(super) fn limits() -> Limits {
    Limits::default().max_calls(4096).max_streams(4096)
}

fn server() -> Server {
    let source = Source {
        running: watch::Sender::new(0),
        most: AtomicU64::new(0),
        values: Broadcast::new(BEHIND),
    };
    Server::new().limits(limits()).with(StreamsServer::new(source))
}

pub(super) async fn serve() -> Result<Listening> {
    let running = server().start("127.0.0.1:0").await?;
    Ok(Listening::new(running.address().to_string(), running))
}

pub(super) async fn connect(address: &str, window: Option<u32>) -> Result<StreamsClient> {
    let mut limits = limits();
    limits.window = window.unwrap_or(limits.window);
    let channel = Endpoint::new().limits(limits).connect(address).await?;
    channel.ready().await?;
    Ok(StreamsClient::new(channel))
}
