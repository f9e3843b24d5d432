//! Streams over HTTP: as events, as lines, and uploads of lines.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::{Stream, StreamExt as _, stream};
use rpc_core::{Context, Http, Server, Status, Streaming, service};
use tokio::sync::Notify;

use tests::http::{Client, JSON, request};

use crate::ground::serve_with;

#[service]
trait Brook {
    /// Counts to a number, and fails there if that is what is wanted.
    fn count(&self, to: u32, fails: bool) -> impl Stream<Item = Result<u32, Status>>;
    /// Text after text, for ever.
    fn flood(&self, length: usize) -> impl Stream<Item = String>;
    /// Long items.
    fn long(&self, length: usize) -> impl Stream<Item = String>;
    /// Never has an item; tells of its beginning and end.
    fn quiet(&self, cx: &Context) -> impl Stream<Item = u8>;
    /// The sum of what is sent, plus a number.
    async fn sum(&self, items: Streaming<u32>, plus: u32) -> Result<u64, Status>;
    /// Doubles what is sent.
    fn double(&self, items: Streaming<u32>) -> impl Stream<Item = u32>;
    /// Reads nothing of what is sent.
    async fn ignore(&self, items: Streaming<String>) -> u8;
}

#[derive(Clone, Default)]
struct Water(Arc<State>);

#[derive(Default)]
struct State {
    made: AtomicUsize,
    quiet: AtomicUsize,
    changed: Notify,
}

struct Quiet(Arc<State>);

impl Drop for Quiet {
    fn drop(&mut self) {
        self.0.quiet.fetch_sub(1, Ordering::SeqCst);
        self.0.changed.notify_waiters();
    }
}

impl Water {
    async fn until_quiet(&self, wanted: usize) {
        loop {
            let changed = self.0.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.0.quiet.load(Ordering::SeqCst) == wanted {
                return;
            }
            changed.await;
        }
    }
}

impl Brook for Water {
    fn count(&self, to: u32, fails: bool) -> impl Stream<Item = Result<u32, Status>> {
        let end = fails.then(|| Err(Status::new(rpc_core::Code::DataLoss, "dry")));
        stream::iter((0..to).map(Ok).chain(end))
    }

    fn flood(&self, length: usize) -> impl Stream<Item = String> {
        let state = Arc::clone(&self.0);
        stream::repeat_with(move || {
            state.made.fetch_add(1, Ordering::SeqCst);
            "x".repeat(length)
        })
    }

    fn long(&self, length: usize) -> impl Stream<Item = String> {
        stream::iter(["a", "b"].map(|letter| letter.repeat(length)))
    }

    fn quiet(&self, _cx: &Context) -> impl Stream<Item = u8> {
        self.0.quiet.fetch_add(1, Ordering::SeqCst);
        self.0.changed.notify_waiters();
        let quiet = Quiet(Arc::clone(&self.0));
        stream::pending().map(move |item| {
            let _ = &quiet;
            item
        })
    }

    async fn sum(&self, mut items: Streaming<u32>, plus: u32) -> Result<u64, Status> {
        let mut sum = u64::from(plus);
        while let Some(item) = items.next().await {
            sum += u64::from(item?);
        }
        Ok(sum)
    }

    fn double(&self, items: Streaming<u32>) -> impl Stream<Item = u32> {
        items.filter_map(async |item| item.ok().map(|item| 2 * item))
    }

    async fn ignore(&self, items: Streaming<String>) -> u8 {
        drop(items);
        3
    }
}

const EVENTS: (&str, &str) = ("accept", "text/event-stream");
const LINES: (&str, &str) = ("accept", "application/x-ndjson, */*;q=0.1");
const NDJSON: (&str, &str) = ("content-type", "application/x-ndjson");

async fn water() -> (rpc_core::Running, Water) {
    let water = Water::default();
    let server = Server::new().with(BrookServer::new(water.clone()));
    (serve_with(server, Http::new()).await.0, water)
}

#[tokio::test]
async fn items_come_as_events_or_lines_and_their_end_is_told() {
    let (running, _) = water().await;
    let mut client = Client::connect(&running).await;
    let rows = [
        (
            EVENTS,
            "[2,false]",
            "text/event-stream",
            "data: 0\n\ndata: 1\n\nevent: end\ndata: null\n\n",
        ),
        (
            LINES,
            "[2,false]",
            "application/x-ndjson",
            "{\"result\":0}\n{\"result\":1}\n{\"end\":true}\n",
        ),
        (LINES, "[0,false]", "application/x-ndjson", "{\"end\":true}\n"),
    ];
    for (accept, body, kind, text) in rows {
        let answer = client.post("/Brook.count", &[JSON, accept], body).await;
        assert_eq!((answer.status, &*answer.body), (200, text));
        assert_eq!(answer.headers["content-type"], kind);
    }
    let answer = client.post("/Brook.count", &[JSON, EVENTS], "[1,true]").await;
    let end = answer.body.strip_prefix("data: 0\n\nevent: error\ndata: ").unwrap();
    let end: serde_json::Value = serde_json::from_str(end).unwrap();
    assert_eq!((&end["code"], &end["data"]["name"]), (&(-32015).into(), &"DATA_LOSS".into()));
    let answer = client.post("/Brook.count", &[JSON, LINES], "[1,true]").await;
    let end: serde_json::Value = serde_json::from_str(answer.body.lines().last().unwrap()).unwrap();
    assert_eq!(end["error"]["message"], "dry");
    // What fails before there is a stream has the status of its code.
    assert_eq!(client.post("/Brook.count", &[JSON, LINES], "[1]").await.status, 400);
}

#[tokio::test]
async fn long_items_and_many_come_whole() {
    let (running, _) = water().await;
    let mut client = Client::connect(&running).await;
    let answer = client.post("/Brook.long", &[JSON, LINES], "[300000]").await;
    let lines: Vec<_> = answer.body.lines().collect();
    assert_eq!(lines.len(), 3);
    for (line, letter) in lines.iter().zip(["a", "b"]) {
        assert_eq!(*line, format!("{{\"result\":\"{}\"}}", letter.repeat(300_000)));
    }
    let answer = client.post("/Brook.count", &[JSON, LINES], "[50000,false]").await;
    let wanted: String = (0..50_000).map(|item| format!("{{\"result\":{item}}}\n")).collect();
    assert!(answer.body == wanted + "{\"end\":true}\n");
}

#[tokio::test]
async fn a_reader_that_is_slow_holds_the_stream_back() {
    let (running, water) = water().await;
    let mut client = Client::connect(&running).await;
    client.send(request("POST", "/Brook.flood", &[JSON, LINES], "[1000]")).await;
    client.head().await.unwrap();
    // Once the sockets are full nothing more is made: two looks that see the same number, with a call between them.
    let mut made = usize::MAX;
    for _ in 0..1000 {
        let mut other = Client::connect(&running).await;
        for _ in 0..20 {
            assert_eq!(other.get("/healthz").await.status, 200);
        }
        let before = std::mem::replace(&mut made, water.0.made.load(Ordering::SeqCst));
        if before == made {
            break;
        }
    }
    assert!(made < 20_000, "{made} items of 1 kB were made for nobody");
    // It goes on when somebody reads.
    while water.0.made.load(Ordering::SeqCst) == made {
        client.chunk().await.unwrap();
    }
}

#[tokio::test]
async fn a_stream_ends_when_the_client_hangs_up() {
    let (running, water) = water().await;
    let mut client = Client::connect(&running).await;
    client.send(request("POST", "/Brook.quiet", &[JSON, EVENTS], "[]")).await;
    assert_eq!(client.head().await.unwrap().0, 200);
    water.until_quiet(1).await;
    drop(client);
    water.until_quiet(0).await;
}

#[tokio::test]
async fn uploads_are_lines_behind_the_arguments() {
    let (running, _) = water().await;
    let mut client = Client::connect(&running).await;
    let rows = [
        ("/Brook.sum", "{\"plus\":1}\n1\n2\n3\n", 200, "7\n"),
        ("/Brook.sum", "[1]\r\n1\r\n\r\n  2\r\n3", 200, "7\n"),
        ("/Brook.sum", "[4]", 200, "4\n"),
        ("/Brook.ignore", "[]\n\"a\"\n\"b\"\n", 200, "3\n"),
    ];
    for (path, body, status, text) in rows {
        let answer = client.post(path, &[NDJSON], body).await;
        assert_eq!((answer.status, &*answer.body), (status, text), "{body:?}");
    }
    let wrong = client.post("/Brook.sum", &[NDJSON], "[1]\n\"x\"\n").await;
    assert!(wrong.status == 400 && wrong.body.contains("code"), "{wrong:?}");
    assert_eq!(client.post("/Brook.sum", &[JSON], "[1]").await.status, 415);
    let many: String = (0..100_000).map(|item| format!("{item}\n")).collect();
    let answer = client.post("/Brook.sum", &[NDJSON], &format!("[0]\n{many}")).await;
    assert_eq!(answer.body, "4999950000\n");
}

#[tokio::test]
async fn both_directions_stream_at_once() {
    let (running, _) = water().await;
    let mut client = Client::connect(&running).await;
    let head = "POST /Brook.double HTTP/1.1\r\nhost: localhost\r\naccept: application/x-ndjson\r\n\
                content-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n3\r\n{}\n\r\n";
    client.send(head).await;
    assert_eq!(client.head().await.unwrap().0, 200);
    for item in 1..5 {
        client.send(format!("2\r\n{item}\n\r\n")).await;
        let line = String::from_utf8(client.chunk().await.unwrap()).unwrap();
        assert_eq!(line, format!("{{\"result\":{}}}\n", 2 * item));
    }
    client.send("0\r\n\r\n").await;
    assert_eq!(client.chunk().await.unwrap(), b"{\"end\":true}\n");
    assert_eq!(client.chunk().await, None);
}
