//! Two sides that ask each other for much.

use bytes::Bytes;
use futures_util::future::join_all;
use rpc_core::{Endpoint, Limits};

use crate::yard::{HomeServer, YardClient, in_memory, in_time, yard};

const CALLS: usize = 500;
const LENGTH: u32 = 256 << 10;

async fn all_whole<E: std::fmt::Debug>(
    calls: impl Iterator<Item = impl Future<Output = Result<Bytes, E>>>,
) {
    for reply in join_all(calls).await {
        assert_eq!(reply.unwrap().len(), LENGTH as usize);
    }
}

/// Each had more unread replies than it put up with, and stopped reading.
#[tokio::test(start_paused = true)]
async fn both_sides_ask_for_much() {
    let (client, _ground, mut guests) = in_memory(Limits::default());
    client.greet().await.unwrap();
    let home = guests.recv().await.unwrap();
    let there = all_whole((0..CALLS).map(|_| client.fetch(LENGTH)));
    let back = all_whole((0..CALLS).map(|_| home.fetch(LENGTH)));
    in_time(async { tokio::join!(there, back) }).await;
}

/// The same over a socket, on two threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sides_ask_for_much_over_tcp() {
    let (server, ground, mut guests) = yard(Limits::default());
    let running = server.start("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::new().with(HomeServer::new(ground));
    let client = YardClient::new(endpoint.connect(running.address()).await.unwrap());
    client.greet().await.unwrap();
    let home = guests.recv().await.unwrap();
    let there = all_whole((0..CALLS).map(|_| client.fetch(LENGTH)));
    let back = all_whole((0..CALLS).map(|_| home.fetch(LENGTH)));
    let all = async { tokio::join!(there, back) };
    tokio::time::timeout(std::time::Duration::from_secs(60), all).await.expect("both go on");
}
