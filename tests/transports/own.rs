//! A listener and a connector of the program's own.

use std::{io, time::Duration};

use rpc_core::{
    Address, Connector, DialError, Endpoint, Identity, Incoming, Link, Listener, Peer, Server,
};
use tests::{TourClient, tourist};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
    sync::mpsc,
};

use crate::duplex::server;

/// Streams go through a queue, and say a word before anything else: whoever does not know it is not let in.
struct Gate(mpsc::Receiver<DuplexStream>);

#[derive(Clone)]
struct Knock {
    gate: mpsc::Sender<DuplexStream>,
    word: &'static [u8; 6],
}

fn address() -> Address {
    Address::Other("gate:1".to_owned())
}

fn gate() -> (Gate, Knock) {
    let (gate, waiting) = mpsc::channel(8);
    (Gate(waiting), Knock { gate, word: b"sesame" })
}

async fn let_in(mut stream: DuplexStream) -> io::Result<Link> {
    let mut word = [0; 6];
    stream.read_exact(&mut word).await?;
    if word != *b"sesame" {
        return Err(io::Error::other("a wrong word"));
    }
    stream.write_all(b"!").await?;
    Ok(Link::new(stream, Peer::new("gate").with_identity(Identity::Named("ali".into()))))
}

impl Listener for Gate {
    async fn accept(&mut self) -> Incoming {
        match self.0.recv().await {
            Some(stream) => Incoming::new(let_in(stream)),
            None => std::future::pending().await,
        }
    }

    fn address(&self) -> Address {
        address()
    }
}

impl Connector for Knock {
    fn address(&self) -> Address {
        address()
    }

    async fn connect(&self) -> Result<Link, DialError> {
        let failed = |reason| DialError::new(address(), reason);
        let (mut near, far) = duplex(4096);
        let closed = |_| failed(io::ErrorKind::ConnectionRefused.into());
        self.gate.send(far).await.map_err(closed)?;
        near.write_all(self.word).await.map_err(failed)?;
        let mut answer = [0];
        near.read_exact(&mut answer).await.map_err(failed)?;
        Ok(Link::new(near, Peer::new("gate")))
    }
}

async fn check(server: Server) {
    let (gate, knock) = gate();
    let running = server.start_on(gate).unwrap();
    assert_eq!(running.address(), &address());
    for _ in 0..3 {
        let client = TourClient::new(tourist().connect_with(knock.clone()).await.unwrap());
        assert_eq!(client.who().await.unwrap(), "gate Named(\"ali\")");
        client.tour(100_000).await;
    }
    let stranger = Knock { word: b"please", ..knock.clone() };
    let error = tourist().connect_with(stranger).await.unwrap_err();
    assert!(matches!(error, DialError::Connect { .. }), "{error}");
    assert!(error.to_string().contains("gate:1"), "{error}");
    running.shutdown().await;
    let error = tourist().connect_with(knock.clone()).await.unwrap_err();
    assert_eq!(error.to_string(), "nothing is listening at gate:1");
}

#[tokio::test]
async fn a_listener_and_a_connector_of_the_programs_own_are_used() {
    check(server()).await;
}

#[tokio::test]
async fn they_are_used_by_a_server_with_threads_too() {
    check(server().threads(2)).await;
}

/// Nobody waits for a peer that does not go on with the transport's own handshake.
#[tokio::test(start_paused = true)]
async fn the_handshake_timeout_bounds_the_transports_own_handshake() {
    let (gate, knock) = gate();
    let running = server().handshake_timeout(Duration::from_secs(5)).start_on(gate).unwrap();
    let (mut silent, far) = duplex(64);
    knock.gate.send(far).await.unwrap();
    let faithful = TourClient::new(tourist().connect_with(knock.clone()).await.unwrap());
    assert!(faithful.who().await.is_ok());
    // The clock goes on by itself when nothing else does.
    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0, "it is closed without a word");
    assert!(faithful.who().await.is_ok());
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_connector_that_takes_too_long_is_given_up() {
    let (_gate, knock) = gate();
    let endpoint = Endpoint::new().connect_timeout(Duration::from_secs(3));
    let error = endpoint.connect_with(knock.clone()).await.unwrap_err();
    assert!(error.to_string().starts_with("cannot connect to gate:1"), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn the_system_says_which_process_is_at_the_other_end_of_a_unix_socket() {
    let folder = tempfile::TempDir::new().unwrap();
    let running = server().start(Address::Unix(folder.path().join("socket"))).await.unwrap();
    let client = TourClient::new(tourist().connect(running.address()).await.unwrap());
    let own = format!("process: Some({})", std::process::id());
    assert!(client.who().await.unwrap().contains(&own));
    let peer = client.channel().peer();
    let Identity::Process { process, .. } = peer.identity() else {
        panic!("{peer:?}");
    };
    assert_eq!(*process, Some(std::process::id()));
}
