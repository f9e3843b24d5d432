//! Calls that end before their end. Where gRPC cancels a call, its future or its stream is dropped here: nobody is
//! left who could read a status, and the handler is gone.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use rpc_core::Code;
use tokio::sync::mpsc;

use crate::service::{Request, each};

#[test]
fn cancel_after_begin() {
    each(async |client, tested| {
        let call = tokio::spawn(client.streaming_input_call(stream::pending()));
        tested.until_running(1).await;
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
        tested.until_running(0).await;
        assert_eq!(client.empty_call().await, Ok(()), "nothing else ends by it");
    });
}

#[test]
fn cancel_after_first_response() {
    each(async |client, tested| {
        let (ask, asked) = mpsc::unbounded_channel::<Request>();
        let requests = stream::unfold(asked, async |mut asked| {
            asked.recv().await.map(|request| (request, asked))
        });
        let mut replies = client.full_duplex_call(requests).await.unwrap();
        ask.send(Request { sizes: vec![31_415], status: None }).unwrap();
        assert_eq!(replies.next().await, Some(Ok(Bytes::from(vec![0; 31_415]))));
        drop(replies);
        tested.until_running(0).await;
        // The rest of the upload is dropped as well.
        ask.closed().await;
        assert_eq!(client.empty_call().await, Ok(()));
    });
}

#[test]
fn timeout_on_sleeping_server() {
    each(async |client, tested| {
        let requests = stream::iter([Request { sizes: vec![31_415], status: None }]);
        let call = client.sleeping_call(requests).timeout(Duration::from_millis(1));
        // The time may have passed before the handler has said that it has begun, or after.
        let error = match call.await {
            Ok(mut replies) => replies.next().await.unwrap().unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(error.code(), Code::DeadlineExceeded, "{error}");
        tested.until_running(0).await;
    });
}
