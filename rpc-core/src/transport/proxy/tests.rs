//! Headers whole, cut, and hostile.

use std::net::SocketAddr;

use proptest::prelude::*;
use tokio::io::AsyncReadExt as _;

use super::{HeaderError, ProxyHeader, ReceivedHeader, Source, parse, receive};
use crate::transport::{Link, Peer, PeerAddress};

const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [SIGNATURE, &[command, family][..], &length, body].concat()
}

fn tcp(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// The client that a header names, and the address that it had connected to.
type Named = (Option<Source>, Option<SocketAddr>);

fn named(source: &str, destination: &str) -> Named {
    (Some(Source::Tcp(tcp(source))), Some(tcp(destination)))
}

const NOBODY: Named = (None, None);

/// Headers that hold, with what they say.
fn good() -> Vec<(Vec<u8>, Named)> {
    let four = [203, 0, 113, 7, 198, 51, 100, 1, 0x12, 0x67, 0x1b, 0x58];
    let of_four = named("203.0.113.7:4711", "198.51.100.1:7000");
    let mut six = [0; 36];
    (six[15], six[31], six[33], six[35]) = (1, 2, 3, 4);
    let tlvs = |before: &[u8]| [before, &[0x01, 0, 2, b'h', b'2', 0xee, 0xff, 0xff]].concat();
    vec![
        (b"PROXY TCP4 203.0.113.7 198.51.100.1 4711 7000\r\n".to_vec(), of_four),
        (b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n".to_vec(),
            named("255.255.255.255:65535", "255.255.255.255:65535")),
        (b"PROXY TCP6 2001:db8::1 ::1 1 2\r\n".to_vec(), named("[2001:db8::1]:1", "[::1]:2")),
        (b"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"
            .to_vec(),
            named("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535")),
        (b"PROXY UNKNOWN\r\n".to_vec(), NOBODY),
        (b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n".to_vec(), NOBODY),
        (v2(0x21, 0x11, &four), of_four),
        // What is behind the addresses is passed over, even where it is not what it says.
        (v2(0x21, 0x11, &tlvs(&four)), of_four),
        (v2(0x21, 0x21, &six), named("[::1]:3", "[::2]:4")),
        (v2(0x21, 0x31, &[b'x'; 216]), (Some(Source::Unix), None)),
        (v2(0x21, 0x00, &[]), NOBODY),
        (v2(0x21, 0x00, &four), NOBODY),
        (v2(0x21, 0x01, &tlvs(&[])), NOBODY),
        // The proxy's own: nothing else in it counts.
        (v2(0x20, 0x00, &[]), NOBODY),
        (v2(0x20, 0x11, &four), NOBODY),
        (v2(0x20, 0xff, b"whatever"), NOBODY),
        (v2(0x21, 0x11, &[&four[..], &[0; 4096 - 16 - 12]].concat()), of_four),
    ]
}

#[test]
fn a_header_is_read_wherever_it_is_cut() {
    for (bytes, (source, destination)) in good() {
        for cut in 0..bytes.len() {
            assert_eq!(parse(&bytes[..cut]), None, "{} at {cut}", bytes.escape_ascii());
        }
        let said = ReceivedHeader { length: bytes.len(), source, destination };
        for behind in [&b""[..], b"\r\n", b"\xa9RPC", b"PROXY UNKNOWN\r\n"] {
            let all = [&bytes[..], behind].concat();
            assert_eq!(parse(&all), Some(Ok(said.clone())), "{}", bytes.escape_ascii());
        }
    }
}

#[test]
fn what_does_not_hold_is_refused_as_soon_as_that_is_known() {
    let line = |text: &str| text.as_bytes().to_vec();
    let rows = [
        (line("\u{a9}RPC"), "there is no PROXY header"),
        (line("GET / HTTP/1.1"), "there is no PROXY header"),
        (line("PROXX"), "there is no PROXY header"),
        (line("proxy TCP4"), "there is no PROXY header"),
        (line("\r\n\r\n\0\r\nQUIT\r"), "there is no PROXY header"),
        (line(&format!("PROXY UNKNOWN {}", "x".repeat(93))), "longer than 107 bytes"),
        (line(&format!("PROXY UNKNOWN {}\r\n", "x".repeat(92))), "longer than 107 bytes"),
        (line("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n"), "plain text that ends with CR LF"),
        (line("PROXY TCP4 1.2.3.4 5.6.7.8 1\r2\r\n"), "plain text that ends with CR LF"),
        (line("PROXY TCP4 1.2.3.4\t5.6.7.8 1 2\r\n"), "plain text that ends with CR LF"),
        (line("PROXY UNKNOWN\0\r\n"), "plain text that ends with CR LF"),
        (line("PROXY UNKNOWN \u{e9}\r\n"), "plain text that ends with CR LF"),
        (line("PROXY \n"), "plain text that ends with CR LF"),
        (line("PROXY \r\n"), "(version 1) is wrong"),
        (line("PROXY TCP4 1.2.3.4 5.6.7.8 1 \r\n"), "(version 1) is wrong"),
        (line("PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n"), "(version 1) is wrong"),
        (line("PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n"), "(version 1) is wrong"),
        (line("PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n"), "(version 1) is wrong"),
        (line("PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n"), "(version 1) is wrong"),
        (line("PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n"), "(version 1) is wrong"),
        (line("PROXY TCP4 1.2.3.4 5.6.7.8 -1 2\r\n"), "(version 1) is wrong"),
        (line("PROXY TCP4 1.2.3.4 5.6.7.8 +1 2\r\n"), "its ports are not numbers"),
        (line("PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n"), "(version 1) is wrong"),
        (line("PROXY TCP4 01.2.3.4 5.6.7.8 1 2\r\n"), "(version 1) is wrong"),
        (line("PROXY TCP4 ::1 ::2 1 2\r\n"), "(version 1) is wrong"),
        (line("PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n"), "(version 1) is wrong"),
        (line("PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n"), "(version 1) is wrong"),
        (line("PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n"), "(version 1) is wrong"),
        (line("PROXY unknown\r\n"), "(version 1) is wrong"),
        (v2(0x11, 0x11, &[0; 12]), "(version 2) is wrong"),
        (v2(0x31, 0x11, &[0; 12]), "(version 2) is wrong"),
        (v2(0x22, 0x11, &[0; 12]), "(version 2) is wrong"),
        (v2(0x21, 0x41, &[0; 12]), "(version 2) is wrong"),
        (v2(0x21, 0x13, &[0; 12]), "(version 2) is wrong"),
        (v2(0x21, 0x11, &[0; 11]), "(version 2) is wrong"),
        (v2(0x21, 0x21, &[0; 35]), "(version 2) is wrong"),
        (v2(0x21, 0x31, &[0; 215]), "(version 2) is wrong"),
        (v2(0x21, 0x12, &[0; 12]), "is about datagrams"),
        (v2(0x21, 0x11, &[0; 4081]), "longer than 4096 bytes"),
        (v2(0x20, 0x00, &[0; 4081]), "longer than 4096 bytes"),
    ];
    for (bytes, words) in rows {
        let shown = bytes.escape_ascii();
        let error = parse(&bytes).expect("it is judged").unwrap_err().to_string();
        assert!(error.contains(words), "{error} for {shown}");
        // It is not judged otherwise before all of it has come.
        for cut in 0..bytes.len() {
            if let Some(early) = parse(&bytes[..cut]) {
                let early = early.unwrap_err().to_string();
                assert!(early.contains(words), "{early} for {shown} at {cut}");
            }
        }
    }
    // Nobody waits for bytes that do not make it better: of what is too long, or of an unknown version.
    for start in [v2(0x21, 0x11, &[0; 0xffff]), v2(0x31, 0x11, &[0; 100])] {
        assert!(matches!(parse(&start[..16]), Some(Err(_))), "{}", start[..16].escape_ascii());
    }
}

#[tokio::test]
async fn a_link_has_the_peer_that_its_header_names_and_all_the_bytes_behind() {
    let proxy: PeerAddress = tcp("10.0.0.1:9").into();
    for (bytes, (source, destination)) in good() {
        for piece in [1, 7, bytes.len() + 6] {
            let all = [&bytes[..], b"behind"].concat();
            let io = all.chunks(piece).fold(
                Box::new(tokio::io::empty()) as Box<dyn tokio::io::AsyncRead + Send + Unpin>,
                |before, piece| Box::new(before.chain(std::io::Cursor::new(piece.to_vec()))),
            );
            let mut link =
                Link::new(tokio::io::join(io, tokio::io::sink()), Peer::new(proxy.clone()));
            receive(&mut link).await.unwrap();
            let proxied = link.peer().get::<super::Proxied>();
            match source {
                None => assert!(*link.peer().address() == proxy && proxied.is_none()),
                Some(Source::Tcp(source)) => assert_eq!(*link.peer().address(), source.into()),
                // That it comes over a socket of this machine would be a lie.
                Some(Source::Unix) => {
                    assert_eq!(link.peer().to_string(), "a Unix socket of 10.0.0.1:9");
                }
            }
            if let Some(proxied) = proxied {
                assert_eq!(*proxied.proxy().address(), proxy);
                assert_eq!(proxied.destination(), destination);
            }
            let mut rest = Vec::new();
            link.read_to_end(&mut rest).await.unwrap();
            assert_eq!(rest, b"behind");
        }
    }
}

#[tokio::test]
async fn a_stream_that_ends_in_its_header_is_gone() {
    for bytes in [&b""[..], b"PROX", b"PROXY TCP4 1.2.3.4", &SIGNATURE[..]] {
        let io = tokio::io::join(bytes, tokio::io::sink());
        let mut link = Link::new(io, Peer::new("proxy"));
        let refusal = receive(&mut link).await.unwrap_err();
        assert!(matches!(refusal, super::Refusal::Gone(_)), "{refusal}");
    }
}

#[test]
fn what_is_said_is_what_is_read() {
    let (four, six) = (tcp("203.0.113.7:4711"), tcp("[2001:db8::1]:9"));
    let mapped = tcp("[::ffff:203.0.113.7]:4711");
    for (source, destination, read) in [
        (four, four, (four, four)),
        (six, six, (six, six)),
        (four, six, (mapped, six)),
        (six, four, (six, mapped)),
    ] {
        for header in [ProxyHeader::v1(source, destination), ProxyHeader::v2(source, destination)] {
            let said = parse(header.as_bytes()).unwrap().unwrap();
            let expected = (Some(Source::Tcp(read.0)), Some(read.1));
            assert_eq!((said.source, said.destination), expected, "{header:?}");
            assert_eq!(said.length, header.as_bytes().len());
        }
    }
    let local = parse(ProxyHeader::local().as_bytes()).unwrap().unwrap();
    assert_eq!((local.source, local.length), (None, 16));
}

/// Bytes that are nearly a header.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let headers: Vec<_> = good().into_iter().map(|(bytes, _)| bytes).collect();
    let spoilt = (proptest::sample::select(headers), any::<proptest::sample::Index>(), any::<u8>());
    spoilt.prop_map(|(mut bytes, at, byte)| {
        let at = at.index(bytes.len());
        bytes[at] = byte;
        bytes
    })
}

proptest! {
    /// A verdict on bytes is that on all that begin with them.
    #[test]
    fn more_bytes_change_no_verdict(
        bytes in prop_oneof![nearly(), proptest::collection::vec(any::<u8>(), 0..200)],
    ) {
        let whole = parse(&bytes);
        let mut judged = false;
        for cut in 0..bytes.len() {
            match (parse(&bytes[..cut]), &whole) {
                (None, _) => prop_assert!(!judged),
                (Some(Ok(early)), Some(Ok(late))) => prop_assert_eq!(&early, late),
                (Some(Err(_)), Some(Err(_))) => {}
                (early, late) => prop_assert!(false, "{early:?} and {late:?}"),
            }
            judged |= parse(&bytes[..cut]).is_some();
        }
        if let Some(Ok(said)) = whole {
            prop_assert!(said.length <= bytes.len());
        }
    }

    #[test]
    fn any_two_addresses_are_read_as_they_are_said(
        source: std::net::Ipv6Addr, destination: std::net::Ipv6Addr, ports: (u16, u16),
    ) {
        let (source, destination) = ((source, ports.0).into(), (destination, ports.1).into());
        for header in [ProxyHeader::v1(source, destination), ProxyHeader::v2(source, destination)] {
            let said = parse(header.as_bytes()).expect("it is whole").expect("it holds");
            prop_assert_eq!(said.source, Some(Source::Tcp(source)));
        }
    }

    #[test]
    fn what_begins_with_neither_word_is_absent(bytes in proptest::collection::vec(any::<u8>(), 13..40)) {
        prop_assume!(!bytes.starts_with(SIGNATURE) && !bytes.starts_with(b"PROXY "));
        prop_assert_eq!(parse(&bytes), Some(Err(HeaderError::Absent)));
    }
}
