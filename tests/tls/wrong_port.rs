//! Clients without TLS at a port with, and the other way round: each side says in one sentence what is wrong.

use rpc_core::{
    Running,
    proto::{
        Decoder,
        wire::{CloseCode, GoAway, Kind},
    },
    tls::HandshakeError,
};
use tests::{Authority, RawPeer, TourClient, tourist};
use tokio::{io::AsyncWriteExt as _, net::TcpListener};

use crate::{
    ground::{client, plain, reason, serve, server},
    log::Log,
};

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

/// Sends bytes in two parts; what comes back until the server closes.
async fn meet(running: &Running, bytes: &[u8], cut: usize) -> Vec<u8> {
    let mut peer = RawPeer::connect(&plain(running)).await.unwrap();
    peer.send(&bytes[..cut]).await.unwrap();
    tokio::task::yield_now().await;
    let _ = peer.send(&bytes[cut..]).await;
    peer.rest().await.unwrap()
}

#[tokio::test]
async fn a_plain_client_at_a_port_with_tls_is_told_so() {
    let (log, _listening) = Log::listen();
    let running = serve(Authority::default().server_tls()).await;
    let client = TourClient::new(tourist().connect(plain(&running)).await.unwrap());
    let error = client.who().await.unwrap_err();
    let words = "this port speaks TLS: connect to tls:host:port";
    assert!(error.to_string().contains(words), "{error}");
    assert!(!error.status().unwrap().may_have_run(), "{error}");
    assert!(client.channel().ready().await.unwrap_err().to_string().contains(words));
    assert!(log.line(words).await.contains("connection ended"));
    running.shutdown().await;
}

#[tokio::test]
async fn a_client_with_tls_at_a_plain_port_is_told_so() {
    let (log, _listening) = Log::listen();
    let running = server().start("127.0.0.1:0").await.unwrap();
    let endpoint = tourist().tls(Authority::default().client_tls());
    let error = endpoint.connect(running.address()).await.unwrap_err();
    assert!(
        error.to_string().contains("plain RPC, not TLS: use host:port without tls:"),
        "{error}"
    );
    assert_eq!(reason(error), HandshakeError::Unencrypted);
    assert!(log.line("a stranger is answered").await.contains("sent=\"TLS\""));
    running.shutdown().await;
}

/// It knows that by the answer, wherever that is cut, and takes no other alert for it.
#[tokio::test]
async fn alerts_of_others_are_told_from_those_of_a_plain_port() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = tourist().tls(Authority::default().client_tls());
    let ours = b"\x15\x03\x01\0\x02\x02\x28\xa9RPC\x01\0\0\0";
    let rows: [(&[u8], &str); 6] = [
        (ours, "plain RPC, not TLS"),
        (b"\xa9RPC\x01\0\0\0", "plain RPC, not TLS"),
        (&ours[..7], "the server broke the TLS handshake off: handshake failure"),
        (b"\x15\x03\x03\0\x02\x02\x46", "the server does not speak TLS 1.3"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "the server does not speak TLS: it sent HTTP"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "the server does not speak TLS: it sent SSH"),
    ];
    for (bytes, words) in rows {
        for cut in 0..bytes.len() {
            let address = listener.local_addr().unwrap();
            let dialled = endpoint.connect(address);
            let answered = async {
                let (mut far, _) = listener.accept().await.unwrap();
                far.set_nodelay(true).unwrap();
                far.readable().await.unwrap();
                far.write_all(&bytes[..cut]).await.unwrap();
                tokio::task::yield_now().await;
                let _ = far.write_all(&bytes[cut..]).await;
                let _ = far.shutdown().await;
                far
            };
            let (dialled, _far) = tokio::join!(dialled, answered);
            let reason = reason(dialled.unwrap_err());
            assert!(reason.to_string().contains(words), "{reason}: {bytes:?} cut at {cut}");
        }
    }
}

/// The alert of a server that is not ours.
#[tokio::test]
async fn a_plain_client_knows_the_alert_of_any_server_with_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TourClient::new(tourist().connect(listener.local_addr().unwrap()).await.unwrap());
    let call = tokio::spawn(client.who());
    let mut peer = RawPeer::over(listener.accept().await.unwrap().0);
    peer.next(Kind::Request).await.unwrap();
    peer.send(b"\x15\x03\x03\0\x02\x02\x0a").await.unwrap();
    let error = call.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("it sent TLS; its address is tls:host:port"), "{error}");
    assert!(!error.status().unwrap().may_have_run(), "{error}");
}

/// Whatever comes without TLS is told so, wherever its first bytes are cut; those who come with it are served.
#[tokio::test]
async fn all_who_come_without_are_told_so() {
    let authority = Authority::default();
    let running = serve(authority.server_tls()).await;
    let faithful = client(&running, authority.client_tls()).await;
    let rows: [&[u8]; 6] = [
        &RawPeer::greeting(),
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\r\n\r\n\0\r\nQUIT\n",
        b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ];
    for bytes in rows {
        for cut in 0..bytes.len() {
            let answer = meet(&running, bytes, cut).await;
            if bytes.starts_with(b"GET") || bytes.starts_with(b"PRI") {
                let text = String::from_utf8(answer).unwrap();
                assert!(text.contains("This port speaks TLS"), "{text}");
            } else {
                let goaway = goaway(&answer);
                assert_eq!(goaway.code, CloseCode::Protocol);
                let words = match bytes.starts_with(b"PROXY") || bytes.starts_with(b"\r\n") {
                    // Whoever says that on purpose is to learn that nobody listens to it.
                    true => "it sent a PROXY header",
                    false => "this port speaks TLS",
                };
                assert!(goaway.message.contains(words), "{}", goaway.message);
            }
        }
        faithful.who().await.unwrap();
    }
    running.shutdown().await;
}
