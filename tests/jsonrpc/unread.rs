//! Clients that read nothing of their answers: what is kept for them is bounded, in bytes and in time, on every face. And
//! HTTP/2, whose streams nobody may read while the connection is.

use std::time::Duration;

use futures_util::{SinkExt as _, Stream};
use rpc_core::{Http, Peer, Running, Server, service};
use tests::{
    PlaygroundClient,
    http::{Client, JSON, request},
    http2,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
    sync::watch,
    time::timeout,
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

#[service]
trait Flood {
    /// Many bytes at once.
    async fn lake(&self, bytes: u32) -> String;

    /// Many bytes, one kilobyte behind the other, without end.
    fn river(&self) -> impl Stream<Item = String>;
}

/// Counts what is sent of rivers, and those that flow.
#[derive(Clone)]
struct Rain {
    sent: watch::Sender<usize>,
    flowing: watch::Sender<usize>,
}

struct Flows(watch::Sender<usize>);

impl Drop for Flows {
    fn drop(&mut self) {
        self.0.send_modify(|flowing| *flowing -= 1);
    }
}

impl Flood for Rain {
    async fn lake(&self, bytes: u32) -> String {
        "w".repeat(bytes as usize)
    }

    fn river(&self) -> impl Stream<Item = String> {
        let sent = self.sent.clone();
        self.flowing.send_modify(|flowing| *flowing += 1);
        let flows = Flows(self.flowing.clone());
        futures_util::stream::repeat_with(move || {
            let _ = &flows;
            sent.send_modify(|sent| *sent += 1);
            "w".repeat(1000)
        })
    }
}

impl Rain {
    async fn until_flowing(&self, wanted: usize) {
        let mut flowing = self.flowing.subscribe();
        let reached = flowing.wait_for(|flowing| *flowing == wanted);
        timeout(PATIENCE, reached).await.expect("it comes to be").unwrap();
    }
}

/// A server that waits for readers so long.
async fn rain(patience: Duration) -> (Running, Rain) {
    let rain = Rain { sent: watch::Sender::new(0), flowing: watch::Sender::new(0) };
    let server = Server::new()
        .write_timeout(patience)
        .with(FloodServer::new(rain.clone()))
        .with(tests::PlaygroundServer::new(tests::Toys::default()))
        .http(Http::new())
        .start("127.0.0.1:0");
    (server.await.unwrap(), rain)
}

/// A connection of which 16 KiB are under way at most, and its end.
fn dial(running: &Running) -> (DuplexStream, impl Future<Output = ()> + use<>) {
    let (near, far) = duplex(16 << 10);
    (near, running.serve_io(far, Peer::new("pipe")))
}

/// The server gives the connection up, while others are served.
async fn is_given_up(running: &Running, rain: &Rain) {
    rain.until_flowing(0).await;
    let sent = *rain.sent.borrow();
    // A kilobyte each: a window, and what is on the way to it.
    assert!(sent < 500, "{sent} KiB were sent");
    let other = PlaygroundClient::connect(running.address()).await.unwrap();
    assert_eq!(other.add(1, 2).await, Ok(3));
}

const SHORT: Duration = Duration::from_millis(300);

/// The request for a river.
fn river(accept: &str) -> String {
    request("POST", "/Flood.river", &[JSON, ("accept", accept)], "[]")
}

#[tokio::test]
async fn streams_over_http_that_nobody_reads_end_with_their_connection() {
    let (running, rain) = rain(SHORT).await;
    for accept in ["text/event-stream", "application/x-ndjson"] {
        let (mut client, ended) = dial(&running);
        client.write_all(river(accept).as_bytes()).await.unwrap();
        rain.until_flowing(1).await;
        timeout(PATIENCE, ended).await.expect("it is given up");
        is_given_up(&running, &rain).await;
        rain.sent.send_replace(0);
    }
}

#[tokio::test]
async fn long_answers_that_nobody_reads_end_with_their_connection() {
    let (running, rain) = rain(SHORT).await;
    let (mut client, ended) = dial(&running);
    let call = request("POST", "/Flood.lake", &[JSON], "[3000000]");
    client.write_all(call.repeat(50).as_bytes()).await.unwrap();
    timeout(PATIENCE, ended).await.expect("it is given up");
    is_given_up(&running, &rain).await;
}

/// A WebSocket for JSON-RPC.
async fn socket(
    running: &Running,
) -> (WebSocketStream<DuplexStream>, impl Future<Output = ()> + use<>) {
    let (stream, ended) = dial(running);
    (client_async("ws://localhost/", stream).await.unwrap().0, ended)
}

fn call(method: &str, params: &str) -> Message {
    Message::text(format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params},"id":1}}"#))
}

#[tokio::test]
async fn subscriptions_that_nobody_reads_end_with_their_connection() {
    let (running, rain) = rain(SHORT).await;
    let (mut socket, ended) = socket(&running).await;
    socket.send(call("Flood.river", "[]")).await.unwrap();
    rain.until_flowing(1).await;
    timeout(PATIENCE, ended).await.expect("it is given up");
    is_given_up(&running, &rain).await;
}

#[tokio::test]
async fn answers_over_a_web_socket_that_nobody_reads_end_with_their_connection() {
    let (running, rain) = rain(SHORT).await;
    let (mut socket, ended) = socket(&running).await;
    for _ in 0..20 {
        socket.send(call("Flood.lake", "[1000000]")).await.unwrap();
    }
    timeout(PATIENCE, ended).await.expect("it is given up");
    is_given_up(&running, &rain).await;
}

#[tokio::test]
async fn who_reads_slowly_is_not_given_up() {
    let (running, rain) = rain(2 * SHORT).await;
    let (mut client, _) = dial(&running);
    client.write_all(river("application/x-ndjson").as_bytes()).await.unwrap();
    for _ in 0..30 {
        let mut some = [0; 2000];
        timeout(PATIENCE, client.read_exact(&mut some)).await.expect("bytes").unwrap();
        tokio::time::sleep(SHORT / 5).await;
    }
    assert_eq!(*rain.flowing.borrow(), 1);
}

/// An HTTP/2 connection whose streams have so much credit.
async fn second(running: &Running, window: u32) -> Client {
    let mut client = Client::connect(running).await;
    client.send(http2::start(&[(http2::INITIAL_WINDOW, window)])).await;
    client
}

#[tokio::test]
async fn many_streams_of_http2_are_answered_at_once() {
    let (running, _) = rain(PATIENCE).await;
    let mut client = second(&running, 65_535).await;
    for number in 0..100_u32 {
        let body = format!("[{number},1]");
        let stream = 2 * number + 1;
        client.send(http2::request(stream, "POST", "/Playground.add", &[JSON], &body)).await;
    }
    let mut answered = 0;
    while answered < 100 {
        let frame = timeout(PATIENCE, http2::next(&mut client.0)).await.unwrap().expect("a frame");
        if frame.kind == http2::DATA && !frame.payload.is_empty() {
            let number: u32 = String::from_utf8(frame.payload).unwrap().trim().parse().unwrap();
            assert_eq!(frame.stream, 2 * (number - 1) + 1);
            answered += 1;
        }
    }
}

#[tokio::test]
async fn a_stream_of_http2_that_is_reset_ends_its_handler_alone() {
    let (running, rain) = rain(PATIENCE).await;
    let mut client = second(&running, 65_535).await;
    let lines = [JSON, ("accept", "application/x-ndjson")];
    for stream in [1, 3] {
        client.send(http2::request(stream, "POST", "/Flood.river", &lines, "[]")).await;
    }
    rain.until_flowing(2).await;
    client.send(http2::frame(http2::RESET, 0, 1, &8_u32.to_be_bytes())).await;
    rain.until_flowing(1).await;
    client.send(http2::request(5, "POST", "/Playground.add", &[JSON], "[1,2]")).await;
    // What is under way of the streams takes the connection's credit: more of it.
    client.send(http2::frame(http2::WINDOW, 0, 0, &1_000_000_u32.to_be_bytes())).await;
    loop {
        let frame = timeout(PATIENCE, http2::next(&mut client.0)).await.unwrap().expect("a frame");
        if frame.kind == http2::DATA && frame.stream == 5 && !frame.payload.is_empty() {
            assert_eq!(frame.payload, b"3\n");
            break;
        }
    }
    drop(client);
    rain.until_flowing(0).await;
}

#[tokio::test]
async fn a_flood_of_resets_ends_the_connection_with_a_reason() {
    let (running, rain) = rain(PATIENCE).await;
    let mut client = second(&running, 65_535).await;
    let lines = [JSON, ("accept", "application/x-ndjson")];
    let (mut read, mut write) = tokio::io::split(client.0.get_mut());
    let flood = async {
        for number in 0..100_000_u32 {
            let stream = 2 * number + 1;
            let mut bytes = http2::request(stream, "POST", "/Flood.river", &lines, "[]");
            bytes.extend(http2::frame(http2::RESET, 0, stream, &8_u32.to_be_bytes()));
            if write.write_all(&bytes).await.is_err() {
                break;
            }
        }
    };
    let mut answer = Vec::new();
    let (_, ended) = tokio::join!(flood, timeout(PATIENCE, read.read_to_end(&mut answer)));
    let _ = ended.expect("an end");
    // ENHANCE_YOUR_CALM, where that has come before the end.
    if let Some(reason) = http2::goaway(&answer).await {
        assert_eq!(reason, 11);
    }
    drop(client);
    rain.until_flowing(0).await;
    let other = PlaygroundClient::connect(running.address()).await.unwrap();
    assert_eq!(other.add(1, 2).await, Ok(3));
}

#[tokio::test]
async fn a_drain_says_goaway_and_finishes_the_streams_of_http2() {
    let (running, rain) = rain(PATIENCE).await;
    let mut client = second(&running, 0).await;
    client.send(http2::request(1, "POST", "/Flood.lake", &[JSON], "[10]")).await;
    // The head comes without credit, the body does not.
    loop {
        let frame = timeout(PATIENCE, http2::next(&mut client.0)).await.unwrap().expect("a frame");
        if frame.kind == http2::HEADERS {
            break;
        }
    }
    let shutdown = tokio::spawn(running.shutdown());
    let mut goaway = false;
    let mut body = Vec::new();
    while let Some(frame) = timeout(PATIENCE, http2::next(&mut client.0)).await.unwrap() {
        match frame.kind {
            http2::GOAWAY if !goaway => {
                goaway = true;
                assert_eq!(frame.payload[4..8], [0; 4]);
                client.send(http2::frame(http2::WINDOW, 0, 1, &100_u32.to_be_bytes())).await;
            }
            http2::PING if frame.flags == 0 => {
                client.send(http2::frame(http2::PING, http2::END, 0, &frame.payload)).await;
            }
            http2::DATA => body.extend(frame.payload),
            _ => {}
        }
    }
    assert!(goaway);
    assert_eq!(body, b"\"wwwwwwwwww\"\n");
    timeout(PATIENCE, shutdown).await.expect("an end").unwrap();
    drop(rain);
}

#[tokio::test]
async fn streams_of_http2_without_credit_are_bounded_in_bytes_and_time() {
    let (running, rain) = rain(Duration::from_secs(1)).await;
    let mut client = second(&running, 0).await;
    for number in 0..100_u32 {
        client
            .send(http2::request(2 * number + 1, "POST", "/Flood.lake", &[JSON], "[100000]"))
            .await;
    }
    let lines = [JSON, ("accept", "application/x-ndjson")];
    client.send(http2::request(201, "POST", "/Flood.river", &lines, "[]")).await;
    // The client reads, answers pings, and gives no stream anything: heads come for a megabyte of answers, and then the end.
    let mut heads = 0;
    while let Some(frame) = timeout(PATIENCE, http2::next(&mut client.0)).await.unwrap() {
        heads += usize::from(frame.kind == http2::HEADERS);
        if frame.kind == http2::PING && frame.flags == 0 {
            client.send(http2::frame(http2::PING, http2::END, 0, &frame.payload)).await;
        }
    }
    assert!((10..=60).contains(&heads), "{heads} answers were begun");
    is_given_up(&running, &rain).await;
}
