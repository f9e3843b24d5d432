//! Services that are called without any connection: the origin is a double.

mod permissions;

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt as _, Stream, stream};
use serde::{Deserialize, Serialize};

use super::{Context, Dispatch, Request, Router};
use crate::{
    Schema, Streaming,
    codec::{self, Encode},
    proto::{
        CallId, Code, Codec, Failure, Metadata, MetadataError, MethodKey, Opening, Outcome,
        Payload, Status, Streams,
        connection::{self, Segment},
    },
    schema::ServiceSchema,
    seam::{HandlerSlot, IncomingCall, Origin, Phase, Reply, Serve as _, double::Double},
    service,
    time::now,
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
enum TooBad {
    Negative(i64),
}

/// Called back by `Shop::ask`.
#[service]
trait Customer {
    async fn name(&self) -> String;
}

#[service]
trait Shop {
    async fn add(&self, a: i64, b: i64) -> i64;
    async fn root(&self, cx: &Context, of: i64) -> Result<i64, TooBad>;
    #[rpc(oneway)]
    async fn note(&self, cx: &Context, line: String);
    async fn sum(&self, numbers: Streaming<i64>) -> i64;
    fn count(&self, cx: &Context, up_to: u32) -> impl Stream<Item = u32>;
    fn pages(&self) -> impl Stream<Item = String>;
    async fn hang(&self, cx: &Context);
    async fn ask(&self, cx: &Context) -> String;
    async fn tag(&self, cx: &Context) -> Option<u32>;
}

#[derive(Clone, Default)]
struct Corner {
    contexts: Arc<parking_lot::Mutex<Vec<Context>>>,
}

impl Shop for Corner {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }

    async fn root(&self, cx: &Context, of: i64) -> Result<i64, TooBad> {
        cx.trailing_metadata().set("tried", "yes").unwrap();
        if of < 0 { Err(TooBad::Negative(of)) } else { Ok(of.isqrt()) }
    }

    async fn note(&self, cx: &Context, line: String) {
        let late = MetadataError::Late("k".to_owned());
        assert_eq!(cx.trailing_metadata().set("k", &line), Err(late));
        self.contexts.lock().push(cx.clone());
    }

    async fn sum(&self, mut numbers: Streaming<i64>) -> i64 {
        let mut sum = 0;
        while let Some(Ok(number)) = numbers.next().await {
            sum += number;
        }
        sum
    }

    fn count(&self, cx: &Context, up_to: u32) -> impl Stream<Item = u32> {
        cx.leading_metadata().set("total", &up_to.to_string()).unwrap();
        cx.trailing_metadata().set("done", "yes").unwrap();
        stream::iter(0..up_to)
    }

    fn pages(&self) -> impl Stream<Item = String> {
        stream::iter(["short".to_owned(), "long ".repeat(10_000), "short".to_owned()])
    }

    async fn hang(&self, cx: &Context) {
        self.contexts.lock().push(cx.clone());
        std::future::pending().await
    }

    async fn ask(&self, cx: &Context) -> String {
        let name = cx.peer::<CustomerClient>().name().within(cx).await;
        format!("{name:?} of {}", cx.peer_address())
    }

    async fn tag(&self, cx: &Context) -> Option<u32> {
        cx.extension::<u32>().copied()
    }
}

/// A layer: leaves a number with each call.
struct Tagged(ShopServer<Corner>);

impl Dispatch for Tagged {
    fn schema(&self) -> &'static ServiceSchema {
        self.0.schema()
    }

    fn dispatch(&self, method: usize, mut request: Request, slot: &mut HandlerSlot) {
        request.insert(42_u32);
        self.0.dispatch(method, request, slot);
    }
}

struct Served {
    router: Router,
    origin: Arc<Double>,
    shop: Corner,
}

fn served() -> Served {
    let (mut router, shop) = (Router::default(), Corner::default());
    router.add(Arc::new(ShopServer::new(shop.clone()))).unwrap();
    Served { router, origin: Double::new(), shop }
}

fn opening(method: &str) -> Opening {
    Opening::new(MethodKey::bare(&format!("Shop.{method}")), Codec::Json)
}

impl Served {
    /// What an origin does: says what came, and takes the reply.
    fn call(&self, id: CallId, opening: Opening, arguments: &str) -> Reply {
        let arguments = Payload::copy_from_slice(arguments.as_bytes());
        let request = connection::Request { id, opening, arguments, cost: 0 };
        let origin: Arc<dyn Origin> = self.origin.clone();
        let mut slot = HandlerSlot::default();
        self.router.serve(IncomingCall { request, origin }, &mut slot);
        slot.take().unwrap()
    }

    fn start(&self, method: &str, arguments: &str) -> Reply {
        self.call(CallId::new(7), opening(method), arguments)
    }

    fn ended(&self, method: &str, arguments: &str) -> Outcome {
        self.start(method, arguments).now_or_never().expect("the handler waits")
    }
}

fn text(outcome: Outcome) -> String {
    String::from_utf8(outcome.unwrap().to_vec()).unwrap()
}

fn status(outcome: Outcome) -> Status {
    match outcome {
        Err(Failure::Status(status)) => status,
        other => panic!("not a status: {other:?}"),
    }
}

fn encoded<T: Serialize>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    let encode: Encode<T> = codec::encode::<T>;
    encode(Codec::Json, value, &mut out).unwrap();
    out
}

/// Small items as a link hands them on.
fn small(items: &[i64]) -> Segment {
    let mut out = Vec::new();
    for item in items.iter().map(encoded) {
        out.extend_from_slice(&(item.len() as u32).to_le_bytes());
        out.extend_from_slice(&item);
    }
    Segment::Small(out)
}

#[test]
fn a_call_is_answered() {
    assert_eq!(text(served().ended("add", "[1, 2]")), "3");
}

#[test]
fn a_call_that_no_handler_runs_for_was_not_started() {
    let served = served();
    for (method, arguments, code) in
        [("add", "[1]", Code::InvalidArgument), ("multiply", "[1, 2]", Code::Unimplemented)]
    {
        let status = status(served.ended(method, arguments));
        assert_eq!((status.code(), status.may_have_run()), (code, false));
    }
}

#[test]
fn an_error_of_the_trait_is_a_failure_with_its_value_and_metadata_goes_beside_it() {
    let served = served();
    assert_eq!(text(served.ended("root", "[9]")), "3");
    let Err(Failure::Application(error)) = served.ended("root", "[-9]") else {
        panic!("not the trait's own error");
    };
    assert_eq!(*error, *encoded(&TooBad::Negative(-9)));
    let beside = served.origin.seen.lock().beside.take().unwrap();
    assert_eq!(beside.value("tried"), Some("yes"));
}

#[test]
fn a_one_way_call_has_no_reply_to_send_metadata_beside() {
    let served = served();
    let reply = served.call(CallId::NO_REPLY, opening("note"), r#"["hello"]"#);
    assert_eq!(reply.now_or_never(), Some(Ok(Payload::copy_from_slice(b"null"))));
    assert!(served.origin.seen.lock().beside.is_none());
    assert!(served.shop.contexts.lock()[0].is_cancelled());
}

#[test]
fn an_upload_is_read_as_it_comes_up_to_its_end() {
    let served = served();
    let opening = Opening { streams: Streams::UP, ..opening("sum") };
    let mut reply = served.call(CallId::new(7), opening, "[]");
    assert!((&mut reply).now_or_never().is_none());
    served.origin.change(|seen| seen.uploads.push_back(small(&[1, 2])));
    assert!((&mut reply).now_or_never().is_none());
    served.origin.change(|seen| {
        seen.uploads.push_back(small(&[3]));
        seen.end = Some(Ok(Payload::new()));
    });
    assert_eq!(text(reply.now_or_never().unwrap()), "6");
    assert_eq!(served.origin.seen.lock().readers_dropped, 0);
}

#[test]
fn an_upload_that_is_dropped_early_is_wanted_no_more() {
    let served = served();
    let opening = Opening { streams: Streams::UP, ..opening("sum") };
    let mut reply = served.call(CallId::new(7), opening, "[]");
    assert!((&mut reply).now_or_never().is_none());
    drop(reply);
    assert_eq!(served.origin.seen.lock().readers_dropped, 1);
}

#[test]
fn a_download_is_sent_between_what_leads_and_what_follows() {
    let served = served();
    let opening = Opening { streams: Streams::DOWN, ..opening("count") };
    let reply = served.call(CallId::new(7), opening, "[3]");
    assert_eq!(reply.now_or_never(), Some(Ok(Payload::new())));
    let seen = served.origin.seen.lock();
    assert_eq!(seen.accepted.as_ref().unwrap().as_ref().unwrap().value("total"), Some("3"));
    assert_eq!(seen.items, [b"0", b"1", b"2"]);
    assert_eq!(seen.beside.as_ref().unwrap().value("done"), Some("yes"));
}

#[test]
fn a_download_waits_for_room_and_ends_when_it_is_stopped() {
    let served = served();
    served.origin.change(|seen| seen.room = 10_000);
    let opening = Opening { streams: Streams::DOWN, ..opening("pages") };
    let mut reply = served.call(CallId::new(7), opening.clone(), "[]");
    assert!((&mut reply).now_or_never().is_none());
    served.origin.change(|seen| seen.room = 1 << 20);
    assert_eq!(reply.now_or_never(), Some(Ok(Payload::new())));
    let lengths: Vec<_> = served.origin.seen.lock().items.iter().map(Vec::len).collect();
    assert_eq!(lengths, [7, 50_002, 7]);

    served.origin.change(|seen| seen.stopped = true);
    let stopped = served.call(CallId::new(7), opening, "[]").now_or_never().unwrap();
    assert_eq!(status(stopped).code(), Code::Cancelled);
}

#[test]
fn a_caller_who_does_not_know_which_ways_a_method_streams_is_refused() {
    assert_eq!(status(served().ended("count", "[3]")).code(), Code::InvalidArgument);
}

#[test]
fn dropping_the_reply_cancels_the_call() {
    let served = served();
    let mut reply = served.start("hang", "[]");
    assert!((&mut reply).now_or_never().is_none());
    let context = served.shop.contexts.lock()[0].clone();
    assert!(!context.is_cancelled() && context.cancelled().now_or_never().is_none());
    drop(reply);
    assert!(context.is_cancelled() && context.cancelled().now_or_never().is_some());
}

#[test]
fn the_context_tells_of_the_deadline_the_metadata_and_the_end_of_the_link() {
    let served = served();
    let deadline = Some(now() + Duration::from_secs(3600));
    let mut metadata = Metadata::new();
    metadata.set("tenant", "acme").unwrap();
    let opening = Opening { deadline, metadata: Some(Box::new(metadata)), ..opening("hang") };
    let mut reply = served.call(CallId::new(7), opening, "[]");
    assert!((&mut reply).now_or_never().is_none());
    let context = served.shop.contexts.lock()[0].clone();
    assert_eq!((context.method(), context.deadline()), ("Shop.hang", deadline));
    assert_eq!(context.metadata().value("tenant"), Some("acme"));
    assert!(context.remaining() > Some(Duration::from_secs(3000)));
    assert!(!context.is_draining() && context.draining().now_or_never().is_none());
    served.origin.be(Phase::Draining);
    assert!(context.is_draining() && context.draining().now_or_never().is_some());
}

#[test]
fn a_handler_calls_back_within_its_own_call() {
    let served = served();
    let deadline = Some(now() + Duration::from_secs(3600));
    let token = Some("a secret of the caller".into());
    let opening = Opening { deadline, token, ..opening("ask") };
    let mut reply = served.call(CallId::new(7), opening, "[]");
    assert!((&mut reply).now_or_never().is_none());
    let (opened, _) = served.origin.seen.lock().opened[0].clone();
    assert_eq!((opened.parent, opened.deadline), (Some(CallId::new(7)), deadline));
    assert_eq!(opened.token, None, "what proves who the caller is is not handed on");
    // Bincode has a length before the text.
    let name = Payload::copy_from_slice(b"\x03Ada");
    served.origin.change(|seen| seen.outcomes.push_back(Ok(name)));
    assert_eq!(text(reply.now_or_never().unwrap()), r#""Ok(\"Ada\") of memory""#);
}

#[test]
fn a_layer_leaves_values_with_a_call() {
    assert_eq!(text(served().ended("tag", "[]")), "null");
    let mut router = Router::default();
    router.add(Arc::new(Tagged(ShopServer::new(Corner::default())))).unwrap();
    let served = Served { router, ..served() };
    assert_eq!(text(served.ended("tag", "[]")), "42");
}
