//! Requests that are slow, huge, cut, ambiguous, or from somewhere else: closed with a reason, while others are served.

use std::time::Duration;

use rpc_core::{Http, Running, Server};
use tests::{
    PlaygroundClient,
    http::{Client, JSON, request},
};

use crate::ground::{serve, serve_with};

/// A server whose patience is short.
async fn impatient() -> Running {
    let short = Duration::from_millis(100);
    let server = Server::new().handshake_timeout(short);
    serve_with(server, Http::new().head_timeout(short).body_timeout(short)).await.0
}

/// A client of each protocol is served as if nothing had been.
async fn others_are_served(running: &Running) {
    let raw = PlaygroundClient::connect(running.address()).await.unwrap();
    assert_eq!(raw.add(1, 2).await, Ok(3));
    let mut client = Client::connect(running).await;
    assert_eq!(client.post("/Playground.add", &[JSON], "[1,2]").await.body, "3\n");
}

#[tokio::test]
async fn heads_that_do_not_come_are_closed() {
    let running = impatient().await;
    for start in ["POST / HT", "POST / HTTP/1.1\r\nhost: a\r\n", "GET /healthz HTTP/1.1\r\nx: "] {
        let mut client = Client::connect(&running).await;
        client.send(start).await;
        assert!(client.is_closed().await, "{start:?}");
    }
    // And one that comes byte by byte, for ever: the time is that of all of it.
    let mut client = Client::connect(&running).await;
    client.send("GET /healthz HTTP/1.1\r\nx: ").await;
    let (mut read, mut write) = tokio::io::split(client.0.into_inner());
    let mut rest = Vec::new();
    tokio::select! {
        closed = tokio::io::AsyncReadExt::read_to_end(&mut read, &mut rest) => drop(closed),
        () = async {
            while tokio::io::AsyncWriteExt::write_all(&mut write, b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        } => {}
    }
    // The second request of a connection as well.
    let mut client = Client::connect(&running).await;
    assert_eq!(client.get("/healthz").await.status, 200);
    client.send("GET /hea").await;
    assert!(client.is_closed().await);
    let mut client = Client::connect(&running).await;
    assert_eq!(client.post("/", &[JSON], CALL).await.status, 200);
    client.send("POST / HTT").await;
    assert!(client.is_closed().await);
    // And one that was kept alive for a request that does not come.
    let mut client = Client::connect(&running).await;
    assert_eq!(client.get("/healthz").await.status, 200);
    assert!(client.is_closed().await);
    let mut client = Client::connect(&running).await;
    assert_eq!(client.post("/", &[JSON], CALL).await.status, 200);
    assert!(client.is_closed().await);
    others_are_served(&running).await;
}

#[tokio::test]
async fn bodies_that_do_not_come_are_closed_with_a_reason() {
    let running = impatient().await;
    let starts = [
        "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{\"a",
        "POST /Playground.add HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n3\r\n[1,\r\n",
        "POST /Tour.sum HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\ncontent-type: application/x-ndjson\r\n\r\n3\r\n[1,\r\n",
    ];
    for start in starts {
        let mut client = Client::connect(&running).await;
        client.send(start).await;
        let answer = client.answer().await.unwrap();
        assert_eq!(answer.status, 408, "{start:?}");
        assert!(client.is_closed().await, "{start:?}");
    }
    others_are_served(&running).await;
}

#[tokio::test]
async fn giant_heads_and_bodies_are_refused() {
    let (running, _) = serve_with(Server::new(), Http::new().max_body(1000)).await;
    let mut heads = vec![
        (
            431,
            format!(
                "GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n",
                "x".repeat(40_000)
            ),
        ),
        (
            431,
            format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\n{}\r\n", "x: y\r\n".repeat(200)),
        ),
        (414, format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "x".repeat(70_000))),
    ];
    let body = "[".repeat(1001);
    heads.push((413, request("POST", "/", &[JSON], &body)));
    heads.push((413, request("POST", "/Playground.add", &[JSON], &body)));
    let chunks = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = format!("64\r\n{}\r\n", "[".repeat(100));
    heads.push((413, format!("{chunks}{}", chunk.repeat(11))));
    let item = format!("[]\n{}", "1".repeat(1001));
    heads.push((
        429,
        request("POST", "/Tour.sum", &[("content-type", "application/x-ndjson")], &item),
    ));
    for (status, text) in heads {
        let mut client = Client::connect(&running).await;
        let (mut read, mut write) = tokio::io::split(client.0.into_inner());
        let sent = tokio::spawn(async move {
            let _ = tokio::io::AsyncWriteExt::write_all(&mut write, text.as_bytes()).await;
            write
        });
        let mut start = [0; 12];
        tokio::io::AsyncReadExt::read_exact(&mut read, &mut start).await.unwrap();
        let answered: u16 = std::str::from_utf8(&start[9..]).unwrap().parse().unwrap();
        drop(sent.await.unwrap());
        client = Client::connect(&running).await;
        assert_eq!(client.get("/healthz").await.status, 200);
        if status == 429 {
            // The method sums what it gets, and may end before it learns of the length.
            assert!([200, 429].contains(&answered), "{answered}");
        } else if status == 414 {
            assert!([414, 431].contains(&answered), "{answered}");
        } else {
            assert_eq!(answered, status);
        }
    }
    others_are_served(&running).await;
}

const CALL: &str = r#"{"jsonrpc":"2.0","method":"Playground.add","params":[1,2],"id":1}"#;

/// A request to `POST /` with these lines in its head.
fn with_lines(lines: &str, body: &str) -> String {
    format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{lines}\r\n{body}"
    )
}

/// Requests whose length or lines two readers may see differently.
fn ambiguous() -> Vec<String> {
    let length = CALL.len();
    let chunked = format!("{length:x}\r\n{CALL}\r\n0\r\n\r\n");
    let own = format!("content-length: {length}\r\n");
    let mut requests: Vec<_> = [
        format!("{own}{own}"),
        format!("{own}content-length: 1\r\n"),
        format!("content-length: {length}, {length}\r\n"),
        format!("content-length: +{length}\r\n"),
        format!("x: a\r\n b\r\n{own}"),
        format!("x: a\n{own}"),
        format!("x: a\0b\r\n{own}"),
        format!("x: a\rcontent-length: 1\r\n{own}"),
        format!(": a\r\n{own}"),
        format!("x y: a\r\n{own}"),
    ]
    .map(|lines| with_lines(&lines, CALL))
    .into();
    let heads = [
        format!("{own}transfer-encoding: chunked\r\n"),
        format!("transfer-encoding: chunked\r\n{own}"),
        "transfer-encoding: gzip, chunked\r\n".to_owned(),
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n".to_owned(),
        "transfer-encoding : chunked\r\n".to_owned(),
    ];
    requests.extend(heads.map(|lines| with_lines(&lines, &chunked)));
    let bodies = [
        format!("{length:x}\n{CALL}\r\n0\r\n\r\n"),
        format!("zz\r\n{CALL}\r\n0\r\n\r\n"),
        format!("-1\r\n{CALL}\r\n0\r\n\r\n"),
        format!("ffffffffffffffffff\r\n{CALL}\r\n"),
        format!("1\r\n{CALL}\r\n0\r\n\r\n"),
    ];
    requests.extend(bodies.map(|body| with_lines("transfer-encoding: chunked\r\n", &body)));
    requests.push(with_lines(&own, CALL).replace("\r\n", "\n"));
    requests.push("POST /\0 HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned());
    requests
}

#[tokio::test]
async fn requests_with_two_meanings_are_refused_and_closed() {
    let (running, _) = serve().await;
    for text in ambiguous() {
        // A second request behind it is not to be answered, whatever that of the first is.
        let mut client = Client::connect(&running).await;
        client.send(text.clone() + "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        let answer = client.answer().await.unwrap_or_else(|| panic!("no answer to {text:?}"));
        assert_eq!(answer.status, 400, "{text:?}: {answer:?}");
        assert!(client.is_closed().await, "{text:?}");
    }
    others_are_served(&running).await;
}

#[tokio::test]
async fn requests_that_are_cut_anywhere_harm_nobody() {
    let (running, _) = serve().await;
    let whole = request("POST", "/", &[JSON], CALL);
    for cut in (0..whole.len()).step_by(3) {
        let mut client = Client::connect(&running).await;
        client.send(&whole[..cut]).await;
        drop(client);
    }
    // And byte by byte it is the same request.
    let mut client = Client::connect(&running).await;
    for byte in whole.as_bytes().chunks(1) {
        client.send(byte).await;
    }
    assert!(client.answer().await.unwrap().body.contains("\"result\":3"));
    others_are_served(&running).await;
}

#[tokio::test]
async fn hosts_are_named_once_and_are_this_one() {
    let (running, _) = serve_with(Server::new(), Http::new().host("api.example")).await;
    let rows = [
        ("", 400),
        ("host: a\r\nhost: a\r\n", 400),
        ("host: localhost\r\nhost: localhost\r\n", 400),
        ("host: \r\n", 400),
        ("host: a b\r\n", 400),
        ("host: localhost/x\r\n", 400),
        ("host: user@localhost\r\n", 400),
        ("host: evil.example\r\n", 421),
        ("host: localhost.evil.example\r\n", 421),
        ("host: 10.0.0.1\r\n", 421),
        ("host: localhost\r\n", 200),
        ("host: LOCALHOST:7000\r\n", 200),
        ("host: 127.0.0.1\r\n", 200),
        ("host: [::1]:7000\r\n", 200),
        ("host: api.example:80\r\n", 200),
    ];
    for (host, status) in rows {
        let mut client = Client::connect(&running).await;
        client.send(format!("GET /healthz HTTP/1.1\r\n{host}\r\n")).await;
        let answer = client.answer().await.unwrap();
        assert_eq!(answer.status, status, "{host:?}");
    }
    let mut old = Client::connect(&running).await;
    old.send("GET /healthz HTTP/1.0\r\n\r\n").await;
    assert_eq!(old.answer().await.unwrap().status, 200);
    let mut absolute = Client::connect(&running).await;
    absolute.send("GET http://evil.example/healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert_eq!(absolute.answer().await.unwrap().status, 400);
}

#[tokio::test]
async fn pages_of_other_origins_are_refused() {
    let (running, toys) = serve().await;
    let form = ("content-type", "application/x-www-form-urlencoded");
    let text = ("content-type", "text/plain");
    let rows = [
        (&[JSON, ("origin", "https://evil.example")][..], 403),
        (&[form, ("origin", "https://evil.example")], 403),
        (&[JSON, ("origin", "null")], 403),
        (&[JSON, ("origin", "http://localhost"), ("origin", "http://localhost")], 400),
        (&[form, ("sec-fetch-site", "cross-site")], 415),
        (&[form, ("origin", "http://localhost:3000")], 415),
        (&[text], 415),
        (&[form, ("origin", "http://localhost")], 200),
    ];
    for (headers, status) in rows {
        let mut client = Client::connect(&running).await;
        let answer = client.post("/Playground.note", headers, "[\"x\"]").await;
        assert_eq!(answer.status, status, "{headers:?}");
    }
    assert_eq!(toys.noted().len(), 1);
}

#[tokio::test]
async fn what_is_compressed_is_refused_wherever_it_is_sent() {
    let (running, toys) = serve().await;
    let lines = ("content-type", "application/x-ndjson");
    for coding in ["gzip", "br", "deflate, gzip", "zstd", "identity, gzip"] {
        let coded = ("content-encoding", coding);
        let rows = [
            ("/", JSON, CALL),
            ("/Playground.note", JSON, "[\"x\"]"),
            ("/Tour.sum", lines, "[]\n1\n"),
        ];
        for (path, kind, body) in rows {
            let mut client = Client::connect(&running).await;
            let answer = client.post(path, &[kind, coded], body).await;
            assert_eq!(answer.status, 415, "{coding} {path}: {answer:?}");
        }
    }
    assert_eq!(toys.noted().len(), 0);
    // And nothing is compressed for who would read it.
    let mut client = Client::connect(&running).await;
    let wants = ("accept-encoding", "gzip, br, zstd");
    let answer = client.post("/Playground.add", &[JSON, wants], "[1,2]").await;
    assert_eq!((&*answer.body, answer.headers.get("content-encoding")), ("3\n", None));
    others_are_served(&running).await;
}

#[tokio::test]
async fn what_is_not_ours_behind_the_first_bytes_is_told_so() {
    let (running, _) = serve().await;
    for text in [
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET / \r\nhost: a\r\n\r\n",
        "POST  / HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "CONNECT example:443 HTTP/1.1\r\nhost: example:443\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "PUT /x HTTP/1.1\r\nhost: localhost\r\nupgrade: h2c\r\n\r\n",
    ] {
        let mut client = Client::connect(&running).await;
        client.send(text).await;
        if text.starts_with("GET\r") {
            // Not yet a protocol that is known: it is for the other one to refuse.
            continue;
        }
        let answer = client.answer().await.unwrap_or_else(|| panic!("no answer to {text:?}"));
        assert!((400..500).contains(&answer.status), "{text:?}: {answer:?}");
    }
    let mut client = Client::connect(&running).await;
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnonsense that is no frame at all").await;
    let mut rest = Vec::new();
    // A goaway, and the end.
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut client.0, &mut rest).await;
    others_are_served(&running).await;
}

#[tokio::test]
async fn requests_that_come_together_are_answered_in_order() {
    let (running, _) = serve().await;
    let mut client = Client::connect(&running).await;
    let all: String = (0..50)
        .map(|number| request("POST", "/Playground.add", &[JSON], &format!("[{number},0]")))
        .collect();
    client.send(all).await;
    for number in 0..50 {
        assert_eq!(client.answer().await.unwrap().body, format!("{number}\n"));
    }
}

#[tokio::test]
async fn uploads_that_stall_between_items_end_for_their_handler() {
    let running = impatient().await;
    let mut client = Client::connect(&running).await;
    let head = "POST /Tour.sum HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\ncontent-type: application/x-ndjson\r\n\r\n";
    client.send(format!("{head}3\r\n[]\n\r\n2\r\n7\n\r\n")).await;
    // The handler sums what there was, and gives up waiting for more.
    let answer = client.answer().await.unwrap();
    assert_eq!((answer.status, &*answer.body), (200, "7\n"));
    assert!(client.is_closed().await);
    others_are_served(&running).await;
}
