//! Calls that ride with the hello: none starts before the verdict of the authenticator.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use rpc_core::{Code, Credentials, Endpoint, Running, proto::wire::Kind};
use tests::{RawPeer, wire};
use tokio::sync::{Notify, Semaphore};

use crate::orders::{
    Book, CHIEF, LobbyClient, NOBODY, OrdersClient, by_words, refused, server, soon,
};

/// A server whose authenticator has been asked, and goes on when it is told.
struct Judging {
    running: Running,
    book: Book,
    asked: Arc<Notify>,
    go_on: Arc<Semaphore>,
    /// How many handlers had started when the verdict was given.
    before: Arc<AtomicUsize>,
}

async fn judging() -> Judging {
    let (server, book) = server();
    let (asked, go_on) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
    let (tell, wait) = (Arc::clone(&asked), Arc::clone(&go_on));
    let before = Arc::new(AtomicUsize::new(usize::MAX));
    let (watched, count) = (book.clone(), Arc::clone(&before));
    let judge = move |credentials: Credentials| {
        let (tell, wait) = (Arc::clone(&tell), Arc::clone(&wait));
        let (watched, count) = (watched.clone(), Arc::clone(&count));
        async move {
            tell.notify_one();
            wait.acquire().await.unwrap().forget();
            count.store(watched.started(), Ordering::SeqCst);
            by_words(&credentials)
        }
    };
    let running = server.authenticate(judge).start("127.0.0.1:0").await.unwrap();
    Judging { running, book, asked, go_on, before }
}

#[tokio::test]
async fn early_calls_before_the_verdict_of_the_authenticator_none_starts_before_it() {
    let judging = judging().await;
    let mut peer = RawPeer::connect(judging.running.address()).await.unwrap();
    let count = OrdersClient::schema().method("count").unwrap().key;
    let ring = LobbyClient::schema().method("ring").unwrap().key;
    let mut bytes = wire::greeting(1, &[wire::entry(11, CHIEF.as_bytes())]);
    (0..6).for_each(|id| bytes.extend(RawPeer::request(id, count, b"")));
    (0..2).for_each(|_| bytes.extend(wire::oneway(ring, b"")));
    peer.send(&bytes).await.unwrap();
    soon(judging.asked.notified()).await;
    // Time for whatever would start.
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    judging.go_on.add_permits(1);
    // Hello is the answer, and all eight run now.
    soon(peer.next(Kind::Hello)).await.unwrap();
    for _ in 0..6 {
        soon(peer.next(Kind::Response)).await.unwrap();
    }
    assert_eq!(judging.before.load(Ordering::SeqCst), 0, "nothing starts before the verdict");
    let all = async {
        while judging.book.started() < 8 {
            tokio::task::yield_now().await;
        }
    };
    soon(all).await;
}

#[tokio::test]
async fn early_calls_of_who_is_refused_never_start() {
    let judging = judging().await;
    let endpoint = Endpoint::new().token(NOBODY);
    let channel = endpoint.connect(judging.running.address()).await.unwrap();
    let lobby = LobbyClient::new(channel);
    let calls: Vec<_> = (0..12)
        .map(|_| {
            let lobby = lobby.clone();
            tokio::spawn(async move { lobby.who().await })
        })
        .collect();
    soon(judging.asked.notified()).await;
    assert_eq!(lobby.channel().state(), rpc_core::ChannelState::Connecting);
    judging.go_on.add_permits(1);
    for call in calls {
        let (code, words) = refused(soon(call).await.unwrap());
        assert_eq!(code, Code::Unauthenticated);
        assert!(words.contains("nobody has this token"), "{words}");
    }
    assert_eq!(judging.book.started(), 0);
}
