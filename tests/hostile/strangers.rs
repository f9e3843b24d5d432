//! Peers that connect by mistake, or with bad intent: they are told why where that is possible, and never get in the
//! way of a client that is served meanwhile.

use std::time::Duration;

use rpc_core::{
    Codec, Server,
    proto::wire::{CloseCode, Flags, GoAway, Head, Kind},
};
use tests::{RawPeer, Served, Transport};

/// Sends `bytes`, gives what comes back until the server closes, and sees a well-behaved client served
/// before and after.
async fn meet(bytes: &[u8]) -> Vec<u8> {
    let served = Served::over(Transport::Tcp, Codec::Bincode).await;
    assert_eq!(served.client.add(1, 2).await, Ok(3));
    let mut peer = RawPeer::connect(served.address()).await.unwrap();
    peer.send(bytes).await.unwrap();
    let answer = peer.rest().await.unwrap();
    assert_eq!(served.client.add(1, 2).await, Ok(3));
    answer
}

/// The goaway at the end of an answer.
#[track_caller]
fn goaway(answer: &[u8]) -> GoAway {
    let mut decoder = rpc_core::proto::Decoder::new(1 << 20);
    let mut input = answer;
    let mut last = None;
    while let Some(piece) = decoder.next(&mut input).unwrap() {
        last = Some((piece.head.kind, piece.payload.to_vec()));
    }
    let (kind, payload) = last.expect("an answer");
    assert_eq!(kind, Kind::GoAway);
    GoAway::decode(&payload).unwrap()
}

#[tokio::test]
async fn http_gets_an_http_answer() {
    let answer = meet(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
    assert!(answer.contains("rpc-core protocol, not HTTP"), "{answer}");
}

#[tokio::test]
async fn tls_gets_a_tls_alert() {
    let hello = [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03];
    assert_eq!(meet(&hello).await, b"\x15\x03\x01\x00\x02\x02\x28\xa9RPC\x01\0\0\0");
}

#[tokio::test]
async fn noise_gets_a_goaway() {
    let mut noise = *b"\x00\xfe\xed\xfa\xce\xca\xfe\xba\xbe\x01\x02\x03";
    for first in [0_u8, 1, 0x7f, 0xff] {
        noise[0] = first;
        let goaway = goaway(&meet(&noise).await);
        assert_eq!(goaway.code, CloseCode::Protocol);
        assert!(goaway.message.contains("not the preface"), "{}", goaway.message);
    }
}

#[tokio::test]
async fn a_frame_before_hello_gets_a_goaway() {
    let preface = RawPeer::greeting()[..8].to_vec();
    let ping = RawPeer::frame(Kind::Ping, Flags::NONE, 0, &[0; 8]);
    let goaway = goaway(&meet(&[preface, ping].concat()).await);
    assert_eq!(goaway.message, "first frame is ping, but must be hello");
}

#[tokio::test]
async fn lengths_beyond_the_limit_get_a_goaway() {
    let endless_hello = {
        let mut bytes = RawPeer::greeting()[..8].to_vec();
        bytes.extend_from_slice(&Head::control(Kind::Hello, 0x00ff_ffff).encode());
        bytes
    };
    let endless_request = {
        let mut bytes = RawPeer::greeting();
        let head = Head { flags: Flags::MINE, ..Head::control(Kind::Request, 0x00ff_ffff) };
        bytes.extend_from_slice(&head.encode());
        bytes
    };
    for bytes in [endless_hello, endless_request] {
        let goaway = goaway(&meet(&bytes).await);
        assert!(goaway.message.contains("over the limit"), "{}", goaway.message);
    }
}

#[tokio::test]
async fn garbage_after_a_good_start_gets_a_goaway() {
    let bytes = [RawPeer::greeting(), vec![0xff; 64]].concat();
    assert_eq!(goaway(&meet(&bytes).await).code, CloseCode::Protocol);
}

#[tokio::test]
async fn silence_is_ended_by_the_handshake_timeout() {
    let server = Server::new().handshake_timeout(Duration::from_millis(300));
    let served = Served::with(server, Transport::Tcp, Codec::Bincode).await;
    served.client.channel().ready().await.unwrap();
    for start in [&b""[..], &RawPeer::greeting()[..5], &RawPeer::greeting()[..12]] {
        let mut peer = RawPeer::connect(served.address()).await.unwrap();
        peer.send(start).await.unwrap();
        let goaway = goaway(&peer.rest().await.unwrap());
        assert_eq!(goaway.code, CloseCode::Timeout);
        // Bytes after the timeout are ignored.
        let _ = peer.send(b"garbage").await;
    }
    assert_eq!(served.client.add(1, 2).await, Ok(3));
}
