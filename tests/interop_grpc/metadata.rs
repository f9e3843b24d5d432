//! Metadata that a call sends and that its reply brings back, at the start and at the end.

use bytes::Bytes;
use futures_util::stream;
use rpc_core::Metadata;

use crate::service::{INITIAL, Request, TRAILING, each};

const VALUE: &str = "test_initial_metadata_value";
const BYTES: [u8; 3] = [0xab, 0xab, 0xab];

#[test]
fn custom_metadata() {
    each(async |client, _| {
        let mut sent = Metadata::new();
        sent.set(INITIAL, VALUE).unwrap();
        sent.set_bin(TRAILING, BYTES).unwrap();

        let request = Request { sizes: vec![314_159], status: None };
        let call = client.unary_call(&request, Bytes::from(vec![0; 271_828]));
        let reply = call.with_metadata(&sent).with_reply_metadata().await.unwrap();
        assert_eq!(reply.value.len(), 314_159);
        // A single value has nothing to go ahead of: both come with it.
        assert_eq!(reply.metadata, sent);

        let call = client.full_duplex_call(stream::iter([request]));
        let mut replies = call.with_metadata(&sent).await.unwrap();
        assert_eq!(replies.leading_metadata().value(INITIAL), Some(VALUE));
        assert_eq!(replies.next().await.unwrap().unwrap().len(), 314_159);
        assert_eq!(replies.next().await, None);
        assert_eq!(replies.trailing_metadata().value_bin(TRAILING), Some(&BYTES[..]));
    });
}
