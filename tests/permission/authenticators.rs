//! Authenticators that are slow, fail, panic or hang: each connection is refused in its time, with a reason, and others
//! go on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rpc_core::{
    Channel, Code, Credentials, Endpoint, Principal, Refusal, Running, Server,
    proto::wire::{CloseCode, GoAway, Kind},
};
use tests::{RawPeer, wire};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::Semaphore,
};

use crate::orders::{
    Book, CHIEF, LobbyClient, NOBODY, OrdersClient, by_words, connect, refused, server, soon,
};

/// What may become of one that is asked, by the token that it is shown.
async fn tempers(credentials: Credentials) -> Result<Principal, Refusal> {
    match credentials.token.as_ref().and_then(rpc_core::Token::as_str) {
        Some("hang") => std::future::pending().await,
        Some("panic") => panic!("out of order"),
        Some("out") => Err(Refusal::unavailable("the directory of users does not answer")),
        Some("slow") => {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            by_words(&credentials)
        }
        _ => by_words(&credentials),
    }
}

/// A server that has little patience.
async fn short_tempered(server: Server) -> Running {
    let server = server.handshake_timeout(Duration::from_millis(400)).authenticate(tempers);
    server.start("127.0.0.1:0").await.unwrap()
}

async fn channel(running: &Running, token: &str) -> Channel {
    Endpoint::new().token(token).connect(running.address()).await.unwrap()
}

#[tokio::test]
async fn an_authenticator_that_is_slow_fails_panics_or_hangs_refuses_in_time_and_others_go_on() {
    let (server, book) = server();
    let running = short_tempered(server).await;
    let (orders, _) = connect(&running, CHIEF).await;
    let rows = [
        (NOBODY, Code::Unauthenticated, "nobody has this token"),
        ("out", Code::Unavailable, "the directory of users does not answer"),
        ("panic", Code::Unavailable, "its authenticator failed"),
        ("hang", Code::Unavailable, "could not tell who calls within"),
    ];
    for (token, code, words) in rows {
        let before = book.started();
        let refused_one = async {
            let lobby = LobbyClient::new(channel(&running, token).await);
            // The early call, and one that comes when all is known.
            for _ in 0..2 {
                let (got, said) = refused(lobby.who().await);
                assert_eq!(got, code, "{token}: {said}");
                assert!(said.contains(words), "{token}: {said}");
                assert!(said.ends_with("the call was not started"), "{token}: {said}");
            }
            let ready = lobby.channel().ready().await.unwrap_err();
            assert_eq!(ready.code(), code, "{token}: {ready}");
        };
        let others = async {
            for number in 0..50 {
                orders.cancel(number).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        soon(async { tokio::join!(refused_one, others) }).await;
        assert_eq!(book.started(), before + 50, "{token}");
    }
    // One that takes its time and then lets in.
    let lobby = LobbyClient::new(channel(&running, "slow").await);
    assert_eq!(soon(lobby.who()).await.unwrap(), r#"Named("slow")"#);
    running.shutdown().await;
}

#[tokio::test]
async fn the_goaway_of_a_refusal_says_that_nothing_was_accepted() {
    let (server, book) = server();
    let running = short_tempered(server).await;
    let rows = [
        (NOBODY, CloseCode::Unauthenticated),
        ("out", CloseCode::Abort),
        ("panic", CloseCode::Abort),
        ("hang", CloseCode::Abort),
    ];
    for (token, code) in rows {
        let mut peer = RawPeer::connect(running.address()).await.unwrap();
        let who = LobbyClient::schema().method("who").unwrap().key;
        let mut bytes = wire::greeting(1, &[wire::entry(11, token.as_bytes())]);
        (0..8).for_each(|id| bytes.extend(RawPeer::request(id, who, b"")));
        peer.send(&bytes).await.unwrap();
        let (_, payload) = soon(peer.next(Kind::GoAway)).await.unwrap();
        let goaway = GoAway::decode(&payload).unwrap();
        assert_eq!((goaway.code, goaway.accepted), (code, 0), "{token}: {}", goaway.message);
        assert_eq!(soon(peer.frame_or_end()).await.unwrap(), None, "{token}: and it is closed");
    }
    assert_eq!(book.started(), 0);
}

#[tokio::test]
async fn a_peer_that_says_hello_byte_by_byte_is_judged_as_any_other() {
    let (server, _) = server();
    let running = server
        .authenticate(async |credentials: Credentials| by_words(&credentials))
        .start("127.0.0.1:0")
        .await
        .unwrap();
    for (token, kind) in [(CHIEF, Kind::Response), (NOBODY, Kind::GoAway)] {
        let mut peer = RawPeer::connect(running.address()).await.unwrap();
        let count = OrdersClient::schema().method("count").unwrap().key;
        let mut bytes = wire::greeting(1, &[wire::entry(11, token.as_bytes())]);
        bytes.extend(RawPeer::request(0, count, b""));
        // A refused peer may find the way closed before it is done.
        let _ = peer.send_slowly(&bytes).await;
        let (head, _) = soon(peer.next(kind)).await.unwrap();
        assert_eq!(head.kind, kind);
    }
}

/// Asks nobody, and counts that.
fn counted(server: Server) -> (Server, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let judge = move |credentials: Credentials| {
        count.fetch_add(1, Ordering::SeqCst);
        std::future::ready(by_words(&credentials))
    };
    (server.authenticate(judge), asked)
}

#[tokio::test]
async fn strangers_and_broken_greetings_are_turned_away_without_asking() {
    let (server, _) = server();
    let (server, asked) = counted(server);
    let running = server.start("127.0.0.1:0").await.unwrap();
    let said = async |bytes: &[u8]| {
        let mut stream = TcpStream::connect(running.address().to_string()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        soon(stream.read_to_end(&mut answer)).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    };
    assert!(said(b"GET / HTTP/1.1\r\n\r\n").await.starts_with("HTTP/1.1 400"));
    assert!(said(b"SSH-2.0-x\r\n").await.contains("it sent SSH"));
    let long = wire::greeting(1, &[wire::entry(11, &[b'x'; 2049])]);
    assert!(said(&long).await.contains("hello frame has an invalid token"));
    let empty = wire::greeting(1, &[wire::entry(11, b"")]);
    assert!(said(&empty).await.contains("hello frame has an invalid token"));
    let other =
        [&wire::greeting(1, &[])[..8], &RawPeer::request(0, rpc_core::MethodKey::bare("a.b"), b"")];
    assert!(said(&other.concat()).await.contains("first frame is request, but must be hello"));
    // One that leaves in the middle of its hello is told nothing that it could read.
    let cut = wire::greeting(1, &[]);
    said(&cut[..10]).await;
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    let (orders, _) = connect(&running, CHIEF).await;
    orders.count().await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

/// Waits until so many are asked, and hangs.
#[derive(Clone)]
struct Hanging {
    asked: Arc<AtomicUsize>,
    told: Arc<tokio::sync::Notify>,
    dropped: Arc<Semaphore>,
}

struct Dropped(Arc<Semaphore>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

impl rpc_core::Authenticator for Hanging {
    async fn authenticate(&self, credentials: Credentials) -> Result<Principal, Refusal> {
        if credentials.token.is_some() {
            return by_words(&credentials);
        }
        let _dropped = Dropped(Arc::clone(&self.dropped));
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.told.notify_one();
        std::future::pending().await
    }
}

impl Hanging {
    fn new() -> Self {
        let (asked, told) = (Arc::default(), Arc::default());
        Self { asked, told, dropped: Arc::new(Semaphore::new(0)) }
    }

    async fn until_asked(&self, times: usize) {
        while self.asked.load(Ordering::SeqCst) < times {
            self.told.notified().await;
        }
    }
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_a_verdict() {
    let (server, book): (Server, Book) = server();
    let hanging = Hanging::new();
    let long = Duration::from_secs(3600);
    let server = server.handshake_timeout(long).authenticate(hanging.clone());
    let running = server.start("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::new().handshake_timeout(long);
    let lobby = LobbyClient::new(endpoint.connect(running.address()).await.unwrap());
    let call = tokio::spawn(async move { lobby.who().await });
    soon(hanging.until_asked(1)).await;
    soon(running.shutdown()).await;
    assert_eq!(refused(soon(call).await.unwrap()).0, Code::Unavailable);
    assert_eq!(book.started(), 0);
    assert_eq!(hanging.dropped.available_permits(), 1, "nobody waits for it any more");
}

#[tokio::test]
async fn who_waits_for_a_verdict_makes_room_for_others() {
    let (server, _) = server();
    let hanging = Hanging::new();
    let long = Duration::from_secs(3600);
    let server = server.handshake_timeout(long).max_handshakes(2).authenticate(hanging.clone());
    let running = server.start("127.0.0.1:0").await.unwrap();
    let mut waiting = Vec::new();
    for number in 1..=6 {
        let mut peer = RawPeer::connect(running.address()).await.unwrap();
        peer.send(&RawPeer::greeting()).await.unwrap();
        soon(hanging.until_asked(number)).await;
        waiting.push(peer);
    }
    let (orders, _) = connect(&running, CHIEF).await;
    soon(orders.count()).await.unwrap();
    // The oldest had to go, and nobody waits for their verdicts any more.
    for peer in &mut waiting[..4] {
        let (_, payload) = soon(peer.next(Kind::GoAway)).await.unwrap();
        assert_eq!(wire::farewell(&payload).unwrap().0, CloseCode::Timeout);
    }
    drop(soon(hanging.dropped.acquire_many(4)).await.unwrap());
}

#[tokio::test]
async fn connections_are_judged_side_by_side() {
    let (server, _) = server();
    let go_on = Arc::new(Semaphore::new(0));
    let (waiting, judged) = (Arc::clone(&go_on), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&judged);
    let judge = move |credentials: Credentials| {
        let (waiting, count) = (Arc::clone(&waiting), Arc::clone(&count));
        async move {
            count.fetch_add(1, Ordering::SeqCst);
            waiting.acquire().await.unwrap().forget();
            by_words(&credentials)
        }
    };
    let running = server.authenticate(judge).start("127.0.0.1:0").await.unwrap();
    let calls: Vec<_> = (0..20)
        .map(|number| {
            let address = running.address().clone();
            tokio::spawn(async move {
                let endpoint = Endpoint::new().token(format!("caller-{number} orders:read"));
                let channel = endpoint.connect(address).await.unwrap();
                LobbyClient::new(channel).who().await.unwrap()
            })
        })
        .collect();
    let all = async {
        while judged.load(Ordering::SeqCst) < 20 {
            tokio::task::yield_now().await;
        }
    };
    soon(all).await;
    go_on.add_permits(20);
    for (number, call) in calls.into_iter().enumerate() {
        assert_eq!(soon(call).await.unwrap(), format!("Named(\"caller-{number}\")"));
    }
}
