//! A server that is killed (-9) under load and started again on its port: idempotent calls wait it out. The new process says
//! itself when it began to listen.

use std::{
    fmt::Write as _,
    net::TcpListener,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use parking_lot::Mutex;
use rpc_core::Endpoint;
use tokio::task::JoinSet;

use super::{
    NAME,
    node::{NodeClient, clock},
};
use crate::{
    gauge::{median, verdict},
    plan::Effort,
    process::ServerProcess,
    runtime,
};

const CALLERS: usize = 16;
/// What each call may take.
const DEADLINE: Duration = Duration::from_secs(60);
/// Milliseconds from the listen to the first success.
const BAR: f64 = 100.0;
/// How long nobody listens, beside what the start of a process takes.
const AWAY: [Duration; 2] = [Duration::ZERO, Duration::from_secs(1)];

pub(super) fn killed(program: &Path, effort: Effort) -> Result<String> {
    let mut text = String::from(
        "| killed (-9), idempotent calls | times | calls | failed | listen to first success, median | longest | bar | |\n|---|---|---|---|---|---|---|---|\n",
    );
    for away in AWAY {
        let times = if effort.divide > 1 { 3 } else { 30 };
        let seen = runtime::usual()?.block_on(kill(program, away, times))?;
        let longest = seen.waits.iter().copied().fold(0.0, f64::max);
        let half = median(seen.waits);
        // The wait between attempts grows with the time for which nobody listens: the bar of time is for a restart.
        let (name, bar, held) = if away.is_zero() {
            let held = half <= BAR && seen.failed == 0;
            ("started again at once".to_owned(), format!("0 failed; <= {BAR:.0} ms"), held)
        } else {
            (format!("after {away:?}"), "0 failed".to_owned(), seen.failed == 0)
        };
        let held = verdict(held);
        writeln!(
            text,
            "| {name} | {times} | {} | {} | {half:.0} ms | {longest:.0} ms | {bar} | {held} |",
            seen.calls, seen.failed
        )?;
    }
    Ok(text)
}

struct Seen {
    calls: u64,
    failed: u64,
    /// Milliseconds.
    waits: Vec<f64>,
}

/// What callers and the one who kills share.
#[derive(Default)]
struct Shared {
    over: AtomicBool,
    calls: AtomicU64,
    failed: AtomicU64,
    /// When calls succeeded since the last kill.
    succeeded: Mutex<Vec<Instant>>,
}

async fn call(client: NodeClient, shared: Arc<Shared>) {
    while !shared.over.load(Ordering::Relaxed) {
        let result = client.add(1, 2).timeout(DEADLINE).await;
        shared.calls.fetch_add(1, Ordering::Relaxed);
        match result {
            Ok(_) => shared.succeeded.lock().push(Instant::now()),
            Err(_) => drop(shared.failed.fetch_add(1, Ordering::Relaxed)),
        }
    }
}

async fn kill(program: &Path, away: Duration, times: usize) -> Result<Seen> {
    // A port that was free a moment ago: no other is given out so soon.
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let name = format!("{NAME}{port}");
    let (mut server, _) = start(program, &name).await?;
    let client = NodeClient::new(Endpoint::new().connect(format!("127.0.0.1:{port}")).await?);
    let shared = Arc::new(Shared::default());
    let mut calling = JoinSet::new();
    for _ in 0..CALLERS {
        calling.spawn(call(client.clone(), Arc::clone(&shared)));
    }
    let mut waits = Vec::new();
    for _ in 0..times {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let pid = server.pid().to_string();
        ensure!(Command::new("kill").args(["-9", &pid]).status()?.success(), "it was not killed");
        // Reaped: the port is free.
        tokio::task::spawn_blocking(move || drop(server)).await?;
        shared.succeeded.lock().clear();
        tokio::time::sleep(away).await;
        let listens;
        (server, listens) = start(program, &name).await?;
        let first = loop {
            // Replies of the one before may have been on their way.
            let first = shared.succeeded.lock().iter().copied().filter(|at| *at >= listens).min();
            match first {
                Some(first) => break first,
                None => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        };
        waits.push(first.duration_since(listens).as_secs_f64() * 1e3);
    }
    shared.over.store(true, Ordering::Relaxed);
    while let Some(caller) = calling.join_next().await {
        caller?;
    }
    let [calls, failed] =
        [&shared.calls, &shared.failed].map(|count| count.load(Ordering::Relaxed));
    Ok(Seen { calls, failed, waits })
}

/// Starts a server; gives the time since when it listens.
async fn start(program: &Path, name: &str) -> Result<(ServerProcess, Instant)> {
    let (program, name) = (program.to_owned(), name.to_owned());
    let server =
        tokio::task::spawn_blocking(move || ServerProcess::start(&program, &name)).await??;
    let (_, listens) = server.address().split_once(' ').context("it does not say since when")?;
    let since = clock()?.saturating_sub(Duration::from_nanos(listens.parse()?));
    let listens = Instant::now().checked_sub(since).context("it listens since before the boot")?;
    Ok((server, listens))
}
