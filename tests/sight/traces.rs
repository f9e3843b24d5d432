//! Spans that are linked over processes: one tree over three services, calls back and streams.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime},
};

use futures_util::{StreamExt as _, stream};
use rpc_core::{
    Context, Endpoint, Http, Running, Server, Stream,
    layer::{Head as _, Kind, ServerRequest, SpanRecord, Trace, TraceContext},
    service,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tower::util::MapRequestLayer;

use crate::ground::{BellClient, BellServer, DeskClient, Seen, clerk, server};

/// Spans that have ended.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<SpanRecord>>>);

impl Spans {
    fn layer(&self) -> Trace {
        let spans = self.clone();
        Trace::new().to(move |span| spans.0.lock().unwrap().push(span))
    }

    /// Waits until there are so many.
    async fn ended(&self, count: usize) -> Vec<SpanRecord> {
        while self.0.lock().unwrap().len() < count {
            tokio::task::yield_now().await;
        }
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// A service that calls the next one of its kind.
#[service]
trait Link {
    async fn down(&self, cx: &Context, depth: u32) -> u32;
    fn items(&self, to: u32) -> impl Stream<Item = u32>;
}

struct Chain(Option<LinkClient>);

impl Link for Chain {
    async fn down(&self, cx: &Context, depth: u32) -> u32 {
        let Some(next) = &self.0 else { return depth };
        // Within this call, and beside it.
        let below = next.down(depth + 1).within(cx).await.unwrap();
        let mut items = next.items(2).await.unwrap();
        while items.next().await.is_some() {}
        if depth == 0 {
            cx.peer::<BellClient>().ring(1).within(cx).await.unwrap();
        }
        below
    }

    fn items(&self, to: u32) -> impl Stream<Item = u32> {
        stream::iter(0..to).then(|item| async move { item })
    }
}

async fn start(spans: &Spans, next: Option<&Running>) -> Running {
    let next = match next {
        Some(next) => {
            let endpoint = Endpoint::new().layer(spans.layer());
            Some(LinkClient::new(endpoint.connect(next.address()).await.unwrap()))
        }
        None => None,
    };
    let server = Server::new().with(LinkServer::new(Chain(next))).layer(spans.layer());
    server.start("127.0.0.1:0").await.unwrap()
}

#[tokio::test]
async fn one_tree_over_three_services_calls_back_and_streams() {
    let spans = Spans::default();
    let third = start(&spans, None).await;
    let second = start(&spans, Some(&third)).await;
    let first = start(&spans, Some(&second)).await;
    let endpoint = Endpoint::new()
        .with(BellServer::new(clerk()))
        .layer(spans.layer())
        .layer_served(spans.layer());
    let link = LinkClient::new(endpoint.connect(first.address()).await.unwrap());
    assert_eq!(link.down(0).await, Ok(2));
    // Three calls down and two streams with two ends each, and the call back, which the caller alone sees.
    let spans = spans.ended(11).await;
    assert_eq!(spans.len(), 11);
    let roots: Vec<_> = spans.iter().filter(|span| span.parent.is_none()).collect();
    assert_eq!(roots.len(), 1);
    assert_eq!((roots[0].method, roots[0].kind), ("Link.down", Kind::Client));
    let parent = |span: &SpanRecord| {
        let wanted = span.parent?;
        Some(spans.iter().find(|other| other.context.span_id() == wanted).expect("an orphan"))
    };
    for span in &spans {
        assert_eq!(span.context.trace_id(), roots[0].context.trace_id());
        assert_eq!(span.status, "OK");
        let Some(parent) = parent(span) else { continue };
        assert!(parent.began <= span.began);
        // Each side of a call is below the other, but for the call back, which is below its handler.
        let expected = match (span.kind, span.method) {
            (Kind::Server, "Bell.ring") | (Kind::Client, _) => Kind::Server,
            (Kind::Server, _) => Kind::Client,
        };
        assert_eq!(parent.kind, expected, "{span:?}");
    }
    let attributes: Vec<_> =
        roots[0].attributes().map(|(name, value)| (name, value.into_owned())).collect();
    let expected = [
        ("rpc.system.name", "rpc-core"),
        ("rpc.method", "Link.down"),
        ("rpc.response.status_code", "OK"),
        ("network.peer.address", &first.address().to_string()),
    ];
    assert_eq!(attributes, expected.map(|(name, value)| (name, value.to_owned())));
}

#[tokio::test]
async fn failures_and_calls_that_are_given_up_say_so() {
    let spans = Spans::default();
    let desk = DeskClient::in_memory(server(&clerk()).layer(spans.layer()));
    desk.refuse("tea").await.unwrap_err();
    desk.panic().await.unwrap_err();
    let hang = tokio::spawn(desk.hang());
    while desk.channel().open_calls() == 0 {
        tokio::task::yield_now().await;
    }
    desk.add(1, 2).await.unwrap();
    hang.abort();
    let mut ends: Vec<_> =
        spans.ended(4).await.iter().map(|span| (span.method, span.status)).collect();
    ends.sort_unstable();
    assert_eq!(
        ends,
        [
            ("Desk.add", "OK"),
            ("Desk.hang", "CANCELLED"),
            ("Desk.panic", "INTERNAL"),
            ("Desk.refuse", "APPLICATION"),
        ]
    );
}

#[tokio::test]
async fn traces_that_are_not_sampled_travel_and_are_not_kept() {
    let spans = Spans::default();
    let desk = DeskClient::in_memory(server(&clerk()).layer(spans.layer()));
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    let seen = desk.pair("traceparent").metadata("traceparent", parent).await.unwrap().unwrap();
    let seen = TraceContext::parse(&seen).unwrap();
    assert!(!seen.is_sampled());
    assert_eq!(seen.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
    assert_ne!(seen.span_id(), 0xb7ad_6b71_6920_3331);
    desk.add(1, 2).await.unwrap();
    let kept = spans.ended(1).await;
    assert_eq!((kept.len(), kept[0].method, kept[0].parent), (1, "Desk.add", None));
}

#[tokio::test]
async fn a_trace_comes_in_over_http() {
    let spans = Spans::default();
    let served = server(&clerk()).layer(spans.layer()).http(Http::new());
    let served = served.start("127.0.0.1:0").await.unwrap();
    let address = served.address().to_string();
    let mut http = TcpStream::connect(&address).await.unwrap();
    let request = format!(
        "POST /Desk.add HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\
         Content-Length: 13\r\nConnection: close\r\n\r\n{{\"a\":1,\"b\":2}}"
    );
    http.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    http.read_to_string(&mut answer).await.unwrap();
    let spans = spans.ended(1).await;
    assert_eq!(spans[0].parent, Some(0xb7ad_6b71_6920_3331));
    served.shutdown().await;
}

#[tokio::test]
async fn a_trace_is_there_for_whoever_looks_at_the_metadata() {
    let (spans, seen) = (Spans::default(), Seen::default());
    let saw = seen.clone();
    let looks = MapRequestLayer::new(move |mut request: ServerRequest| {
        let trace = |request: &ServerRequest| {
            request.metadata().value("traceparent").map(str::to_owned).unwrap()
        };
        let first = trace(&request);
        // It is the same whenever it is looked at, and stays beside what is added.
        request.change_metadata(|pairs| pairs.set("by-layer", "yes")).unwrap();
        assert_eq!(trace(&request), first);
        saw.add(first);
        request
    });
    let desk = DeskClient::in_memory(server(&clerk()).layer(spans.layer()).layer(looks));
    for key in ["traceparent", "by-layer", "sent"] {
        let told = desk.pair(key).metadata("sent", "by caller").await.unwrap().unwrap();
        let trace = seen.take().remove(0);
        let expected = match key {
            "traceparent" => trace.as_str(),
            "by-layer" => "yes",
            _ => "by caller",
        };
        assert_eq!(told, expected);
        let span = spans.ended(1).await.remove(0);
        assert_eq!(span.context, TraceContext::parse(&trace).unwrap());
    }
    // Two of them: the inner one is below the outer one, and the handler in the inner one.
    let both = server(&clerk()).layer(spans.layer()).layer(spans.layer());
    let desk = DeskClient::in_memory(both);
    let told = desk.pair("traceparent").await.unwrap().unwrap();
    let ended = spans.ended(2).await;
    assert_eq!(ended[0].context, TraceContext::parse(&told).unwrap());
    assert_eq!(ended[0].parent, Some(ended[1].context.span_id()));
}

#[tokio::test]
async fn a_call_whose_handler_cannot_be_made_has_a_span_that_says_so() {
    let spans = Spans::default();
    let breaks = MapRequestLayer::new(|request: ServerRequest| {
        assert_ne!(request.method(), "Desk.add", "it breaks");
        request
    });
    let desk = DeskClient::in_memory(server(&clerk()).layer(spans.layer()).layer(breaks));
    desk.add(1, 2).await.unwrap_err();
    desk.tag().await.unwrap();
    let ends: Vec<_> = spans.ended(2).await.iter().map(|span| (span.method, span.status)).collect();
    assert_eq!(ends, [("Desk.add", "INTERNAL"), ("Desk.tag", "OK")]);
}

#[tokio::test]
async fn who_takes_spans_and_panics_harms_no_call() {
    let panics = Trace::new().to(|span| panic!("nobody takes {}", span.method));
    let desk = DeskClient::in_memory(server(&clerk()).layer(panics));
    for n in 0..3 {
        assert_eq!(desk.add(n, 1).await, Ok(n + 1));
    }
    desk.refuse("tea").await.unwrap_err().app().unwrap();
}

/// A service of which one method computes for some time.
#[service]
trait Mill {
    async fn look(&self);
    async fn grind(&self, rests: bool);
}

#[derive(Clone, Default)]
struct Stones(Arc<Mutex<Option<SystemTime>>>);

impl Mill for Stones {
    async fn look(&self) {}

    async fn grind(&self, rests: bool) {
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(5) {}
        *self.0.lock().unwrap() = Some(SystemTime::now());
        if rests {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn calls_of_one_turn_begin_one_after_the_other() {
    // Dates are those of a clock that is looked at now and then, and the system may put it right meanwhile.
    const NEAR: Duration = Duration::from_millis(1);
    for (around, rests) in
        [("Mill", true), ("Mill", false), ("Mill.look", true), ("Mill.look", false)]
    {
        let (spans, stones) = (Spans::default(), Stones::default());
        let server = Server::new().with(MillServer::new(stones.clone()));
        let mill = MillClient::in_memory(server.layer_for(around, spans.layer()));
        let (first, ground, second) = tokio::join!(mill.look(), mill.grind(rests), mill.look());
        first.and(ground).and(second).unwrap();
        let ended = spans.ended(if around == "Mill" { 3 } else { 2 }).await;
        let looks: Vec<_> = ended.iter().filter(|span| span.method == "Mill.look").collect();
        let ground = stones.0.lock().unwrap().unwrap();
        assert!(looks[0].began + looks[0].took <= looks[1].began, "{looks:?}");
        // Nothing of what others did before is its own.
        assert!(ground < looks[1].began + NEAR, "{around} {rests} {ground:?} {looks:?}");
    }
}

#[tokio::test]
async fn who_takes_spans_is_let_go_with_the_server() {
    let held = Arc::new(());
    let sink = Arc::clone(&held);
    let layer = Trace::new().to(move |_| assert!(Arc::strong_count(&sink) > 1));
    let desk = DeskClient::in_memory(server(&clerk()).layer(layer));
    assert_eq!(desk.add(1, 2).await, Ok(3));
    drop(desk);
    let gone = async {
        while Arc::strong_count(&held) > 1 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), gone).await.expect("nothing holds it");
}
