//! Metrics of calls, rendered by the usual exporter and read as Prometheus reads them.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use metrics_exporter_prometheus::PrometheusBuilder;
use prometheus_parse::{Sample, Scrape, Value};
use rpc_core::{
    Endpoint, Http, Reconnect, Resume, Server,
    layer::{ConcurrencyLimit, Log, Metrics, RateLimit, Timeout, Trace},
    service,
};
use tests::{Cutter, Fault, RawPeer};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::mpsc::unbounded_channel,
};

use crate::ground::{Clerk, DeskClient, server};

async fn get(address: &str, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

fn scrape(text: &str) -> Vec<Sample> {
    Scrape::parse(text.lines().map(|line| Ok(line.to_owned()))).unwrap().samples
}

/// The number of calls in a histogram.
fn count(samples: &[Sample], metric: &str, method: &str, status: &str) -> f64 {
    let labelled = |sample: &&Sample| {
        sample.labels.get("rpc_method") == Some(method)
            && sample.labels.get("rpc_response_status_code") == Some(status)
    };
    let found = samples.iter().filter(|sample| sample.metric == format!("{metric}_count"));
    match found.filter(labelled).map(|sample| &sample.value).next() {
        Some(Value::Untyped(count) | Value::Counter(count) | Value::Gauge(count)) => *count,
        other => panic!("{metric} {method} {status}: {other:?}"),
    }
}

fn gauge(samples: &[Sample], metric: &str, method: &str) -> f64 {
    let found = samples
        .iter()
        .find(|sample| sample.metric == metric && sample.labels.get("rpc_method") == Some(method));
    match found.map(|sample| &sample.value) {
        Some(Value::Gauge(count)) => *count,
        other => panic!("{metric} {method}: {other:?}"),
    }
}

#[tokio::test]
async fn calls_are_scraped_from_the_port_itself() {
    let builder = PrometheusBuilder::new().set_buckets(&Metrics::BUCKETS).unwrap();
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let (told, mut heard) = unbounded_channel();
    let served = server(&Clerk(told))
        .layer(Metrics::new())
        .http(Http::new().metrics(move || handle.render()))
        .start("127.0.0.1:0")
        .await
        .unwrap();
    let address = served.address().to_string();
    let endpoint = Endpoint::new().layer(Metrics::new());
    let desk = DeskClient::new(endpoint.connect(served.address()).await.unwrap());
    for n in 0..5 {
        desk.add(n, n).await.unwrap();
    }
    desk.refuse("tea").await.unwrap_err();
    desk.panic().await.unwrap_err();
    let mut items = desk.count(3).await.unwrap();
    while items.next().await.is_some() {}
    let hang = tokio::spawn(desk.hang());
    assert_eq!(heard.recv().await.as_deref(), Some("hang began"));

    let (head, body) = get(&address, "/metrics").await;
    assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    let samples = scrape(&body);
    for side in ["server", "client"] {
        let durations = format!("rpc_{side}_call_duration_seconds");
        assert_eq!(count(&samples, &durations, "Desk.add", "OK"), 5.0);
        assert_eq!(count(&samples, &durations, "Desk.refuse", "APPLICATION"), 1.0);
        assert_eq!(count(&samples, &durations, "Desk.panic", "INTERNAL"), 1.0);
        assert_eq!(count(&samples, &durations, "Desk.count", "OK"), 1.0);
        let running = format!("rpc_{side}_inflight");
        assert_eq!(gauge(&samples, &running, "Desk.hang"), 1.0);
        assert_eq!(gauge(&samples, &running, "Desk.add"), 0.0);
    }
    hang.abort();
    assert_eq!(heard.recv().await.as_deref(), Some("hang is dropped"));
    // One that was given up counts as cancelled, on both sides.
    let scraped = async {
        loop {
            let samples = scrape(&get(&address, "/metrics").await.1);
            let over = |side| gauge(&samples, &format!("rpc_{side}_inflight"), "Desk.hang") == 0.0;
            if over("server") && over("client") {
                return samples;
            }
        }
    };
    let samples = scraped.await;
    let cancelled = |side: &str| {
        count(&samples, &format!("rpc_{side}_call_duration_seconds"), "Desk.hang", "CANCELLED")
    };
    assert_eq!((cancelled("server"), cancelled("client")), (1.0, 1.0));
    served.shutdown().await;
}

/// Both look on at once where they stand side by side; with a layer between them, or around a part, each for itself.
#[tokio::test]
async fn traces_and_metrics_see_the_same_calls_wherever_they_stand() {
    let between = || Timeout::new(Duration::from_secs(60));
    type Put = fn(Server, Trace) -> Server;
    let ways: [Put; 5] = [
        |server, trace| server.layer(trace).layer(Metrics::new()),
        |server, trace| server.layer(Metrics::new()).layer(trace),
        |server, trace| {
            server.layer(Metrics::new()).layer(Timeout::new(Duration::from_secs(60))).layer(trace)
        },
        |server, trace| server.layer(trace).layer_for("Desk", Metrics::new()),
        |server, trace| server.layer_for("Desk.add", Log::new()).layer(trace).layer(Metrics::new()),
    ];
    for (way, put) in ways.into_iter().enumerate() {
        let recorder = PrometheusBuilder::new().set_buckets(&Metrics::BUCKETS).unwrap();
        let recorder = recorder.build_recorder();
        let handle = recorder.handle();
        let _recording = metrics::set_default_local_recorder(&recorder);
        let ended = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&ended);
        let trace =
            Trace::new().to(move |span| sink.lock().unwrap().push((span.method, span.status)));
        let (told, mut heard) = unbounded_channel();
        let desk = DeskClient::in_memory(put(server(&Clerk(told)).layer(between()), trace));
        desk.add(1, 2).await.unwrap();
        desk.refuse("tea").await.unwrap_err();
        desk.panic().await.unwrap_err();
        let hang = tokio::spawn(desk.hang());
        assert_eq!(heard.recv().await.as_deref(), Some("hang began"));
        let samples = scrape(&handle.render());
        assert_eq!(gauge(&samples, "rpc_server_inflight", "Desk.hang"), 1.0, "{way}");
        assert_eq!(gauge(&samples, "rpc_server_inflight", "Desk.panic"), 0.0, "{way}");
        hang.abort();
        assert_eq!(heard.recv().await.as_deref(), Some("hang is dropped"));
        while ended.lock().unwrap().len() < 4 {
            tokio::task::yield_now().await;
        }
        let expected = [
            ("Desk.add", "OK"),
            ("Desk.refuse", "APPLICATION"),
            ("Desk.panic", "INTERNAL"),
            ("Desk.hang", "CANCELLED"),
        ];
        assert_eq!(*ended.lock().unwrap(), expected, "{way}");
        let samples = scrape(&handle.render());
        for (method, status) in expected {
            let durations = "rpc_server_call_duration_seconds";
            assert_eq!(count(&samples, durations, method, status), 1.0, "{way} {method}");
            assert_eq!(gauge(&samples, "rpc_server_inflight", method), 0.0, "{way} {method}");
        }
    }
}

#[tokio::test]
async fn there_is_no_page_unless_it_is_asked_for() {
    let (told, _heard) = unbounded_channel();
    let served = server(&Clerk(told)).http(Http::new()).start("127.0.0.1:0").await.unwrap();
    let (head, _) = get(&served.address().to_string(), "/metrics").await;
    assert!(head.starts_with("HTTP/1.1 405"), "{head}");
    served.shutdown().await;
}

/// The value of a metric that has these labels and no others.
fn value(samples: &[Sample], metric: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let has = |sample: &&Sample| {
        sample.labels.len() == labels.len()
            && labels.iter().all(|(key, value)| sample.labels.get(key) == Some(value))
    };
    let found = samples.iter().filter(|sample| sample.metric == metric).find(has)?;
    match &found.value {
        Value::Untyped(count) | Value::Counter(count) | Value::Gauge(count) => Some(*count),
        other => panic!("{metric}: {other:?}"),
    }
}

#[tokio::test]
async fn what_is_no_call_is_scraped_too() {
    let builder = PrometheusBuilder::new().set_buckets(&Metrics::BUCKETS).unwrap();
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let samples = || scrape(&handle.render());
    let (told, mut heard) = unbounded_channel();
    let one = std::num::NonZero::new(1).unwrap();
    let served = server(&Clerk(told))
        .layer_for("Desk.hang", ConcurrencyLimit::new(1))
        .layer_for("Desk.add", RateLimit::per_minute(one))
        .start("127.0.0.1:0")
        .await
        .unwrap();
    let channel = Endpoint::new().connect(served.address()).await.unwrap();
    let desk = DeskClient::new(channel.clone());
    let hang = tokio::spawn(desk.hang());
    assert_eq!(heard.recv().await.as_deref(), Some("hang began"));
    assert_eq!(value(&samples(), "rpc_connections", &[]), Some(1.0));
    desk.hang().await.unwrap_err();
    desk.add(1, 2).await.unwrap();
    for _ in 0..2 {
        desk.add(1, 2).await.unwrap_err();
    }
    // What is not a frame.
    let mut stranger = TcpStream::connect(served.address().to_string()).await.unwrap();
    stranger.write_all(b"V\0\0\x01\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff").await.unwrap();
    let mut goaway = Vec::new();
    drop(stranger.read_to_end(&mut goaway).await);
    let rejected = |reason| value(&samples(), "rpc_rejected_total", &[("reason", reason)]);
    assert_eq!((rejected("concurrency"), rejected("rate")), (Some(1.0), Some(2.0)));
    hang.abort();
    assert_eq!(heard.recv().await.as_deref(), Some("hang is dropped"));
    assert_eq!(value(&samples(), "rpc_cancelled_total", &[]), Some(1.0));
    drop((desk, channel));
    served.shutdown().await;
    let samples = samples();
    assert_eq!(value(&samples, "rpc_connections", &[]), Some(0.0));
    assert_eq!(value(&samples, "rpc_drain_seconds_count", &[]), Some(1.0));
    let broken = ["protocol", "limit"]
        .iter()
        .filter_map(|kind| value(&samples, "rpc_protocol_violations_total", &[("kind", kind)]));
    assert_eq!(broken.sum::<f64>(), 1.0);
}

#[tokio::test]
async fn connections_that_are_cut_are_scraped() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let value = |metric, labels: &[_]| value(&scrape(&handle.render()), metric, labels);
    let (told, _heard) = unbounded_channel();
    let served = server(&Clerk(told)).resume(Resume::new()).start("127.0.0.1:0").await.unwrap();
    // The first connection is cut, and the second, for which nobody calls any more.
    let plan = |number| (number < 2).then_some((Fault::Reset, 1000));
    let cutter = Cutter::start(&served.address().to_string(), Box::new(plan)).await.unwrap();
    let reconnect = Reconnect::off().first_delay(Duration::from_millis(1));
    let endpoint = Endpoint::new().reconnect(reconnect).resume(Resume::new());
    let desk = DeskClient::new(endpoint.connect(cutter.address()).await.unwrap());
    while cutter.cuts() < 2 {
        assert_eq!(desk.add(1, 2).await.unwrap(), 3);
    }
    // One more reply comes over the third.
    assert_eq!(desk.add(1, 2).await.unwrap(), 3);
    assert_eq!(value("rpc_sessions_total", &[("outcome", "resumed")]), Some(2.0));
    assert_eq!(value("rpc_sessions_cut", &[]), Some(0.0));
    drop(desk);
    served.shutdown().await;
}

/// A service whose replies are as long as one likes.
#[service]
trait Bulk {
    async fn bytes(&self, length: u8) -> Vec<u8>;
}

struct Store;

impl Bulk for Store {
    async fn bytes(&self, length: u8) -> Vec<u8> {
        vec![7; usize::from(length) << 20]
    }
}

#[tokio::test]
async fn bytes_that_nobody_reads_are_scraped() {
    let builder = PrometheusBuilder::new().set_buckets(&Metrics::BUCKETS).unwrap();
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let buffered = || value(&scrape(&handle.render()), "rpc_buffered_bytes", &[]);
    let until = async |holds: fn(Option<f64>) -> bool| {
        while !holds(buffered()) {
            tokio::task::yield_now().await;
        }
    };
    let served = Server::new().with(BulkServer::new(Store)).start("127.0.0.1:0").await.unwrap();
    let mut peer = RawPeer::connect(served.address()).await.unwrap();
    peer.send(&RawPeer::greeting()).await.unwrap();
    let key = BulkClient::schema().methods[0].key;
    // More than what the system keeps for a socket that nobody reads.
    for call in 0..8 {
        peer.send(&RawPeer::request(call, key, &[3])).await.unwrap();
    }
    until(|bytes| bytes > Some(0.0)).await;
    peer.reset().unwrap();
    until(|bytes| bytes == Some(0.0)).await;
    served.shutdown().await;
}
