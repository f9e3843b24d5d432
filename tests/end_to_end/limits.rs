//! Limits of a connection: waited for where the other side may wait, refused in words where not.

use std::time::Duration;

use bytes::Bytes;
use rpc_core::{Code, Codec, Endpoint, Limits, Server};
use tests::{PlaygroundClient, Served, Transport};
use tokio::{net::TcpListener, task::JoinHandle};

fn limited(limits: Limits) -> Server {
    Server::new().limits(limits)
}

#[tokio::test]
async fn calls_above_the_limit_wait_for_their_turn() {
    let limits = Limits::default().max_calls(2);
    let served = Served::with(limited(limits), Transport::Tcp, Codec::Bincode).await;
    served.client.channel().ready().await.unwrap();
    let calls: Vec<_> = (0..5)
        .map(|_| {
            let client = served.client.clone();
            tokio::spawn(async move { client.wait().await })
        })
        .collect();
    served.toys.until_waiting(2).await;
    // The third waits in this process: it takes its share when one of the two ends.
    let side_door = PlaygroundClient::connect(served.address()).await.unwrap();
    side_door.open(5).await.unwrap();
    for call in calls {
        assert_eq!(call.await.unwrap(), Ok(7));
    }
}

#[tokio::test]
async fn a_call_that_waits_for_a_limit_says_which() {
    let limits = Limits::default().max_calls(2);
    let served = Served::with(limited(limits), Transport::Tcp, Codec::Bincode).await;
    let channel = served.client.channel();
    channel.ready().await.unwrap();
    assert_eq!(channel.peer_limits(), Some(limits));
    let calls = [(); 2].map(|()| tokio::spawn(served.client.wait()));
    served.toys.until_waiting(2).await;
    assert_eq!(channel.open_calls(), 2);
    let third = served.client.add(1, 2).timeout(Duration::from_millis(20)).await.unwrap_err();
    assert_eq!(third.code(), Code::DeadlineExceeded);
    let words = "before the call was sent: as many calls are open as the peer allows at once, 2 (its limit \
        `max_calls`)";
    assert!(third.to_string().ends_with(words), "{third}");
    assert!(!third.status().unwrap().may_have_run());
    calls.iter().for_each(JoinHandle::abort);
}

#[tokio::test]
async fn what_waits_for_a_peer_that_says_nothing_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = PlaygroundClient::connect(listener.local_addr().unwrap()).await.unwrap();
    assert_eq!(client.channel().peer_limits(), None);
    let early = [(); 8].map(|()| tokio::spawn(client.wait()));
    while client.channel().open_calls() < 8 {
        tokio::task::yield_now().await;
    }
    let late = client.add(1, 2).timeout(Duration::from_millis(20)).await.unwrap_err();
    assert!(late.to_string().contains("the peer has not said hello yet"), "{late}");
    early.iter().for_each(JoinHandle::abort);
}

#[tokio::test]
async fn calls_sent_before_the_hello_wait_on_the_server() {
    let limits = Limits::default().max_calls(1);
    let served = Served::with(limited(limits), Transport::Tcp, Codec::Bincode).await;
    let calls: Vec<_> = (0..20)
        .map(|n| {
            let client = served.client.clone();
            tokio::spawn(async move { client.add(n, n).await })
        })
        .collect();
    for (n, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.unwrap(), Ok(2 * n as i64));
    }
}

#[tokio::test]
async fn a_request_over_the_limit_is_refused_here() {
    let limits = Limits::default().max_message(100_000);
    let served = Served::with(limited(limits), Transport::Tcp, Codec::Bincode).await;
    let error = served.client.echo(Bytes::from(vec![0; 200_000])).await.unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted);
    assert!(!error.status().unwrap().may_have_run());
    assert_eq!(served.client.add(1, 2).await, Ok(3));
}

#[tokio::test]
async fn a_reply_over_the_callers_limit_is_refused_there() {
    let served = Served::over(Transport::Tcp, Codec::Bincode).await;
    let limits = Limits::default().max_message(100_000);
    let channel = Endpoint::new().limits(limits).connect(served.address()).await.unwrap();
    let client = PlaygroundClient::new(channel);
    let error = client.echo(Bytes::from(vec![0; 200_000])).await.unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted);
    assert!(error.status().unwrap().may_have_run());
    assert_eq!(client.add(1, 2).await, Ok(3));
}

#[tokio::test]
async fn limits_that_cannot_be_announced_are_refused() {
    let server = limited(Limits::default().max_calls(0));
    let error = server.start("127.0.0.1:0").await.unwrap_err();
    assert_eq!(error.to_string(), "max_calls is 0, but must be 1 to 1048576");
}

#[tokio::test]
async fn times_of_zero_are_refused() {
    let refused = [
        Server::new().keepalive(Some(Duration::ZERO)),
        Server::new().write_timeout(Duration::ZERO),
        Server::new().idle_timeout(Some(Duration::ZERO)),
        Server::new().handshake_timeout(Duration::ZERO),
    ];
    for (server, name) in refused.into_iter().zip(["keep", "write", "idle", "hand"]) {
        let error = server.start("127.0.0.1:0").await.unwrap_err().to_string();
        assert!(error.starts_with(name) && error.contains("is zero, which every peer"), "{error}");
    }
    let running = Server::new().keepalive(None).start("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::new().keepalive(Some(Duration::ZERO));
    let error = endpoint.connect(running.address()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "keepalive is zero, which every peer exceeds: give a time, or `None` for never"
    );
}

#[tokio::test]
async fn connections_above_the_limit_wait_to_be_accepted() {
    let server = Server::new().max_connections(1);
    let served = Served::with(server, Transport::Tcp, Codec::Bincode).await;
    assert_eq!(served.client.add(1, 2).await, Ok(3));
    let second = PlaygroundClient::connect(served.address()).await.unwrap();
    let mut call = Box::pin(second.add(2, 3));
    tokio::select! {
        biased;
        reply = &mut call => panic!("served beside the first: {reply:?}"),
        reply = served.client.add(1, 2) => assert_eq!(reply, Ok(3)),
    }
    let Served { client, toys: _toys, running: _running, .. } = served;
    drop(client);
    assert_eq!(call.await, Ok(5));
}

#[tokio::test]
async fn a_held_call_that_is_pending_when_it_starts_is_polled_again() {
    let limits = Limits::default().max_calls(1);
    let served = Served::with(
        limited(limits).handshake_timeout(Duration::from_secs(60)),
        Transport::Tcp,
        Codec::Bincode,
    )
    .await;
    let calls: Vec<_> = (0..2)
        .map(|_| {
            let client = served.client.clone();
            tokio::spawn(async move { client.wait().await })
        })
        .collect();
    served.toys.until_waiting(1).await;
    let side_door = PlaygroundClient::connect(served.address()).await.unwrap();
    side_door.open(1).await.unwrap();
    let mut calls = calls.into_iter();
    assert_eq!(calls.next().unwrap().await.unwrap(), Ok(7));
    served.toys.until_waiting(1).await;
    side_door.open(1).await.unwrap();
    let last = tokio::time::timeout(Duration::from_secs(8), calls.next().unwrap()).await;
    assert_eq!(last.expect("the handler was not woken").unwrap(), Ok(7));
}
