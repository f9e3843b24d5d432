//! Many calls, one after the other and at once, and what holds them back: limits, credit, and servers that go.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{
    StreamExt as _,
    future::{join_all, try_join_all},
    stream,
};
use rpc_core::{Code, Endpoint, Limits, Metadata, Running, Server};
use tempfile::TempDir;
use tokio::{sync::mpsc, time::timeout};

use crate::service::{
    INITIAL, Request, TestServiceClient, TestServiceServer, Tested, as_they_come, each, in_bincode,
    runtime, zeros,
};

/// What is asked for in each call of a soak.
fn soaked() -> Request {
    Request { sizes: vec![314_159], ..Request::default() }
}

#[test]
fn rpc_soak() {
    in_bincode(async |client, _| {
        for _ in 0..100 {
            let reply = client.unary_call(soaked(), zeros(271_828)).await.unwrap();
            assert_eq!(reply.len(), 314_159);
        }
    });
}

#[test]
fn channel_soak() {
    in_bincode(async |client, _| {
        let address = client.channel().peer().address().to_string();
        for _ in 0..100 {
            let client = TestServiceClient::connect(&address).await.unwrap();
            let reply = client.unary_call(soaked(), zeros(271_828)).await.unwrap();
            assert_eq!(reply.len(), 314_159);
        }
    });
}

#[test]
fn concurrent_large_unary() {
    in_bincode(async |client, _| {
        let request = Request { sizes: vec![31_415], ..Request::default() };
        let calls = (0..1000).map(|_| client.unary_call(&request, zeros(27_182)));
        let replies = try_join_all(calls).await.unwrap();
        assert!(replies.iter().all(|reply| reply.len() == 31_415));
    });
}

#[test]
fn thousands_of_simultaneous_calls_on_one_channel() {
    each(async |client, _| {
        let replies = try_join_all((0..5000).map(|_| client.empty_call())).await;
        assert_eq!(replies.map(|all| all.len()), Ok(5000));
    });
}

#[test]
fn thousands_of_simultaneous_calls_time_out_on_one_channel() {
    each(async |client, tested| {
        let calls = (0..3000).map(|_| {
            let calls = client.sleeping_call(stream::pending());
            async {
                match calls.timeout(Duration::from_millis(100)).await {
                    Ok(mut replies) => replies.next().await.unwrap().unwrap_err(),
                    Err(error) => error,
                }
            }
        });
        let errors = join_all(calls).await;
        assert!(errors.iter().all(|error| error.code() == Code::DeadlineExceeded));
        tested.until_running(0).await;
        assert_eq!(client.empty_call().await, Ok(()));
    });
}

#[test]
fn timeout_but_completed_before() {
    in_bincode(async |client, _| {
        let call = client.unary_call(soaked(), zeros(271_828)).timeout(Duration::from_secs(3600));
        assert_eq!(call.await.unwrap().len(), 314_159);
    });
}

#[test]
fn calls_above_the_most_streams_wait_and_do_not_fail() {
    runtime().block_on(async {
        let tested = Tested::default();
        let server = Server::new().with(TestServiceServer::new(tested.clone()));
        let running =
            server.limits(Limits::default().max_streams(4)).start("127.0.0.1:0").await.unwrap();
        let client = TestServiceClient::connect(running.address()).await.unwrap();
        let request = Request { sizes: vec![9, 9], ..Request::default() };
        let streams = (0..100).map(|_| async {
            let replies = client.streaming_output_call(&request).await.unwrap();
            replies.count().await
        });
        assert_eq!(join_all(streams).await, vec![2; 100]);
    });
}

/// A client that does not read stops its server, and nothing else of the connection.
#[test]
fn pushback_at_the_client_for_large_messages() {
    in_bincode(async |client, tested| {
        let request = Request { sizes: vec![1 << 20; 32], ..Request::default() };
        let (produced, mut replies) =
            (tested.produced(), client.streaming_output_call(request).await.unwrap());
        assert_eq!(replies.next().await.unwrap().unwrap().len(), 1 << 20);
        for _ in 0..100 {
            assert_eq!(client.empty_call().await, Ok(()));
        }
        let ahead = produced.get();
        assert!(ahead < 8, "{ahead} MiB have left for a reader of one");
        assert_eq!(replies.count().await, 31);
    });
}

/// A server that does not read stops its client's upload.
#[test]
fn pushback_at_the_server() {
    each(async |client, tested| {
        let (count, mut counted) = mpsc::unbounded_channel();
        let requests = stream::iter(0..1_000_000).map(move |number| {
            // Nobody may be interested any more.
            let _ = count.send(number);
            Request { sizes: vec![1; 1000], ..Request::default() }
        });
        let replies = client.sleeping_call(requests).await.unwrap();
        tested.until_running(1).await;
        for _ in 0..100 {
            assert_eq!(client.empty_call().await, Ok(()));
        }
        drop(replies);
        tested.until_running(0).await;
        let mut taken = 0;
        while counted.recv().await.is_some() {
            taken += 1;
        }
        assert!(taken < 10_000, "{taken} items were taken by nobody");
    });
}

#[test]
fn server_responds_first() {
    each(async |client, _| {
        // Nothing is asked yet: what comes first is the beginning, with its metadata.
        let (ask, requests) = as_they_come::<Request>();
        let mut sent = Metadata::new();
        sent.set(INITIAL, "first").unwrap();
        let mut replies = client.full_duplex_call(requests).with_metadata(&sent).await.unwrap();
        assert_eq!(replies.leading_metadata(), &sent);
        ask.send(Request { sizes: vec![8], ..Request::default() }).unwrap();
        drop(ask);
        assert_eq!(replies.next().await, Some(Ok(zeros(8))));
        assert_eq!(replies.next().await, None);
    });
}

#[tokio::test(start_paused = true)]
async fn interval_us() {
    let client = TestServiceClient::in_memory(TestServiceServer::new(Tested::default()));
    let request = Request { sizes: vec![9; 20], interval_us: 500_000, ..Request::default() };
    let started = tokio::time::Instant::now();
    let replies = client.streaming_output_call(request).await.unwrap();
    assert_eq!(replies.count().await, 20);
    // The clock stands still but for the pauses.
    assert!(started.elapsed() >= Duration::from_millis(19 * 500));
}

/// What hangs fails by this.
async fn soon<F: IntoFuture>(future: F) -> F::Output {
    timeout(Duration::from_secs(60), future).await.expect("it hangs")
}

/// A server at a place of its own, which another one may take over.
async fn at(folder: &TempDir) -> (Running, Tested) {
    let tested = Tested::default();
    let server = Server::new().with(TestServiceServer::new(tested.clone()));
    let address = format!("unix:{}", folder.path().join("socket").display());
    (server.start(&*address).await.unwrap(), tested)
}

#[test]
fn goaway() {
    runtime().block_on(async {
        let folder = TempDir::new().unwrap();
        let (running, tested) = at(&folder).await;
        let client = TestServiceClient::connect(running.address()).await.unwrap();
        let (ask, payloads) = as_they_come::<Bytes>();
        let call = tokio::spawn(client.streaming_input_call(payloads));
        tested.until_running(1).await;
        let end = running.shutdown_handle();
        let shutdown = tokio::spawn(async move { running.shutdown().await });
        end.begun().await;
        // What runs is finished, and the next call goes elsewhere.
        ask.send(zeros(7)).unwrap();
        drop(ask);
        assert_eq!(soon(call).await.unwrap(), Ok(7));
        soon(shutdown).await.unwrap();
        let (_running, _) = at(&folder).await;
        assert_eq!(soon(client.empty_call()).await, Ok(()));
    });
}

#[test]
fn reconnect_after_failure() {
    runtime().block_on(async {
        let folder = TempDir::new().unwrap();
        let (running, _) = at(&folder).await;
        let channel = Endpoint::new().connect(running.address()).await.unwrap();
        let client = TestServiceClient::new(channel);
        assert_eq!(client.empty_call().await, Ok(()));
        running.shutdown_handle().abort();
        running.wait().await;
        let (_running, _) = at(&folder).await;
        assert_eq!(soon(client.empty_call()).await, Ok(()));
    });
}
