//! Limits of a connection: waited for where the other side may wait, refused in words where not.

use bytes::Bytes;
use rpc_core::{Code, Codec, Limits, Server};
use tests::{Served, Transport};

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
    let side_door = tests::PlaygroundClient::connect(served.address()).await.unwrap();
    side_door.open(5).await.unwrap();
    for call in calls {
        assert_eq!(call.await.unwrap(), Ok(7));
    }
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
    let channel = rpc_core::Endpoint::new().limits(limits).connect(served.address()).await.unwrap();
    let client = tests::PlaygroundClient::new(channel);
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
async fn connections_above_the_limit_wait_to_be_accepted() {
    let server = Server::new().max_connections(1);
    let served = Served::with(server, Transport::Tcp, Codec::Bincode).await;
    assert_eq!(served.client.add(1, 2).await, Ok(3));
    let second = tests::PlaygroundClient::connect(served.address()).await.unwrap();
    let mut call = Box::pin(IntoFuture::into_future(second.add(2, 3)));
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
        limited(limits).handshake_timeout(std::time::Duration::from_secs(60)),
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
    let side_door = tests::PlaygroundClient::connect(served.address()).await.unwrap();
    side_door.open(1).await.unwrap();
    let mut calls = calls.into_iter();
    assert_eq!(calls.next().unwrap().await.unwrap(), Ok(7));
    served.toys.until_waiting(1).await;
    side_door.open(1).await.unwrap();
    let last = tokio::time::timeout(std::time::Duration::from_secs(8), calls.next().unwrap()).await;
    assert_eq!(last.expect("the handler was not woken").unwrap(), Ok(7));
}
