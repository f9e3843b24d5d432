//! Streams that proxies carry: who is behind them is believed of those that are trusted, and of nobody else.

use std::{net::SocketAddr, time::Duration};

use rpc_core::{
    Channel, Code, Context, Endpoint, Http, Identity, PeerAddress, Reconnect, Running, Server,
    proto::wire::{CloseCode, Kind},
    proxy::{Proxied, ProxyHeader, TrustedProxies},
    service,
};
use tests::{Authority, RawPeer, http::Client, wire};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::log::Log;

/// Says who calls.
#[service]
trait Mirror {
    /// The caller, the proxy, and where the caller had connected to.
    async fn caller(&self, cx: &Context) -> (String, Option<String>, Option<String>);
}

struct Glass;

impl Mirror for Glass {
    async fn caller(&self, cx: &Context) -> (String, Option<String>, Option<String>) {
        let channel: Channel = cx.peer();
        let peer = channel.peer();
        let proxied: Option<&Proxied> = peer.get();
        // What the transport knows of a proxy is not true of who is behind it.
        assert!(proxied.is_none() || *cx.identity() == Identity::Unknown);
        (
            cx.peer_address().to_string(),
            proxied.map(|proxied| proxied.proxy().address().to_string()),
            proxied.and_then(Proxied::destination).map(|address| address.to_string()),
        )
    }
}

const SOURCE: &str = "203.0.113.7:4711";
const DESTINATION: &str = "198.51.100.1:7000";

fn header(make: fn(SocketAddr, SocketAddr) -> ProxyHeader) -> ProxyHeader {
    make(SOURCE.parse().unwrap(), DESTINATION.parse().unwrap())
}

fn server() -> Server {
    Server::new().with(MirrorServer::new(Glass)).http(Http::new())
}

/// A server that trusts loopback.
fn trusting() -> Server {
    server().proxy_protocol(TrustedProxies::new(["127.0.0.0/8"]).unwrap())
}

async fn start(server: Server) -> Running {
    server.start("127.0.0.1:0").await.unwrap()
}

async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it hangs")
}

async fn caller(channel: Channel) -> (String, Option<String>, Option<String>) {
    soon(MirrorClient::new(channel).caller()).await.unwrap()
}

#[track_caller]
fn is_source((caller, proxy, destination): &(String, Option<String>, Option<String>)) {
    assert_eq!((caller.as_str(), destination.as_deref()), (SOURCE, Some(DESTINATION)));
    assert!(proxy.as_ref().unwrap().starts_with("127.0.0.1:"), "{proxy:?}");
}

#[tokio::test]
async fn a_server_sees_whom_its_proxy_names_over_every_transport() {
    let authority = Authority::default();
    let (plain, tls) =
        (start(trusting()).await, start(trusting().tls(authority.server_tls())).await);
    let threads = start(trusting().threads(2)).await;
    for make in [ProxyHeader::v1, ProxyHeader::v2] {
        let endpoint = Endpoint::new().proxy_header(header(make));
        for running in [&plain, &threads] {
            let channel = endpoint.connect(running.address()).await.unwrap();
            is_source(&caller(channel).await);
            let web = endpoint.connect(format!("ws:{}", running.address())).await.unwrap();
            is_source(&caller(web).await);
            let lazy = endpoint.connect_lazy_with(running.address().clone()).unwrap();
            is_source(&caller(lazy).await);
        }
        // TLS begins behind the header.
        let endpoint = endpoint.tls(authority.client_tls());
        is_source(&caller(endpoint.connect(tls.address()).await.unwrap()).await);
        let web = tls.address().to_string().replace("tls:", "wss:");
        is_source(&caller(endpoint.connect(web).await.unwrap()).await);
    }
    // On the same port, HTTP.
    let mut client = Client::connect(&plain).await;
    client.send(header(ProxyHeader::v1).as_bytes()).await;
    let answer = client.post("/Mirror.caller", &[], "").await;
    assert!(answer.body.contains(SOURCE), "{answer:?}");
}

/// A request of [`Mirror::caller`] by hand.
fn request() -> Vec<u8> {
    let mut bytes = RawPeer::greeting();
    bytes.extend(wire::by_name(0, "Mirror.caller", "[]"));
    bytes
}

async fn dial(running: &Running) -> TcpStream {
    let stream = TcpStream::connect(running.address().to_string()).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

#[tokio::test]
async fn a_header_is_read_wherever_it_and_what_follows_is_cut() {
    let running = start(trusting()).await;
    let faithful = Endpoint::new().proxy_header(ProxyHeader::local());
    let faithful = faithful.connect(running.address()).await.unwrap();
    for make in [ProxyHeader::v1, ProxyHeader::v2] {
        let header = header(make);
        let bytes = [header.as_bytes(), &request()].concat();
        for cut in 0..header.as_bytes().len() + 12 {
            let mut stream = dial(&running).await;
            stream.write_all(&bytes[..cut]).await.unwrap();
            // The first part is read by then, as far as the system has it so.
            faithful.ping().await.unwrap();
            stream.write_all(&bytes[cut..]).await.unwrap();
            let (_, answer) = soon(RawPeer::over(stream).next(Kind::Response)).await.unwrap();
            let answer = String::from_utf8(answer).unwrap();
            assert!(answer.contains(SOURCE), "{answer} at {cut}");
        }
    }
}

#[tokio::test]
async fn who_is_not_trusted_is_served_as_himself_and_refused_with_a_header() {
    let (log, _listening) = Log::listen();
    let elsewhere = TrustedProxies::new(["10.0.0.0/8", "::1"]).unwrap();
    for server in [server(), server().proxy_protocol(elsewhere)] {
        let running = start(server).await;
        let (who, proxy, _) = caller(Channel::connect(running.address()).await.unwrap()).await;
        assert!(who.starts_with("127.0.0.1:") && proxy.is_none(), "{who} {proxy:?}");
        for make in [ProxyHeader::v1, ProxyHeader::v2] {
            log.clear();
            let mut stream = dial(&running).await;
            let from = stream.local_addr().unwrap().to_string();
            let bytes = [header(make).as_bytes(), &request()].concat();
            stream.write_all(&bytes).await.unwrap();
            let (_, goaway) = soon(RawPeer::over(stream).next(Kind::GoAway)).await.unwrap();
            let (code, words) = wire::farewell(&goaway).unwrap();
            assert_eq!(code, CloseCode::Protocol);
            assert!(words.ends_with("it sent a PROXY header"), "{words}");
            let line = log.line("a PROXY header was refused").await;
            assert!(line.starts_with("INFO") && line.contains(&from), "{line}");
        }
    }
    // Behind TLS nobody is believed either.
    let authority = Authority::default();
    let tls = start(server().tls(authority.server_tls())).await;
    let endpoint = Endpoint::new().tls(authority.client_tls()).proxy_header(ProxyHeader::local());
    assert!(endpoint.connect(tls.address()).await.is_err());
}

#[tokio::test]
async fn a_trusted_proxy_without_a_header_is_refused_and_told_of_in_the_log() {
    let (log, _listening) = Log::listen();
    let running = start(trusting()).await;
    let rows = [
        (request(), "there is no PROXY header"),
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), "there is no PROXY header"),
        (b"PROXY TCP4 1.2.3.4 5.6.7.8 1 x\r\n".to_vec(), "(version 1) is wrong"),
        ([&b"PROXY UNKNOWN "[..], &[b'x'; 1000]].concat(), "longer than 107 bytes"),
        (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff".to_vec(), "longer than 4096 bytes"),
        (b"\r\n\r\n\0\r\nQUIT\n\x21\x12\0\x0c............".to_vec(), "about datagrams"),
    ];
    for (bytes, words) in rows {
        log.clear();
        let mut stream = dial(&running).await;
        stream.write_all(&bytes).await.unwrap();
        let mut rest = Vec::new();
        // With bytes left unread the end is a reset.
        let _ = soon(stream.read_to_end(&mut rest)).await;
        // A client of ours is told why, and all others have no word for it.
        let told = String::from_utf8_lossy(&rest).contains("it sent no PROXY header");
        assert_eq!(told, bytes.starts_with(b"\xa9RPC"), "{words}: {}", rest.escape_ascii());
        assert!(told || rest.is_empty(), "{words}: {}", rest.escape_ascii());
        let line = log.line(words).await;
        assert!(line.starts_with("WARN") && line.contains("send-proxy-v2"), "{line}");
    }
    let endpoint = Endpoint::new().reconnect(Reconnect::off());
    let client = MirrorClient::new(endpoint.connect(running.address()).await.unwrap());
    let refused = soon(client.caller()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(!refused.status().unwrap().may_have_run(), "{refused}");
    log.clear();
    // A look whether somebody is there is no mistake.
    drop(dial(&running).await);
    let probe = Endpoint::new().proxy_header(ProxyHeader::local());
    let (who, proxy, _) = caller(probe.connect(running.address()).await.unwrap()).await;
    assert!(who.starts_with("127.0.0.1:") && proxy.is_none(), "{who} {proxy:?}");
    assert_eq!(log.lines("WARN"), Vec::<String>::new());
}

#[tokio::test]
async fn a_header_that_does_not_come_holds_nobody_up() {
    let server = trusting().handshake_timeout(Duration::from_millis(300)).max_handshakes(4);
    let running = start(server).await;
    let probe = Endpoint::new().proxy_header(ProxyHeader::local());
    let faithful = probe.connect(running.address()).await.unwrap();
    let mut silent = Vec::new();
    for start in
        [&b""[..], b"PROXY", b"PROXY TCP4 1.2.3.4 ", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c..."]
    {
        for _ in 0..4 {
            let mut stream = dial(&running).await;
            stream.write_all(start).await.unwrap();
            silent.push(stream);
            faithful.ping().await.unwrap();
        }
    }
    for mut stream in silent {
        let mut rest = Vec::new();
        let _ = soon(stream.read_to_end(&mut rest)).await;
        assert_eq!(rest, b"");
    }
    caller(faithful).await;
    running.shutdown().await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_proxy_over_a_unix_socket_is_believed_where_that_was_said() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = TrustedProxies::new([""; 0]).unwrap();
    for (number, proxies) in [nobody.clone(), nobody.and_unix_sockets()].into_iter().enumerate() {
        let trusted = proxies.trusts(&PeerAddress::Unix);
        let address = format!("unix:{}/{number}", folder.path().display());
        let _running = server().proxy_protocol(proxies).start(&address).await.unwrap();
        let endpoint = Endpoint::new().proxy_header(header(ProxyHeader::v2));
        let channel = endpoint.connect(&address).await.unwrap();
        let answer = soon(MirrorClient::new(channel).caller()).await;
        match trusted {
            true => assert_eq!(answer.unwrap().0, SOURCE),
            false => assert!(answer.unwrap_err().to_string().contains("PROXY header")),
        }
    }
}

#[tokio::test]
async fn a_channel_that_comes_back_says_its_header_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let header = header(ProxyHeader::v2);
    let endpoint = Endpoint::new().proxy_header(header.clone());
    let channel = endpoint.connect_lazy(listener.local_addr().unwrap()).unwrap();
    let call = tokio::spawn(async move { MirrorClient::new(channel).caller().await });
    for _ in 0..3 {
        let (mut stream, _) = soon(listener.accept()).await.unwrap();
        let mut first = vec![0; header.as_bytes().len() + 4];
        soon(stream.read_exact(&mut first)).await.unwrap();
        assert_eq!(first, [header.as_bytes(), b"\xa9RPC"].concat());
        // It has accepted nothing: the call goes to the next one.
        stream.write_all(&RawPeer::greeting()).await.unwrap();
        let goaway = wire::goaway(CloseCode::Drain, "the next, please");
        stream.write_all(&goaway).await.unwrap();
        stream.shutdown().await.unwrap();
    }
    call.abort();
}
