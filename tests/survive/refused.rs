//! Who may go on with a connection and who may not, and what becomes of its calls then: a refusal in words, and a clean new
//! connection.

use std::{
    io,
    net::Shutdown,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use hmac::{Hmac, KeyInit as _, Mac as _};
use rpc_core::{
    Address, Code, Connector, DialError, Endpoint, Identity, Incoming, Link, Listener, Peer,
    Reconnect, Resume, Running, Server, Status,
    proto::{
        Decoder, SessionEntry, encode_preface,
        wire::{Features, Hello, Kind},
    },
};
use sha2::Sha256;
use tests::{PlaygroundClient, PlaygroundServer, Toys};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::ground::soon;

const LONG: Duration = Duration::from_secs(300);

/// TCP connections to one server, which are cut when the test says so.
#[derive(Clone, Default)]
struct Cable(Arc<Inner>);

#[derive(Default)]
struct Inner {
    server: Mutex<String>,
    /// Other handles of the sockets.
    sockets: Mutex<Vec<std::net::TcpStream>>,
    broken: AtomicBool,
    dials: AtomicUsize,
}

impl Cable {
    fn to(running: &Running) -> Self {
        let cable = Self::default();
        cable.turn_to(running);
        cable
    }

    fn turn_to(&self, running: &Running) {
        *self.0.server.lock().unwrap() = running.address().to_string();
    }

    /// Cuts what there is.
    fn cut(&self) {
        for socket in self.0.sockets.lock().unwrap().drain(..) {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    /// Cuts what there is, and lets nobody through until it is mended.
    fn pull(&self) {
        self.0.broken.store(true, Ordering::SeqCst);
        self.cut();
    }

    fn mend(&self) {
        self.0.broken.store(false, Ordering::SeqCst);
    }

    fn dials(&self) -> usize {
        self.0.dials.load(Ordering::SeqCst)
    }
}

impl Connector for Cable {
    fn address(&self) -> Address {
        Address::Other("the cable".to_owned())
    }

    async fn connect(&self) -> Result<Link, DialError> {
        let failed = |reason| DialError::new(self.address(), reason);
        self.0.dials.fetch_add(1, Ordering::SeqCst);
        if self.0.broken.load(Ordering::SeqCst) {
            return Err(failed(io::ErrorKind::ConnectionRefused.into()));
        }
        let server = self.0.server.lock().unwrap().clone();
        let socket =
            TcpStream::connect(server).await.map_err(failed)?.into_std().map_err(failed)?;
        self.0.sockets.lock().unwrap().push(socket.try_clone().map_err(failed)?);
        let socket = TcpStream::from_std(socket).map_err(failed)?;
        Ok(Link::new(socket, Peer::new("the server")))
    }
}

fn serving(toys: &Toys) -> Server {
    Server::new().with(PlaygroundServer::new(toys.clone()))
}

async fn serve(toys: &Toys, resume: Resume) -> Running {
    serving(toys).resume(resume).start("127.0.0.1:0").await.unwrap()
}

fn endpoint() -> Endpoint {
    let reconnect = Reconnect::new().first_delay(Duration::from_millis(1)).patience(LONG);
    Endpoint::new().reconnect(reconnect).resume(Resume::new())
}

async fn connect(cable: &Cable, endpoint: &Endpoint) -> PlaygroundClient {
    let channel = endpoint.connect_with(cable.clone()).await.unwrap();
    channel.ready().await.unwrap();
    PlaygroundClient::new(channel)
}

/// A call that runs, of a client that was just connected.
async fn running_call(
    client: &PlaygroundClient,
    toys: &Toys,
) -> tokio::task::JoinHandle<Result<u64, rpc_core::CallError>> {
    let call = tokio::spawn(client.wait());
    soon(toys.until_waiting(1)).await;
    call
}

#[track_caller]
fn lost(ended: Result<u64, rpc_core::CallError>, words: &str) {
    let error = ended.unwrap_err();
    let status: &Status = error.status().unwrap();
    assert_eq!((status.code(), status.may_have_run()), (Code::Unavailable, true), "{status}");
    assert!(status.message().contains(words), "{status}");
}

#[tokio::test]
async fn a_call_runs_on_while_its_cable_is_pulled_and_its_reply_comes_when_that_is_mended() {
    let toys = Toys::default();
    let running = serve(&toys, Resume::new()).await;
    let cable = Cable::to(&running);
    let client = connect(&cable, &endpoint()).await;
    let call = running_call(&client, &toys).await;
    cable.pull();
    // Deadlines go on, and calls that are made meanwhile wait.
    let late = client.add(1, 2).timeout(Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(late.code(), Code::DeadlineExceeded);
    let early = tokio::spawn(client.add(3, 4));
    let opener = PlaygroundClient::connect(running.address()).await.unwrap();
    opener.open(1).await.unwrap();
    soon(toys.until_waiting(0)).await;
    assert!(!call.is_finished() && !early.is_finished());
    cable.mend();
    soon(call).await.unwrap().unwrap();
    assert_eq!(soon(early).await.unwrap(), Ok(7));
    drop((client, opener));
    soon(running.shutdown()).await;
}

#[tokio::test]
async fn a_connection_that_is_away_for_too_long_is_lost_and_another_is_opened() {
    let toys = Toys::default();
    let running = serve(&toys, Resume::new().window(Duration::from_millis(100))).await;
    let cable = Cable::to(&running);
    let client = connect(&cable, &endpoint()).await;
    let call = running_call(&client, &toys).await;
    cable.pull();
    // The server gives it up, and its handler with it.
    soon(toys.until_waiting(0)).await;
    cable.mend();
    lost(soon(call).await.unwrap(), "not resumed: the server does not know it");
    assert_eq!(soon(client.add(1, 2)).await, Ok(3));
    // The client gives up as well.
    let short = endpoint().resume(Resume::new().window(Duration::from_millis(100)));
    let other = connect(&cable, &short).await;
    let call = running_call(&other, &toys).await;
    cable.pull();
    lost(soon(call).await.unwrap(), "no other came in 100ms");
    cable.mend();
    assert_eq!(soon(other.add(1, 2)).await, Ok(3));
}

#[tokio::test]
async fn a_server_that_was_started_anew_does_not_know_the_connection() {
    let (toys, others) = (Toys::default(), Toys::default());
    let running = serve(&toys, Resume::new()).await;
    let another = serve(&others, Resume::new()).await;
    let cable = Cable::to(&running);
    let client = connect(&cable, &endpoint()).await;
    let call = running_call(&client, &toys).await;
    cable.turn_to(&another);
    cable.cut();
    lost(soon(call).await.unwrap(), "not resumed: the server does not know it");
    assert_eq!(soon(client.add(1, 2)).await, Ok(3));
}

/// It listens no more, so that nobody can come back: it need not wait for them.
#[tokio::test]
async fn a_server_that_shuts_down_waits_for_no_connection_that_is_cut() {
    let toys = Toys::default();
    let ever = Duration::from_secs(1 << 20);
    let server = serving(&toys).resume(Resume::new().window(ever)).grace(ever);
    let running = server.start("127.0.0.1:0").await.unwrap();
    let cables = [Cable::to(&running), Cable::to(&running)];
    let first = connect(&cables[0], &endpoint()).await;
    let _call = running_call(&first, &toys).await;
    let second = connect(&cables[1], &endpoint()).await;
    let _other = tokio::spawn(second.wait());
    soon(toys.until_waiting(2)).await;
    // One is cut before, the other one meanwhile.
    cables[0].pull();
    let shutdown = running.shutdown_handle();
    shutdown.shutdown();
    soon(toys.until_waiting(1)).await;
    cables[1].pull();
    soon(running.wait()).await;
    soon(toys.until_waiting(0)).await;
}

#[tokio::test]
async fn where_one_side_does_not_resume_a_cut_is_a_loss() {
    let toys = Toys::default();
    let (with, without) = (serve(&toys, Resume::new()).await, serving(&toys));
    let without = without.start("127.0.0.1:0").await.unwrap();
    let plain = Endpoint::new().reconnect(Reconnect::new().patience(LONG));
    for (running, endpoint) in [(&with, plain), (&without, endpoint())] {
        let cable = Cable::to(running);
        let client = connect(&cable, &endpoint).await;
        let call = running_call(&client, &toys).await;
        cable.cut();
        lost(soon(call).await.unwrap(), "connection lost: the peer closed it");
        soon(toys.until_waiting(0)).await;
        assert_eq!(soon(client.add(1, 2)).await, Ok(3));
        assert_eq!(cable.dials(), 2);
    }
}

#[tokio::test]
async fn of_too_many_connections_that_are_cut_the_first_is_lost() {
    let toys = Toys::default();
    let running = serve(&toys, Resume::new().most_sessions(1)).await;
    let cables = [Cable::to(&running), Cable::to(&running)];
    let first = connect(&cables[0], &endpoint()).await;
    let call = running_call(&first, &toys).await;
    let second = connect(&cables[1], &endpoint()).await;
    let other = tokio::spawn(second.wait());
    soon(toys.until_waiting(2)).await;
    cables[0].pull();
    cables[1].pull();
    // Its handler is ended.
    soon(toys.until_waiting(1)).await;
    cables.iter().for_each(Cable::mend);
    let opener = PlaygroundClient::connect(running.address()).await.unwrap();
    opener.open(1).await.unwrap();
    let ends = [soon(call).await.unwrap(), soon(other).await.unwrap()];
    assert_eq!(ends.iter().filter(|end| end.is_ok()).count(), 1, "{ends:?}");
}

/// What is sent while the cable is pulled waits, and does not pile up.
#[tokio::test]
async fn a_full_journal_holds_back_what_is_to_follow() {
    let toys = Toys::default();
    let running = serve(&toys, Resume::new()).await;
    let cable = Cable::to(&running);
    let client = connect(&cable, &endpoint().resume(Resume::new().journal(0))).await;
    let payload = vec![7; 3 << 20];
    for _ in 0..5 {
        let echo = tokio::spawn(client.echo(payload.clone().into()));
        tokio::task::yield_now().await;
        cable.cut();
        assert_eq!(soon(echo).await.unwrap().unwrap(), payload);
    }
}

/// Accepts streams of people whose names it is told.
struct Guarded(TcpListener, Arc<Mutex<&'static str>>);

impl Listener for Guarded {
    async fn accept(&mut self) -> Incoming {
        let (stream, address) = self.0.accept().await.unwrap();
        let name = *self.1.lock().unwrap();
        let peer = Peer::new(address).with_identity(Identity::Named(name.into()));
        Link::new(stream, peer).into()
    }

    fn address(&self) -> Address {
        Address::Other(self.0.local_addr().unwrap().to_string())
    }
}

#[tokio::test]
async fn nobody_goes_on_with_the_connection_of_another() {
    let (toys, name) = (Toys::default(), Arc::new(Mutex::new("ada")));
    let listener = Guarded(TcpListener::bind("127.0.0.1:0").await.unwrap(), Arc::clone(&name));
    let running = serving(&toys).resume(Resume::new()).start_on(listener).unwrap();
    let cable = Cable::to(&running);
    let client = connect(&cable, &endpoint()).await;
    let call = running_call(&client, &toys).await;
    *name.lock().unwrap() = "eve";
    cable.cut();
    lost(soon(call).await.unwrap(), "not resumed: the server does not know it");
    // As whoever it is, it may connect.
    assert_eq!(soon(client.add(1, 2)).await, Ok(3));
}

/// Somebody who speaks the protocol by hand.
struct Stranger {
    stream: TcpStream,
    decoder: Decoder,
}

impl Stranger {
    /// Connects with this hello, and reads the server's.
    async fn greet(running: &Running, hello: Hello) -> (Self, Hello) {
        let stream = TcpStream::connect(running.address().to_string()).await.unwrap();
        let mut this = Self { stream, decoder: Decoder::new(1 << 20) };
        let mut bytes = Vec::new();
        encode_preface(&mut bytes);
        hello.encode(&mut bytes);
        this.stream.write_all(&bytes).await.unwrap();
        let (kind, payload) = this.frame().await.unwrap();
        assert_eq!(kind, Kind::Hello);
        (this, Hello::decode(&payload).unwrap())
    }

    async fn frame(&mut self) -> Option<(Kind, Vec<u8>)> {
        loop {
            // Byte by byte, so that none is read ahead of its frame.
            let mut byte = [0];
            if soon(self.stream.read(&mut byte)).await.unwrap_or(0) == 0 {
                return None;
            }
            if let Some(piece) = self.decoder.next(&mut &byte[..]).unwrap() {
                return Some((piece.head.kind, piece.payload.to_vec()));
            }
        }
    }
}

fn resuming(session: Option<SessionEntry>) -> Hello {
    Hello { features: Features::RESUMPTION, session, ..Hello::default() }
}

/// The proof of a dialer, made by hand.
fn proof(offered: &SessionEntry, received: u64) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(&offered.proof).unwrap();
    mac.update(&[&[0][..], &offered.id.0, &received.to_le_bytes()].concat());
    mac.finalize().into_bytes().into()
}

#[tokio::test]
async fn who_has_no_proof_is_told_so_and_has_a_connection_of_its_own() {
    let toys = Toys::default();
    let running = serve(&toys, Resume::new()).await;
    let (mut owner, hello) = Stranger::greet(&running, resuming(None)).await;
    let offered = hello.session.unwrap();
    assert!(hello.features.contains(Features::RESUMPTION) && offered.received == 0);
    let unknown = SessionEntry { id: rpc_core::proto::SessionId([0; 16]), ..offered };
    // Its secret is not a proof of it, nor is a proof for another place.
    let misplaced = SessionEntry { proof: proof(&offered, 1), ..offered };
    let ahead = SessionEntry { proof: proof(&offered, 99), received: 99, ..offered };
    for wrong in [offered, unknown, misplaced] {
        let (mut stranger, hello) = Stranger::greet(&running, resuming(Some(wrong))).await;
        let words = "the server does not know it, or not any more";
        assert_eq!((hello.session, hello.refused.as_deref()), (None, Some(words)));
        // It is a connection like any other.
        stranger.stream.write_all(&ping()).await.unwrap();
        assert_eq!(stranger.frame().await.unwrap().0, Kind::Pong);
    }
    let (mut stranger, hello) = Stranger::greet(&running, resuming(Some(ahead))).await;
    let words = "the other side lacks bytes that this side has not kept";
    assert_eq!((hello.session, hello.refused.as_deref()), (None, Some(words)));
    assert_eq!(stranger.frame().await, None);
    // Whose session it is has noticed nothing.
    owner.stream.write_all(&ping()).await.unwrap();
    assert_eq!(owner.frame().await.unwrap().0, Kind::Pong);
    // Another who has the secret takes its place, and its first link is closed.
    let right = SessionEntry { proof: proof(&offered, 0), ..offered };
    let (mut heir, hello) = Stranger::greet(&running, resuming(Some(right))).await;
    let answer = hello.session.unwrap();
    assert_eq!((answer.id, answer.received), (offered.id, 16));
    let mut rest = Vec::new();
    let _ = soon(owner.stream.read_to_end(&mut rest)).await;
    // It goes on with the first byte that was not acknowledged: the pong that the other has read.
    assert_eq!(heir.frame().await.unwrap().0, Kind::Pong);
    heir.stream.write_all(&ping_of(2)).await.unwrap();
    assert_eq!(heir.frame().await.unwrap().0, Kind::Pong);
}

fn ping() -> Vec<u8> {
    ping_of(1)
}

fn ping_of(token: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    rpc_core::proto::wire::Ping { token }.encode(Kind::Ping, &mut bytes);
    bytes
}
