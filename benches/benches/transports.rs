//! `add` over every transport under criterion: one group a load, one line a transport.
//!
//! Shows time per call and its change since the last run. CPU time and ratios within interleaved
//! rounds are the bench program's part: `cargo run --release -p benches -- transports`.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use benches::{
    meter::Meter,
    pin::Pin,
    plan::{self, Group, Load},
    process::ServerProcess,
    run, runtime,
    transport::{self, Transport},
};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn transports(criterion: &mut Criterion) {
    for group in plan::transports().into_iter().chain(plan::pinned()) {
        compare(criterion, &group);
    }
}

fn compare(criterion: &mut Criterion, group: &Group) {
    let mut lines = criterion.benchmark_group(&group.title);
    lines
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .throughput(Throughput::Elements(1));
    for load in &group.loads {
        for transport in transport::all() {
            lines.bench_function(BenchmarkId::from_parameter(transport.name()), |bencher| {
                let _pin = Pin::to(group.placement).expect("a thread may bind itself to one CPU");
                let server = ServerProcess::start(Path::new(PROGRAM), transport.name())
                    .expect("the bench program was built with this target");
                bencher.iter_custom(|calls| {
                    time(&*transport, server.address(), load, calls)
                        .expect("a server on the loopback interface answers")
                });
            });
        }
    }
    lines.finish();
}

/// Makes at least that many calls on fresh connections and gives the time of exactly that many.
fn time(transport: &dyn Transport, address: &str, load: &Load, calls: u64) -> Result<Duration> {
    let runtime = runtime::usual()?;
    let links = runtime.block_on(run::connect(transport, address, load.connections))?;
    // The first calls on a connection set things up, so they are made before the clock starts.
    let callers = load.callers() as u64;
    runtime.block_on(async {
        for link in &links {
            link.drive(load.lanes.clone(), Meter::for_calls(1)).await?;
        }
        let meter = Meter::for_calls(calls.div_ceil(callers));
        let began = Instant::now();
        let driving = run::drive(links, load.clone(), Arc::clone(&meter));
        let lanes = tokio::time::timeout(MOST, driving).await.context("calls hang")??;
        let took = began.elapsed();
        let made: u64 = lanes.iter().map(|lane| lane.calls).sum();
        Ok(took.mul_f64(calls as f64 / made as f64))
    })
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_benches");

/// The longest that one sample may take.
const MOST: Duration = Duration::from_secs(60);

criterion_group!(benches_of_transports, transports);
criterion_main!(benches_of_transports);
