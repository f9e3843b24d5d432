//! Peers that speak TLS, and within it what they should not: they are told as they are without TLS.

use std::sync::Arc;

use rpc_core::proto::{
    Decoder,
    wire::{CloseCode, Flags, GoAway, Head, Kind},
};
use tests::{Authority, RawPeer};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    },
};

use crate::ground::{client, plain, serve};

/// A session without the framework on this side.
pub(crate) async fn connect<S>(io: S, authority: &Authority) -> TlsStream<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, io).await.unwrap()
}

/// The last frame of an answer, which is a goaway.
fn goaway(answer: &[u8]) -> GoAway {
    let (mut decoder, mut input, mut last) = (Decoder::new(1 << 20), answer, None);
    while let Some(piece) = decoder.next(&mut input).unwrap() {
        last = Some((piece.head.kind, piece.payload.to_vec()));
    }
    let (kind, payload) = last.expect("an answer");
    assert_eq!(kind, Kind::GoAway);
    GoAway::decode(&payload).unwrap()
}

/// Sends bytes within TLS to a server that serves somebody else meanwhile; what comes back until it says goodbye.
async fn meet(rows: &[&[u8]]) -> Vec<Vec<u8>> {
    let authority = Authority::default();
    let running = serve(authority.server_tls()).await;
    let faithful = client(&running, authority.client_tls()).await;
    let mut answers = Vec::new();
    for bytes in rows {
        let socket = TcpStream::connect(plain(&running).to_string()).await.unwrap();
        let mut stream = connect(socket, &authority).await;
        stream.write_all(bytes).await.unwrap();
        stream.flush().await.unwrap();
        let mut answer = Vec::new();
        // An end without the goodbye of TLS would be an error.
        stream.read_to_end(&mut answer).await.unwrap();
        answers.push(answer);
        assert!(faithful.who().await.is_ok());
    }
    running.shutdown().await;
    answers
}

#[tokio::test]
async fn other_protocols_are_answered_in_their_words() {
    let rows: [&[u8]; 3] = [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ];
    let answers = meet(&rows).await;
    for answer in &answers[..2] {
        let text = String::from_utf8(answer.clone()).unwrap();
        assert!(text.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{text}");
        assert!(text.contains("rpc-core protocol, not HTTP"), "{text}");
    }
    assert!(answers[2].starts_with(&[0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x28]));
}

#[tokio::test]
async fn broken_rules_are_named_in_a_goaway() {
    let (preface, greeting) = (RawPeer::greeting()[..8].to_vec(), RawPeer::greeting());
    let with = |start: &[u8], frame: &[u8]| [start, frame].concat();
    let frame = |kind, payload: &[u8]| RawPeer::frame(kind, Flags::NONE, 0, payload);
    let hello = &greeting[8..];
    let mut version = greeting.clone();
    version[4] = 0;
    let endless = Head::control(Kind::Hello, 0x00ff_ffff).encode();
    let request = Head { flags: Flags::MINE, ..Head::control(Kind::Request, 0x00ff_ffff) };
    let rows: [(Vec<u8>, &str); 9] = [
        (b"\0\xfe\xed\xfa\xce\xca\xfe\xba\xbe".to_vec(), "not the preface"),
        (b"SSH-2.0-OpenSSH_9.6\r\n".to_vec(), "it sent SSH"),
        (version, "version"),
        (with(&preface, &endless), "over the limit"),
        (with(&greeting, &request.encode()), "over the limit"),
        (with(&greeting, hello), "second hello"),
        (with(&preface, &frame(Kind::Ping, &[0; 8])), "must be hello"),
        (with(&greeting, &[0xff; 64]), ""),
        (b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n".to_vec(), "it sent a PROXY header"),
    ];
    let bytes: Vec<_> = rows.iter().map(|(bytes, _)| bytes.as_slice()).collect();
    for (answer, (bytes, words)) in meet(&bytes).await.iter().zip(&rows) {
        let goaway = goaway(answer);
        assert!(matches!(goaway.code, CloseCode::Protocol | CloseCode::Limit), "{bytes:?}");
        assert!(goaway.message.contains(words), "{bytes:?}: {}", goaway.message);
    }
}

/// A browser, or curl, agrees upon HTTP by its name within TLS, and is told what the port is.
#[tokio::test]
async fn a_client_of_another_protocol_by_name_is_refused_or_told() {
    let authority = Authority::default();
    let running = serve(authority.server_tls()).await;
    for (names, gets_in) in [(&["h2", "http/1.1"][..], true), (&["h2"], false), (&["rpc/1"], true)]
    {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap()).unwrap();
        let config = ClientConfig::builder().with_root_certificates(roots);
        let mut config = config.with_no_client_auth();
        config.alpn_protocols = names.iter().map(|name| name.as_bytes().to_vec()).collect();
        let socket = TcpStream::connect(plain(&running).to_string()).await.unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let met = TlsConnector::from(Arc::new(config)).connect(name, socket).await;
        assert_eq!(met.is_ok(), gets_in, "{names:?}");
        if let Err(error) = met {
            assert!(error.to_string().contains("NoApplicationProtocol"), "{error}");
        }
    }
    running.shutdown().await;
}
