//! Uploads that break off, and readers that want the newest item alone.

use futures_util::{Stream, StreamExt as _, stream};
use rpc_core::{
    CallError, Code, Codec, Endpoint, Json, Shared, Status, Streaming, Watch, fallible, service,
};
use serde_json::json;
use tokio::sync::mpsc;

#[service]
trait Depot {
    /// Adds up; reports what it has seen when its stream ends.
    async fn store(&self, numbers: Streaming<u64>) -> u64;
    /// Gives back what comes, doubled.
    fn double(&self, numbers: Streaming<u64>) -> impl Stream<Item = u64>;
    /// The level, now and whenever it changes.
    fn level(&self) -> impl Stream<Item = Shared<u64>>;
    /// So many numbers, then an error.
    fn count(&self, up_to: u64) -> impl Stream<Item = Result<u64, Status>>;
    /// Any JSON, each way.
    async fn any(&self, value: serde_json::Value, more: Vec<Json>) -> serde_json::Value;
    /// Any JSON as an error, and as items.
    async fn deny(&self, reason: serde_json::Value) -> Result<u8, serde_json::Value>;
    fn items(&self, items: Streaming<serde_json::Value>) -> impl Stream<Item = serde_json::Value>;
}

struct Cellar {
    ends: mpsc::UnboundedSender<(u64, Option<CallError>)>,
    level: Watch<u64>,
}

impl Depot for Cellar {
    async fn store(&self, mut numbers: Streaming<u64>) -> u64 {
        let mut sum = 0;
        let end = loop {
            match numbers.next().await {
                Some(Ok(number)) => sum += number,
                Some(Err(error)) => break Some(error),
                None => break None,
            }
        };
        self.ends.send((sum, end)).unwrap();
        sum
    }

    fn double(&self, numbers: Streaming<u64>) -> impl Stream<Item = u64> {
        numbers.filter_map(async |number| number.ok().map(|number| 2 * number))
    }

    fn level(&self) -> impl Stream<Item = Shared<u64>> {
        self.level.subscribe()
    }

    fn count(&self, up_to: u64) -> impl Stream<Item = Result<u64, Status>> {
        stream::iter((0..up_to).map(Ok).chain([Err(Status::new(Code::OutOfRange, "no more"))]))
    }

    async fn any(&self, value: serde_json::Value, more: Vec<Json>) -> serde_json::Value {
        json!([value, more])
    }

    async fn deny(&self, reason: serde_json::Value) -> Result<u8, serde_json::Value> {
        Err(reason)
    }

    fn items(&self, items: Streaming<serde_json::Value>) -> impl Stream<Item = serde_json::Value> {
        items.filter_map(async |item| item.ok())
    }
}

type Ends = mpsc::UnboundedReceiver<(u64, Option<CallError>)>;

fn depot(codec: Codec) -> (DepotClient, Ends, Watch<u64>) {
    let (ends, ended) = mpsc::unbounded_channel();
    let level = Watch::new(0);
    let server = DepotServer::new(Cellar { ends, level: level.clone() });
    (DepotClient::new(Endpoint::new().codec(codec).in_memory(server)), ended, level)
}

fn torn() -> Status {
    Status::new(Code::DataLoss, "the source broke off")
}

#[tokio::test]
async fn an_upload_that_breaks_off_is_not_taken_for_whole() {
    for codec in [Codec::Bincode, Codec::Json] {
        let (depot, mut ended, _) = depot(codec);
        let numbers = stream::iter([Ok(1), Ok(2), Err(torn()), Ok(99)]);
        let error = depot.store(fallible(numbers)).await.unwrap_err();
        assert_eq!(error, CallError::Status(torn()));
        // The handler either ran on, and knows, or was dropped in time.
        let whole = depot.store(fallible(stream::iter([Ok::<_, Status>(3), Ok(4)]))).await;
        assert_eq!(whole, Ok(7));
        let (sum, end) = match ended.recv().await.unwrap() {
            (sum, Some(end)) => {
                assert_eq!(end.code(), Code::Cancelled, "{end}");
                assert!(sum <= 3, "nothing comes behind an error");
                ended.recv().await.unwrap()
            }
            whole => whole,
        };
        assert_eq!((sum, end), (7, None));
        assert!(ended.try_recv().is_err());
    }
}

#[tokio::test]
async fn an_upload_that_breaks_off_ends_what_comes_back_too() {
    let (depot, ..) = depot(Codec::Bincode);
    let (numbers, source) = mpsc::unbounded_channel::<Result<u64, Status>>();
    let source = stream::unfold(source, async |mut source| Some((source.recv().await?, source)));
    let mut doubled = depot.double(fallible(source)).await.unwrap();
    numbers.send(Ok(4)).unwrap();
    assert_eq!(doubled.next().await, Some(Ok(8)));
    numbers.send(Err(torn())).unwrap();
    assert_eq!(doubled.next().await, Some(Err(CallError::Status(torn()))));
    assert_eq!(doubled.next().await, None);
}

#[tokio::test]
async fn a_late_reader_of_a_watched_value_gets_the_newest() {
    let (depot, _, level) = depot(Codec::Bincode);
    let mut seen = depot.level().await.unwrap();
    assert_eq!(seen.next().await, Some(Ok(0)));
    let mut quick = depot.level().await.unwrap();
    assert_eq!(quick.next().await, Some(Ok(0)));
    for value in 1..=1000 {
        level.send(value);
        assert_eq!(quick.next().await, Some(Ok(value)));
    }
    // A thousand have come, of which it wants none but the last.
    assert_eq!(seen.newest().await, Some(Ok(1000)));
    level.send(1001);
    assert_eq!(seen.newest().await, Some(Ok(1001)));
    // What changes while nobody reads is not sent at all.
    for value in 2000..3000 {
        level.send(value);
    }
    assert_eq!(seen.next().await, Some(Ok(2999)));
}

#[tokio::test]
async fn the_newest_item_comes_before_the_end() {
    let (depot, ..) = depot(Codec::Bincode);
    let mut count = depot.count(5).await.unwrap();
    let mut last = None;
    let end = loop {
        match count.newest().await.unwrap() {
            Ok(number) => last = Some(number),
            Err(end) => break end,
        }
    };
    assert_eq!((last, end.code()), (Some(4), Code::OutOfRange));
    assert_eq!(count.newest().await, None);
    let mut none = depot.count(0).await.unwrap();
    assert_eq!(none.newest().await.unwrap().unwrap_err().code(), Code::OutOfRange);
}

#[tokio::test]
async fn any_json_is_an_argument_a_result_an_error_and_an_item() {
    for codec in [Codec::Bincode, Codec::Json] {
        let (depot, ..) = depot(codec);
        let value = json!({ "a": [1, 2.5, "ü", null, true], "b": { "c": {} } });
        let more = vec![Json(json!(1)), json!("x").into()];
        assert_eq!(depot.any(&value, &more).await, Ok(json!([value, [1, "x"]])));
        let denied = depot.deny(json!(["no"])).await.unwrap_err();
        assert_eq!(denied.app(), Some(&json!(["no"])));
        let items = depot.items(stream::iter([json!(null), value.clone()])).await.unwrap();
        assert_eq!(items.collect::<Vec<_>>().await, [Ok(json!(null)), Ok(value.clone())]);
        let arguments = json!({ "value": value, "more": [{ "z": 1 }] });
        let reply = depot.channel().call_json("Depot.any", &arguments).await;
        assert_eq!(reply, Ok(json!([value, [{ "z": 1 }]])));
    }
    let schema = DepotClient::schema();
    let signature = schema.signature(schema.method("any").unwrap());
    assert_eq!(signature, "async fn any(&self, value: Json, more: Vec<Json>) -> Json");
}
