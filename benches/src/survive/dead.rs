//! A server that is dead for a while, and a thousand clients who notice: they must not all come at once, neither while it is
//! dead nor when it is back.

use std::{
    fmt::Write as _,
    io,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use anyhow::Result;
use parking_lot::Mutex;
use rpc_core::{Address, Connector, DialError, Endpoint, Link, Peer, Running};
use tokio::{net::TcpStream, task::JoinSet, time::sleep};

use super::node::{Counting, NodeClient, server};
use crate::{gauge::verdict, memory, plan::Effort, runtime};

const CLIENTS: usize = 1000;
/// Each client makes a call this often.
const PACE: Duration = Duration::from_secs(1);
/// What a call may take.
const DEADLINE: Duration = Duration::from_secs(2);
/// How long the server is well, dead, and back.
const WELL: Duration = Duration::from_secs(5);
const DEAD: Duration = Duration::from_secs(30);
const BACK: Duration = Duration::from_secs(20);
/// Attempts by calls.
const ATTEMPTS_BAR: f64 = 1.2;
/// Connects per second once it is back, by the most that were tried in a second while it was dead and the wait had grown.
const CONNECTS_BAR: f64 = 2.0;

/// Dials, and writes down when, and if it has succeeded.
#[derive(Clone)]
struct Dial {
    address: SocketAddr,
    dialled: Arc<Mutex<Vec<(Instant, bool)>>>,
}

impl Connector for Dial {
    fn address(&self) -> Address {
        Address::Other(self.address.to_string())
    }

    async fn connect(&self) -> Result<Link, DialError> {
        let at = Instant::now();
        let stream = TcpStream::connect(self.address).await;
        self.dialled.lock().push((at, stream.is_ok()));
        let failed = |error: io::Error| DialError::new(self.address(), error);
        let stream = stream.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        Ok(Link::new(stream, Peer::new(self.address.to_string())))
    }
}

/// The calls of a client, or of all.
#[derive(Default)]
struct Calls {
    all: u64,
    failed: u64,
    /// Those that were made once the server had died.
    since: u64,
}

/// Makes calls until `end`; the server dies at `dies`.
async fn call(client: NodeClient, first: Duration, dies: Instant, end: Instant) -> Calls {
    sleep(first).await;
    let mut calls = Calls::default();
    while Instant::now() < end {
        let began = Instant::now();
        calls.all += 1;
        calls.since += u64::from(began >= dies);
        calls.failed += u64::from(client.add(1, 2).timeout(DEADLINE).await.is_err());
        tokio::time::sleep_until((began + PACE).into()).await;
    }
    calls
}

async fn kill(running: Running) {
    running.shutdown_handle().abort();
    running.wait().await;
}

/// The most of these instants that lie within one second.
fn most_in_a_second(instants: impl Iterator<Item = Instant>) -> usize {
    let mut instants: Vec<_> = instants.collect();
    instants.sort_unstable();
    let within = |(first, from): (usize, &Instant)| {
        instants[first..].iter().take_while(|at| **at - *from < Duration::from_secs(1)).count()
    };
    instants.iter().enumerate().map(within).max().unwrap_or_default()
}

pub(super) fn dead(effort: Effort) -> Result<String> {
    memory::allow_open_files(memory::SPARE_FILES + 2 * CLIENTS as u64)?;
    runtime::usual()?.block_on(measure(effort))
}

async fn measure(effort: Effort) -> Result<String> {
    let clients = CLIENTS / effort.divide;
    // The first wait is 100 ms and each is 1.6 times as long: a short run has few of them.
    let times = [WELL, DEAD, BACK].map(|time| time / if effort.divide > 1 { 10 } else { 1 });
    let node = Counting::default();
    let runs = Arc::clone(&node.0);
    let running = server(node).start("127.0.0.1:0").await?;
    let address: SocketAddr = running.address().to_string().parse()?;
    let dial = Dial { address, dialled: Arc::default() };
    let began = Instant::now();
    let [dies, returns, end] =
        [began + times[0], began + times[0] + times[1], began + times[0] + times[1] + times[2]];
    let mut calling = JoinSet::new();
    for nth in 0..clients {
        let client = NodeClient::new(Endpoint::new().connect_with(dial.clone()).await?);
        calling.spawn(call(client, PACE * nth as u32 / clients as u32, dies, end));
    }
    tokio::time::sleep_until(dies.into()).await;
    kill(running).await;
    tokio::time::sleep_until(returns.into()).await;
    let back = server(Counting(Arc::clone(&runs))).start(address).await?;
    let mut calls = Calls::default();
    while let Some(ended) = calling.join_next().await {
        let Calls { all, failed, since } = ended?;
        calls.all += all;
        calls.failed += failed;
        calls.since += since;
    }
    drop(back);
    let dialled = dial.dialled.lock();
    let steady = most_in_a_second(
        // The last third: by then the waits have grown.
        dialled
            .iter()
            .filter(|(at, _)| *at > returns - times[1] / 3 && *at < returns)
            .map(|dial| dial.0),
    );
    let returning = most_in_a_second(
        dialled.iter().filter(|(at, is_open)| *at >= returns && *is_open).map(|dial| dial.0),
    );
    let dials = dialled.iter().filter(|(at, _)| *at >= dies).count();
    report(&Figures { clients, times, calls, runs: runs.load(Relaxed), dials, steady, returning })
}

struct Figures {
    clients: usize,
    times: [Duration; 3],
    calls: Calls,
    runs: u64,
    dials: usize,
    steady: usize,
    returning: usize,
}

fn report(figures: &Figures) -> Result<String> {
    let Figures { clients, times, calls, runs, dials, steady, returning } = figures;
    let Calls { all, failed, since } = calls;
    let [well, dead, back] = times;
    let mut text = format!(
        "| {clients} clients, a call each second; a server well for {well:?}, dead for {dead:?}, back for {back:?} | figure | bar | |\n|---|---|---|---|\n"
    );
    writeln!(text, "| calls; failed at their deadline of {DEADLINE:?} | {all}; {failed} | | |")?;
    // A call that failed was sent once at most, and waited for a connection then; each client may have had one on its way
    // when the server died, which was sent and has not run.
    let attempts = (runs + failed + *clients as u64) as f64 / *all as f64;
    let held = verdict(attempts <= ATTEMPTS_BAR);
    writeln!(
        text,
        "| attempts of calls at most, by calls | {attempts:.2}x | <= {ATTEMPTS_BAR}x | {held} |"
    )?;
    let dials = *dials as f64 / *since as f64;
    let held = verdict(dials <= ATTEMPTS_BAR);
    writeln!(
        text,
        "| attempts to connect, by calls, from its death on | {dials:.2}x | <= {ATTEMPTS_BAR}x | {held} |"
    )?;
    let times = *returning as f64 / (*steady).max(1) as f64;
    let held = verdict(times <= CONNECTS_BAR);
    writeln!(
        text,
        "| most connects in a second after the return; attempts in a second before it | {returning}; {steady}: {times:.2}x | <= {CONNECTS_BAR}x | {held} |"
    )?;
    Ok(text)
}
