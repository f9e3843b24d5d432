//! Metadata beside arguments, values, items and statuses: text and bytes, each way, in every codec.

use std::time::Duration;

use futures_util::{Stream, stream};
use rpc_core::{
    CallError, Code, Codec, Context, Endpoint, Limits, Metadata, MetadataError, MetadataValue,
    Schema, Server, Status, service,
};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

/// An error of a method's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
enum Refusal {
    No,
}

/// Sends back the metadata that came, in each place.
#[service]
trait Echo {
    /// Returns the metadata beside the arguments, as it came.
    async fn seen(&self, cx: &Context) -> Vec<(String, Vec<u8>)>;
    /// Sends it back beside the value.
    async fn value(&self, cx: &Context) -> u64;
    /// Sends it back beside the method's own error.
    async fn refuse(&self, cx: &Context) -> Result<u64, Refusal>;
    /// Sends it back beside a status, which has details too.
    async fn fail(&self, cx: &Context) -> Result<u64, Status>;
    /// Sends it back before the items and behind them.
    fn items(&self, cx: &Context, count: u64) -> impl Stream<Item = Result<u64, Status>>;
    /// The same, with an end that is none.
    fn failing(&self, cx: &Context, count: u64) -> impl Stream<Item = Result<u64, Status>>;
    /// Does not start.
    async fn never(&self, cx: &Context) -> Result<impl Stream<Item = u64>, Status>;
    /// Sets metadata when it is too late.
    async fn late(&self, cx: &Context) -> Result<impl Stream<Item = String>, Status>;
    /// Has no reply.
    #[rpc(oneway)]
    async fn oneway(&self, cx: &Context);
}

struct Mirror(mpsc::UnboundedSender<(Context, Result<(), MetadataError>)>);

fn copy(cx: &Context, trailing: bool) {
    let beside = if trailing { cx.trailing_metadata() } else { cx.leading_metadata() };
    for (key, value) in cx.metadata().iter_all() {
        match value {
            MetadataValue::Text(text) => beside.append(key, text).unwrap(),
            MetadataValue::Binary(bytes) => beside.append_bin(key, bytes).unwrap(),
            _ => unreachable!("there is no other kind"),
        }
    }
}

fn busy() -> Status {
    Status::new(Code::ResourceExhausted, "busy")
        .with_detail("echo.Load", b"\x00\xff")
        .with_detail("echo.Empty", b"")
        .with_retry_after(Duration::from_millis(1500))
}

impl Echo for Mirror {
    async fn seen(&self, cx: &Context) -> Vec<(String, Vec<u8>)> {
        let own =
            |(key, value): (&str, MetadataValue<'_>)| (key.to_owned(), value.as_bytes().to_vec());
        cx.metadata().iter_all().map(own).collect()
    }

    async fn value(&self, cx: &Context) -> u64 {
        // Both places are one where nothing goes ahead of the value.
        cx.leading_metadata().set("first", "1").unwrap();
        copy(cx, true);
        tokio::task::yield_now().await;
        cx.leading_metadata().set("last", "9").unwrap();
        7
    }

    async fn refuse(&self, cx: &Context) -> Result<u64, Refusal> {
        copy(cx, true);
        Err(Refusal::No)
    }

    async fn fail(&self, cx: &Context) -> Result<u64, Status> {
        copy(cx, true);
        let mut status = busy();
        status.metadata_mut().append("own", "of the status")?;
        Err(status)
    }

    fn items(&self, cx: &Context, count: u64) -> impl Stream<Item = Result<u64, Status>> {
        copy(cx, false);
        cx.trailing_metadata().set("count", &count.to_string()).unwrap();
        stream::iter((0..count).map(Ok))
    }

    fn failing(&self, cx: &Context, count: u64) -> impl Stream<Item = Result<u64, Status>> {
        cx.trailing_metadata().set("count", &count.to_string()).unwrap();
        stream::iter((0..count).map(Ok).chain([Err(busy())]))
    }

    async fn never(&self, cx: &Context) -> Result<impl Stream<Item = u64>, Status> {
        cx.leading_metadata().set("ahead", "1")?;
        cx.trailing_metadata().set("behind", "2")?;
        Err::<stream::Empty<u64>, _>(busy())
    }

    async fn late(&self, cx: &Context) -> Result<impl Stream<Item = String>, Status> {
        let cx = cx.clone();
        Ok(stream::once(async move {
            let late = cx.leading_metadata().set("ahead", "1").unwrap_err();
            cx.trailing_metadata().set("behind", "2").unwrap();
            late.to_string()
        }))
    }

    async fn oneway(&self, cx: &Context) {
        let set = cx.trailing_metadata().set("nowhere", "");
        self.0.send((cx.clone(), set)).unwrap();
    }
}

type Seen = mpsc::UnboundedReceiver<(Context, Result<(), MetadataError>)>;

async fn echo(codec: Codec, limits: Limits) -> (EchoClient, Seen, rpc_core::Running) {
    let (send, seen) = mpsc::unbounded_channel();
    let server = Server::new().with(EchoServer::new(Mirror(send)));
    let running = server.start("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::new().codec(codec).limits(limits);
    (EchoClient::new(endpoint.connect(running.address()).await.unwrap()), seen, running)
}

/// A scenario with each codec.
fn each<F: Future<Output = ()>>(scenario: impl Fn(EchoClient) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for codec in [Codec::Bincode, Codec::Json] {
        runtime.block_on(async {
            let (client, _seen, _running) = echo(codec, Limits::default()).await;
            let scenario = tokio::time::timeout(Duration::from_secs(60), scenario(client));
            scenario.await.expect("the scenario hangs");
        });
    }
}

fn sample() -> Metadata {
    let mut metadata = Metadata::new();
    for (key, value) in [("a", "1"), ("b", ""), ("a", "ünï")] {
        metadata.append(key, value).unwrap();
    }
    metadata.append_bin("raw-bin", [0, 255, 10]).unwrap();
    metadata.append_bin("raw-bin", []).unwrap();
    metadata
}

#[test]
fn repeated_keys_and_bytes_reach_the_handler() {
    each(async |client| {
        let sent = sample();
        let expected: Vec<_> = sent
            .iter_all()
            .map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec()))
            .collect();
        assert_eq!(client.seen().with_metadata(&sent).await.unwrap(), expected);
        let call = client.seen().metadata_bin("raw-bin", [1]).metadata("a", "2");
        let expected = [("raw-bin".to_owned(), vec![1]), ("a".to_owned(), b"2".to_vec())];
        assert_eq!(call.await.unwrap(), expected);
        let error = client.seen().metadata("raw-bin", "text").await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument, "{error}");
    });
}

#[test]
fn what_a_handler_sends_comes_beside_its_value() {
    each(async |client| {
        let reply = client.value().with_metadata(&sample()).with_reply_metadata().await.unwrap();
        let mut expected = Metadata::new();
        expected.set("first", "1").unwrap();
        expected.append_all(&sample()).unwrap();
        expected.set("last", "9").unwrap();
        assert_eq!((reply.value, reply.metadata), (7, expected));
        // A caller that does not ask for metadata gets the value alone; without any it gets none.
        assert_eq!(client.value().with_metadata(&sample()).await, Ok(7));
        let reply = client.seen().with_reply_metadata().await.unwrap();
        assert!(reply.value.is_empty() && reply.metadata.is_empty());
    });
}

#[test]
fn an_error_of_the_methods_own_is_read_past_what_comes_beside_it() {
    each(async |client| {
        let error = client.refuse().with_metadata(&sample()).await.unwrap_err();
        assert_eq!(error, CallError::App(Refusal::No));
    });
}

#[test]
fn a_status_brings_its_details_and_its_metadata() {
    each(async |client| {
        for asks in [false, true] {
            let call = client.fail().with_metadata(&sample());
            let error = match asks {
                true => call.with_reply_metadata().await.unwrap_err(),
                false => call.await.unwrap_err(),
            };
            let mut expected = busy();
            expected.metadata_mut().append_all(&sample()).unwrap();
            expected.metadata_mut().append("own", "of the status").unwrap();
            assert_eq!(error, CallError::Status(expected));
        }
    });
}

#[test]
fn streams_have_metadata_ahead_of_their_items_and_behind_them() {
    each(async |client| {
        for count in [0, 3, 5000] {
            let mut items = client.items(count).with_metadata(&sample()).await.unwrap();
            assert_eq!(items.leading_metadata(), &sample());
            for number in 0..count {
                assert_eq!(items.next().await, Some(Ok(number)));
                assert!(items.trailing_metadata().is_empty());
            }
            assert_eq!(items.next().await, None);
            assert_eq!(items.trailing_metadata().value("count"), Some(&*count.to_string()));
        }
        let reply = client.items(1).metadata("a", "1").with_reply_metadata().await.unwrap();
        assert_eq!(reply.metadata.value("a"), Some("1"));
        assert_eq!(&reply.metadata, reply.value.leading_metadata());
    });
}

#[test]
fn streams_that_fail_bring_what_they_had_to_say() {
    each(async |client| {
        let mut items = client.failing(1).await.unwrap();
        assert_eq!(items.next().await, Some(Ok(0)));
        let mut expected = busy();
        expected.metadata_mut().set("count", "1").unwrap();
        assert_eq!(items.next().await, Some(Err(expected.into())));
        assert_eq!(items.trailing_metadata().value("count"), Some("1"));
        let error = client.never().await.unwrap_err();
        let mut expected = busy();
        expected.metadata_mut().set("ahead", "1").unwrap();
        expected.metadata_mut().set("behind", "2").unwrap();
        assert_eq!(error, CallError::Status(expected));
    });
}

#[test]
fn what_is_set_too_late_is_told_to_the_handler() {
    each(async |client| {
        let mut items = client.late().await.unwrap();
        let told = items.next().await.unwrap().unwrap();
        assert!(told.contains("too late for metadata \"ahead\""), "{told}");
        assert_eq!(items.next().await, None);
        assert_eq!(items.trailing_metadata().value("behind"), Some("2"));
    });
}

#[tokio::test]
async fn a_call_without_a_reply_takes_no_metadata_for_it() {
    let (client, mut seen, _running) = echo(Codec::Bincode, Limits::default()).await;
    client.oneway().await.unwrap();
    let (_, set) = seen.recv().await.unwrap();
    assert_eq!(set, Err(MetadataError::Late("nowhere".to_owned())));
}

/// As much metadata as there may be, less what the handlers add.
fn longest() -> Metadata {
    let mut metadata = sample();
    metadata.set("long", &"ü".repeat(20_000)).unwrap();
    let left = Metadata::MAX_SIZE - 40_000 - 200;
    metadata.set_bin("rest-bin", vec![0xff; left]).unwrap();
    let full = "x".repeat(200);
    assert!(matches!(metadata.clone().set("more", &full), Err(MetadataError::Size(_))));
    metadata
}

#[tokio::test]
async fn the_longest_metadata_goes_each_way_in_the_shortest_frames() {
    let sent = longest();
    for codec in [Codec::Bincode, Codec::Json] {
        for limits in [Limits::default(), Limits::default().max_frame(16 << 10)] {
            let (client, _seen, _running) = echo(codec, limits).await;
            // The first call is made before the server has said hello.
            for _ in 0..2 {
                let reply = client.value().with_metadata(&sent).with_reply_metadata().await;
                let beside = reply.unwrap().metadata;
                assert_eq!(beside.value("long"), sent.value("long"));
                assert_eq!(beside.value_bin("rest-bin"), sent.value_bin("rest-bin"));
            }
            let status = client.fail().with_metadata(&sent).await.unwrap_err();
            let beside = status.status().unwrap().metadata();
            assert_eq!(beside.value_bin("rest-bin"), sent.value_bin("rest-bin"));
            // Ahead of items.
            let mut items = client.items(2).with_metadata(&sent).await.unwrap();
            assert_eq!(items.leading_metadata().value("long"), sent.value("long"));
            for item in 0..2 {
                assert_eq!(items.next().await, Some(Ok(item)));
            }
            assert_eq!(items.next().await, None);
        }
    }
}

#[tokio::test]
async fn metadata_that_is_longer_than_the_peers_messages_is_refused_in_words() {
    let (send, _seen) = mpsc::unbounded_channel();
    let server = Server::new()
        .with(EchoServer::new(Mirror(send)))
        .limits(Limits::default().max_message(16 << 10))
        .start("127.0.0.1:0")
        .await
        .unwrap();
    let channel = Endpoint::new().connect(server.address()).await.unwrap();
    channel.ready().await.unwrap();
    let client = EchoClient::new(channel);
    let error = client.value().with_metadata(&longest()).await.unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted, "{error}");
    assert!(error.to_string().contains("16384"), "{error}");
    assert_eq!(client.value().await, Ok(7));
}

/// Fails with as much as a status can say.
#[service]
trait Long {
    async fn fail(&self, cx: &Context) -> Result<(), Status>;
}

struct Longest;

impl Long for Longest {
    async fn fail(&self, cx: &Context) -> Result<(), Status> {
        cx.trailing_metadata().set("k", &"m".repeat(Metadata::MAX_SIZE - 9))?;
        let status = Status::new(Code::Aborted, "x".repeat(8 << 10));
        Err(status.with_detail("d", vec![7; (8 << 10) - 9]))
    }
}

#[tokio::test]
async fn a_status_that_is_too_long_for_the_caller_comes_without_what_is_beside_it() {
    let running = Server::new().with(LongServer::new(Longest)).start("127.0.0.1:0").await.unwrap();
    for (max_message, whole) in [(16 << 10, false), (128 << 10, true)] {
        // The longest frame is the shortest that there can be: what is longer comes in several.
        let limits = Limits::default().max_frame(16 << 10).max_message(max_message);
        let channel = Endpoint::new().limits(limits).connect(running.address()).await.unwrap();
        channel.ready().await.unwrap();
        let error = LongClient::new(channel).fail().await.unwrap_err();
        let status = error.status().unwrap();
        assert_eq!((status.code(), status.message().len()), (Code::Aborted, 8 << 10));
        assert_eq!(status.detail("d").is_some(), whole);
        assert_eq!(status.metadata().value("k").is_some(), whole);
    }
}
