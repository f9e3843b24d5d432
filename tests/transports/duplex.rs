//! Over a pipe in memory: whole, a byte at a time, and as part of a server that does more.

use std::time::Duration;

use rpc_core::{Endpoint, Peer, Running, Server};
use tests::{Sights, TourClient, TourServer, tourist};
use tokio::io::{AsyncReadExt as _, duplex};

use crate::adapters::ByteWise;

pub(crate) fn server() -> Server {
    Server::new().with(TourServer::new(Sights))
}

#[tokio::test]
async fn a_pipe_in_memory_is_toured() {
    for (size, largest) in [(1, 3000), (100, 300_000), (64 << 10, 1 << 20)] {
        let (near, far) = duplex(size);
        let served = server().serve_io(far, Peer::new("tourist")).unwrap();
        TourClient::over(near).unwrap().tour(largest).await;
        served.wait().await;
    }
}

#[tokio::test]
async fn a_byte_at_a_time_is_toured() {
    let (near, far) = duplex(64 << 10);
    let served = server().serve_io(ByteWise::new(far), Peer::new("tourist")).unwrap();
    TourClient::over(ByteWise::new(near)).unwrap().tour(20_000).await;
    served.wait().await;
}

#[tokio::test]
async fn a_shutdown_drains_what_was_brought_and_what_was_accepted() {
    let running = server().start("127.0.0.1:0").await.unwrap();
    let dialled = TourClient::new(tourist().connect(running.address()).await.unwrap());
    let (near, far) = duplex(4096);
    let ended = running.serve_io(far, Peer::new("pipe"));
    let piped = TourClient::over(near).unwrap();
    assert!(piped.who().await.unwrap().starts_with("pipe "));
    assert!(dialled.who().await.unwrap().starts_with("127.0.0.1:"));
    running.shutdown().await;
    ended.await;
    for client in [dialled, piped] {
        client.channel().closed().await.unwrap();
    }
}

#[tokio::test]
async fn what_was_brought_has_a_share_of_the_limit_of_connections() {
    // One share is kept for whoever is accepted next.
    let running = server().max_connections(3).start("127.0.0.1:0").await.unwrap();
    let bring = |running: &Running| {
        let (near, far) = duplex(4096);
        (TourClient::over(near).unwrap(), running.serve_io(far, Peer::new("pipe")))
    };
    let ((first, first_ended), (second, _)) = (bring(&running), bring(&running));
    first.who().await.unwrap();
    second.who().await.unwrap();
    let (third, _) = bring(&running);
    let waiting = third.who();
    tokio::pin!(waiting);
    assert!(futures_util::poll!(&mut waiting).is_pending());
    drop(first);
    first_ended.await;
    assert!(waiting.await.is_ok());
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn either_side_says_goodbye_on_a_connection_that_is_idle() {
    let (near, far) = duplex(4096);
    let served = server().serve_io(far, Peer::new("tourist")).unwrap();
    let endpoint = tourist().idle_timeout(Some(Duration::from_secs(60)));
    let client = TourClient::new(endpoint.over(near, Peer::new("server")).unwrap());
    client.who().await.unwrap();
    client.channel().closed().await.unwrap();
    served.wait().await;
}

#[tokio::test]
async fn a_peer_that_says_nothing_is_told_goodbye_by_a_shutdown() {
    let (mut near, far) = duplex(4096);
    let running = server().serve_io(far, Peer::new("silent")).unwrap();
    running.shutdown().await;
    let mut told = Vec::new();
    near.read_to_end(&mut told).await.unwrap();
    assert!(told.starts_with(b"\xa9RPC"), "{told:?}");
    assert!(String::from_utf8_lossy(&told).contains("the server is shutting down"));
}

#[tokio::test]
async fn services_that_do_not_go_together_are_refused_when_connecting() {
    let endpoint = tourist().with(TourServer::new(Sights)).with(TourServer::new(Sights));
    let error = endpoint.over(duplex(1).0, Peer::new("server")).unwrap_err();
    assert!(error.to_string().contains("two services are called Tour"), "{error}");
    let error = endpoint.connect("127.0.0.1:1").await.unwrap_err();
    assert!(error.to_string().contains("two services are called Tour"), "{error}");
    assert!(
        Endpoint::new().with(TourServer::new(Sights)).over(duplex(1).0, Peer::new("x")).is_ok()
    );
}
