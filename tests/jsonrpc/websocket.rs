//! The protocol over WebSocket, on the same port: everything works there that works over TCP.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use rpc_core::{
    Code, Credentials, DialError, Endpoint, Http, Principal, Reconnect, Running, Server,
};
use tests::{
    Authority, PlaygroundClient, TourClient,
    http::{Client, request},
    tourist,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::ground::{serve, serve_with};

fn url(running: &Running) -> String {
    format!("ws://{}/", running.address())
}

const UPGRADE: [(&str, &str); 5] = [
    ("connection", "keep-alive, Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("sec-websocket-protocol", "other, rpc.v1"),
];

#[tokio::test]
async fn every_kind_of_call_travels_over_web_socket() {
    let (running, _) = serve().await;
    let tour = TourClient::new(tourist().connect(url(&running)).await.unwrap());
    tour.tour(3 << 20).await;
    let short = format!("ws:{}", running.address());
    let client = PlaygroundClient::connect(short).await.unwrap();
    assert_eq!(client.add(1, 2).await, Ok(3));
    // With TLS it is the same.
    let authority = Authority::default();
    let (running, _) = serve_with(Server::new().tls(authority.server_tls()), Http::new()).await;
    let address = running.address().to_string().replace("tls:", "wss://") + "/";
    let secure = tourist().tls(authority.client_tls());
    TourClient::new(secure.connect(&address).await.unwrap()).tour(300_000).await;
    let unknown = Endpoint::new().tls(Authority::default().client_tls());
    let error = unknown.connect(&address).await.unwrap_err();
    assert!(matches!(error, DialError::Handshake { .. }), "{error}");
}

#[tokio::test]
async fn connections_are_told_of_judged_and_drained_as_all_are() {
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let server = Server::new()
        .on_connection(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        })
        .authenticate(async |credentials: Credentials| match credentials.token {
            Some(token) if token == "right".into() => Ok(Principal::named("ada")),
            _ => Err("show a token".into()),
        });
    let (running, toys) = serve_with(server, Http::new()).await;
    let refused = PlaygroundClient::connect(url(&running)).await.unwrap();
    let status = refused.add(1, 2).await.unwrap_err();
    assert_eq!(status.status().unwrap().code(), Code::Unauthenticated);
    let endpoint = Endpoint::new().reconnect(Reconnect::off()).token("right");
    let channel = endpoint.connect(url(&running)).await.unwrap();
    let client = PlaygroundClient::new(channel);
    assert_eq!(client.add(1, 2).await, Ok(3));
    assert_eq!(seen.load(Ordering::SeqCst), 1);
    // A shutdown waits for what runs, and starts nothing more.
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.wait().await }
    });
    toys.until_waiting(1).await;
    let shutdown = tokio::spawn(running.shutdown());
    client.channel().draining().await;
    tests::Playground::open(&toys, 1).await;
    assert_eq!(waiting.await.unwrap(), Ok(7));
    shutdown.await.unwrap();
}

#[tokio::test]
async fn handlers_end_when_the_client_is_cut_off() {
    let (running, toys) = serve().await;
    let client = PlaygroundClient::connect(url(&running)).await.unwrap();
    let call = tokio::spawn(async move { client.wait().await });
    toys.until_waiting(1).await;
    call.abort();
    toys.until_waiting(0).await;
}

#[tokio::test]
async fn upgrades_that_are_none_are_refused_with_a_reason() {
    let (running, _) = serve().await;
    let without = |name: &str| -> Vec<(&str, &str)> {
        UPGRADE.into_iter().filter(|(known, _)| *known != name).collect()
    };
    let with = |name: &'static str, value: &'static str| -> Vec<(&str, &str)> {
        without(name).into_iter().chain([(name, value)]).collect()
    };
    let rows = [
        (without("connection"), 400),
        (with("connection", "close"), 400),
        (with("upgrade", "h2c"), 400),
        (without("sec-websocket-version"), 426),
        (with("sec-websocket-version", "8"), 426),
        (without("sec-websocket-key"), 400),
        (with("sec-websocket-key", "short"), 400),
        (with("sec-websocket-protocol", "soap"), 400),
        (with("origin", "https://evil.example"), 403),
        (with("host", "evil.example"), 421),
        (with("origin", "http://localhost:3000"), 101),
        (UPGRADE.to_vec(), 101),
    ];
    for (headers, status) in rows {
        let mut client = Client::connect(&running).await;
        client.send(request("GET", "/", &headers, "")).await;
        let (answered, told) = client.head().await.unwrap();
        assert_eq!(answered, status, "{headers:?}");
        if status == 101 {
            assert_eq!(told["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
            assert_eq!(told["sec-websocket-protocol"], "rpc.v1");
        }
    }
    let (plain, _) = (tests::Served::over(tests::Transport::Tcp, rpc_core::Codec::Json).await, ());
    let error = Endpoint::new().connect(format!("ws:{}", plain.address())).await.unwrap_err();
    assert!(error.to_string().contains("400 Bad Request This port speaks"), "{error}");
}

#[tokio::test]
async fn what_is_no_message_or_none_of_ours_ends_the_connection() {
    let (running, _) = serve().await;
    // A frame that is not masked, one with a reserved bit, a text, garbage, a message that is too long, a control frame in
    // pieces.
    let frames: [&[u8]; 7] = [
        b"\x82\x01a",
        b"\xc2\x81\0\0\0\0a",
        b"\x81\x81\0\0\0\0a",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0",
        b"\x09\x81\0\0\0\0a",
        b"\x82\x88\0\0\0\0GET / HT",
    ];
    for frame in frames {
        let mut client = Client::connect(&running).await;
        client.send(request("GET", "/", &UPGRADE, "")).await;
        assert_eq!(client.head().await.unwrap().0, 101);
        client.send(frame).await;
        let mut rest = Vec::new();
        let _ = client.0.read_to_end(&mut rest).await;
    }
    // A ping is answered while nobody has said hello.
    let mut client = Client::connect(&running).await;
    client.send(request("GET", "/", &UPGRADE, "")).await;
    client.head().await.unwrap();
    client.0.write_all(b"\x89\x81\0\0\0\0p").await.unwrap();
    let mut pong = [0; 3];
    client.0.read_exact(&mut pong).await.unwrap();
    assert_eq!(&pong, b"\x8a\x01p");
    let other = PlaygroundClient::connect(running.address()).await.unwrap();
    assert_eq!(other.add(1, 2).await, Ok(3));
}
