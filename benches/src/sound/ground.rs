//! The service that is flooded and attacked: handlers that end at once, compute, stream, or keep what they get.

use std::future::pending;

use anyhow::Result;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use rpc_core::{Context, MethodKey, Server, Streaming, service};
use tokio::sync::watch;

use crate::{
    jobs::{self, Work},
    transport::Listening,
};

#[service]
pub(super) trait Ground {
    /// Adds.
    async fn add(&self, a: i64, b: i64) -> i64;
    /// Adds without a reply.
    #[rpc(oneway)]
    async fn note(&self, a: i64, b: i64);
    /// Uses so many microseconds of CPU.
    async fn burn(&self, micros: u32);
    /// Gives the bytes back.
    async fn echo(&self, payload: Bytes) -> Bytes;
    /// So many bytes.
    async fn fetch(&self, length: u32) -> Bytes;
    /// So many letters.
    async fn words(&self, length: u32) -> String;
    /// Items of so many bytes for ever.
    fn items(&self, length: u32) -> impl Stream<Item = Bytes>;
    /// So many items of so many bytes once the gate is open, and then none for ever.
    fn gated(&self, count: u32, length: u32) -> impl Stream<Item = Bytes>;
    /// Opens the gate, or closes it.
    async fn set_gate(&self, open: bool);
    /// Reads nothing, and never ends.
    async fn ignore(&self, items: Streaming<Bytes>);
    /// Keeps what it was given for ever, without a reply.
    #[rpc(oneway)]
    async fn keep(&self, payload: Bytes);
    /// The same with a reply that never comes.
    async fn hoard(&self, payload: Bytes);
    /// The same with the metadata that came along.
    async fn dwell(&self, cx: &Context, payload: Bytes);
}

struct Field {
    gate: watch::Sender<bool>,
}

impl Ground for Field {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a.wrapping_add(b)
    }

    async fn note(&self, a: i64, b: i64) {
        std::hint::black_box(a.wrapping_add(b));
    }

    async fn burn(&self, micros: u32) {
        let (kind, amount) = Work::Burn(micros).request(0);
        jobs::perform(kind, amount).await;
    }

    async fn echo(&self, payload: Bytes) -> Bytes {
        payload
    }

    async fn fetch(&self, length: u32) -> Bytes {
        Bytes::from(vec![7; length as usize])
    }

    async fn words(&self, length: u32) -> String {
        "a".repeat(length as usize)
    }

    fn items(&self, length: u32) -> impl Stream<Item = Bytes> {
        stream::repeat(Bytes::from(vec![7; length as usize]))
    }

    fn gated(&self, count: u32, length: u32) -> impl Stream<Item = Bytes> {
        let mut gate = self.gate.subscribe();
        let items = stream::iter(0..count).map(move |_| Bytes::from(vec![7; length as usize]));
        let opened = async move {
            // The sender is the service's own: it cannot be gone.
            let _ = gate.wait_for(|open| *open).await;
            items.chain(stream::pending())
        };
        stream::once(opened).flatten()
    }

    async fn set_gate(&self, open: bool) {
        self.gate.send_replace(open);
    }

    async fn ignore(&self, items: Streaming<Bytes>) {
        pending::<()>().await;
        drop(items);
    }

    async fn keep(&self, payload: Bytes) {
        pending::<()>().await;
        drop(payload);
    }

    async fn hoard(&self, payload: Bytes) {
        self.keep(payload).await;
    }

    async fn dwell(&self, cx: &Context, payload: Bytes) {
        cx.cancelled().await;
        drop(payload);
    }
}

pub(super) fn server() -> Server {
    Server::new().with(GroundServer::new(Field { gate: watch::Sender::new(false) }))
}

pub(super) async fn serve(server: Server) -> Result<Listening> {
    let running = server.start("127.0.0.1:0").await?;
    Ok(Listening::new(running.address().to_string(), running))
}

/// The key of one of the methods.
pub(super) fn key(method: &str) -> MethodKey {
    GroundClient::schema().method(method).expect("a method of this service").key
}
