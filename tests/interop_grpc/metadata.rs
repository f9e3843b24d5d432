//! Metadata that a call sends and that its reply brings back, at the start and at the end.

use bytes::Bytes;
use futures_util::stream;
use rpc_core::Metadata;

use crate::service::{INITIAL, Request, TRAILING, each};

const VALUE: &str = "test_initial_metadata_value";
const BYTES: [u8; 3] = [0xab, 0xab, 0xab];

/// Metadata for the start of a reply, and bytes for its end.
fn sent() -> Metadata {
    let mut sent = Metadata::new();
    sent.set(INITIAL, VALUE).unwrap();
    sent.set_bin(TRAILING, BYTES).unwrap();
    sent
}

#[test]
fn custom_metadata_of_a_single_reply() {
    each(async |client, _| {
        let request = Request { sizes: vec![314_159], ..Request::default() };
        let call = client.unary_call(&request, Bytes::from(vec![0; 271_828]));
        let reply = call.with_metadata(&sent()).with_reply_metadata().await.unwrap();
        assert_eq!(reply.value.len(), 314_159);
        // A single value has nothing to go ahead of: both come with it.
        assert_eq!(reply.metadata, sent());
    });
}

#[test]
fn initial_metadata_comes_ahead_of_the_items() {
    each(async |client, _| {
        let request = Request { sizes: vec![314_159], ..Request::default() };
        let call = client.full_duplex_call(stream::iter([request]));
        let mut replies = call.with_metadata(&sent()).await.unwrap();
        assert_eq!(replies.leading_metadata().value(INITIAL), Some(VALUE));
        assert_eq!(replies.next().await.unwrap().unwrap().len(), 314_159);
    });
}

#[test]
fn trailing_metadata_of_bytes_comes_behind_the_items() {
    each(async |client, _| {
        let request = Request { sizes: vec![8], ..Request::default() };
        let call = client.full_duplex_call(stream::iter([request]));
        let mut replies = call.with_metadata(&sent()).await.unwrap();
        assert_eq!(replies.next().await.unwrap().unwrap().len(), 8);
        assert_eq!(replies.next().await, None);
        assert_eq!(replies.trailing_metadata().value_bin(TRAILING), Some(&BYTES[..]));
    });
}

#[test]
fn a_key_comes_as_often_as_it_was_sent() {
    each(async |client, _| {
        let mut sent = Metadata::new();
        sent.append_bin(TRAILING, BYTES).unwrap();
        sent.append_bin(TRAILING, b"again").unwrap();
        let call = client.unary_call(Request::default(), Bytes::new());
        let reply = call.with_metadata(&sent).with_reply_metadata().await.unwrap();
        assert!(reply.metadata.values_bin(TRAILING).eq([&BYTES[..], b"again"]));
    });
}
