//! What layers, the list of calls and a cache cost: CPU time of a call on both sides together, beside the same without them.
//!
//! Client and server are in this process, on one thread, over TCP, 64 calls in flight on one connection. All variants are
//! measured by turns, so that whatever else the machine does meets each of them; figures are medians of what each turn gives,
//! and ratios are those of neighbours. The exporter of metrics sums up what it has at the end of each turn, as one that is installed
//! does every few seconds, and that is part of the turn.

use std::{
    fmt::Write as _,
    path::Path,
    process,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use futures_util::future::join_all;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use rpc_cli::load::{cpu, statistics::Spread};
use rpc_core::{
    Endpoint, Running, Server,
    inspect::{CallQuery, InspectClient, Inspection},
    layer::{Cache, Head, Keep, Layer, Metrics, Service, Trace},
    service,
};

use crate::{gauge::verdict, plan::Effort};

/// Nanoseconds that a layer may take which only reads the head.
const HEAD_BAR: f64 = 150.0;
/// CPU with traces and metrics, by that without.
const SEEN_BAR: f64 = 1.25;
/// CPU with the list of calls kept, by that without.
const LISTED_BAR: f64 = 1.005;
/// CPU of a call, both sides together, that the cache answers.
const HIT_BAR: f64 = 2000.0;
/// The time within which so many calls in flight are listed.
const LIST_BAR: Duration = Duration::from_millis(50);
const LISTED: usize = 10_000;
const IN_FLIGHT: i64 = 64;

/// A service that does next to nothing.
#[service]
trait Calculator {
    /// Adds.
    #[rpc(idempotent)]
    async fn add(&self, a: i64, b: i64) -> i64;
    /// Never answers.
    async fn hang(&self);
}

struct Pocket;

impl Calculator for Pocket {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a.wrapping_add(b)
    }

    async fn hang(&self) {
        std::future::pending::<()>().await;
    }
}

/// A layer that only reads the head of a request.
#[derive(Clone, Default)]
struct Reads(Arc<AtomicU64>);

#[derive(Clone)]
struct Reading<S>(S, Reads);

impl<S> Layer<S> for Reads {
    type Service = Reading<S>;

    fn layer(&self, inner: S) -> Reading<S> {
        Reading(inner, self.clone())
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
        let seen = request.method().len() + request.metadata().len();
        self.1.0.fetch_add(seen as u64, Ordering::Relaxed);
        self.0.call(request)
    }
}

/// A server with something around its calls, and a client of it.
struct Variant {
    name: &'static str,
    client: CalculatorClient,
    _server: Running,
    /// CPU nanoseconds of a call, by turn.
    costs: Vec<f64>,
}

impl Variant {
    async fn start(
        name: &'static str,
        build: impl FnOnce(Server) -> Server,
        endpoint: Endpoint,
    ) -> Result<Self> {
        let server = build(Server::new().with(CalculatorServer::new(Pocket)));
        let server = server.start("127.0.0.1:0").await?;
        let client = CalculatorClient::new(endpoint.connect(server.address()).await?);
        Ok(Self { name, client, _server: server, costs: Vec::new() })
    }

    /// Calls for a time, 64 at once; CPU nanoseconds of a call.
    async fn turn(&self, window: Duration, exporter: &PrometheusHandle) -> Result<f64> {
        let used = || cpu::time_of(process::id()).context("the CPU clock of this process");
        let (began, before, mut calls) = (Instant::now(), used()?, 0_u32);
        while began.elapsed() < window {
            for round in 0..8 {
                let at_once = (0..IN_FLIGHT).map(|call| self.client.add(round % 2, call));
                for sum in join_all(at_once).await {
                    sum?;
                    calls += 1;
                }
            }
        }
        exporter.run_upkeep();
        Ok((used()? - before).as_nanos() as f64 / f64::from(calls))
    }
}

/// Measures all of it.
///
/// # Errors
///
/// A server cannot be started, or a call fails.
pub fn layers(_program: &Path, effort: Effort) -> Result<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut text = costs(effort).await?;
        text += "\n";
        text += &listing(effort).await?;
        Ok(text)
    })
}

async fn variants() -> Result<(Vec<Variant>, PrometheusHandle)> {
    let recorder = PrometheusBuilder::new().set_buckets(&Metrics::BUCKETS)?.build_recorder();
    let exporter = recorder.handle();
    // One process measures once.
    let _ = metrics::set_global_recorder(recorder);
    let spans = Arc::new(AtomicU64::new(0));
    let trace = || {
        let spans = Arc::clone(&spans);
        Trace::new().to(move |_| {
            spans.fetch_add(1, Ordering::Relaxed);
        })
    };
    let cache = Cache::of([CalculatorClient::schema()])
        .method("Calculator.add", Keep::new(Duration::from_secs(3600)).shared())
        .build()?;
    let plain = Endpoint::new;
    let variants = vec![
        Variant::start("nothing", |server| server, plain()).await?,
        Variant::start(
            "a layer that reads the head",
            |server| server.layer(Reads::default()),
            plain(),
        )
        .await?,
        Variant::start(
            "trace and metrics on the server",
            |server| server.layer(trace()).layer(Metrics::new()),
            plain(),
        )
        .await?,
        Variant::start(
            "trace and metrics on both sides",
            |server| server.layer(trace()).layer(Metrics::new()),
            plain().layer(trace()).layer(Metrics::new()),
        )
        .await?,
        Variant::start("inspect", |server| server.inspect(Inspection::new()), plain()).await?,
        Variant::start("cache, all hits", |server| server.layer(cache), plain()).await?,
    ];
    Ok((variants, exporter))
}

async fn costs(effort: Effort) -> Result<String> {
    let (mut variants, exporter) = variants().await?;
    for variant in &variants {
        variant.turn(effort.warm_up, &exporter).await?;
    }
    // Short turns: what the machine does besides changes within seconds.
    let turns = effort.rounds * 4;
    for _ in 0..turns {
        for variant in &mut variants {
            let cost = variant.turn(effort.window / 20, &exporter).await?;
            variant.costs.push(cost);
        }
    }
    let mut text = String::from(
        "| add, 1x64, both sides | CPU a call | more than nothing | by nothing | bar |\n|---|---|---|---|---|\n",
    );
    let base = variants[0].costs.clone();
    for Variant { name, costs, .. } in &variants {
        let each = Spread::of(costs.clone()).median;
        let more = costs.iter().zip(&base).map(|(cost, base)| cost - base).collect();
        let by = costs.iter().zip(&base).map(|(cost, base)| cost / base).collect();
        let (more, by) = (Spread::of(more).median, Spread::of(by).median);
        let bar = match *name {
            "a layer that reads the head" => {
                format!("<= {HEAD_BAR} ns: {}", verdict(more <= HEAD_BAR))
            }
            "trace and metrics on the server" => {
                format!("<= {SEEN_BAR}: {}", verdict(by <= SEEN_BAR))
            }
            "inspect" => format!("<= {LISTED_BAR}: {}", verdict(by <= LISTED_BAR)),
            "cache, all hits" => format!("<= {HIT_BAR} ns more: {}", verdict(more <= HIT_BAR)),
            _ => String::new(),
        };
        writeln!(text, "| {name} | {each:.0} ns | {more:.0} ns | {by:.3} | {bar} |")?;
    }
    Ok(text)
}

/// How long it takes to list very many calls in flight.
async fn listing(effort: Effort) -> Result<String> {
    let listed = (LISTED / effort.divide).max(10);
    let server = Server::new().with(CalculatorServer::new(Pocket)).inspect(Inspection::new());
    let server = server.start("127.0.0.1:0").await?;
    let channel = Endpoint::new().connect(server.address()).await?;
    let mut hanging = Vec::new();
    for _ in 0..listed.div_ceil(1000) {
        let client = CalculatorClient::new(Endpoint::new().connect(server.address()).await?);
        hanging.extend((0..listed.min(1000)).map(|_| tokio::spawn(client.hang().into_future())));
    }
    let inspect = InspectClient::new(channel);
    while inspect.overview().await?.in_flight < listed as u64 {
        tokio::task::yield_now().await;
    }
    let mut times = Vec::new();
    for _ in 0..effort.rounds.max(5) {
        let began = Instant::now();
        let calls = inspect.calls(CallQuery::default()).await?;
        times.push(began.elapsed().as_secs_f64());
        ensure!(calls.calls.len() >= listed, "{} calls are listed", calls.calls.len());
    }
    hanging.iter().for_each(tokio::task::JoinHandle::abort);
    let median = Duration::from_secs_f64(Spread::of(times).median);
    let held = verdict(median <= LIST_BAR);
    Ok(format!(
        "| {listed} calls in flight, all listed | bar |\n|---|---|\n| {median:.1?} | <= {LIST_BAR:?}: {held} |\n"
    ))
}
