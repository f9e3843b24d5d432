//! Handshakes that are slow, torn, or never come: they end in time, the log says why, and others are served meanwhile.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use rpc_core::{
    Address, Connector, DialError, Link, Peer, Running,
    tls::{ClientTls, HandshakeError, Party, ServerTls},
};
use tests::{Authority, TourClient, tourist};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf, duplex},
    net::TcpStream,
    time::Instant,
};

use crate::{
    adapters::ByteWise,
    ground::{client, plain, reason, serve, server},
    log::Log,
};

/// The first bytes of a client, up to where it waits for the server.
async fn client_hello() -> Vec<u8> {
    let (near, mut far) = duplex(1 << 16);
    let tls = Authority::default().client_tls();
    let dialled = tokio::spawn(async move { dial(near, tls).await });
    let mut hello = vec![0; 5];
    far.read_exact(&mut hello).await.unwrap();
    hello.resize(5 + usize::from(u16::from_be_bytes([hello[3], hello[4]])), 0);
    far.read_exact(&mut hello[5..]).await.unwrap();
    drop(far);
    assert_eq!(reason(dialled.await.unwrap().unwrap_err()), HandshakeError::Cut(Party::Server));
    hello
}

/// Dials once, over this stream.
struct Once<S>(std::sync::Mutex<Option<S>>);

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Connector for Once<S> {
    fn address(&self) -> Address {
        Address::Tcp { host: "127.0.0.1".to_owned(), port: 1 }
    }

    async fn connect(&self) -> Result<Link, DialError> {
        let io = self.0.lock().unwrap().take().unwrap();
        Ok(Link::new(io, Peer::new("the server")))
    }
}

/// For what takes as long as the machine is busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(600);

pub(crate) async fn dial(
    io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    tls: ClientTls,
) -> Result<TourClient, DialError> {
    let once = Once(std::sync::Mutex::new(Some(io)));
    let tourist = tourist().connect_timeout(PATIENCE).tls(tls);
    tourist.connect_with(once).await.map(TourClient::new)
}

async fn socket(running: &Running) -> TcpStream {
    TcpStream::connect(plain(running).to_string()).await.unwrap()
}

#[tokio::test]
async fn a_byte_at_a_time_is_toured() {
    let authority = Authority::default();
    let tls = authority.server_tls().client_certificates(&*authority.pem).unwrap();
    let alice = authority.client("alice", "spiffe://home/alice");
    let own = authority.client_tls().identity_pem(alice.certificates, alice.key).unwrap();
    let (near, far) = duplex(64 << 10);
    let served = server().tls(tls).serve_io(ByteWise::new(far), Peer::new("tourist")).unwrap();
    dial(ByteWise::new(near), own).await.unwrap().tour(20_000).await;
    served.wait().await;
}

/// A stream that ends after so many bytes were written.
pub(crate) struct Cut<S> {
    io: S,
    left: usize,
}

impl<S> Cut<S> {
    pub(crate) const fn new(io: S, left: usize) -> Self {
        Self { io, left }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Cut<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Cut<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.left == 0 {
            std::task::ready!(Pin::new(&mut self.io).poll_shutdown(cx))?;
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let count = bytes.len().min(self.left);
        let written = std::task::ready!(Pin::new(&mut self.io).poll_write(cx, &bytes[..count]))?;
        self.left -= written;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// Cuts what a client sends behind each byte, up to the first where it gets a reply.
#[tokio::test]
async fn a_handshake_that_is_cut_anywhere_disturbs_nobody() {
    let authority = Authority::default();
    let running = serve(authority.server_tls()).await;
    let faithful = client(&running, authority.client_tls()).await;
    let mut cut = 0;
    let whole = loop {
        // Each has a session of its own, so that all are alike.
        let io = Cut::new(socket(&running).await, cut);
        let tls = authority.client_tls();
        if let Ok(client) = dial(io, tls).await
            && client.who().await.is_ok()
        {
            break cut;
        }
        if cut % 50 == 0 {
            assert!(faithful.who().await.is_ok(), "{cut}");
        }
        cut += 1;
    };
    assert!(whole > client_hello().await.len() + 70, "{whole}");
    assert!(faithful.who().await.is_ok());
    running.shutdown().await;
}

/// What a server sends, cut behind each byte: the client says that it was.
#[tokio::test]
async fn a_server_that_is_cut_anywhere_is_said_to_be() {
    let authority = Authority::default();
    let tls = authority.server_tls();
    let mut cut = 0;
    loop {
        let (near, far) = duplex(64 << 10);
        let far = Cut::new(far, cut);
        let served = server().tls(tls.clone()).serve_io(far, Peer::new("tourist")).unwrap();
        match dial(near, authority.client_tls()).await {
            Err(error) => assert_eq!(reason(error), HandshakeError::Cut(Party::Server), "{cut}"),
            // It has all that the server says of itself.
            Ok(client) => match client.who().await {
                Ok(_) => break,
                Err(error) => {
                    assert!(error.to_string().contains("lost: the peer closed"), "{error}")
                }
            },
        }
        served.wait().await;
        cut += 1;
    }
    assert!(cut > 1500, "{cut}");
}

/// A byte each second is no progress that counts.
#[tokio::test(start_paused = true)]
async fn slow_handshakes_have_no_more_time_than_others() {
    let (log, _listening) = Log::listen();
    let hello = client_hello().await;
    for (name, at_once) in [("at all", 0), ("half", hello.len() / 2), ("whole", hello.len())] {
        let (mut near, far) = duplex(64 << 10);
        let began = Instant::now();
        let tls = Authority::default().server_tls();
        let served = server().tls(tls).serve_io(far, Peer::new("slow")).unwrap();
        near.write_all(&hello[..at_once]).await.unwrap();
        let drip = async {
            for byte in &hello[at_once..] {
                tokio::time::sleep(Duration::from_secs(1)).await;
                if near.write_all(&[*byte]).await.is_err() {
                    return;
                }
            }
            let _ = near.read_to_end(&mut Vec::new()).await;
        };
        tokio::join!(drip, served.wait());
        let took = began.elapsed();
        assert!((5..=7).contains(&took.as_secs()), "{name}: {took:?}");
        if at_once > 0 {
            assert_eq!(log.lines("the TLS handshake was not complete in time").len(), 1, "{name}");
        }
        log.clear();
    }
}

/// Within TLS the protocol's own hello is waited for no longer.
#[tokio::test(start_paused = true)]
async fn silence_behind_a_handshake_is_ended_in_the_same_time() {
    let authority = Authority::default();
    let (near, far) = duplex(64 << 10);
    let began = Instant::now();
    let tls = authority.server_tls();
    let served = server().tls(tls).serve_io(far, Peer::new("silent")).unwrap();
    let mut silent = crate::inside::connect(near, &authority).await;
    let mut told = Vec::new();
    silent.read_to_end(&mut told).await.unwrap();
    assert!(told.starts_with(b"\xa9RPC"), "{told:?}");
    let text = String::from_utf8_lossy(&told);
    assert!(text.contains("did not complete the handshake in time"), "{text}");
    served.wait().await;
    assert!((5..=7).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

/// The oldest of those who are in their handshakes makes room for the next, whoever waits for what.
#[tokio::test]
async fn unfinished_handshakes_keep_nobody_out() {
    let (authority, hello) = (Authority::default(), client_hello().await);
    let patience = Duration::from_secs(1 << 20);
    let server = server().max_handshakes(16).handshake_timeout(patience);
    let running = server.tls(authority.server_tls()).start("127.0.0.1:0").await.unwrap();
    let faithful = client(&running, authority.client_tls()).await;
    let mut waiting = VecDeque::new();
    for index in 0..400 {
        let mut socket = socket(&running).await;
        // Nothing, a part of a hello, or a whole one whose answer nobody reads.
        socket.write_all(&hello[..hello.len() * (index % 3) / 2]).await.unwrap();
        waiting.push_back(socket);
        assert!(faithful.who().await.is_ok());
        if index % 20 == 0 {
            assert!(client(&running, authority.client_tls()).await.who().await.is_ok());
        }
        if waiting.len() > 16 {
            let mut oldest = waiting.pop_front().unwrap();
            let mut told = Vec::new();
            let ended = oldest.read_to_end(&mut told);
            let ended = tokio::time::timeout(Duration::from_secs(60), ended).await;
            let _ = ended.expect("it is closed");
        }
    }
    running.shutdown().await;
}

/// Thousands who connect, say something or nothing, and go.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_churn_of_handshakes_disturbs_nobody() {
    let (authority, hello) = (Authority::default(), client_hello().await);
    let running = serve(authority.server_tls()).await;
    let faithful = client(&running, authority.client_tls()).await;
    let address = plain(&running).to_string();
    let churn = stream::iter(0..5000_usize).for_each_concurrent(64, |index| {
        let (address, part) = (&address, &hello[..hello.len() * (index % 3) / 2]);
        async move {
            let mut socket = TcpStream::connect(address).await.unwrap();
            let _ = socket.write_all(part).await;
        }
    });
    let calls = async {
        for _ in 0..500 {
            assert!(faithful.who().await.is_ok());
        }
    };
    tokio::join!(churn, calls);
    let fresh: ClientTls = authority.client_tls();
    client(&running, fresh).await.tour(1000).await;
    running.shutdown().await;
}

/// A server that shuts down does not wait for those who are in their handshakes.
#[tokio::test]
async fn a_shutdown_does_not_wait_for_handshakes() {
    let hello = client_hello().await;
    let tls: ServerTls = Authority::default().server_tls();
    let patience = Duration::from_secs(1 << 20);
    let server = server().handshake_timeout(patience).tls(tls);
    let running = server.start("127.0.0.1:0").await.unwrap();
    let mut waiting = Vec::new();
    for part in [0, hello.len() / 2, hello.len()] {
        let mut socket = socket(&running).await;
        socket.write_all(&hello[..part]).await.unwrap();
        waiting.push(socket);
    }
    let ended = tokio::time::timeout(Duration::from_secs(20), running.shutdown()).await;
    ended.expect("it ends at once");
}
