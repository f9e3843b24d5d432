//! Connections that one thread serves: one of them floods, and the others call `add`, one call after another.

use std::{
    fmt::Write as _,
    future::Future,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use anyhow::{Result, ensure};
use bytes::Bytes;
use tokio::{
    runtime::{Builder, Runtime},
    sync::Notify,
    task::JoinSet,
};

use super::ground::GroundClient;
use crate::{
    gauge::{Latencies, verdict},
    plan::Effort,
    process::ServerProcess,
};

/// Connections beside the one that floods.
const OTHERS: usize = 8;
/// The bar for the others' p99, in microseconds.
const P99_BAR: u64 = 5000;

/// What one connection does with all its might.
#[derive(Clone, Copy, Debug)]
enum Flood {
    Nothing,
    OneWay,
    Burn,
    Streams,
    LongEchoes,
}

impl Flood {
    const ALL: [Self; 5] =
        [Self::Nothing, Self::OneWay, Self::Burn, Self::Streams, Self::LongEchoes];

    const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::OneWay => "one-way calls",
            Self::Burn => "calls of 30 us of CPU",
            Self::Streams => "streams of 24 bytes",
            Self::LongEchoes => "echoes of 1 MiB",
        }
    }

    /// Calls in flight, or streams.
    const fn width(self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::OneWay => 64,
            Self::Burn => 1000,
            Self::Streams => 16,
            Self::LongEchoes => 4,
        }
    }

    /// One call after another, or one stream, until it is stopped.
    async fn run(self, client: GroundClient, sign: Arc<Sign>) -> Result<()> {
        match self {
            Self::Nothing => Ok(()),
            Self::OneWay => sign.repeat(|| client.note(1, 2)).await,
            Self::Burn => sign.repeat(|| client.burn(30)).await,
            Self::Streams => {
                let mut items = client.items(24).await?;
                while !sign.stop.load(Relaxed) {
                    ensure!(items.next().await.transpose()?.is_some(), "a stream ended");
                    sign.done();
                }
                Ok(())
            }
            Self::LongEchoes => {
                let payload = Bytes::from(vec![7; 1 << 20]);
                sign.repeat(|| client.echo(payload.clone())).await
            }
        }
    }
}

/// Tells a flood when to stop, and is told how much it does.
#[derive(Default)]
struct Sign {
    stop: AtomicBool,
    done: AtomicU64,
    under_way: Notify,
}

impl Sign {
    async fn repeat<T, F>(&self, call: impl Fn() -> F) -> Result<()>
    where
        F: Future<Output = Result<T, rpc_core::CallError>>,
    {
        while !self.stop.load(Relaxed) {
            call().await?;
            self.done();
        }
        Ok(())
    }

    fn done(&self) {
        self.done.fetch_add(1, Relaxed);
        self.under_way.notify_one();
    }
}

/// Measures the others' latency alone and beside each flood.
///
/// # Errors
///
/// When the server cannot be started or a call fails.
pub fn side_by_side(program: &Path, effort: Effort) -> Result<String> {
    let server = ServerProcess::start(program, "sound-thread")?;
    // A thread for the flood and one for the others, so that they meet in the server alone.
    let (flooding, calling) = (runtime()?, runtime()?);
    let connect = async || {
        let client = GroundClient::connect(server.address()).await?;
        client.channel().ready().await?;
        anyhow::Ok(client)
    };
    let flooder = flooding.block_on(connect())?;
    let mut others = Vec::new();
    for _ in 0..OTHERS {
        others.push(calling.block_on(connect())?);
    }
    let mut text = String::from(
        "| beside a flood of | flood, a second | p50 of add | p99 of add | bar | |\n|---|---|---|---|---|---|\n",
    );
    for flood in Flood::ALL {
        let sign = Arc::new(Sign::default());
        let mut running = JoinSet::new();
        for _ in 0..flood.width() {
            let run = flood.run(flooder.clone(), Arc::clone(&sign));
            running.spawn_on(run, flooding.handle());
        }
        if flood.width() > 0 {
            flooding.block_on(sign.under_way.notified());
        }
        let began = Instant::now();
        let seen = calling.block_on(latencies(&others, effort))?;
        let rate = sign.done.load(Relaxed) as f64 / began.elapsed().as_secs_f64();
        sign.stop.store(true, Relaxed);
        flooding.block_on(async {
            while let Some(joined) = running.join_next().await {
                joined??;
            }
            anyhow::Ok(())
        })?;
        let (p50, p99) = (seen.at(0.5), seen.at(0.99));
        let (name, held) = (flood.name(), verdict(p99 <= P99_BAR));
        let bar = P99_BAR / 1000;
        writeln!(text, "| {name} | {rate:.0} | {p50} us | {p99} us | <= {bar} ms | {held} |")?;
    }
    Ok(text)
}

fn runtime() -> Result<Runtime> {
    Ok(Builder::new_multi_thread().worker_threads(1).enable_all().build()?)
}

/// What all of the others see, after the warm-up.
async fn latencies(clients: &[GroundClient], effort: Effort) -> Result<Latencies> {
    let mut running = JoinSet::new();
    for client in clients {
        let client = client.clone();
        running.spawn(async move {
            let mut seen = Latencies::new()?;
            let began = Instant::now();
            while began.elapsed() < effort.warm_up + effort.window {
                let sent = Instant::now();
                client.add(1, 2).await?;
                if began.elapsed() > effort.warm_up {
                    seen.add(sent.elapsed());
                }
            }
            anyhow::Ok(seen)
        });
    }
    let mut all = Latencies::new()?;
    while let Some(seen) = running.join_next().await {
        all.merge(&seen??)?;
    }
    Ok(all)
}
