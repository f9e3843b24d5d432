//! One call as one request: what `curl` sends, and what it is answered.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use rpc_core::{Code, Context, Http, Server, Status, service};
use tests::{
    Playground, PlaygroundClient, Served, Transport,
    http::{Client, JSON, request},
};

use crate::ground::{serve, serve_with};

#[tokio::test]
async fn one_port_speaks_both_protocols() {
    let (running, _) = serve().await;
    let raw = PlaygroundClient::connect(running.address()).await.unwrap();
    let mut http = Client::connect(&running).await;
    // What curl says of the data that it sends.
    let form = ("content-type", "application/x-www-form-urlencoded");
    for sum in 0..3 {
        let body = format!(r#"{{"a":{sum},"b":2}}"#);
        let answer = http.post("/Playground.add", &[form], &body).await;
        assert_eq!((answer.status, answer.body), (200, format!("{}\n", sum + 2)));
        assert_eq!(raw.add(sum, 2).await, Ok(sum + 2));
    }
    let answer = http.post("/Playground.add", &[JSON], "[1,2]").await;
    assert_eq!((answer.status, &*answer.body), (200, "3\n"));
    assert_eq!(answer.headers["content-type"], "application/json");
    let answer = http.post("/Playground.nothing", &[], "").await;
    assert_eq!((answer.status, &*answer.body), (200, "null\n"));
}

#[tokio::test]
async fn without_a_face_http_is_told_that_this_port_does_not_speak_it() {
    let served = Served::over(Transport::Tcp, rpc_core::Codec::Bincode).await;
    let mut client = Client::connect(served.running.as_ref().unwrap()).await;
    let answer = client.get("/healthz").await;
    assert!(answer.status == 400 && answer.body.contains("not HTTP"), "{answer:?}");
}

#[tokio::test]
async fn ends_of_calls_have_the_status_of_their_code() {
    let (running, _) = serve().await;
    let mut client = Client::connect(&running).await;
    let rows = [
        (
            "/Playground.take",
            "[11]",
            422,
            r#"{"code":2,"message":"the method's own error","data":{"TooMuch":{"wanted":11,"limit":10}}}"#,
        ),
        ("/Playground.add", "[1]", 400, "-32602"),
        ("/Playground.add", "{", 400, "-32602"),
        ("/Playground.add", "3", 400, "-32602"),
        ("/Playground.nope", "[]", 404, "-32601"),
        ("/nope", "", 404, "-32601"),
        ("/Playground.panic", "[\"x\"]", 500, "-32603"),
        ("/Tour.count", "[3]", 406, "text/event-stream"),
    ];
    for (path, body, status, says) in rows {
        let answer = client.post(path, &[JSON], body).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert!(answer.body.contains(says), "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn methods_and_paths_that_are_not_served_are_told_so() {
    let (running, _) = serve().await;
    let rows = [
        ("DELETE", "/", 405, "GET, HEAD, POST, OPTIONS"),
        ("POST", "/client.js", 405, "GET, HEAD, OPTIONS"),
        ("GET", "/Playground.add", 405, "POST, OPTIONS"),
        ("PUT", "/Playground.add", 405, "POST, OPTIONS"),
        ("POST", "/healthz", 405, "GET, HEAD, OPTIONS"),
        ("OPTIONS", "/", 204, "GET, HEAD, POST, OPTIONS"),
    ];
    for (method, path, status, allowed) in rows {
        let mut client = Client::connect(&running).await;
        client.send(request(method, path, &[], "")).await;
        let answer = client.answer().await.unwrap();
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.headers["allow"], allowed, "{method} {path}");
    }
}

#[tokio::test]
async fn a_deadline_ends_the_handler() {
    let (running, toys) = serve().await;
    let mut client = Client::connect(&running).await;
    let headers = [JSON, ("rpc-timeout-ms", "20")];
    let answer = client.post("/Playground.wait", &headers, "[]").await;
    assert_eq!(answer.status, 504);
    assert!(answer.body.contains("DEADLINE_EXCEEDED") && answer.body.contains("may_have_run"));
    toys.until_waiting(0).await;
}

#[tokio::test]
async fn a_call_ends_when_the_client_hangs_up() {
    let (running, toys) = serve().await;
    for (path, body) in [
        ("/Playground.wait", "[]"),
        ("/", r#"{"jsonrpc":"2.0","method":"Playground.wait","id":1}"#),
        (
            "/",
            r#"[{"jsonrpc":"2.0","method":"Playground.wait","id":1},{"jsonrpc":"2.0","method":"Playground.wait"}]"#,
        ),
    ] {
        let mut client = Client::connect(&running).await;
        client.send(request("POST", path, &[JSON], body)).await;
        toys.until_waiting(body.matches("wait").count().max(1)).await;
        drop(client);
        toys.until_waiting(0).await;
    }
}

#[tokio::test]
async fn a_drain_finishes_what_runs_and_closes_idle_connections() {
    let (running, toys) = serve().await;
    let mut idle = Client::connect(&running).await;
    assert_eq!(idle.get("/healthz").await.status, 200);
    let mut busy = Client::connect(&running).await;
    busy.send(request("POST", "/Playground.wait", &[JSON], "[]")).await;
    toys.until_waiting(1).await;
    let shutdown = tokio::spawn(running.shutdown());
    assert!(idle.is_closed().await);
    // Nobody but this test lets the handler pass any more.
    Playground::open(&toys, 1).await;
    let answer = busy.answer().await.unwrap();
    assert_eq!((answer.status, &*answer.body), (200, "7\n"));
    assert!(busy.is_closed().await);
    shutdown.await.unwrap();
}

#[service]
trait Beside {
    /// Sends metadata beside its reply, and ahead of it.
    async fn beside(&self, cx: &Context, fails: bool) -> Result<(), Status>;
    /// Counts the calls of a connection.
    async fn count(&self, cx: &Context) -> u32;
}

struct Both;

impl Beside for Both {
    async fn beside(&self, cx: &Context, fails: bool) -> Result<(), Status> {
        cx.leading_metadata().set("lead", "1").unwrap();
        cx.trailing_metadata().set_bin("trail-bin", [0xff]).unwrap();
        if fails {
            let status = Status::new(Code::ResourceExhausted, "enough");
            let mut status = status.with_retry_after(Duration::from_millis(1500));
            status = status.with_detail("a.B", [1, 2]);
            status.metadata_mut().set("why", "much").unwrap();
            return Err(status);
        }
        Ok(())
    }

    async fn count(&self, cx: &Context) -> u32 {
        let connection = cx.connection();
        let before = connection.state::<u32>().map_or(0, |count| *count);
        connection.insert(before + 1);
        before
    }
}

#[tokio::test]
async fn metadata_of_replies_and_all_of_a_status_come_back() {
    let server = Server::new().with(BesideServer::new(Both));
    let (running, _) = serve_with(server, Http::new()).await;
    let mut client = Client::connect(&running).await;
    let answer = client.post("/Beside.beside", &[JSON], "[false]").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["rpc-meta-lead"], "1");
    assert_eq!(answer.headers["rpc-meta-trail-bin"], "/w==");
    let answer = client.post("/Beside.beside", &[JSON], "[true]").await;
    assert_eq!(answer.status, 429);
    assert_eq!(answer.headers["retry-after"], "2");
    assert_eq!(answer.headers["rpc-meta-why"], "much");
    let error: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(error["code"], -32008);
    let data = serde_json::json!({
        "name": "RESOURCE_EXHAUSTED", "execution": "may_have_run", "message": "enough",
        "retry_after_ms": 1500, "details": [{ "name": "a.B", "bytes": "AQI=" }],
        "metadata": [["why", "much"]],
    });
    assert_eq!(error["data"], data);
    let call = r#"{"jsonrpc":"2.0","method":"Beside.beside","params":[false],"id":1}"#;
    assert_eq!(client.post("/", &[JSON], call).await.headers["rpc-meta-lead"], "1");
}

#[service]
trait Till {
    /// Counts its runs.
    #[rpc(once)]
    async fn pay(&self, cents: u64) -> u32;
}

#[derive(Default)]
struct Drawer(AtomicU32);

impl Till for Drawer {
    async fn pay(&self, _cents: u64) -> u32 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

#[tokio::test]
async fn a_call_with_a_key_runs_once_whatever_the_connection() {
    let server = Server::new().with(TillServer::new(Drawer::default()));
    let (running, _) = serve_with(server, Http::new()).await;
    let call = r#"{"jsonrpc":"2.0","method":"Till.pay","params":[5],"id":1}"#;
    for key in ["order 17", "\"order 17\""] {
        let mut client = Client::connect(&running).await;
        let headers = [JSON, ("idempotency-key", key)];
        let answer = client.post("/Till.pay", &headers, "[5]").await;
        assert_eq!((answer.status, &*answer.body), (200, "1\n"));
        let answer = client.post("/", &headers, call).await;
        assert!(answer.body.contains(r#""result":1"#), "{}", answer.body);
        let answer = client.post("/Till.pay", &headers, "[6]").await;
        assert_eq!(answer.status, 400, "{}", answer.body);
        let answer = client.post("/", &headers, &format!("[{call},{call}]")).await;
        assert!(answer.body.contains("names one call"), "{}", answer.body);
    }
    let mut client = Client::connect(&running).await;
    assert_eq!(client.post("/Till.pay", &[JSON], "[5]").await.body, "2\n");
    let upgrade = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("idempotency-key", "order 17"),
    ];
    client.send(request("GET", "/", &upgrade, "")).await;
    let answer = client.answer().await.unwrap();
    assert_eq!(answer.status, 400, "{}", answer.body);
}

#[tokio::test]
async fn a_connection_keeps_what_the_program_leaves_with_it() {
    let server = Server::new().with(BesideServer::new(Both)).on_connection(|connection| {
        connection.insert(10_u32);
    });
    let (running, _) = serve_with(server, Http::new()).await;
    for _ in 0..2 {
        let mut client = Client::connect(&running).await;
        for count in 10..12 {
            let answer = client.post("/Beside.count", &[JSON], "").await;
            assert_eq!(answer.body, format!("{count}\n"));
        }
    }
}

#[tokio::test]
async fn the_services_are_described_to_whoever_may_list_them() {
    let (running, _) = serve_with(Server::new().name("toys"), Http::new()).await;
    let mut client = Client::connect(&running).await;
    let document = client.get("/openrpc.json").await;
    assert_eq!((document.status, &*document.headers["content-type"]), (200, "application/json"));
    let document: serde_json::Value = serde_json::from_str(&document.body).unwrap();
    assert_eq!(document["info"]["title"], "toys");
    let names: Vec<_> =
        document["methods"].as_array().unwrap().iter().map(|m| m["name"].clone()).collect();
    assert!(names.contains(&"Playground.add".into()) && names.contains(&"Tour.count".into()));
    let call = r#"{"jsonrpc":"2.0","method":"rpc.discover","params":[],"id":1}"#;
    let answer = client.post("/", &[JSON], call).await;
    let answer: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(answer["result"], document);

    let (quiet, _) = serve_with(Server::new().without_reflection(), Http::new()).await;
    let answer = Client::connect(&quiet).await.get("/openrpc.json").await;
    assert!(answer.status == 501 && answer.body.contains("does not describe itself"), "{answer:?}");
}

#[tokio::test]
async fn pages_that_are_let_in_may_read_the_answers_and_no_others() {
    let http = Http::new().allow_origin("https://app.example");
    let (running, _) = serve_with(Server::new(), http).await;
    let mut client = Client::connect(&running).await;
    let origin = ("origin", "https://app.example");
    let asked = ("access-control-request-headers", "content-type, rpc-meta-who, x-other");
    client.send(request("OPTIONS", "/", &[origin, asked], "")).await;
    let answer = client.answer().await.unwrap();
    assert_eq!(answer.headers["access-control-allow-origin"], "https://app.example");
    assert_eq!(answer.headers["access-control-allow-headers"], "content-type, rpc-meta-who");
    let answer = client.post("/Playground.add", &[JSON, origin], "[1,2]").await;
    assert_eq!((answer.status, &*answer.body), (200, "3\n"));
    assert_eq!(answer.headers["vary"], "origin");
    // What a form can send asks nobody.
    let form = ("content-type", "application/x-www-form-urlencoded");
    assert_eq!(client.post("/Playground.add", &[form, origin], "[1,2]").await.status, 415);
    let (plain, _) = serve().await;
    let mut client = Client::connect(&plain).await;
    client.send(request("OPTIONS", "/", &[asked], "")).await;
    let answer = client.answer().await.unwrap();
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
}
