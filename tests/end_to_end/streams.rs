//! Streams of items, both ways, over every transport and codec.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Waker},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use rpc_core::{CallError, Code, Limits, Streaming};
use tests::Refused;
use tokio::sync::mpsc;

use crate::relay::{Relayed, each, each_with};

async fn all<T, E>(mut stream: Streaming<T, E>) -> Vec<Result<T, CallError<E>>> {
    let mut items = Vec::new();
    while let Some(item) = stream.next().await {
        items.push(item);
    }
    assert!(stream.next().await.is_none(), "a stream goes on after its end");
    items
}

#[test]
fn a_server_stream_brings_every_item_in_order() {
    each(async |Relayed { client, .. }| {
        for up_to in [0, 1, 1000, 50_000] {
            let items = all(client.count(up_to).await.unwrap()).await;
            assert!(items.into_iter().map(Result::unwrap).eq(0..up_to), "{up_to}");
        }
    });
}

#[test]
fn long_and_short_items_come_whole() {
    each(async |Relayed { client, .. }| {
        let lengths = vec![0, 1, 38, 39, 4096, 4097, 65_536, 300_000, 3, 1_000_000, 70_000, 2];
        let items = all(client.blobs(lengths.clone()).await.unwrap()).await;
        assert_eq!(items.len(), lengths.len());
        for (item, length) in items.into_iter().zip(lengths) {
            let item = item.unwrap();
            assert_eq!(item.len(), length);
            assert!(item.iter().all(|byte| *byte == length as u8));
        }
    });
}

#[test]
fn errors_of_the_start_and_of_items_are_typed() {
    each(async |Relayed { client, .. }| {
        let refused = Refused::TooMuch { wanted: 11, limit: 10 };
        assert_eq!(client.open(11).await.unwrap_err(), CallError::App(refused));
        assert_eq!(all(client.open(3).await.unwrap()).await, [Ok(0), Ok(1), Ok(2)]);
        let refused = Refused::TooMuch { wanted: 3, limit: 2 };
        let items = all(client.fail_after(2).await.unwrap()).await;
        assert_eq!(items, [Ok(0), Ok(1), Err(CallError::App(refused))]);
    });
}

#[test]
fn a_stream_that_panics_ends_with_internal() {
    each(async |Relayed { client, .. }| {
        let items = all(client.panic().await.unwrap()).await;
        let [Ok(1), Err(end)] = &items[..] else { panic!("{items:?}") };
        assert_eq!(end.code(), Code::Internal);
        assert_eq!(client.sum(stream::empty()).await, Ok(0));
    });
}

#[test]
fn an_upload_that_panics_fails_its_call_alone() {
    each(async |Relayed { client, .. }| {
        let numbers = stream::iter([1, 2]).chain(stream::once(async { panic!("as asked for") }));
        let error = client.sum(numbers).await.unwrap_err();
        assert_eq!(error.code(), Code::Internal);
        assert!(error.to_string().contains("the stream that was sent with the call panicked"));
        assert_eq!(client.sum(stream::iter([1, 2])).await, Ok(3));
    });
}

#[test]
fn dropping_a_stream_ends_its_handler() {
    each(async |Relayed { client, watch, .. }| {
        let mut streams = Vec::new();
        for _ in 0..3 {
            let mut stream = client.endless().await.unwrap();
            assert_eq!(stream.next().await, Some(Ok(0)));
            streams.push(stream);
        }
        watch.until_live(3).await;
        streams.pop();
        watch.until_live(2).await;
        // One that nobody reads, and one whose call is given up before it is accepted.
        drop(client.endless().now_or_never());
        streams.clear();
        watch.until_live(0).await;
    });
}

#[test]
fn a_deadline_ends_a_stream() {
    each(async |Relayed { client, watch, .. }| {
        // On a busy machine the deadline may pass before the stream begins: then it has more time.
        let mut time = Duration::from_millis(50);
        let mut stream = loop {
            match client.endless().timeout(time).await {
                Ok(stream) => break stream,
                Err(error) => assert_eq!(error.code(), Code::DeadlineExceeded),
            }
            time *= 2;
        };
        let error = loop {
            match stream.next().await.unwrap() {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert_eq!(error.code(), Code::DeadlineExceeded);
        watch.until_live(0).await;
    });
}

#[test]
fn an_upload_brings_every_item_and_its_end() {
    each(async |Relayed { client, .. }| {
        assert_eq!(client.sum(stream::iter(1..=20_000)).await, Ok(200_010_000));
        let lengths = [0, 5000, 200_000, 1];
        let blobs = stream::iter(lengths).map(|length| Bytes::from(vec![7; length]));
        assert_eq!(client.measure(1 << 20, blobs).await, Ok(lengths.to_vec()));
    });
}

/// A stream that never ends, and tells when it is dropped.
fn endless(dropped: &Arc<AtomicBool>) -> impl futures_util::Stream<Item = i64> + use<> {
    struct Tell(Arc<AtomicBool>);
    impl Drop for Tell {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let tell = Tell(Arc::clone(dropped));
    stream::iter(1..).then(move |number| {
        let _tell = &tell;
        async move {
            tokio::task::yield_now().await;
            number
        }
    })
}

async fn until(flag: &AtomicBool) {
    while !flag.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_handler_that_has_enough_stops_the_upload() {
    each(async |Relayed { client, .. }| {
        let dropped = Arc::new(AtomicBool::new(false));
        assert_eq!(client.first(endless(&dropped)).await, Ok(Some(1)));
        until(&dropped).await;
        let refused = Refused::TooMuch { wanted: 9, limit: 8 };
        let blobs = stream::repeat(Bytes::from_static(b"nine byte"));
        assert_eq!(client.measure(8, blobs).await, Err(CallError::App(refused)));
        // The same connection goes on.
        assert_eq!(client.sum(stream::iter([1, 2])).await, Ok(3));
    });
}

#[test]
fn dropping_a_call_ends_its_upload() {
    each(async |Relayed { client, .. }| {
        let dropped = Arc::new(AtomicBool::new(false));
        let mut call = pin!(client.sum(endless(&dropped)));
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        tokio::task::yield_now().await;
        drop(client.sum(endless(&dropped)).now_or_never());
        until(&dropped).await;
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    });
}

#[test]
fn both_ways_at_once_each_item_is_answered_before_the_next_is_sent() {
    each(async |Relayed { client, .. }| {
        let (lines, source) = mpsc::channel::<String>(1);
        let source = stream::unfold(source, async |mut source| {
            source.recv().await.map(|line| (line, source))
        });
        let mut answers = client.shout(source).await.unwrap();
        for word in ["one", "two", "three"] {
            lines.send(word.to_owned()).await.unwrap();
            assert_eq!(answers.next().await, Some(Ok(word.to_uppercase())));
        }
        drop(lines);
        assert_eq!(answers.next().await, None);
    });
}

#[test]
fn a_stalled_reader_holds_up_nothing_else() {
    let limits = Limits::default().window(16 << 10);
    each_with(limits, async |Relayed { client, watch, .. }| {
        let mut stalled = Vec::new();
        for _ in 0..50 {
            stalled.push(client.endless().await.unwrap());
        }
        watch.until_live(50).await;
        for number in 0..20 {
            assert_eq!(client.sum(stream::iter([number, 1])).await, Ok(number + 1));
            let items = all(client.count(5000).await.unwrap()).await;
            assert_eq!(items.len(), 5000);
        }
        // The items that have waited are still there, from the start.
        for stream in &mut stalled {
            for expected in 0..3000 {
                assert_eq!(stream.next().await, Some(Ok(expected)));
            }
        }
    });
}

#[test]
fn what_is_called_as_something_else_is_told() {
    each(async |Relayed { client, .. }| {
        let channel = client.channel();
        let arguments = serde_json::json!({ "up_to": 3 });
        let error = channel.call_json("Relay.count", &arguments).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument, "{error}");
        let error = channel.stream_json("Relay.noted", &serde_json::json!([])).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument, "{error}");
        let items = all(channel.stream_json("Relay.count", &arguments).await.unwrap()).await;
        assert_eq!(items, [0, 1, 2].map(|number| Ok(serde_json::json!(number))));
        let numbers = stream::iter([4, 5]).map(serde_json::Value::from);
        let sum = channel.call_json("Relay.sum", &serde_json::json!([])).upload_json(numbers).await;
        assert_eq!(sum, Ok(serde_json::json!(9)));
        // Without its items it is an empty stream.
        let sum = channel.call_json("Relay.sum", &serde_json::json!([])).await;
        assert_eq!(sum, Ok(serde_json::json!(0)));
    });
}

#[test]
fn a_lost_connection_ends_streams_with_unavailable() {
    each(async |Relayed { client, watch, _running, .. }| {
        let Some(running) = _running else { return };
        let mut stream = client.endless().await.unwrap();
        assert_eq!(stream.next().await, Some(Ok(0)));
        running.shutdown_handle().abort();
        let error = loop {
            match stream.next().await.unwrap() {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert_eq!(error.code(), Code::Unavailable, "{error}");
        watch.until_live(0).await;
        let polled = stream.next().now_or_never();
        assert_eq!(polled, Some(None));
    });
}
