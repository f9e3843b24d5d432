//! Clients of other protocols at a plain port, whose first bytes are cut anywhere; and servers of other protocols.

use rpc_core::proto::{
    Decoder,
    wire::{CloseCode, GoAway, Kind},
};
use tests::{RawPeer, TourClient, tourist};
use tokio::net::TcpListener;

use crate::duplex::server;

const HTTP: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const HTTP2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const TLS: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
const SSH: &[u8] = b"SSH-2.0-OpenSSH_9.6\r\n";
const PROXY: &[u8] = b"PROXY TCP4 203.0.113.7 127.0.0.1 4711 7000\r\n";
const PROXY_V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const NOISE: &[u8] = b"\r\n\r\n\0\r\nQUIX\n";

/// The goaway at the end of an answer.
fn goaway(answer: &[u8]) -> GoAway {
    let (mut decoder, mut input, mut last) = (Decoder::new(1 << 20), answer, None);
    while let Some(piece) = decoder.next(&mut input).unwrap() {
        last = Some((piece.head.kind, piece.payload.to_vec()));
    }
    let (kind, payload) = last.expect("an answer");
    assert_eq!(kind, Kind::GoAway);
    GoAway::decode(&payload).unwrap()
}

fn check(bytes: &[u8], answer: &[u8]) {
    match bytes {
        HTTP | HTTP2 => {
            let answer = String::from_utf8(answer.to_vec()).unwrap();
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{head}");
            assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{head}");
            assert!(body.contains("rpc-core protocol, not HTTP"), "{body}");
        }
        TLS => assert_eq!(answer, b"\x15\x03\x01\x00\x02\x02\x28\xa9RPC\x01\0\0\0"),
        _ => {
            let goaway = goaway(answer);
            assert_eq!(goaway.code, CloseCode::Protocol);
            let words = match bytes {
                SSH => "it sent SSH",
                PROXY | PROXY_V2 => "it sent a PROXY header",
                _ => "not the preface",
            };
            assert!(goaway.message.ends_with(words), "{}", goaway.message);
        }
    }
}

#[tokio::test]
async fn clients_of_other_protocols_are_answered_wherever_their_first_bytes_are_cut() {
    let running = server().start("127.0.0.1:0").await.unwrap();
    let faithful = TourClient::new(tourist().connect(running.address()).await.unwrap());
    for bytes in [HTTP, HTTP2, TLS, SSH, PROXY, PROXY_V2, NOISE] {
        for cut in 0..bytes.len() {
            let mut peer = RawPeer::connect(running.address()).await.unwrap();
            peer.send(&bytes[..cut]).await.unwrap();
            // The first part is read by then, as far as the system has it so.
            faithful.channel().ping().await.unwrap();
            // An answer may have come already, and the connection be closed.
            let _ = peer.send(&bytes[cut..]).await;
            check(bytes, &peer.rest().await.unwrap());
        }
    }
    assert!(faithful.who().await.is_ok());
    running.shutdown().await;
}

/// What ends before it is known is nobody's mistake.
#[tokio::test]
async fn clients_that_close_before_they_are_recognised_are_told_nothing() {
    let running = server().start("127.0.0.1:0").await.unwrap();
    for start in [&b"GE"[..], b"SSH", b"\xa9RP", b""] {
        let mut peer = RawPeer::connect(running.address()).await.unwrap();
        peer.send(start).await.unwrap();
        peer.finish().await.unwrap();
        assert_eq!(peer.rest().await.unwrap(), b"", "{start:?}");
    }
    running.shutdown().await;
}

#[tokio::test]
async fn servers_of_other_protocols_are_recognised_wherever_their_first_bytes_are_cut() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let rows = [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "it sent HTTP"),
        (TLS, "it sent TLS"),
        (SSH, "it sent SSH"),
        (NOISE, "not the preface"),
    ];
    for (bytes, words) in rows {
        for cut in 0..bytes.len() {
            let address = listener.local_addr().unwrap();
            let client = TourClient::new(tourist().connect(address).await.unwrap());
            let call = tokio::spawn(client.who());
            let mut peer = RawPeer::over(listener.accept().await.unwrap().0);
            peer.next(Kind::Request).await.unwrap();
            peer.send(&bytes[..cut]).await.unwrap();
            tokio::task::yield_now().await;
            let _ = peer.send(&bytes[cut..]).await;
            let error = call.await.unwrap().unwrap_err();
            assert!(error.to_string().contains(words), "{error}, {bytes:?} cut at {cut}");
            assert!(!error.status().unwrap().may_have_run(), "{error}");
            assert!(client.channel().is_closed());
        }
    }
}
