//! Hours of everything at once, in phases with rest between them: what each caller was told is held against what
//! handlers did, and memory, files and tasks are read when all is at rest.

mod book;
mod cable;
mod caller;
mod ledger;

pub(super) use ledger::serve;

use std::{
    collections::HashMap,
    fmt::Write as _,
    io::Write,
    path::Path,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64},
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use rpc_core::{Endpoint, Reconnect};
use tokio::{runtime::Handle, task::JoinSet, time::sleep};

use crate::{
    gauge::{median, verdict},
    memory,
    process::ServerProcess,
    runtime,
};
use book::{Book, Verdict};
use cable::Cable;
use caller::{Caller, Dice, Line};
use ledger::{HomeServer, Ledger, SoakClient};

/// Connections that last, and such as are cut in each phase.
const STEADY: usize = 4;
const CUT: u64 = 8;
/// Callers on each connection.
const CALLERS: usize = 32;
/// The longest that a connection which is cut carries, in bytes each way.
const LONGEST: u64 = 100_000;

/// Memory, files and tasks may grow by so much, from the first third of the samples to the last.
const GROWTH_BAR: f64 = 0.01;
/// The share of the time that warms up: what grows only once grows then.
const WARM_UP: f64 = 0.1;

/// How long and how much.
#[derive(Clone, Copy, Debug)]
pub struct SoakPlan {
    /// How long calls are made.
    pub time: Duration,
    /// Calls of each caller in a phase.
    pub calls: usize,
}

/// Soaks; `progress` gets a line now and then.
///
/// # Errors
///
/// When the server cannot be started, or does not come to rest.
pub fn soak(plan: SoakPlan, program: &Path, progress: &mut impl Write) -> Result<String> {
    memory::allow_open_files(memory::SPARE_FILES)?;
    let server = ServerProcess::start(program, "sound-soak")?;
    runtime::usual()?.block_on(async {
        let load = Load::start(&server, plan.calls).await?;
        let began = Instant::now();
        let (mut phases, mut samples) = (0, Vec::new());
        let mut told = began;
        while began.elapsed() < plan.time || samples.len() < FEWEST {
            load.phase(phases).await?;
            phases += 1;
            let sample = load.sample().await?;
            if began.elapsed() >= plan.time.mul_f64(WARM_UP) {
                samples.push(sample);
            }
            if told.elapsed() > Duration::from_secs(30) {
                told = Instant::now();
                let seconds = began.elapsed().as_secs();
                writeln!(progress, "soak: {seconds} s, {phases} phases, {sample:?}")?;
            }
        }
        table(began.elapsed(), phases, &load.book.verdict(), &samples)
    })
}

/// Too few samples have no thirds.
const FEWEST: usize = 6;

/// What both processes hold at rest.
#[derive(Clone, Copy, Debug)]
struct Sample {
    server: Held,
    client: Held,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    memory: u64,
    files: u64,
    tasks: u64,
}

/// The connections that last, and what is known of all calls.
struct Load {
    server: String,
    pid: u32,
    calls: usize,
    steady: Vec<SoakClient>,
    /// Asks the server for its state; carries no calls of the load.
    control: SoakClient,
    endpoint: Endpoint,
    home: Ledger,
    book: Arc<Book>,
    ids: Arc<AtomicU64>,
    /// Tasks and files of both sides at the last rest.
    rested: Mutex<[u64; 4]>,
}

impl Load {
    async fn start(server: &ServerProcess, calls: usize) -> Result<Self> {
        let home = Ledger::default();
        // What becomes of each connection is counted.
        let endpoint =
            Endpoint::new().reconnect(Reconnect::off()).with(HomeServer::new(home.clone()));
        let connect = async || {
            let channel = endpoint.connect(server.address()).await?;
            channel.ready().await?;
            anyhow::Ok(SoakClient::new(channel))
        };
        let control = connect().await?;
        let mut steady = Vec::new();
        for _ in 0..STEADY {
            steady.push(connect().await?);
        }
        let (server, pid) = (server.address().to_owned(), server.pid());
        // Before anything is cut nothing lingers.
        let files = (memory::open_files(pid)?, memory::open_files(std::process::id())?);
        let rested = Mutex::new([control.standing().await?.tasks, tasks(), files.0, files.1]);
        let (book, ids) = Default::default();
        Ok(Self { server, pid, calls, steady, control, endpoint, home, book, ids, rested })
    }

    /// Makes the calls of a phase, and holds what they were told against the histories.
    async fn phase(&self, phase: u64) -> Result<()> {
        let mut running = JoinSet::new();
        for client in &self.steady {
            for _ in 0..CALLERS {
                running.spawn(self.caller(client.clone(), Line::Steady).make(self.calls));
            }
        }
        let cut = (0..CUT).map(|line| self.cut(Dice(phase * CUT + line)));
        try_join_all(cut).await?;
        while let Some(joined) = running.join_next().await {
            joined?;
        }
        for client in &self.steady {
            // What was sent before has been read once this is answered.
            client.channel().ping().await?;
        }
        self.rest().await?;
        let mut history = self.control.history().await?;
        let mut served = HashMap::new();
        while let Some(entry) = history.next().await {
            let (id, run) = entry?;
            ensure!(served.insert(id, run).is_none(), "the history has call {id} twice");
        }
        self.book.close_phase(served, &self.home.take());
        Ok(())
    }

    fn caller(&self, client: SoakClient, line: Line) -> Caller {
        Caller { client, line, book: Arc::clone(&self.book), ids: Arc::clone(&self.ids) }
    }

    /// Makes calls on a connection that is cut in one of the two directions after some bytes, and again on the next.
    async fn cut(&self, mut dice: Dice) -> Result<()> {
        for _ in 0..2 {
            let bytes = dice.roll(LONGEST);
            let (there, back) =
                if dice.roll(2) == 0 { (bytes, u64::MAX) } else { (u64::MAX, bytes) };
            let cable = Cable::lay(&self.server, there, back).await?;
            let client = SoakClient::new(self.endpoint.connect(cable.address()).await?);
            let mut running = JoinSet::new();
            for _ in 0..CALLERS {
                running.spawn(self.caller(client.clone(), Line::Cut).make(self.calls));
            }
            while let Some(joined) = running.join_next().await {
                joined?;
            }
            if client.channel().is_closed() {
                self.book.cut();
            }
            drop(client);
            cable.gone().await?;
        }
        Ok(())
    }

    /// Waits until no handler runs and both sides have had the same number of tasks and files for a while: for long, if
    /// these are more than they were at the last rest, as connections that were cut may still linger.
    async fn rest(&self) -> Result<()> {
        let began = Instant::now();
        let (mut before, mut since) = (None, began);
        loop {
            ensure!(began.elapsed() < PATIENCE, "the load does not come to rest: {before:?}");
            sleep(POLL).await;
            let standing = self.control.standing().await?;
            let files = (memory::open_files(self.pid)?, memory::open_files(std::process::id())?);
            let held = [standing.tasks, tasks(), files.0, files.1];
            let now = Some((standing, held));
            if now != before || standing.running > 0 {
                (before, since) = (now, Instant::now());
            }
            let mut rested = self.rested.lock().unwrap_or_else(PoisonError::into_inner);
            let as_before = held.iter().zip(*rested).all(|(held, rested)| *held <= rested);
            if since.elapsed() > if as_before { QUIET } else { LONG_QUIET } {
                *rested = held;
                return Ok(());
            }
        }
    }

    async fn sample(&self) -> Result<Sample> {
        let held = |pid, tasks| {
            let (memory, files) = (memory::resident(pid)?, memory::open_files(pid)?);
            anyhow::Ok(Held { memory, files, tasks })
        };
        let server = held(self.pid, self.control.standing().await?.tasks)?;
        Ok(Sample { server, client: held(std::process::id(), tasks())? })
    }
}

fn tasks() -> u64 {
    Handle::current().metrics().num_alive_tasks() as u64
}

/// How long nothing may change before the load counts as at rest, how long if more is held than before, and how long it
/// may take to come to rest.
const QUIET: Duration = Duration::from_millis(200);
const LONG_QUIET: Duration = Duration::from_secs(25);
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// How much a figure has grown from the first third of the samples to the last, by their medians.
fn growth(samples: &[Sample], figure: impl Fn(&Sample) -> u64) -> (f64, f64, f64) {
    let third = samples.len() / 3;
    let median =
        |samples: &[Sample]| median(samples.iter().map(|sample| figure(sample) as f64).collect());
    let (first, last) = (median(&samples[..third]), median(&samples[samples.len() - third..]));
    (first, last, last / first - 1.0)
}

fn table(time: Duration, phases: u64, seen: &Verdict, samples: &[Sample]) -> Result<String> {
    let minutes = time.as_secs_f64() / 60.0;
    let mut text =
        format!("| soak of {minutes:.1} minutes | figure | bar | |\n|---|---|---|---|\n");
    let Verdict { answered, not_started, may_have_run, recalled, cuts, .. } = seen;
    writeln!(text, "| phases, connections cut | {phases}, {cuts} | | |")?;
    writeln!(
        text,
        "| calls answered, not started, may have run | {answered}, {not_started}, {may_have_run} | | |"
    )?;
    writeln!(text, "| calls back | {recalled} | | |")?;
    for (count, name) in [
        (seen.answered_wrongly, "answered, but not run exactly once"),
        (seen.started, "not started, but run"),
        (seen.repeated, "run more than once"),
        (seen.strange, "handlers without a call, or without an end"),
        (seen.disorder, "streams with items missing or out of order, wrong answers"),
        (seen.unexplained, "failures without a cause"),
    ] {
        writeln!(text, "| {name} | {count} | 0 | {} |", verdict(count == 0))?;
    }
    if let Some(failure) = &seen.first_unexplained {
        writeln!(text, "| the first such failure | {failure} | | |")?;
    }
    type Figure = fn(&Sample) -> u64;
    let figures: [(&str, Figure); 6] = [
        ("files of the server", |sample| sample.server.files),
        ("files of the client", |sample| sample.client.files),
        ("tasks of the server", |sample| sample.server.tasks),
        ("tasks of the client", |sample| sample.client.tasks),
        ("resident KiB of the server", |sample| sample.server.memory >> 10),
        ("resident KiB of the client", |sample| sample.client.memory >> 10),
    ];
    for (name, figure) in figures {
        let (first, last, growth) = growth(samples, figure);
        let (percent, bar) = (growth * 100.0, GROWTH_BAR * 100.0);
        let held = verdict(growth <= GROWTH_BAR);
        writeln!(
            text,
            "| {name} at rest, first to last | {first:.0} to {last:.0}, {percent:+.2} % | <= {bar} % | {held} |"
        )?;
    }
    Ok(text)
}
