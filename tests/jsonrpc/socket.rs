//! JSON-RPC over a WebSocket, both ways: subscriptions, calls back, batches, order, limits and ends.

use std::time::Duration;

use futures_util::{SinkExt as _, Stream, StreamExt as _, stream};
use rpc_core::{
    CallError, Channel, Context, Credentials, Http, Principal, Server, Status, Streaming, service,
};
use serde_json::{Value, json};
use tests::{PlaygroundClient, socket::Socket};
use tokio_tungstenite::tungstenite::{Message, protocol::frame::coding::CloseCode};

use crate::ground::{serve, serve_with};

/// Streams without end, and calls of the side that calls.
#[service]
trait Sea {
    /// Counts, with a text of some length in each item.
    fn waves(&self, length: u32) -> impl Stream<Item = (u64, String)>;
    /// Fails behind some items.
    fn storm(&self, after: u32) -> impl Stream<Item = Result<u32, String>>;
    /// Waits for the caller's items, and sums them.
    async fn gather(&self, cx: &Context) -> Result<u64, Status>;
    /// What the caller has said by `Beach.name`.
    async fn ask(&self, cx: &Context, within_ms: u64) -> Result<String, Status>;
    /// Tells the caller something that it does not answer, by name.
    async fn tell(&self, cx: &Context);
    /// One behind the other.
    #[rpc(ordered)]
    async fn turn(&self, number: u32) -> u32;
}

/// What the side that calls may serve.
#[service]
trait Beach {
    fn shells(&self, to: u32) -> impl Stream<Item = u64>;
    async fn name(&self, polite: bool) -> String;
    #[rpc(oneway)]
    async fn foam(&self, line: String);
}

struct Water;

impl Sea for Water {
    fn waves(&self, length: u32) -> impl Stream<Item = (u64, String)> {
        let text = "x".repeat(length as usize);
        stream::iter(0..).map(move |number| (number, text.clone()))
    }

    fn storm(&self, after: u32) -> impl Stream<Item = Result<u32, String>> {
        stream::iter((0..after).map(Ok)).chain(stream::iter([Err("wet".to_owned())]))
    }

    async fn gather(&self, cx: &Context) -> Result<u64, Status> {
        let mut shells: Streaming<u64> =
            cx.peer::<BeachClient>().shells(3).await.map_err(status)?;
        let mut sum = 0;
        while let Some(shell) = shells.next().await {
            let shell = shell.map_err(status)?;
            if shell == 99 {
                break;
            }
            sum += shell;
        }
        Ok(sum)
    }

    async fn ask(&self, cx: &Context, within_ms: u64) -> Result<String, Status> {
        let name = cx.peer::<BeachClient>().name(true).timeout(Duration::from_millis(within_ms));
        name.await.map_err(status)
    }

    async fn tell(&self, cx: &Context) {
        let peer: BeachClient = cx.peer();
        peer.foam("white").await.unwrap();
        let channel: Channel = cx.peer();
        let answer = channel.call_json("Beach.custom", &json!([1])).await;
        assert_eq!(answer, Ok(json!({"got": 1})));
    }

    async fn turn(&self, number: u32) -> u32 {
        tokio::task::yield_now().await;
        number
    }
}

fn status(error: CallError) -> Status {
    let CallError::Status(status) = error;
    status
}

async fn sea(http: Http) -> rpc_core::Running {
    let server = Server::new().with(SeaServer::new(Water));
    serve_with(server, http).await.0
}

/// The members of a notification of a subscription.
#[track_caller]
fn news(text: &Value, method: &str, subscription: u64) -> (Value, Value, Value) {
    assert_eq!(text["method"], method, "{text}");
    assert_eq!(text["params"]["subscription"], subscription, "{text}");
    assert!(text.get("id").is_none());
    let params = &text["params"];
    (params["result"].clone(), params["end"].clone(), params["error"].clone())
}

#[tokio::test]
async fn a_stream_is_a_subscription_with_its_items_in_order_and_an_end() {
    let (running, _) = serve().await;
    let mut socket = Socket::connect(&running).await;
    socket.call(1, "Tour.count", "[3]").await;
    let answer = socket.json().await;
    let name = answer["result"].as_u64().unwrap();
    assert_eq!(answer["id"], 1);
    for number in 0..3 {
        let (item, end, error) = news(&socket.json().await, "Tour.count", name);
        assert_eq!((item, end, error), (json!(number), Value::Null, Value::Null));
    }
    assert_eq!(news(&socket.json().await, "Tour.count", name).1, true);
    // One that is over cannot be ended, and that is no fault.
    socket.call(2, "rpc.unsubscribe", &format!("[{name}]")).await;
    assert_eq!(socket.json().await["result"], false);
    socket.call(3, "rpc.unsubscribe", "[\"a\"]").await;
    assert_eq!(socket.json().await["error"]["code"], -32602);
}

#[tokio::test]
async fn a_stream_that_fails_ends_with_its_error() {
    let running = sea(Http::new()).await;
    let mut socket = Socket::connect(&running).await;
    socket.call(1, "Sea.storm", "[2]").await;
    let name = socket.json().await["result"].as_u64().unwrap();
    for number in 0..2 {
        assert_eq!(news(&socket.json().await, "Sea.storm", name).0, number);
    }
    let (_, _, error) = news(&socket.json().await, "Sea.storm", name);
    assert_eq!((&error["code"], &error["data"]), (&json!(2), &json!("wet")));
}

#[tokio::test]
async fn a_subscription_is_ended_by_its_own_connection_alone() {
    let running = sea(Http::new()).await;
    let (mut one, mut other) = (Socket::connect(&running).await, Socket::connect(&running).await);
    one.call(1, "Sea.waves", "[10]").await;
    let name = one.json().await["result"].as_u64().unwrap();
    other.call(1, "rpc.unsubscribe", &format!("[{name}]")).await;
    assert_eq!(other.json().await["result"], false);
    one.call(2, "rpc.unsubscribe", &format!("[{name}]")).await;
    let mut next = 0;
    loop {
        let text = one.json().await;
        if text["id"] == 2 {
            assert_eq!(text["result"], true);
            break;
        }
        assert_eq!(news(&text, "Sea.waves", name).0[0], next);
        next += 1;
    }
    // Nothing comes behind the answer.
    one.call(3, "Playground.add", "[1,2]").await;
    assert_eq!(one.json().await, json!({"jsonrpc": "2.0", "id": 3, "result": 3}));
}

#[tokio::test]
async fn who_reads_slowly_slows_the_handler_down_and_nobody_else() {
    let running = sea(Http::new()).await;
    let mut slow = Socket::connect(&running).await;
    slow.call(1, "Sea.waves", "[10000]").await;
    let name = slow.json().await["result"].as_u64().unwrap();
    // The handler goes on without end; what is read of it is in order, however long nobody has read.
    let other = PlaygroundClient::connect(running.address()).await.unwrap();
    for number in 0..50 {
        assert_eq!(other.add(number, 1).await, Ok(number + 1));
    }
    for number in 0..2000 {
        assert_eq!(news(&slow.json().await, "Sea.waves", name).0[0], number);
    }
}

#[tokio::test]
async fn handlers_call_the_other_side_and_read_its_streams() {
    let running = sea(Http::new()).await;
    let mut socket = Socket::connect(&running).await;
    socket.call(1, "Sea.ask", "[60000]").await;
    let asked = socket.json().await;
    assert_eq!(
        (&asked["method"], &asked["params"]),
        (&json!("Beach.name"), &json!({"polite": true}))
    );
    socket.send(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": "ada"}).to_string()).await;
    assert_eq!(socket.json().await["result"], "ada");
    // A stream, by a name that the other side gives it.
    socket.call(2, "Sea.gather", "[]").await;
    let asked = socket.json().await;
    assert_eq!(asked["params"], json!({"to": 3}));
    socket.send(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": "s-1"}).to_string()).await;
    let note = |rest: Value| {
        let mut params = json!({"subscription": "s-1"});
        params.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        json!({"jsonrpc": "2.0", "method": "Beach.shells", "params": params}).to_string()
    };
    for shell in [5, 7, 30] {
        socket.send(&note(json!({"result": shell}))).await;
    }
    socket.send(&note(json!({"end": true}))).await;
    assert_eq!(socket.json().await, json!({"jsonrpc": "2.0", "id": 2, "result": 42}));
    // Who wants no more says so.
    socket.call(3, "Sea.gather", "[]").await;
    let asked = socket.json().await;
    socket.send(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": "s-1"}).to_string()).await;
    socket.send(&note(json!({"result": 99}))).await;
    let (mut unsubscribed, mut answered) = (false, false);
    while !(unsubscribed && answered) {
        let text = socket.json().await;
        unsubscribed |= text["method"] == "rpc.unsubscribe" && text["params"] == json!(["s-1"]);
        answered |= text["id"] == 3 && text["result"] == 0;
    }
}

#[tokio::test]
async fn notifications_and_calls_by_name_go_to_the_other_side_too() {
    let running = sea(Http::new()).await;
    let mut socket = Socket::connect(&running).await;
    socket.call(1, "Sea.tell", "[]").await;
    let told = socket.json().await;
    assert_eq!((&told["method"], told.get("id")), (&json!("Beach.foam"), None));
    assert_eq!(told["params"], json!({"line": "white"}));
    let asked = socket.json().await;
    assert_eq!((&asked["method"], &asked["params"]), (&json!("Beach.custom"), &json!([1])));
    let answer = json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"got": 1}});
    socket.send(&answer.to_string()).await;
    assert_eq!(socket.json().await["id"], 1);
}

#[tokio::test]
async fn what_the_other_side_answers_with_an_error_or_not_in_time_fails_the_call() {
    let running = sea(Http::new()).await;
    let mut socket = Socket::connect(&running).await;
    socket.call(1, "Sea.ask", "[60000]").await;
    let asked = socket.json().await;
    let error = json!({"code": -32601, "message": "Method not found"});
    socket.send(&json!({"jsonrpc": "2.0", "id": asked["id"], "error": error}).to_string()).await;
    let answer = socket.json().await;
    assert_eq!(answer["error"]["data"]["name"], "UNIMPLEMENTED", "{answer}");
    socket.call(2, "Sea.ask", "[30]").await;
    assert_eq!(socket.json().await["method"], "Beach.name");
    assert_eq!(socket.json().await["error"]["data"]["name"], "DEADLINE_EXCEEDED");
    // An answer that nobody waits for harms nobody.
    for id in [json!(1), json!(99), json!("x"), Value::Null] {
        socket.send(&json!({"jsonrpc": "2.0", "id": id, "result": 1}).to_string()).await;
    }
    socket.call(3, "Playground.add", "[1,2]").await;
    assert_eq!(socket.json().await["result"], 3);
}

#[tokio::test]
async fn a_batch_is_answered_as_one_with_the_items_behind_it() {
    let (running, toys) = serve().await;
    let mut socket = Socket::connect(&running).await;
    let batch = json!([
        {"jsonrpc": "2.0", "method": "Tour.count", "params": [2], "id": "s"},
        {"jsonrpc": "2.0", "method": "Playground.wait", "id": "w"},
        {"jsonrpc": "2.0", "method": "Playground.note", "params": ["n"]},
        {"jsonrpc": "2.0", "id": 1, "result": "of nothing"},
        7,
    ]);
    socket.send(&batch.to_string()).await;
    toys.until_waiting(1).await;
    // Others go on meanwhile.
    socket.call(1, "Playground.open", "[1]").await;
    assert_eq!(socket.json().await["id"], 1);
    let answers = socket.json().await;
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), 3);
    let name = answers[0]["result"].as_u64().unwrap();
    assert_eq!((&answers[1]["id"], &answers[2]["error"]["code"]), (&json!("w"), &json!(-32600)));
    for number in 0..2 {
        assert_eq!(news(&socket.json().await, "Tour.count", name).0, number);
    }
    assert_eq!(news(&socket.json().await, "Tour.count", name).1, true);
    assert_eq!(toys.noted(), ["n"]);
}

#[tokio::test]
async fn ordered_calls_are_answered_one_behind_the_other() {
    let running = sea(Http::new()).await;
    let mut socket = Socket::connect(&running).await;
    for number in 0..50 {
        socket.call(number, "Sea.turn", &format!("[{number}]")).await;
    }
    for number in 0..50 {
        assert_eq!(socket.json().await["result"], number);
    }
}

#[tokio::test]
async fn handlers_end_with_their_connection_and_their_subscription() {
    let (running, toys) = serve().await;
    let mut socket = Socket::connect(&running).await;
    for id in 0..5 {
        socket.call(id, "Playground.wait", "[]").await;
    }
    toys.until_waiting(5).await;
    drop(socket);
    toys.until_waiting(0).await;
}

#[tokio::test]
async fn a_shutdown_waits_for_what_runs_and_then_says_so() {
    let (running, toys) = serve().await;
    let mut socket = Socket::connect(&running).await;
    socket.call(1, "Playground.wait", "[]").await;
    toys.until_waiting(1).await;
    let shutdown = tokio::spawn(running.shutdown());
    loop {
        socket.call(2, "Playground.add", "[1,2]").await;
        let answer = socket.json().await;
        if let Some(error) = answer.get("error") {
            assert_eq!(error["data"]["name"], "UNAVAILABLE");
            assert_eq!(error["data"]["execution"], "not_started");
            break;
        }
    }
    tests::Playground::open(&toys, 1).await;
    assert_eq!(socket.json().await, json!({"jsonrpc": "2.0", "id": 1, "result": 7}));
    assert_eq!(socket.reason().await.unwrap().code, CloseCode::Away);
    drop(socket);
    shutdown.await.unwrap();
}

#[tokio::test]
async fn who_calls_is_said_by_a_header_or_by_a_call() {
    let server =
        Server::new().authenticate(async |credentials: Credentials| match credentials.token {
            Some(token) if token == "right".into() => Ok(Principal::named("ada")),
            _ => Err("show a token".into()),
        });
    let (running, _) = serve_with(server, Http::new()).await;
    let mut known = Socket::with(&running, &[("authorization", "Bearer right")]).await;
    known.call(1, "Playground.add", "[1,2]").await;
    assert_eq!(known.json().await["result"], 3);
    let mut stranger = Socket::connect(&running).await;
    stranger.call(1, "Playground.add", "[1,2]").await;
    assert_eq!(stranger.json().await["error"]["data"]["name"], "UNAUTHENTICATED");
    for (id, token, fine) in [(2, "wrong", false), (3, "right", true)] {
        stranger.call(id, "rpc.authenticate", &json!([token]).to_string()).await;
        let answer = stranger.json().await;
        assert_eq!(answer["result"] == true, fine, "{answer}");
        stranger.call(9, "Playground.add", "[1,2]").await;
        let answer = stranger.json().await;
        assert_eq!(answer["result"] == 3, fine, "{answer}");
    }
    stranger.call(4, "rpc.authenticate", "{\"token\":1}").await;
    assert_eq!(stranger.json().await["error"]["code"], -32602);
}

#[tokio::test]
async fn headers_of_the_upgrade_hold_for_every_call() {
    let (running, _) = serve().await;
    let headers = [("rpc-meta-who", "ada"), ("rpc-timeout-ms", "60000")];
    let mut socket = Socket::with(&running, &headers).await;
    for id in 0..2 {
        socket.call(id, "Playground.context", "[1,2]").await;
        assert_eq!(socket.json().await["result"], json!(["Playground.context", "ada", true, 3]));
    }
    socket.call(3, "rpc.discover", "[]").await;
    assert_eq!(socket.json().await["result"]["openrpc"], "1.4.0");
    socket.call(4, "Tour.sum", "[]").await;
    assert_eq!(socket.json().await["error"]["data"]["name"], "UNIMPLEMENTED");
}

#[tokio::test]
async fn what_breaks_the_rules_is_closed_with_a_reason() {
    let running = sea(Http::new().max_body(1000).max_batch(3)).await;
    let mut socket = Socket::connect(&running).await;
    socket.0.send(Message::binary(vec![1])).await.unwrap();
    let reason = socket.reason().await.unwrap();
    assert_eq!(reason.code, CloseCode::Unsupported);
    assert!(reason.reason.contains("binary"), "{reason}");
    let mut socket = Socket::connect(&running).await;
    socket.send(&"[".repeat(1001)).await;
    assert_eq!(socket.reason().await.unwrap().code, CloseCode::Size);
    // A batch that is too long is answered, and no more than that.
    let mut socket = Socket::connect(&running).await;
    socket.send("[1,2,3,4]").await;
    assert_eq!(socket.json().await["error"]["code"], -32600);
    socket.call(1, "Playground.add", "[1,2]").await;
    assert_eq!(socket.json().await["result"], 3);
}

#[tokio::test]
async fn silence_is_asked_about_and_then_is_the_end() {
    let running = sea(Http::new().head_timeout(Duration::from_millis(50))).await;
    let mut quiet = Socket::connect(&running).await;
    // A client that reads answers pings by itself.
    let mut pings = 0;
    while pings < 3 {
        match quiet.0.next().await.unwrap().unwrap() {
            Message::Ping(_) => pings += 1,
            other => panic!("{other:?}"),
        }
    }
    quiet.call(1, "Playground.add", "[1,2]").await;
    let answer = loop {
        if let Message::Text(text) = quiet.0.next().await.unwrap().unwrap() {
            break text;
        }
    };
    assert!(answer.contains("\"result\":3"));
    // One that does not is given up.
    let silent = Socket::connect(&running).await;
    let mut raw = silent.0.into_inner();
    let mut rest = Vec::new();
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut raw, &mut rest).await;
    assert!(rest.windows(7).any(|part| part == b"no sign"), "{rest:?}");
}

#[tokio::test]
async fn more_calls_than_run_at_once_wait_their_turn() {
    let (running, toys) = serve().await;
    let (mut write, mut read) = Socket::connect(&running).await.0.split();
    const CALLS: usize = 3000;
    let sent = tokio::spawn(async move {
        for id in 0..CALLS {
            let call = json!({"jsonrpc": "2.0", "method": "Playground.wait", "id": id});
            write.send(Message::text(call.to_string())).await.unwrap();
        }
        write
    });
    toys.until_waiting(1024).await;
    tests::Playground::open(&toys, CALLS as u32).await;
    for _ in 0..CALLS {
        let Message::Text(text) = read.next().await.unwrap().unwrap() else { panic!("a text") };
        assert!(text.contains("\"result\":7"), "{text}");
    }
    drop(sent.await.unwrap());
}

#[tokio::test]
async fn a_call_of_a_handler_ends_with_the_connection() {
    let running = sea(Http::new()).await;
    let mut socket = Socket::connect(&running).await;
    socket.call(1, "Sea.ask", "[60000]").await;
    assert_eq!(socket.json().await["method"], "Beach.name");
    socket.0.close(None).await.unwrap();
    drop(socket);
    // It would wait for the handler.
    running.shutdown().await;
}

#[tokio::test]
async fn frames_that_are_none_are_closed_with_a_code_while_others_are_served() {
    let running = sea(Http::new().max_body(1000)).await;
    // Not masked; a reserved bit; garbage; longer than is read; a control frame in pieces; no UTF-8; compressed.
    let rows: [(&[u8], u16); 7] = [
        (b"\x81\x01a", 1002),
        (b"\xc1\x81\0\0\0\0a", 1002),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 1002),
        (b"\x81\xff\0\0\0\x7f\xff\xff\xff\xff\0\0\0\0", 1009),
        (b"\x09\x81\0\0\0\0a", 1002),
        (b"\x81\x81\0\0\0\0\xff", 1007),
        (b"\x81\x81\0\0\0\0{\xc1\x81\0\0\0\0}", 1002),
    ];
    let mut other = Socket::connect(&running).await;
    for (number, (frame, code)) in rows.into_iter().enumerate() {
        let mut raw = Socket::connect(&running).await.0.into_inner();
        tokio::io::AsyncWriteExt::write_all(&mut raw, frame).await.unwrap();
        let mut rest = Vec::new();
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut raw, &mut rest).await;
        let code = code.to_be_bytes();
        let closed = rest.windows(4).any(|part| part[0] == 0x88 && part[2..] == code);
        assert!(closed, "{frame:?}: {rest:?}");
        other.call(number as u32, "Playground.add", "[1,2]").await;
        assert_eq!(other.json().await["result"], 3);
    }
}

#[tokio::test]
async fn a_deep_or_endless_message_is_answered_and_no_more() {
    let running = sea(Http::new()).await;
    let mut socket = Socket::connect(&running).await;
    let deep = format!(
        "{{\"jsonrpc\":\"2.0\",\"method\":\"Playground.add\",\"params\":{}{},\"id\":1}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    socket.send(&deep).await;
    assert_eq!(socket.json().await["error"]["code"], -32602);
    socket.send(&"[".repeat(100_000)).await;
    assert_eq!(socket.json().await["error"]["code"], -32700);
    let bomb = format!("[{}1]", "1,".repeat(100_000));
    socket.send(&bomb).await;
    assert_eq!(socket.json().await["error"]["code"], -32600);
    socket.call(2, "Playground.add", "[1,2]").await;
    assert_eq!(socket.json().await["result"], 3);
}
