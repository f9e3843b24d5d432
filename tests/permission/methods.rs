//! Methods that require permissions: who is refused, with which words, and that nothing is read or started.

use futures_util::stream;
use rpc_core::{
    Code, Endpoint, Peer, Principal, Server,
    proto::{
        CallId, Failure, Streams,
        wire::{Flags, Kind},
    },
};
use tests::{RawPeer, wire};

use crate::orders::{
    Book, CHIEF, CLERK, LobbyClient, OrdersClient, OrdersServer, connect, judging, refused, server,
    soon,
};

const LACKS: &str = "requires orders:read and orders:write, and this caller lacks orders:write";

#[tokio::test]
async fn every_kind_of_call_is_refused_to_whom_a_permission_lacks() {
    let (running, book) = judging().await;
    let (orders, lobby) = connect(&running, CLERK).await;
    assert_eq!(orders.count().await.unwrap(), 0);
    let (code, words) = refused(orders.cancel(1).await);
    assert_eq!((code, &*words), (Code::PermissionDenied, &*format!("Orders.cancel {LACKS}")));
    let (code, words) = refused(orders.watch(1).await);
    assert_eq!((code, &*words), (Code::PermissionDenied, &*format!("Orders.watch {LACKS}")));
    let (code, words) = refused(orders.import(stream::iter(0..1000)).await);
    assert_eq!((code, &*words), (Code::PermissionDenied, &*format!("Orders.import {LACKS}")));
    let (code, _) = refused(orders.append(1).await);
    assert_eq!(code, Code::PermissionDenied);
    for number in 0..10 {
        orders.note(number).await.unwrap();
    }
    // The connection lives, and what was sent one way has come by now.
    assert_eq!(lobby.who().await.unwrap(), r#"Named("clerk")"#);
    assert_eq!(book.started(), 2);
}

#[tokio::test]
async fn every_kind_of_call_is_served_to_who_has_all_permissions() {
    let (running, book) = judging().await;
    let (orders, lobby) = connect(&running, CHIEF).await;
    assert_eq!(orders.cancel(3).await.unwrap(), r#"Named("chief") cancelled 3"#);
    let mut numbers = orders.watch(5).await.unwrap();
    let mut seen = Vec::new();
    while let Some(number) = numbers.next().await {
        seen.push(number.unwrap());
    }
    assert_eq!(seen, [5, 6, 7]);
    assert_eq!(orders.import(stream::iter(0..1000)).await.unwrap(), 499_500);
    assert_eq!(orders.append(4).await.unwrap(), 4);
    orders.note(1).await.unwrap();
    assert!(lobby.may("orders:anything").await.unwrap());
    assert!(!lobby.may("stock:read").await.unwrap());
    assert_eq!(book.started(), 5);
}

/// PROTOCOL §19: a refusal of a caller that nobody knows has a code of its own.
#[tokio::test]
async fn who_proves_nothing_is_told_so() {
    let (running, book) = judging().await;
    let orders = OrdersClient::connect(running.address()).await.unwrap();
    let (code, words) = refused(orders.count().await);
    assert_eq!(code, Code::Unauthenticated);
    assert_eq!(words, "Orders.count requires orders:read, and nothing proves who calls");
    assert_eq!(book.started(), 0);
}

/// The status of an error frame.
fn status(payload: &[u8]) -> rpc_core::Status {
    match Failure::decode(payload).unwrap() {
        Failure::Status(status) => status,
        Failure::Application(error) => panic!("an error of the trait: {error:?}"),
    }
}

#[tokio::test]
async fn permission_refused_before_any_argument_byte_is_decoded() {
    let (running, book) = judging().await;
    let mut peer = RawPeer::connect(running.address()).await.unwrap();
    let token = wire::entry(11, CLERK.as_bytes());
    peer.send(&wire::greeting(1, &[token])).await.unwrap();
    let key = |name: &str| OrdersClient::schema().method(name).unwrap().key;
    // Bytes that are not arguments of any method: too few, none that end, too many.
    let wrong: [&[u8]; 4] = [b"", b"\xfd", b"\xff\xff\xff\xff", &[0x80; 1000]];
    for (number, bytes) in (0u32..).zip(wrong) {
        // They would not decode: who may call learns that.
        peer.send(&RawPeer::request(2 * number, key("cancel"), bytes)).await.unwrap();
        let (head, payload) = soon(peer.next(Kind::Error)).await.unwrap();
        assert_eq!(head.id, CallId::new(2 * number));
        let refused = status(&payload);
        assert_eq!((refused.code(), refused.may_have_run()), (Code::PermissionDenied, false));
        assert_eq!(refused.message(), format!("Orders.cancel {LACKS}"));
        peer.send(&wire::streaming(2 * number + 1, key("watch"), Streams::DOWN)).await.unwrap();
        let (_, payload) = soon(peer.next(Kind::Error)).await.unwrap();
        assert_eq!(status(&payload).code(), Code::PermissionDenied);
        peer.send(&wire::oneway(key("note"), bytes)).await.unwrap();
    }
    // The same bytes where nothing is required are wrong arguments.
    let who = LobbyClient::schema().method("who").unwrap().key;
    peer.send(&RawPeer::request(90, who, b"\xff")).await.unwrap();
    let (_, payload) = soon(peer.next(Kind::Error)).await.unwrap();
    assert_eq!(status(&payload).code(), Code::InvalidArgument);
    peer.send(&RawPeer::request(91, who, b"")).await.unwrap();
    let (head, _) = soon(peer.next(Kind::Response)).await.unwrap();
    assert_eq!((head.id, head.flags), (CallId::new(91), Flags::NONE));
    assert_eq!(book.started(), 1);
}

#[tokio::test]
async fn without_an_authenticator_what_requires_a_permission_is_refused_to_all() {
    let (server, book) = server();
    let running = server.start("127.0.0.1:0").await.unwrap();
    // A token is passed over there.
    let (orders, lobby) = connect(&running, CHIEF).await;
    assert_eq!(lobby.who().await.unwrap(), "Unknown");
    assert_eq!(lobby.who().token("another").await.unwrap(), "Unknown");
    assert_eq!(refused(orders.count().await).0, Code::Unauthenticated);
    assert_eq!(refused(orders.count().token(CHIEF).await).0, Code::Unauthenticated);
    assert_eq!(book.started(), 2);
}

#[tokio::test]
async fn whatever_brings_a_stream_may_say_who_is_at_its_other_end() {
    let (near, far) = tokio::io::duplex(4096);
    let server = Server::new().with(OrdersServer::new(Book::default()));
    let peer = Peer::new("tunnel").with(Principal::named("operator").grant("orders:*"));
    let _running = server.serve_io(far, peer).unwrap();
    let channel = Endpoint::new().over(near, Peer::new("server")).unwrap();
    let orders = OrdersClient::new(channel);
    assert_eq!(orders.cancel(1).await.unwrap(), r#"Named("operator") cancelled 1"#);
}

#[tokio::test]
async fn a_server_in_memory_asks_too() {
    let (server, _) = server();
    let judge = async |credentials: rpc_core::Credentials| crate::orders::by_words(&credentials);
    let channel = Endpoint::new().token(CHIEF).in_memory(server.authenticate(judge));
    let cancelled = OrdersClient::new(channel).cancel(1).await.unwrap();
    assert_eq!(cancelled, r#"Named("chief") cancelled 1"#);
}

#[cfg(unix)]
#[tokio::test]
async fn the_system_vouches_for_processes_and_an_authenticator_may_go_by_that() {
    use rpc_core::{Credentials, Identity};

    let (server, _) = server();
    let directory = tempfile::TempDir::new().unwrap();
    let judge = async |Credentials { peer, token, .. }: Credentials| match (peer.identity(), token)
    {
        (Identity::Process { .. }, None) => Ok(Principal::anonymous().grant("orders:read")),
        (Identity::Process { .. }, Some(_)) => Ok(Principal::named("admin").grant("orders:*")),
        _ => Err("only processes of this machine".into()),
    };
    let path = directory.path().join("socket");
    let address = rpc_core::Address::Unix(path);
    let running = server.authenticate(judge).start(address).await.unwrap();
    let channel = Endpoint::new().connect(running.address()).await.unwrap();
    let (orders, lobby) = (OrdersClient::new(channel.clone()), LobbyClient::new(channel));
    // What the authenticator does not say is the transport's to say.
    let who = lobby.who().await.unwrap();
    assert!(who.starts_with("Process { user: "), "{who}");
    orders.count().await.unwrap();
    assert_eq!(refused(orders.cancel(1).await).0, Code::PermissionDenied);
    let (orders, _) = connect(&running, "whatever").await;
    assert_eq!(orders.cancel(1).await.unwrap(), r#"Named("admin") cancelled 1"#);
}
