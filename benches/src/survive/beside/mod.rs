//! This framework and its peers under one cutter: what callers are told, and what has run.
//!
//! ```text
//! 50 callers ──▶ client of the framework ──▶ Cutter, which cuts at random bytes ──▶ its server ──▶ Record
//! ```
//!
//! Each framework is used as its documentation has it; where its client does not dial again by itself, the program does, with
//! the next call. Each is measured as it comes, and with callers who repeat what has failed, as programs do that must get done.

mod client;
mod frameworks;
mod jsonrpsee;
mod ours;
mod socketio;
mod tarpc;
mod tonic;

use std::{
    collections::HashMap,
    fmt::{self, Display, Formatter},
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tests::{Cutter, Fault, Seed};
use tokio::{task::JoinSet, time::timeout};

use crate::{machine::Machine, runtime};
use client::Client;
use frameworks::Framework;

const CALLERS: u64 = 50;
/// How long a handler takes.
const WORK: Duration = Duration::from_millis(1);
/// Bytes after which a connection is cut, at the least and the most.
const LEAST: u64 = 2_000;
const MOST: u64 = 40_000;
/// A call without an answer by then hangs: connections last for milliseconds, handlers too.
const PATIENCE: Duration = Duration::from_secs(11);

/// What callers do with a call that has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Upon {
    /// They take it as it is.
    Failure,
    /// They make it again, until it succeeds.
    Repetition,
}

/// How often each call has run.
#[derive(Clone, Debug, Default)]
struct Record(Arc<Mutex<HashMap<u64, u32>>>);

impl Record {
    fn runs(&self, call: u64) {
        *self.0.lock().entry(call).or_default() += 1;
    }

    /// What each handler does.
    async fn work(&self, call: u64) {
        self.runs(call);
        tokio::time::sleep(WORK).await;
    }
}

/// What has become of the calls of one framework.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Seen {
    cuts: usize,
    calls: usize,
    /// Calls that ended with an error.
    failed: usize,
    /// Those of them that have run.
    ran: usize,
    /// Those that have not.
    lost: usize,
    /// Calls that ran more than once.
    doubled: usize,
    /// Calls that were given up, since nothing was heard of them. They count as failed, or are repeated.
    #[serde(default)]
    hung: usize,
}

/// How a call has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Answered,
    Failed,
    Hung,
}

/// A cutter that cuts every connection at a random byte.
async fn cutter(server: &str) -> Result<Cutter> {
    let mut seed = Seed(25);
    let plan = move |number: u64| {
        let faults = [Fault::Reset, Fault::Finish];
        Some((faults[number as usize % 2], LEAST + seed.below(MOST - LEAST)))
    };
    Ok(Cutter::start(server, Box::new(plan)).await?)
}

/// Calls until there were enough cuts.
async fn endure(framework: Framework, upon: Upon, cuts: usize) -> Result<Seen> {
    let record = Record::default();
    let serving = framework.serve(record.clone()).await?;
    let cutter = Arc::new(cutter(serving.address()).await?);
    let client = framework.connect(cutter.address()).await?;
    let numbers = Arc::new(AtomicU64::new(1));
    let hung = Arc::new(AtomicUsize::new(0));
    let mut calling = JoinSet::new();
    for _ in 0..CALLERS {
        let (client, cutter) = (Arc::clone(&client), Arc::clone(&cutter));
        let (numbers, hung) = (Arc::clone(&numbers), Arc::clone(&hung));
        calling.spawn(async move {
            let mut failed = Vec::new();
            while cutter.cuts() < cuts {
                let number = numbers.fetch_add(1, Ordering::Relaxed);
                if enter(&*client, number, upon, &hung).await != Ended::Answered {
                    failed.push(number);
                }
            }
            failed
        });
    }
    let mut failed = Vec::new();
    while let Some(caller) = calling.join_next().await {
        failed.extend(caller?);
    }
    // What is under way on the server ends within that.
    tokio::time::sleep(20 * WORK).await;
    let runs = record.0.lock();
    let ran = failed.iter().filter(|call| runs.contains_key(*call)).count();
    Ok(Seen {
        cuts: cutter.cuts(),
        calls: numbers.load(Ordering::Relaxed) as usize - 1,
        failed: failed.len(),
        ran,
        lost: failed.len() - ran,
        doubled: runs.values().filter(|times| **times > 1).count(),
        hung: hung.load(Ordering::Relaxed),
    })
}

/// One call, and those that repeat it.
async fn enter(client: &dyn Client, number: u64, upon: Upon, hung: &AtomicUsize) -> Ended {
    loop {
        let ended = match timeout(PATIENCE, client.enter(number)).await {
            Ok(Ok(())) => Ended::Answered,
            Ok(Err(_)) => Ended::Failed,
            Err(_) => {
                hung.fetch_add(1, Ordering::Relaxed);
                Ended::Hung
            }
        };
        if ended == Ended::Answered || upon == Upon::Failure {
            return ended;
        }
    }
}

/// What became of the calls of all frameworks, and where.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UnderCutter {
    machine: Machine,
    rows: Vec<Endured>,
}

/// What became of the calls of one framework, used in one way.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Endured {
    name: String,
    #[serde(flatten)]
    seen: Seen,
}

/// Puts every framework under the cutter, until its connections were cut so often.
///
/// # Errors
///
/// When a server cannot be started.
pub fn endure_all(cuts: usize, progress: &mut impl Write) -> Result<UnderCutter> {
    let mut rows = Vec::new();
    let mut note = |name: &str, seen: Seen| {
        writeln!(progress, "under a cutter: {name}: {seen:?}")?;
        rows.push(Endured { name: name.to_owned(), seen });
        anyhow::Ok(())
    };
    for (name, framework, upon) in frameworks::rows() {
        note(name, runtime::usual()?.block_on(endure(framework, upon, cuts))?)?;
    }
    if let Some(modules) = socketio::modules() {
        for (name, upon) in [
            ("socket.io, its recovery", Upon::Failure),
            ("socket.io, its recovery and retries", Upon::Repetition),
        ] {
            note(name, runtime::usual()?.block_on(socketio::endure(&modules, upon, cuts))?)?;
        }
    }
    Ok(UnderCutter { machine: Machine::describe(), rows })
}

impl Display for UnderCutter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { machine: Machine { date, cpu, cpus, .. }, rows } = self;
        writeln!(
            f,
            "{date}, {cpus} CPUs, {cpu}:\n\n\
             | under one cutter | cuts | calls | failed | of these had run | had not | ran twice | hung |\n\
             |---|---:|---:|---:|---:|---:|---:|---:|"
        )?;
        for Endured { name, seen } in rows {
            let Seen { cuts, calls, failed, ran, lost, doubled, hung } = seen;
            let figures =
                [cuts, calls, failed, ran, lost, doubled, hung].map(usize::to_string).join(" | ");
            writeln!(f, "| {name} | {figures} |")?;
        }
        Ok(())
    }
}
