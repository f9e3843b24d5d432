//! Any bytes through the reader of PROXY headers. It must not panic, must not read further than what has come, and must not
//! change a verdict when more comes.
//!
//! `cargo fuzz run --sanitizer none proxy_header`; that needs no nightly compiler.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rpc_core::proxy::{ProxyHeader, Source, parse};

fuzz_target!(|bytes: &[u8]| {
    let whole = parse(bytes);
    let mut early = (0..bytes.len()).filter_map(|cut| parse(&bytes[..cut]));
    match (early.next(), whole) {
        (Some(Ok(one)), Some(Ok(other))) => assert_eq!(one, other),
        (None, Some(Ok(received))) => {
            assert_eq!(received.length, bytes.len(), "it is known with its last byte");
            if let (Some(Source::Tcp(source)), Some(destination)) =
                (received.source, received.destination)
            {
                for header in
                    [ProxyHeader::v1(source, destination), ProxyHeader::v2(source, destination)]
                {
                    let again = parse(header.as_bytes()).expect("it is whole").expect("it holds");
                    assert_eq!(again.source, received.source);
                }
            }
        }
        (Some(Err(_)), Some(Err(_))) | (None, Some(Err(_)) | None) => {}
        (early, whole) => panic!("{early:?} became {whole:?}"),
    }
});
