//! Calls that end before their end. Where gRPC cancels a call, its future or its stream is dropped here: nobody is
//! left to read a status, and the handler is gone.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use rpc_core::{Code, Status, fallible};
use tokio::sync::oneshot;

use crate::service::{Request, as_they_come, each};

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
fn cancel_before_start() {
    each(async |client, tested| {
        drop(client.streaming_input_call(stream::pending()));
        assert_eq!(client.empty_call().await, Ok(()));
        tested.until_running(0).await;
    });
}

/// Whoever breaks an upload off as cancelled is the one caller who reads that status.
#[test]
fn cancelled_is_a_status_that_a_caller_sees() {
    each(async |client, tested| {
        let (end, ended) = oneshot::channel::<()>();
        let ends = stream::once(async move {
            // Dropped or sent: it is the end.
            let _ = ended.await;
            Err::<Bytes, _>(Status::new(Code::Cancelled, "enough"))
        });
        let call = tokio::spawn(client.streaming_input_call(fallible(ends)));
        tested.until_running(1).await;
        end.send(()).unwrap();
        let error = call.await.unwrap().unwrap_err();
        assert_eq!(
            (error.code(), error.to_string().as_str()),
            (Code::Cancelled, "CANCELLED: enough")
        );
        tested.until_running(0).await;
    });
}

#[test]
fn cancel_after_first_response() {
    each(async |client, tested| {
        let (ask, requests) = as_they_come::<Request>();
        let mut replies = client.full_duplex_call(requests).await.unwrap();
        ask.send(Request { sizes: vec![31_415], ..Request::default() }).unwrap();
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
        let requests = stream::iter([Request { sizes: vec![31_415], ..Request::default() }]);
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
