//! Spans of calls over three services, a stream and a call back, sent to a collector by OTLP over HTTP in its JSON form. It
//! plays the collector as well, and prints the tree that has come.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    time::{Duration, SystemTime},
};

use futures_util::stream;
use rpc_core::{
    Context, Endpoint, Server, Stream,
    layer::{Kind, SpanRecord, Trace},
    service,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
};

#[service]
trait Depot {
    async fn fetch(&self, item: String) -> bool;
}

#[service]
trait Stock {
    async fn take(&self, cx: &Context, item: String) -> bool;
    fn watch(&self, item: String) -> impl Stream<Item = u32>;
}

#[service]
trait Shop {
    async fn order(&self, cx: &Context, item: String) -> u32;
}

/// What buyers serve.
#[service]
trait Buyer {
    async fn confirm(&self, item: String) -> bool;
}

struct Hall;

impl Depot for Hall {
    async fn fetch(&self, _item: String) -> bool {
        true
    }
}

struct Thirsty;

impl Buyer for Thirsty {
    async fn confirm(&self, item: String) -> bool {
        item == "tea"
    }
}

struct Shelf(DepotClient);

impl Stock for Shelf {
    async fn take(&self, cx: &Context, item: String) -> bool {
        self.0.fetch(item).within(cx).await.unwrap_or_default()
    }

    fn watch(&self, _item: String) -> impl Stream<Item = u32> {
        stream::iter([3, 2, 1])
    }
}

struct Counter(StockClient);

impl Shop for Counter {
    async fn order(&self, cx: &Context, item: String) -> u32 {
        let confirmed = cx.peer::<BuyerClient>().confirm(&item).within(cx).await;
        let taken = self.0.take(&item).within(cx).await.unwrap_or_default();
        let mut left = 0;
        if let Ok(mut watch) = self.0.watch(&item).await {
            while let Some(Ok(count)) = watch.next().await {
                left = count;
            }
        }
        if taken && confirmed.unwrap_or_default() { left } else { 0 }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let collector = TcpListener::bind("127.0.0.1:0").await?;
    let address = collector.local_addr()?.to_string();
    let received = tokio::spawn(collect(collector, 9));
    let (trace, exporter) = exporter(address);

    let endpoint = Endpoint::new().layer(trace.clone());
    let depot = Server::new().with(DepotServer::new(Hall)).layer(trace.clone());
    let depot = depot.start("127.0.0.1:0").await?;
    let shelf = Shelf(DepotClient::new(endpoint.connect(depot.address()).await?));
    let stock = Server::new().with(StockServer::new(shelf)).layer(trace.clone());
    let stock = stock.start("127.0.0.1:0").await?;
    let counter = Counter(StockClient::new(endpoint.connect(stock.address()).await?));
    let shop = Server::new().with(ShopServer::new(counter)).layer(trace.clone());
    let shop = shop.start("127.0.0.1:0").await?;
    let buyer = endpoint.clone().with(BuyerServer::new(Thirsty)).layer_served(trace.clone());
    let client = ShopClient::new(buyer.connect(shop.address()).await?);
    println!("{} left\n", client.order("tea").await?);

    // Once nobody makes spans any more, the last batch is sent.
    drop((client, trace, endpoint, buyer));
    shop.shutdown().await;
    stock.shutdown().await;
    depot.shutdown().await;
    let spans = received.await??;
    exporter.abort();
    print(&spans, "", "");
    let roots = spans.iter().filter(|span| span["parentSpanId"] == "").count();
    let is_there = |id: &Value| spans.iter().any(|span| span["spanId"] == *id);
    let orphans = spans.iter().filter(|span| !is_there(&span["parentSpanId"])).count() - roots;
    let traces: BTreeSet<_> = spans.iter().map(|span| span["traceId"].to_string()).collect();
    assert_eq!(
        (spans.len(), roots, orphans, traces.len()),
        (9, 1, 0, 1),
        "one tree, and no orphan"
    );
    Ok(())
}

/// A layer, and the task that sends its spans: a batch each 100 ms, or of 512.
fn exporter(collector: String) -> (Trace, JoinHandle<()>) {
    let (sender, mut spans) = mpsc::channel::<SpanRecord>(10_000);
    let task = tokio::spawn(async move {
        let mut batch = Vec::new();
        while spans.recv_many(&mut batch, 512).await > 0 {
            // What comes close together goes together.
            tokio::time::sleep(Duration::from_millis(100)).await;
            while let Ok(span) = spans.try_recv() {
                batch.push(span);
            }
            if let Err(error) = post(&collector, &otlp(&batch)).await {
                eprintln!("{} spans are lost: {error}", batch.len());
            }
            batch.clear();
        }
    });
    (Trace::new().to(move |span| drop(sender.try_send(span))), task)
}

/// Spans as OTLP has them in JSON.
fn otlp(spans: &[SpanRecord]) -> Value {
    let text = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    let spans: Vec<_> = spans
        .iter()
        .map(|span| {
            let began = span.began.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            let failed = span.status != "OK";
            json!({
                "traceId": span.context.trace_id().to_string(),
                "spanId": format!("{:016x}", span.context.span_id()),
                "parentSpanId": span.parent.map(|id| format!("{id:016x}")).unwrap_or_default(),
                "name": span.method,
                "kind": match span.kind { Kind::Server => 2, Kind::Client => 3 },
                "startTimeUnixNano": began.as_nanos().to_string(),
                "endTimeUnixNano": (began + span.took).as_nanos().to_string(),
                "attributes": span.attributes().map(|(key, value)| text(key, &value)).collect::<Vec<_>>(),
                "status": { "code": if failed { 2 } else { 0 } },
            })
        })
        .collect();
    json!({ "resourceSpans": [{
        "resource": { "attributes": [text("service.name", "otlp-example")] },
        "scopeSpans": [{ "scope": { "name": "rpc-core" }, "spans": spans }],
    }] })
}

async fn post(collector: &str, body: &Value) -> Result<(), Box<dyn Error + Send + Sync>> {
    let body = body.to_string();
    let mut stream = TcpStream::connect(collector).await?;
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nHost: {collector}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    match answer.starts_with("HTTP/1.1 200") {
        true => Ok(()),
        false => Err(format!("the collector says {:?}", answer.lines().next()).into()),
    }
}

/// A collector: takes batches until there are so many spans.
async fn collect(
    listener: TcpListener,
    count: usize,
) -> Result<Vec<Value>, Box<dyn Error + Send + Sync>> {
    let mut all = Vec::new();
    while all.len() < count {
        let (stream, _) = listener.accept().await?;
        let mut stream = BufReader::new(stream);
        let (mut line, mut length) = (String::new(), 0);
        while stream.read_line(&mut line).await? > 2 {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
            line.clear();
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        let batch: Value = serde_json::from_slice(&body)?;
        let spans = batch["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array();
        all.extend(spans.cloned().unwrap_or_default());
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await?;
    }
    Ok(all)
}

/// Prints the spans below one, in the order in which they began.
fn print(spans: &[Value], parent: &str, indent: &str) {
    let nanos = |span: &Value, key: &str| span[key].as_str().and_then(|n| n.parse::<u64>().ok());
    let below: BTreeMap<_, _> = spans
        .iter()
        .filter(|span| span["parentSpanId"] == parent)
        .map(|span| ((nanos(span, "startTimeUnixNano"), span["spanId"].as_str()), span))
        .collect();
    for span in below.values() {
        let took = nanos(span, "endTimeUnixNano").zip(nanos(span, "startTimeUnixNano"));
        let millis = took.map_or(0.0, |(end, start)| end.saturating_sub(start) as f64 / 1e6);
        let side = if span["kind"] == 2 { "server" } else { "client" };
        let name = format!("{indent}{}", span["name"].as_str().unwrap_or_default());
        println!("{name:24} {side}  {millis:.1} ms");
        print(spans, span["spanId"].as_str().unwrap_or_default(), &format!("{indent}  "));
    }
}
