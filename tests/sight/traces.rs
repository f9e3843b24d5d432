//! Spans that are linked over processes: one tree over three services, calls back and streams.

use std::sync::{Arc, Mutex};

use futures_util::{StreamExt as _, stream};
use rpc_core::{
    Context, Endpoint, Http, Running, Server, Stream,
    layer::{Kind, SpanRecord, Trace, TraceContext},
    service,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::ground::{BellClient, BellServer, DeskClient, clerk, server};

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
    let attributes: Vec<_> = roots[0].attributes().collect();
    assert_eq!(
        attributes[..3],
        [
            ("rpc.system.name", "rpc-core"),
            ("rpc.method", "Link.down"),
            ("rpc.response.status_code", "OK"),
        ]
    );
    assert_eq!(attributes[3].0, "network.peer.address");
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
