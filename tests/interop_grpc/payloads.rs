//! Payloads of the sizes that gRPC's cases send, each way and both ways.

use futures_util::stream;

use crate::service::{Request, as_they_come, each, zeros};

const REQUEST_SIZES: [u32; 4] = [27_182, 8, 1_828, 45_904];
const REPLY_SIZES: [u32; 4] = [31_415, 9, 2_653, 58_979];

#[test]
fn empty_unary() {
    each(async |client, _| assert_eq!(client.empty_call().await, Ok(())));
}

#[test]
fn large_unary() {
    each(async |client, _| {
        let request = Request { sizes: vec![314_159], ..Request::default() };
        let reply = client.unary_call(request, zeros(271_828)).await.unwrap();
        assert_eq!(reply, zeros(314_159));
    });
}

#[test]
fn client_streaming() {
    each(async |client, _| {
        let payloads = stream::iter(REQUEST_SIZES.map(zeros));
        assert_eq!(client.streaming_input_call(payloads).await, Ok(74_922));
    });
}

#[test]
fn server_streaming() {
    each(async |client, _| {
        let request = Request { sizes: REPLY_SIZES.to_vec(), ..Request::default() };
        let mut replies = client.streaming_output_call(request).await.unwrap();
        for size in REPLY_SIZES {
            assert_eq!(replies.next().await, Some(Ok(zeros(size))));
        }
        assert_eq!(replies.next().await, None);
    });
}

#[test]
fn half_duplex() {
    each(async |client, _| {
        let request = |size| Request { sizes: vec![size], ..Request::default() };
        let mut replies =
            client.half_duplex_call(stream::iter(REPLY_SIZES.map(request))).await.unwrap();
        for size in REPLY_SIZES {
            assert_eq!(replies.next().await, Some(Ok(zeros(size))));
        }
        assert_eq!(replies.next().await, None);
    });
}

#[test]
fn ping_pong() {
    each(async |client, tested| {
        let (ask, requests) = as_they_come::<Request>();
        let mut replies = client.full_duplex_call(requests).await.unwrap();
        for size in REPLY_SIZES {
            ask.send(Request { sizes: vec![size], ..Request::default() }).unwrap();
            assert_eq!(replies.next().await, Some(Ok(zeros(size))));
        }
        drop(ask);
        assert_eq!(replies.next().await, None);
        tested.until_running(0).await;
    });
}

#[test]
fn empty_stream() {
    each(async |client, tested| {
        let mut replies = client.full_duplex_call(stream::empty()).await.unwrap();
        assert_eq!(replies.next().await, None);
        tested.until_running(0).await;
    });
}
