//! One-way calls, however many and however slow, hold up nothing but one-way calls.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, future::join_all, stream};
use rpc_core::{Endpoint, Limits};
use tokio::sync::mpsc;

use crate::yard::{Ground, HomeServer, YardClient, in_memory, in_time, yard};

/// Many: what is sent at once at most waits for what comes back.
const MANY: usize = 5000;

fn few() -> Limits {
    Limits::default().max_calls(4)
}

/// Sends ten one-way calls that end when the gate is opened, and lets them arrive.
async fn dawdle(client: &YardClient, ground: &Ground) {
    let calls: Vec<_> = (0..10).map(|_| tokio::spawn(client.dawdle())).collect();
    // On one thread all that is sent is read before anything else goes on.
    in_time(ground.begun.at_least(1)).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    drop(calls);
}

/// Opens the gate, and sees all ten done.
async fn let_pass(ground: &Ground) {
    ground.gate.add_permits(10);
    in_time(ground.done.until(10)).await;
}

/// 1,024 ran and more were held: nothing was read any more, the answers that they waited for included.
#[tokio::test(start_paused = true)]
async fn oneway_handlers_that_call_back_are_answered() {
    let (client, ground, _guests) = in_memory(Limits::default());
    let calls = (0..MANY).map(|_| client.poke());
    assert!(in_time(join_all(calls)).await.into_iter().all(|sent| sent.is_ok()));
    in_time(ground.done.until(MANY)).await;
    assert_eq!(client.add(1, 2).await, Ok(3));
}

/// The same over a socket, on two threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn oneway_handlers_that_call_back_over_tcp_are_answered() {
    let (server, ground, _guests) = yard(Limits::default());
    let running = server.start("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::new().with(HomeServer::new(ground.clone()));
    let client = YardClient::new(endpoint.connect(running.address()).await.unwrap());
    let all = async {
        let calls = (0..MANY).map(|_| client.poke());
        assert!(join_all(calls).await.into_iter().all(|sent| sent.is_ok()));
        ground.done.until(MANY).await;
    };
    tokio::time::timeout(Duration::from_secs(30), all).await.expect("all have been answered");
}

/// Held one-way calls stopped the reading, and with it the items.
#[tokio::test(start_paused = true)]
async fn uploads_go_on_beside_oneway_calls() {
    let (client, ground, _guests) = in_memory(few());
    let mut sources = Vec::new();
    let mut uploads = Vec::new();
    for _ in 0..3 {
        let (send, receive) = mpsc::unbounded_channel();
        send.send(Bytes::from_static(b"first")).unwrap();
        let items = stream::unfold(receive, async |mut receive| {
            receive.recv().await.map(|item| (item, receive))
        });
        uploads.push(tokio::spawn(client.count(items)));
        sources.push(send);
    }
    dawdle(&client, &ground).await;
    for source in sources {
        (0..99).for_each(|_| source.send(Bytes::from(vec![7; 2000])).unwrap());
    }
    for upload in uploads {
        assert_eq!(in_time(upload).await.unwrap(), Ok(100));
    }
    assert_eq!(ground.done.get(), 0, "the one-way calls go on all the while");
    let_pass(&ground).await;
}

/// Held one-way calls stopped the reading, and with it the credit.
#[tokio::test(start_paused = true)]
async fn downloads_go_on_beside_oneway_calls() {
    let (client, ground, _guests) = in_memory(few());
    let mut streams = Vec::new();
    for _ in 0..3 {
        // More than a window: its sender waits for credit.
        streams.push(in_time(client.items(1000, 4000)).await.unwrap());
    }
    dawdle(&client, &ground).await;
    for stream in streams {
        assert_eq!(in_time(stream.count()).await, 1000);
    }
    assert_eq!(ground.done.get(), 0, "the one-way calls go on all the while");
    let_pass(&ground).await;
}

/// Held one-way calls stopped the reading, and with it the cancels.
#[tokio::test(start_paused = true)]
async fn cancels_are_read_beside_oneway_calls() {
    let (client, ground, _guests) = in_memory(few());
    let call = tokio::spawn(client.wait());
    let quiet = in_time(client.quiet()).await.unwrap();
    let endless = in_time(client.endless()).await.unwrap();
    in_time(ground.live.until(3)).await;
    dawdle(&client, &ground).await;
    drop((quiet, endless));
    call.abort();
    in_time(ground.live.until(0)).await;
    assert_eq!(ground.done.get(), 0, "the one-way calls go on all the while");
    let_pass(&ground).await;
}

/// A sender that went on was held up for 30 seconds, and took it for the end of its peer.
#[tokio::test(start_paused = true)]
async fn slow_oneway_handlers_do_not_end_the_connection() {
    const CALLS: usize = 200;
    let (client, ground, _guests) = in_memory(few().oneway_window(16 << 10));
    let payload = Bytes::from(vec![7; 10_000]);
    let calls = (0..CALLS).map(|_| client.linger(payload.clone()));
    let all = async {
        let sent = join_all(calls).await;
        assert_eq!(sent.into_iter().filter(Result::is_err).count(), 0, "are not sent");
        ground.done.until(CALLS).await;
    };
    let days = Duration::from_secs(100 * 3600);
    tokio::time::timeout(days, all).await.expect("all are sent and done");
    assert_eq!(in_time(client.add(1, 2)).await, Ok(3));
}
