//! Layers of servers: their order, what they are around, what they see and change, and those that come with the crate.

use std::{
    num::NonZero,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context as Task, Poll},
    time::Duration,
};

use futures_util::{future::join_all, stream};
use rpc_core::{
    BuildError, Channel, Code, Endpoint, Execution, Http, Principal, ServeError, Status,
    layer::{
        ConcurrencyLimit, Failure, Head as _, Layer, Log, RateLimit, ServerHandler, ServerRequest,
        Service, Timeout,
    },
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::mpsc::unbounded_channel,
};
use tower::{ServiceBuilder, limit::ConcurrencyLimitLayer, timeout::TimeoutLayer};

use crate::ground::{Clerk, DeskClient, OtherClient, Refused, Seen, clerk, server};

fn status<T: std::fmt::Debug, E: std::fmt::Debug>(
    result: Result<T, rpc_core::CallError<E>>,
) -> Status {
    result.unwrap_err().status().unwrap().clone()
}

#[tokio::test]
async fn the_first_layer_sees_a_call_first() {
    let seen = Seen::default();
    let server = server(&clerk()).layer(seen.layer("first")).layer(seen.layer("second"));
    let desk = DeskClient::in_memory(server);
    assert_eq!(desk.add(1, 2).await, Ok(3));
    assert_eq!(seen.take(), ["first server Desk.add", "second server Desk.add"]);
    // The framework's own services have no layers.
    let names = rpc_core::reflect::ReflectionClient::new(desk.channel().clone()).services().await;
    assert!(names.unwrap().contains(&"Desk".to_owned()));
    assert_eq!(seen.take(), [""; 0]);
}

#[tokio::test]
async fn a_layer_is_around_a_service_or_a_method() {
    let seen = Seen::default();
    let server = server(&clerk())
        .layer_for("Desk", seen.layer("desk"))
        .layer(seen.layer("all"))
        .layer_for("Desk.add", seen.layer("add"));
    let channel = Endpoint::new().in_memory(server);
    let (desk, other) = (DeskClient::new(channel.clone()), OtherClient::new(channel));
    desk.add(1, 2).await.unwrap();
    let all = ["desk server Desk.add", "all server Desk.add", "add server Desk.add"];
    assert_eq!(seen.take(), all);
    desk.tag().await.unwrap();
    assert_eq!(seen.take(), ["desk server Desk.tag", "all server Desk.tag"]);
    assert_eq!(other.echo("x").await.as_deref(), Ok("x"));
    assert_eq!(seen.take(), ["all server Other.echo"]);
}

#[tokio::test]
async fn a_layer_around_nothing_fails_the_start() {
    let server = server(&clerk()).layer_for("Desk.ad", Log::new());
    let Err(ServeError::Build(error)) = server.start("127.0.0.1:0").await else { panic!() };
    let names = vec!["Desk".to_owned(), "Other".to_owned()];
    assert_eq!(error, BuildError::NothingToLayer("Desk.ad".to_owned(), names));
    let told =
        "a layer is for Desk.ad, and there is no such service or method; there are Desk, Other";
    assert_eq!(error.to_string(), told);
}

#[tokio::test]
async fn all_kinds_of_methods_go_through_layers() {
    let (told, mut heard) = unbounded_channel();
    let server =
        server(&Clerk(told)).layer(Log::new()).layer(Timeout::new(Duration::from_secs(60)));
    let desk = DeskClient::in_memory(server);
    assert_eq!(desk.add(1, 2).await, Ok(3));
    let refused = desk.refuse("tea").await.unwrap_err();
    assert_eq!(refused.app(), Some(&Refused("tea".to_owned())));
    desk.note("a line").await.unwrap();
    assert_eq!(heard.recv().await.as_deref(), Some("a line"));
    assert_eq!(desk.sum(stream::iter([1, 2, 3])).await, Ok(6));
    let mut count = desk.count(3).await.unwrap();
    let mut items = Vec::new();
    while let Some(item) = count.next().await {
        items.push(item.unwrap());
    }
    assert_eq!(items, [1, 2, 3]);
    let reply = desk.pair("k").metadata("k", "v").with_reply_metadata().await.unwrap();
    assert_eq!(reply.value.as_deref(), Some("v"));
    assert_eq!(reply.metadata.value("served-by"), Some("clerk"));
    let panicked = status(desk.panic().await);
    assert_eq!((panicked.code(), panicked.message()), (Code::Internal, "handler panicked"));
}

#[tokio::test]
async fn a_timeout_drops_the_handler_and_its_stream() {
    let (told, mut heard) = unbounded_channel();
    let server = server(&Clerk(told)).layer(Timeout::new(Duration::from_millis(10)));
    let desk = DeskClient::in_memory(server);
    let late = status(desk.hang().await);
    assert_eq!(late.code(), Code::DeadlineExceeded);
    assert_eq!(late.message(), "Desk.hang took longer than the 10ms that it may");
    assert_eq!(heard.recv().await.as_deref(), Some("hang began"));
    assert_eq!(heard.recv().await.as_deref(), Some("hang is dropped"));
    let mut forever = desk.forever().await.unwrap();
    let end = status(forever.next().await.unwrap());
    assert_eq!(end.code(), Code::DeadlineExceeded);
    assert_eq!(heard.recv().await.as_deref(), Some("forever is dropped"));
}

#[tokio::test]
async fn layers_of_tower_fit_and_their_errors_have_codes() {
    let layers = ServiceBuilder::new()
        .layer(TimeoutLayer::new(Duration::from_millis(10)))
        .layer(ConcurrencyLimitLayer::new(1));
    let desk = DeskClient::in_memory(server(&clerk()).layer(layers));
    assert_eq!(desk.add(1, 2).await, Ok(3));
    assert_eq!(status(desk.hang().await).code(), Code::DeadlineExceeded);
    assert_eq!(desk.add(1, 2).await, Ok(3));
}

#[tokio::test]
async fn so_many_calls_run_and_wait_and_the_rest_are_refused() {
    let (told, mut heard) = unbounded_channel();
    let limit = ConcurrencyLimit::new(1).queue(1);
    let desk = DeskClient::in_memory(server(&Clerk(told)).layer_for("Desk.hang", limit));
    let first = tokio::spawn(desk.hang());
    assert_eq!(heard.recv().await.as_deref(), Some("hang began"));
    let second = tokio::spawn(desk.hang());
    // One of these finds the place in the queue, if the second has not taken it by now.
    let refused = join_all([desk.hang().timeout(Duration::from_millis(50)), desk.hang()]);
    let (third, fourth) = match &refused.await[..] {
        [third, fourth] => (status(third.clone()), status(fourth.clone())),
        _ => unreachable!(),
    };
    for status in [third, fourth].iter().filter(|status| status.code() != Code::DeadlineExceeded) {
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(status.execution(), Execution::NotStarted);
        let told = "Desk.hang: 1 calls run and 1 wait, and no more may at once";
        assert_eq!(status.message(), told);
    }
    // Others are not held up.
    assert_eq!(desk.add(1, 2).await, Ok(3));
    first.abort();
    assert_eq!(heard.recv().await.as_deref(), Some("hang is dropped"));
    // Whoever waited runs, if it was let in.
    second.abort();
    let _ = second.await;
    let again = tokio::spawn(desk.hang());
    while heard.recv().await.as_deref() != Some("hang began") {}
    again.abort();
}

#[tokio::test]
async fn calls_beyond_a_rate_are_told_when_to_come_again() {
    let two = RateLimit::per_minute(NonZero::new(2).unwrap());
    let each = two.clone().by(|call| call.metadata.value("tenant").map(str::to_owned));
    let server = server(&clerk()).layer_for("Desk.add", two).layer_for("Desk.tag", each);
    let desk = DeskClient::in_memory(server);
    assert_eq!((desk.add(1, 2).await, desk.add(1, 2).await), (Ok(3), Ok(3)));
    let refused = status(desk.add(1, 2).await);
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(refused.message(), "Desk.add is called too often");
    assert_eq!(refused.execution(), Execution::NotStarted);
    let wait = refused.retry_after().unwrap();
    assert!(wait > Duration::from_secs(20) && wait <= Duration::from_secs(30), "{wait:?}");
    // Each tenant has a rate of its own, and who is none has no limit.
    for tenant in ["acme", "zeta"] {
        let call = || desk.tag().metadata("tenant", tenant);
        assert!(call().await.is_ok() && call().await.is_ok());
        assert_eq!(status(call().await).code(), Code::ResourceExhausted);
    }
    assert_eq!(join_all((0..5).map(|_| desk.tag())).await, vec![Ok(None); 5]);
}

/// Changes metadata, leaves a value, and keeps the arguments as JSON.
#[derive(Clone, Default)]
struct Changes(Arc<Mutex<Vec<serde_json::Value>>>);

#[derive(Clone)]
struct Changing(ServerHandler, Changes);

impl Layer<ServerHandler> for Changes {
    type Service = Changing;

    fn layer(&self, inner: ServerHandler) -> Changing {
        Changing(inner, self.clone())
    }
}

impl Service<ServerRequest> for Changing {
    type Response = rpc_core::Payload;
    type Error = Failure;
    type Future = rpc_core::layer::LayerFuture<Self::Response>;

    fn poll_ready(&mut self, cx: &mut Task<'_>) -> Poll<Result<(), Failure>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: ServerRequest) -> Self::Future {
        self.1.0.lock().unwrap().push(request.arguments_json().unwrap());
        assert_eq!(request.service().unwrap().name, "Desk");
        // What was taken before a change goes on to be that of the call.
        let early = request.context();
        request.insert(7_u32);
        request.change_metadata(|pairs| pairs.set("k", "changed")).unwrap();
        early.trailing_metadata().set("by-layer", "yes").unwrap();
        assert_eq!(request.principal().map(|who| who.permits("desk:any")), None);
        Box::pin(self.0.call(request))
    }
}

#[tokio::test]
async fn a_layer_changes_what_the_handler_sees() {
    let changes = Changes::default();
    let desk = DeskClient::in_memory(server(&clerk()).layer_for("Desk", changes.clone()));
    let reply = desk.pair("k").metadata("k", "sent").with_reply_metadata().await.unwrap();
    assert_eq!(reply.value.as_deref(), Some("changed"));
    let beside = |key| reply.metadata.value(key);
    assert_eq!((beside("served-by"), beside("by-layer")), (Some("clerk"), Some("yes")));
    assert_eq!(desk.tag().await, Ok(Some(7)));
    let json = desk.channel().call_json("Desk.add", &json!({ "a": 1, "b": 2 })).await;
    assert_eq!(json.unwrap(), json!(3));
    desk.add(3, 4).await.unwrap();
    let arguments = std::mem::take(&mut *changes.0.lock().unwrap());
    let expected =
        [json!({ "key": "k" }), json!({}), json!({ "a": 1, "b": 2 }), json!({ "a": 3, "b": 4 })];
    assert_eq!(arguments, expected);
}

/// Panics before or while it calls.
#[derive(Clone)]
struct Panics<S>(S);

impl<R: rpc_core::layer::Head, S: Service<R>> Service<R> for Panics<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Task<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, _: R) -> S::Future {
        panic!("in a layer")
    }
}

#[tokio::test]
async fn a_panic_in_a_layer_ends_its_call_alone() {
    let panics = tower::layer::layer_fn(Panics::<ServerHandler>);
    let bare = server(&clerk()).layer_for("Desk.add", panics);
    let caught = server(&clerk()).layer(Log::new()).layer_for("Desk.add", panics);
    for server in [bare, caught] {
        let desk = DeskClient::in_memory(server);
        let panicked = status(desk.add(1, 2).await);
        assert_eq!((panicked.code(), panicked.message()), (Code::Internal, "handler panicked"));
        assert_eq!(desk.tag().await, Ok(None));
    }
}

#[tokio::test]
async fn a_layer_runs_once_the_caller_is_known() {
    let seen = Seen::default();
    let server = server(&clerk())
        .layer(seen.layer("all"))
        .authenticate(async |_: rpc_core::Credentials| {
            Ok::<_, rpc_core::Refusal>(Principal::named("ada").grant("desk:any"))
        })
        .start("127.0.0.1:0")
        .await
        .unwrap();
    let desk = DeskClient::new(Channel::connect(server.address()).await.unwrap());
    assert_eq!(desk.add(1, 2).await, Ok(3));
    assert_eq!(seen.take(), ["all server Desk.add"]);
    server.shutdown().await;
}

#[tokio::test]
async fn calls_over_http_go_through_the_same_layers() {
    let seen = Seen::default();
    let server = server(&clerk()).layer(seen.layer("all")).http(Http::new());
    let server = server.start("127.0.0.1:0").await.unwrap();
    let address = server.address().to_string();
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let request = format!(
        "POST /Desk.add HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Content-Length: 13\r\nConnection: close\r\n\r\n{{\"a\":1,\"b\":2}}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.trim_end().ends_with('3'), "{answer}");
    assert_eq!(seen.take(), ["all server Desk.add"]);
    server.shutdown().await;
}

/// A service that knows how many clones of it there are.
struct Counting<S> {
    inner: S,
    clones: Arc<Clones>,
}

#[derive(Default)]
struct Clones {
    made: AtomicUsize,
    alive: AtomicUsize,
}

impl<S: Clone> Clone for Counting<S> {
    fn clone(&self) -> Self {
        self.clones.made.fetch_add(1, Relaxed);
        self.clones.alive.fetch_add(1, Relaxed);
        Self { inner: self.inner.clone(), clones: Arc::clone(&self.clones) }
    }
}

impl<S> Drop for Counting<S> {
    fn drop(&mut self) {
        self.clones.alive.fetch_sub(1, Relaxed);
    }
}

impl<R, S: Service<R>> Service<R> for Counting<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Task<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> S::Future {
        self.inner.call(request)
    }
}

fn counting(
    clones: &Arc<Clones>,
) -> impl Layer<ServerHandler, Service = Counting<ServerHandler>> + use<> {
    let clones = Arc::clone(clones);
    tower::layer::layer_fn(move |inner| {
        clones.alive.fetch_add(1, Relaxed);
        Counting { inner, clones: Arc::clone(&clones) }
    })
}

/// Calls that are served in a row share a clone of a layer's service, and nothing of it is kept beyond them: what it holds is to
/// end with its server, and servers of one thread are not to have each other's.
#[tokio::test]
async fn calls_in_a_row_share_a_clone_that_does_not_outlive_them() {
    let (one, other) = (Arc::new(Clones::default()), Arc::new(Clones::default()));
    let desks = [&one, &other].map(|clones| {
        let desk = DeskClient::in_memory(server(&clerk()).layer(counting(clones)));
        (desk, Arc::clone(clones), clones.alive.load(Relaxed))
    });
    for round in 1..=10 {
        for (desk, clones, at_rest) in &desks {
            let sums = join_all((0..64).map(|call| desk.add(call, 1))).await;
            assert!(sums.into_iter().all(|sum| sum.is_ok()));
            assert_eq!(clones.alive.load(Relaxed), *at_rest);
            assert!(clones.made.load(Relaxed) >= round, "each turn begins with one of its own");
        }
    }
    for (desk, clones, _) in desks {
        let made = clones.made.load(Relaxed);
        assert!(made < 320, "{made} clones for 640 calls");
        desk.channel().close().await.unwrap();
    }
}
