//! Whoever is at a port by mistake or with bad intent, case by case on every face: what comes, and what it is to be told.
//! The first fourteen cases are those of whatever comes before the first call.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{sync::Arc, time::Duration};

use rpc_core::proto::wire::{Flags, Kind};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, pem::PemObject as _},
    },
};

use crate::{
    RawPeer,
    http::{JSON, request},
    http2,
};

/// A way to speak to the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// The protocol of the crate.
    Raw,
    /// JSON-RPC by POST.
    JsonRpc,
    /// One call by POST.
    Plain,
    /// A stream as events.
    Events,
    /// A stream as lines.
    Lines,
    /// HTTP/2.
    Http2,
    /// The protocol of the crate in a WebSocket.
    SocketOfFrames,
    /// JSON-RPC in a WebSocket.
    SocketOfTexts,
}

/// All of them.
pub const FACES: [Face; 8] = [
    Face::Raw,
    Face::JsonRpc,
    Face::Plain,
    Face::Events,
    Face::Lines,
    Face::Http2,
    Face::SocketOfFrames,
    Face::SocketOfTexts,
];

/// The faces that are requests of HTTP/1.1 from their first byte on.
const REQUESTS: [Face; 4] = [Face::JsonRpc, Face::Plain, Face::Events, Face::Lines];

/// What has to be in the answer before the connection ends.
#[derive(Debug)]
pub enum Told {
    /// These bytes.
    Words(&'static [u8]),
    /// A goaway of HTTP/2 with this reason.
    Goaway(u32),
    /// Nothing: there is nobody who would understand it.
    Nothing,
}
use Told::{Goaway, Nothing, Words};

/// What a peer sends, and how.
#[derive(Debug)]
pub enum Sent {
    /// All of it.
    AtOnce(Vec<u8>),
    /// Once the WebSocket is open.
    Inside(Vec<u8>),
    /// Byte by byte, for as long as the other side listens.
    Slowly(Vec<u8>),
    /// And says no more.
    Ends(Vec<u8>),
}
use Sent::{AtOnce, Ends, Inside, Slowly};

/// A peer, and what it is to be told.
#[derive(Debug)]
pub struct Row {
    /// The number of the case.
    pub case: u8,
    /// What is spoken to.
    pub face: Face,
    /// What comes.
    pub send: Sent,
    /// What is to be answered.
    pub told: Told,
}

impl Face {
    /// The request of this face.
    pub fn request(self) -> String {
        let call = r#"{"jsonrpc":"2.0","method":"Playground.add","params":[1,2],"id":1}"#;
        match self {
            Self::JsonRpc => request("POST", "/", &[JSON], call),
            Self::Events => {
                request("POST", "/Tour.count", &[JSON, ("accept", "text/event-stream")], "[3]")
            }
            Self::Lines => {
                request("POST", "/Tour.count", &[JSON, ("accept", "application/x-ndjson")], "[3]")
            }
            _ => request("POST", "/Playground.add", &[JSON], "[1,2]"),
        }
    }

    /// The request with something else in its first line.
    fn with_first_line(self, from: &str, to: &str) -> Vec<u8> {
        self.request().replacen(from, to, 1).into_bytes()
    }

    /// What comes ahead of everything else on this face, in good order.
    pub fn opening(self) -> Vec<u8> {
        match self {
            Self::Raw => RawPeer::greeting(),
            Self::Http2 => http2::start(&[]),
            Self::SocketOfFrames => upgrade("rpc.v1", "13"),
            Self::SocketOfTexts => upgrade("jsonrpc", "13"),
            _ => Vec::new(),
        }
    }
}

fn upgrade(protocol: &str, version: &str) -> Vec<u8> {
    let headers = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", version),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-protocol", protocol),
    ];
    request("GET", "/", &headers, "").into_bytes()
}

/// A message of a WebSocket, masked with zeros.
fn message(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x80 | opcode];
    match payload.len() {
        short @ 0..=125 => bytes.push(0x80 | short as u8),
        long => {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&(long as u16).to_be_bytes());
        }
    }
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(payload);
    bytes
}

/// The head of a message that claims to be that long.
fn endless_message(opcode: u8) -> Vec<u8> {
    [&[0x80 | opcode, 0x80 | 127][..], &(1_u64 << 62).to_be_bytes(), &[0; 4]].concat()
}

fn endless_hello() -> Vec<u8> {
    let mut bytes = RawPeer::greeting()[..8].to_vec();
    bytes.extend_from_slice(&[0xff, 0xff, 0xff, 1, 0, 0, 0, 0]);
    bytes
}

/// What is told to whom nothing is known of.
const STRANGER: &[u8] = b"does not speak this protocol";
const CALL_BEFORE: &[u8] = b"first frame is ping, but must be hello";

/// The cases that all faces of HTTP/1.1 have alike.
fn rows_of_requests(rows: &mut Vec<Row>) {
    for face in REQUESTS {
        let head = face.request();
        let mut row = |case, send, told| rows.push(Row { case, face, send, told });
        let long = format!("x: {}\r\n\r\n", "x".repeat(40_000));
        row(1, AtOnce(Vec::new()), Nothing);
        row(2, Slowly(head.replace("\r\n\r\n", "\r\nx: ").into_bytes()), Nothing);
        row(3, AtOnce(face.with_first_line("POST", "P\0ST")), Words(STRANGER));
        row(4, AtOnce(face.with_first_line("POST /", "GET /no/such/")), Words(b"405"));
        row(5, AtOnce(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n and what is no frame".to_vec()), Nothing);
        row(8, AtOnce(face.with_first_line("HTTP/1.1", "HTTP/9.9")), Words(b"400"));
        row(
            9,
            AtOnce(head.replace("\r\n\r\n", &format!("\r\n{long}")).into_bytes()),
            Words(b"431"),
        );
        let doubled = "\r\ncontent-length: 1\r\n\r\n";
        row(10, AtOnce(head.replace("\r\n\r\n", doubled).into_bytes()), Words(b"400"));
        row(11, Ends(head.split("\r\n").last().unwrap_or_default().as_bytes().to_vec()), Nothing);
        row(12, AtOnce([head.as_bytes(), &[0xff; 64]].concat()), Words(b"400"));
        row(
            13,
            AtOnce([b"PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\n", head.as_bytes()].concat()),
            Words(STRANGER),
        );
    }
}

/// Those of the protocol itself, alone or in a WebSocket.
fn rows_of_frames(rows: &mut Vec<Row>) {
    let ping = RawPeer::frame(Kind::Ping, Flags::NONE, 0, &[0; 8]);
    let greeting = RawPeer::greeting();
    let preface = greeting[..8].to_vec();
    let hello = greeting[8..].to_vec();
    let mut bad_magic = greeting.clone();
    bad_magic[1] ^= 0xff;
    let mut version_zero = greeting.clone();
    version_zero[4] = 0;
    let proxy =
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x01\x02\x03\x04\x05\x06\x07\x08\0\x09\0\x0a".to_vec();
    let slow_hello = [endless_hello()[..8].to_vec(), vec![0; 4]].concat();
    let cases = [
        (3, bad_magic, STRANGER),
        (8, version_zero, b"version"),
        (9, endless_hello(), b"over the limit"),
        (10, [greeting.clone(), hello].concat(), b"hello"),
        (11, [preface, ping].concat(), CALL_BEFORE),
        (12, [greeting, vec![0xff; 64]].concat(), b"\x01"),
        (13, proxy, STRANGER),
    ];
    for (case, bytes, words) in cases {
        rows.push(Row { case, face: Face::Raw, send: AtOnce(bytes.clone()), told: Words(words) });
        let inside = Inside(message(2, &bytes));
        rows.push(Row { case, face: Face::SocketOfFrames, send: inside, told: Words(words) });
    }
    let mut row = |case, face, send, told| rows.push(Row { case, face, send, told });
    row(1, Face::Raw, AtOnce(Vec::new()), Nothing);
    row(1, Face::SocketOfFrames, Inside(Vec::new()), Words(b"handshake"));
    row(2, Face::Raw, Slowly(slow_hello.clone()), Nothing);
    row(2, Face::SocketOfFrames, Slowly(endless_message(2)), Nothing);
    // No message, which ends a link as a cut does; and the start of one that never comes whole.
    row(4, Face::SocketOfFrames, Inside(b"GET / HTTP/1.1\r\n\r\n".to_vec()), Nothing);
    row(5, Face::SocketOfFrames, Inside(http2::start(&[])), Words(b"handshake"));
}

/// Codes by which WebSockets are closed: 1002, 1003, 1007 and 1009.
const BROKEN: &[u8] = b"\x03\xea";
const NO_TEXT: &[u8] = b"\x03\xeb";
const NO_UTF8: &[u8] = b"\x03\xef";
const TOO_LONG: &[u8] = b"\x03\xf1";

fn rows_of_sockets_and_http2(rows: &mut Vec<Row>) {
    let mut row = |case, face, send, told| rows.push(Row { case, face, send, told });
    row(1, Face::SocketOfTexts, Inside(Vec::new()), Words(b"no sign of the other side"));
    row(
        2,
        Face::SocketOfTexts,
        Slowly(b"\x81\xfe\x7f\xff\0\0\0\0".to_vec()),
        Words(b"no sign of the other side"),
    );
    row(3, Face::SocketOfTexts, AtOnce(upgrade("soap", "13")), Words(b"400"));
    row(4, Face::SocketOfTexts, Inside(b"GET / HTTP/1.1\r\n\r\n".to_vec()), Words(BROKEN));
    row(5, Face::SocketOfTexts, Inside(http2::start(&[])), Words(b"no sign of the other side"));
    row(8, Face::SocketOfTexts, AtOnce(upgrade("jsonrpc", "7")), Words(b"426"));
    row(9, Face::SocketOfTexts, Inside(endless_message(1)), Words(TOO_LONG));
    row(10, Face::SocketOfTexts, Inside(Face::SocketOfTexts.opening()), Words(BROKEN));
    row(11, Face::SocketOfTexts, AtOnce(message(1, b"{}")), Words(STRANGER));
    row(12, Face::SocketOfTexts, Inside(message(2, &[0xff; 64])), Words(NO_TEXT));
    row(13, Face::SocketOfTexts, Inside(message(1, &[0xff; 64])), Words(NO_UTF8));
    let second = |bytes: &[u8]| [&http2::start(&[]), bytes].concat();
    row(1, Face::Http2, AtOnce(second(b"")), Nothing);
    row(2, Face::Http2, Slowly(second(&[0; 6])), Nothing);
    row(3, Face::Http2, AtOnce(b"PRI * HTTP/2.0\r\n\r\nSN\r\n\r\n".to_vec()), Nothing);
    row(4, Face::Http2, AtOnce(second(b"GET / HTTP/1.1\r\n\r\n")), Goaway(6));
    row(5, Face::Http2, AtOnce(second(http2::PREFACE)), Goaway(6));
    row(8, Face::Http2, AtOnce(b"PRI * HTTP/3.0\r\n\r\nSM\r\n\r\n".to_vec()), Nothing);
    row(
        9,
        Face::Http2,
        AtOnce(second(&[0xff, 0xff, 0xff, http2::HEADERS, 4, 0, 0, 0, 1])),
        Goaway(6),
    );
    row(10, Face::Http2, AtOnce(second(&http2::frame(http2::SETTINGS, 0, 1, &[]))), Goaway(1));
    row(11, Face::Http2, AtOnce(second(&http2::frame(http2::DATA, 0, 1, b"a"))), Goaway(1));
    row(12, Face::Http2, AtOnce(second(&[0; 64])), Goaway(1));
    row(
        13,
        Face::Http2,
        AtOnce([b"PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\n".to_vec(), http2::start(&[])].concat()),
        Words(STRANGER),
    );
}

/// Every peer of the table.
pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    rows_of_requests(&mut rows);
    rows_of_frames(&mut rows);
    rows_of_sockets_and_http2(&mut rows);
    rows
}

/// A byte stream to a port.
pub trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// How long an end may take.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Connects to `host:port`, with TLS where this authority vouches for the server.
///
/// # Panics
/// It cannot.
pub async fn dial(address: &str, authority: Option<&str>) -> Box<dyn Io> {
    let socket = TcpStream::connect(address).await.unwrap();
    let Some(authority) = authority else { return Box::new(socket) };
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    Box::new(connector.connect("localhost".try_into().unwrap(), socket).await.unwrap())
}

/// Sends that on a connection; gives all that comes until it ends.
///
/// # Panics
/// It does not end.
pub async fn meet(io: Box<dyn Io>, face: Face, send: &Sent) -> Vec<u8> {
    let (mut read, mut write) = tokio::io::split(io);
    let mut answer = Vec::new();
    let is_socket = matches!(face, Face::SocketOfFrames | Face::SocketOfTexts);
    if is_socket && matches!(send, Inside(_) | Slowly(_)) {
        write.write_all(&face.opening()).await.unwrap();
        while !answer.ends_with(b"\r\n\r\n") {
            let Ok(byte) = read.read_u8().await else { return answer };
            answer.push(byte);
        }
    }
    let speak = async {
        match send {
            AtOnce(bytes) | Inside(bytes) => drop(write.write_all(bytes).await),
            Ends(bytes) => {
                let _ = write.write_all(bytes).await;
                let _ = write.shutdown().await;
            }
            Slowly(bytes) => {
                for byte in bytes.iter().chain(std::iter::repeat(&b'0')) {
                    if write.write_all(&[*byte]).await.is_err() {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        ended = timeout(PATIENCE, read.read_to_end(&mut answer)) => drop(ended.expect("an end")),
        () = speak => {}
    }
    answer
}

impl Told {
    /// Whether that has been answered.
    pub async fn fits(&self, answer: &[u8]) -> bool {
        match *self {
            Words(words) => answer.windows(words.len()).any(|part| part == words),
            // Where settings were exchanged, a goaway says why; what is no HTTP/2 at all may just end.
            Goaway(reason) => matches!(http2::goaway(answer).await, Some(told) if told == reason),
            Nothing => true,
        }
    }
}
