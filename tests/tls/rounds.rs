//! Calls of every kind over TLS, on every transport, and what a channel knows of its session.

use std::path::Path;

use rpc_core::{
    Address, Channel, Connector, DialError, Endpoint, Incoming, Link, Listener, Peer, Server,
    tls::{ClientTls, ServerTls},
};
use tempfile::TempDir;
use tests::{Authority, TourClient, tourist};
use tokio::{
    io::{DuplexStream, duplex},
    sync::mpsc,
};

use crate::ground::{client, plain, serve, server};

#[tokio::test]
async fn tls_is_toured() {
    let authority = Authority::default();
    for server in [server(), server().threads(2)] {
        let running = server.tls(authority.server_tls()).start("127.0.0.1:0").await.unwrap();
        assert!(running.address().to_string().starts_with("tls:127.0.0.1:"));
        client(&running, authority.client_tls()).await.tour(1 << 20).await;
        running.shutdown().await;
    }
}

#[tokio::test]
async fn the_address_may_say_it_on_either_side() {
    let authority = Authority::default();
    let running = server().tls(authority.server_tls()).start("tls:127.0.0.1:0").await.unwrap();
    let endpoint = tourist().tls(authority.client_tls());
    for address in [running.address().clone(), plain(&running)] {
        TourClient::new(endpoint.connect(address).await.unwrap()).tour(1000).await;
    }
    let address = running.address().to_string();
    let name = address.replace("127.0.0.1", "localhost");
    TourClient::new(endpoint.connect(name).await.unwrap()).tour(1000).await;
    running.shutdown().await;
    let error = endpoint.connect(&address).await.unwrap_err();
    assert_eq!(error.to_string(), format!("nothing is listening at {address}"));
}

#[tokio::test]
async fn a_session_says_what_was_agreed_upon() {
    let authority = Authority::default();
    let running = serve(authority.server_tls()).await;
    let client = client(&running, authority.client_tls()).await;
    let peer = client.channel().peer();
    let session = peer.tls().unwrap();
    assert_eq!((session.version(), session.alpn()), ("TLS 1.3", Some("rpc/1")));
    assert_eq!(session.key_exchange(), "X25519MLKEM768");
    assert!(session.cipher().starts_with("TLS13_AES_"), "{session}");
    assert!(!session.is_resumed());
    let certificate = session.peer_certificate().unwrap();
    assert_eq!(certificate.dns_names(), ["localhost"]);
    assert_eq!(certificate.ip_addresses(), ["127.0.0.1".parse::<std::net::IpAddr>().unwrap()]);
    assert_eq!(certificate.issuer(), "CN=the tests' authority");
    assert!(certificate.not_after() > Some(std::time::SystemTime::now()));
    running.shutdown().await;
}

/// A Unix socket has no name to be checked: it is given.
#[tokio::test]
async fn unix_sockets_are_toured() {
    let (authority, directory) = (Authority::default(), TempDir::new().unwrap());
    let address = Address::Unix(directory.path().join("socket"));
    let running = server().tls(authority.server_tls()).start(address).await.unwrap();
    let tls = authority.client_tls();
    let error = tourist().tls(tls.clone()).connect(running.address()).await.unwrap_err();
    assert!(error.to_string().contains("ClientTls::server_name"), "{error}");
    client(&running, tls.server_name("localhost").unwrap()).await.tour(100_000).await;
    running.shutdown().await;
}

/// Pipes, one end of which is dialled.
struct Pipes(mpsc::Sender<DuplexStream>);

impl Connector for Pipes {
    fn address(&self) -> Address {
        Address::Other("pipes".to_owned())
    }

    async fn connect(&self) -> Result<Link, DialError> {
        let (near, far) = duplex(1000);
        self.0.send(far).await.unwrap();
        Ok(Link::new(near, Peer::new("pipe")))
    }
}

struct Ends(mpsc::Receiver<DuplexStream>);

impl Listener for Ends {
    async fn accept(&mut self) -> Incoming {
        match self.0.recv().await {
            Some(end) => Link::new(end, Peer::new("pipe")).into(),
            None => std::future::pending().await,
        }
    }

    fn address(&self) -> Address {
        Address::Other("pipes".to_owned())
    }
}

#[tokio::test]
async fn listeners_and_connectors_of_the_programs_own_are_toured() {
    let (authority, (near, far)) = (Authority::default(), mpsc::channel(1));
    let running = server().tls(authority.server_tls()).start_on(Ends(far)).unwrap();
    let tls = authority.client_tls().server_name("localhost").unwrap();
    let channel = tourist().tls(tls).connect_with(Pipes(near)).await.unwrap();
    TourClient::new(channel).tour(100_000).await;
    running.shutdown().await;
}

#[tokio::test]
async fn a_stream_that_is_there_already_is_not_used_unencrypted() {
    let endpoint = tourist().tls(Authority::default().client_tls());
    let error = endpoint.over(duplex(1).0, Peer::new("pipe")).unwrap_err();
    assert!(error.to_string().contains("Endpoint::connect_with"), "{error}");
}

/// What does not leave the process is not encrypted.
#[tokio::test]
async fn a_server_in_memory_needs_no_tls() {
    let server = server().tls(Authority::default().server_tls());
    TourClient::new(tourist().in_memory(server)).tour(1000).await;
}

#[tokio::test]
async fn files_are_read_as_text_is() {
    let (authority, directory) = (Authority::default(), TempDir::new().unwrap());
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let leaf = authority.server(&["127.0.0.1"]);
    let ca = file("ca.pem", &authority.pem);
    let tls = ServerTls::from_files(file("1", &leaf.certificates), file("2", &leaf.key)).unwrap();
    let running = serve(tls.client_certificates(&*ca).unwrap()).await;
    let leaf = authority.client("alice", "spiffe://home/alice");
    let tls = ClientTls::roots_pem(Path::new(&ca)).unwrap();
    let tls = tls.identity_files(file("3", &leaf.certificates), file("4", &leaf.key)).unwrap();
    client(&running, tls).await.tour(1000).await;
    running.shutdown().await;
}

/// Its certificate is vouched for by nobody whom this machine knows.
#[tokio::test]
async fn without_more_words_the_platforms_authorities_are_asked() {
    let running = serve(Authority::default().server_tls()).await;
    let error = Channel::connect(running.address()).await.unwrap_err();
    assert!(error.to_string().contains("authority"), "{error}");
    running.shutdown().await;
}

#[tokio::test]
async fn a_server_without_a_certificate_does_not_listen_where_tls_is_asked_for() {
    let error = Server::new().start("tls:127.0.0.1:0").await.unwrap_err();
    assert!(error.to_string().contains("Server::tls"), "{error}");
}

#[tokio::test]
async fn an_endpoint_that_is_not_told_dials_without() {
    let plain = server().start("127.0.0.1:0").await.unwrap();
    let channel = Endpoint::new().connect(plain.address()).await.unwrap();
    assert!(channel.peer().tls().is_none());
    plain.shutdown().await;
}
