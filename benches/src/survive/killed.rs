//! A server that is killed (-9) under load and started again on its port: idempotent calls wait it out.

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

use anyhow::{Result, ensure};
use parking_lot::Mutex;
use rpc_core::Endpoint;
use tokio::task::JoinSet;

use super::{NAME, node::NodeClient};
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
        // The wait between attempts grows with the time for which nobody listens: the bar is for a restart.
        let (name, bar, held) = if away.is_zero() {
            let held = verdict(half <= BAR && seen.failed == 0);
            ("started again at once".to_owned(), format!("<= {BAR:.0} ms"), held)
        } else {
            (format!("after {away:?}"), String::new(), "")
        };
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

async fn kill(program: &Path, away: Duration, times: usize) -> Result<Seen> {
    // A port that was free a moment ago: no other is given out so soon.
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let name = format!("{NAME}{port}");
    let mut server = start(program, &name).await?;
    let client = NodeClient::new(Endpoint::new().connect(server.address()).await?);
    let (over, calls, failed) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let shared = Arc::new((over, calls, failed));
    let latest = Arc::new(Mutex::new(Instant::now()));
    let mut calling = JoinSet::new();
    for _ in 0..CALLERS {
        let (client, shared, latest) = (client.clone(), Arc::clone(&shared), Arc::clone(&latest));
        calling.spawn(async move {
            let (over, calls, failed) = &*shared;
            while !over.load(Ordering::Relaxed) {
                let result = client.add(1, 2).timeout(DEADLINE).await;
                calls.fetch_add(1, Ordering::Relaxed);
                match result {
                    Ok(_) => *latest.lock() = Instant::now(),
                    Err(_) => drop(failed.fetch_add(1, Ordering::Relaxed)),
                }
            }
        });
    }
    let mut waits = Vec::new();
    for _ in 0..times {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let pid = server.pid().to_string();
        ensure!(Command::new("kill").args(["-9", &pid]).status()?.success(), "it was not killed");
        // Reaped: the port is free.
        tokio::task::spawn_blocking(move || drop(server)).await?;
        tokio::time::sleep(away).await;
        server = start(program, &name).await?;
        let listens = Instant::now();
        while *latest.lock() < listens {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        waits.push(latest.lock().duration_since(listens).as_secs_f64() * 1e3);
    }
    shared.0.store(true, Ordering::Relaxed);
    while let Some(caller) = calling.join_next().await {
        caller?;
    }
    let [calls, failed] = [&shared.1, &shared.2].map(|count| count.load(Ordering::Relaxed));
    Ok(Seen { calls, failed, waits })
}

async fn start(program: &Path, name: &str) -> Result<ServerProcess> {
    let (program, name) = (program.to_owned(), name.to_owned());
    tokio::task::spawn_blocking(move || ServerProcess::start(&program, &name)).await?
}
