//! Peers that are gone, or as good as: the side that answers them notices.

use std::time::Duration;

use rpc_core::{
    Limits,
    proto::{
        Streams,
        wire::{CloseCode, Kind},
    },
};
use tests::{RawPeer, wire};

use crate::yard::{Ground, YardClient, in_memory, in_time, key, yard};

/// A server with room for one connection, and a peer that has had a quiet stream accepted.
async fn one_place() -> (rpc_core::Running, Ground, RawPeer) {
    let (server, ground, _guests) = yard(Limits::default());
    let running = server.max_connections(1).start("127.0.0.1:0").await.unwrap();
    let mut peer = RawPeer::connect(running.address()).await.unwrap();
    let request = wire::streaming(0, key("quiet"), Streams::DOWN);
    peer.send(&[RawPeer::greeting(), request].concat()).await.unwrap();
    peer.next(Kind::Accept).await.unwrap();
    assert_eq!(ground.live.get(), 1);
    (running, ground, peer)
}

/// The end of the connection was noted, and its handlers and place were kept for ever.
#[tokio::test]
async fn a_peer_that_said_goodbye_and_is_gone_is_noticed() {
    let (running, ground, mut peer) = one_place().await;
    peer.send(&wire::goaway(CloseCode::Drain, "bye")).await.unwrap();
    drop(peer);
    tokio::time::pause();
    in_time(ground.live.until(0)).await;
    tokio::time::resume();
    let next = YardClient::connect(running.address()).await.unwrap();
    let reply = tokio::time::timeout(Duration::from_secs(30), next.add(1, 2)).await;
    assert_eq!(reply.expect("its place is given back"), Ok(3));
}

/// Only the side that waited for replies sent pings: one that only answers never learned of it.
#[tokio::test]
async fn a_server_finds_out_that_a_silent_client_is_gone() {
    let (_running, ground, peer) = one_place().await;
    // It is connected, and neither reads nor answers.
    tokio::time::pause();
    in_time(ground.live.until(0)).await;
    drop(peer);
}

/// Reading had stopped for the one-way calls: that nobody was left to read from was never seen.
#[tokio::test]
async fn a_peer_that_is_gone_is_noticed_beside_oneway_calls() {
    let (server, ground, _guests) = yard(Limits::default().max_calls(4));
    let running = server.start("127.0.0.1:0").await.unwrap();
    let mut peer = RawPeer::connect(running.address()).await.unwrap();
    let calls = wire::oneway(key("dawdle"), &[]).repeat(20);
    peer.send(&[RawPeer::greeting(), calls].concat()).await.unwrap();
    tokio::time::timeout(Duration::from_secs(30), ground.dawdling.at_least(4)).await.unwrap();
    drop(peer);
    tokio::time::pause();
    in_time(ground.dawdling.until(0)).await;
}

/// The control: a peer that is well is not taken for one that is gone, however quiet its call is.
#[tokio::test(start_paused = true)]
async fn a_quiet_client_that_is_there_is_kept() {
    let (client, ground, _guests) = in_memory(Limits::default());
    let _stream = client.quiet().await.unwrap();
    let day = tokio::time::sleep(Duration::from_secs(24 * 3600));
    tokio::select! {
        () = ground.live.until(0) => panic!("its handler has ended"),
        () = day => {}
    }
    assert_eq!(in_time(client.add(1, 2)).await, Ok(3));
}
