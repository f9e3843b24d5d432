//! A program for an instruction counter: `calls ROUNDS` makes so many rounds of 64 calls on one connection in memory,
//! client and server on one thread; `items ROUNDS` reads so many times 64 items of one stream, of 24 bytes each. `tcp`,
//! `tcp3`, `fleet1` and `fleet3` are the calls over TCP: by a channel to one server, by three such by turns, and by a
//! channel to many that has one or three; `for-good` is `tcp` by a channel that does not come back when it is lost. `head`,
//! `metrics`, `unsampled`, `spans` and `seen` are the calls in memory with layers on the server: one that reads the head; the
//! exporter of metrics alone, by handles that are there; metrics; traces of which none is sampled, and all; traces and metrics.
//! `inspect` are the calls with a list of them kept; `listing` reads that list so many times, with 10,000 calls on it.
//! `.ci/instructions` runs it under callgrind.

#![allow(clippy::unwrap_used, reason = "it fails by it")]

use std::task::{Context, Poll};

use futures_util::{Stream, StreamExt as _, future::join_all, stream};
use metrics_exporter_prometheus::PrometheusBuilder;
use rpc_core::{
    Endpoint, Reconnect, Server,
    inspect::{CallQuery, InspectClient, Inspection},
    layer::{Head, Layer, Metrics, Service, Trace},
    service,
};

#[service]
trait Calculator {
    async fn add(&self, a: i64, b: i64) -> i64;
    async fn hang(&self);
    fn ticks(&self, count: u64) -> impl Stream<Item = (f64, f64, f64)>;
}

struct Pocket;

impl Calculator for Pocket {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a.wrapping_add(b)
    }

    async fn hang(&self) {
        std::future::pending::<()>().await;
    }

    fn ticks(&self, count: u64) -> impl Stream<Item = (f64, f64, f64)> {
        stream::iter(0..count).map(|_| (1.0, 2.0, 3.0))
    }
}

const IN_FLIGHT: i64 = 64;

fn main() {
    let mut words = std::env::args().skip(1);
    let load = words.next().unwrap();
    let rounds: i64 = words.next().unwrap().parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let server = || Server::new().with(CalculatorServer::new(Pocket));
        let in_memory = || CalculatorClient::in_memory(server());
        match load.as_str() {
            "calls" => calls(&in_memory(), rounds).await,
            "items" => items(&in_memory(), rounds).await,
            "head" => calls(&of(server().layer(Reads)), rounds).await,
            "exporter" => calls(&of(server().layer(exporter())), rounds).await,
            "metrics" => calls(&of(server().layer(metrics())), rounds).await,
            "unsampled" => calls(&of(server().layer(spans(u32::MAX))), rounds).await,
            "spans" => calls(&of(server().layer(spans(1))), rounds).await,
            "seen" => calls(&of(server().layer(spans(1)).layer(metrics())), rounds).await,
            "inspect" => calls(&of(server().inspect(Inspection::new())), rounds).await,
            "listing" => listing(server().inspect(Inspection::new()), rounds).await,
            "tcp" => over(server, 1, Channels::Each, rounds).await,
            "for-good" => over(server, 1, Channels::ForGood, rounds).await,
            "tcp3" => over(server, 3, Channels::Each, rounds).await,
            "fleet1" => over(server, 1, Channels::One, rounds).await,
            "fleet3" => over(server, 3, Channels::One, rounds).await,
            load => panic!("there is no load called `{load}`"),
        }
    });
}

fn of(server: Server) -> CalculatorClient {
    CalculatorClient::in_memory(server)
}

/// A layer that only reads the head of a request.
#[derive(Clone)]
struct Reads;

#[derive(Clone)]
struct Reading<S>(S);

impl<S> Layer<S> for Reads {
    type Service = Reading<S>;

    fn layer(&self, inner: S) -> Reading<S> {
        Reading(inner)
    }
}

impl<R: Head, S: Service<R>> Service<R> for Reading<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> S::Future {
        std::hint::black_box(request.method().len() + request.metadata().len());
        self.0.call(request)
    }
}

/// What an exporter takes for a call, whoever tells it.
#[derive(Clone)]
struct Tells(metrics::Gauge, metrics::Histogram);

#[derive(Clone)]
struct Telling<S>(S, Tells);

impl<S> Layer<S> for Tells {
    type Service = Telling<S>;

    fn layer(&self, inner: S) -> Telling<S> {
        Telling(inner, self.clone())
    }
}

impl<R: Head, S: Service<R>> Service<R> for Telling<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> S::Future {
        let Tells(running, durations) = &self.1;
        running.increment(1.0);
        durations.record(0.001);
        running.decrement(1.0);
        self.0.call(request)
    }
}

fn exporter() -> Tells {
    drop(metrics());
    let durations = metrics::histogram!("rpc_server_call_duration_seconds", "rpc_method" => "add");
    Tells(metrics::gauge!("rpc_server_inflight", "rpc_method" => "add"), durations)
}

/// Metrics, and a real exporter that takes them.
fn metrics() -> Metrics {
    let exporter = PrometheusBuilder::new().set_buckets(&Metrics::BUCKETS).unwrap();
    exporter.install_recorder().unwrap();
    Metrics::new()
}

/// Traces of which one in so many is sampled.
fn spans(one_in: u32) -> Trace {
    Trace::new().one_in(one_in).to(|span| {
        std::hint::black_box(span);
    })
}

/// How servers are called.
#[derive(Clone, Copy)]
enum Channels {
    /// Each by a channel of its own, by turns.
    Each,
    /// The same by channels that do not come back when they are lost.
    ForGood,
    /// All by one.
    One,
}

/// Calls over TCP to so many servers.
async fn over(server: impl Fn() -> Server, servers: usize, channels: Channels, rounds: i64) {
    let mut running = Vec::new();
    for _ in 0..servers {
        running.push(server().start("127.0.0.1:0").await.unwrap());
    }
    let mut all: Vec<_> = running.iter().map(|one| one.address().to_string()).collect();
    let mut clients = Vec::new();
    match channels {
        Channels::Each => {
            for address in &all {
                clients.push(CalculatorClient::connect(address).await.unwrap());
            }
        }
        Channels::ForGood => {
            let endpoint = Endpoint::new().reconnect(Reconnect::off());
            for address in &all {
                clients.push(CalculatorClient::new(endpoint.connect(address).await.unwrap()));
            }
        }
        Channels::One => {
            // The same one twice is one server.
            all.push(all[0].clone());
            clients.push(CalculatorClient::connect(all.join(",")).await.unwrap());
        }
    }
    while running.iter().any(|one| one.connections() == 0) {
        for calculator in &clients {
            assert_eq!(calculator.add(1, 2).await, Ok(3));
        }
    }
    rounds_of(&clients, rounds).await;
}

async fn calls(calculator: &CalculatorClient, rounds: i64) {
    rounds_of(std::slice::from_ref(calculator), rounds).await;
}

async fn rounds_of(clients: &[CalculatorClient], rounds: i64) {
    for round in 0..rounds {
        let by_turns = clients.iter().cycle();
        let calls = (0..IN_FLIGHT).zip(by_turns).map(|(call, client)| client.add(round, call));
        for (call, sum) in (0..).zip(join_all(calls).await) {
            assert_eq!(sum, Ok(round + call));
        }
    }
}

/// Lists 10,000 calls in flight.
async fn listing(server: Server, rounds: i64) {
    const LISTED: usize = 10_000;
    let running = server.start("127.0.0.1:0").await.unwrap();
    let mut hanging = Vec::new();
    for _ in 0..LISTED / 1000 {
        let calculator = CalculatorClient::connect(running.address()).await.unwrap();
        hanging.extend((0..1000).map(|_| tokio::spawn(calculator.hang().into_future())));
    }
    let inspect = InspectClient::connect(running.address()).await.unwrap();
    while inspect.overview().await.unwrap().in_flight < LISTED as u64 {}
    for _ in 0..rounds {
        let listed = inspect.calls(CallQuery::default()).await.unwrap();
        assert!(listed.total >= LISTED as u64);
    }
    hanging.iter().for_each(tokio::task::JoinHandle::abort);
}

async fn items(calculator: &CalculatorClient, rounds: i64) {
    let count = (rounds * IN_FLIGHT).cast_unsigned();
    let mut ticks = calculator.ticks(count).await.unwrap();
    let mut read = 0;
    while let Some(tick) = ticks.next().await {
        assert_eq!(tick, Ok((1.0, 2.0, 3.0)));
        read += 1;
    }
    assert_eq!(read, count);
}
