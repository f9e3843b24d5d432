//! Minutes of all that survives at once: cuts, restarts, resumption, methods that run once, retries. What callers were told is
//! held against what has run; memory, files and tasks are read when all is at rest.
//!
//! Both sides are in this process. A restart is another server, to which the cutter turns while the one before it drains. All is
//! at rest when nothing was cut since the last restart: a connection that has gone on once has a task more.

use std::{
    fmt::Write as _,
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use futures_util::{Stream, stream};
use parking_lot::Mutex;
use rpc_core::{
    CallError, Endpoint, Reconnect, Resume, Retry, Running, Server, Streaming, service,
};
use tests::{Cutter, Fault, History, Seed, Told, Verdict};
use tokio::{runtime::Handle, task::JoinSet, time::sleep};

use crate::{
    gauge::{median, verdict},
    memory, runtime,
};

/// Callers of each kind.
const CALLERS: u64 = 16;
/// Restarts of a phase, and how long each server serves.
const RESTARTS: usize = 3;
const SERVES: Duration = Duration::from_millis(700);
const ITEMS: u64 = 2_000;
/// What no call takes.
const PATIENCE: Duration = Duration::from_secs(60);
/// The share of the time that warms up, and how much may be held more in the last third of the samples than in the first.
const WARM_UP: f64 = 0.2;
const GROWTH_BAR: f64 = 0.01;

#[service]
trait Shop {
    async fn enter(&self, number: u64) -> u64;
    #[rpc(once)]
    async fn pay(&self, number: u64) -> u64;
    #[rpc(idempotent)]
    async fn read(&self, number: u64) -> u64;
    fn count(&self, to: u64) -> impl Stream<Item = u64>;
    async fn sum(&self, items: Streaming<u64>) -> u64;
}

/// What all servers write to.
#[derive(Clone, Default)]
struct Book(Arc<Mutex<History>>);

impl Book {
    async fn run(&self, number: u64) -> u64 {
        let history = self.0.lock().clone();
        history.runs(number);
        if number.is_multiple_of(3) {
            sleep(Duration::from_millis(1)).await;
        }
        number
    }
}

impl Shop for Book {
    async fn enter(&self, number: u64) -> u64 {
        self.run(number).await
    }

    async fn pay(&self, number: u64) -> u64 {
        self.run(number).await
    }

    async fn read(&self, number: u64) -> u64 {
        number
    }

    fn count(&self, to: u64) -> impl Stream<Item = u64> {
        stream::iter(0..to)
    }

    async fn sum(&self, mut items: Streaming<u64>) -> u64 {
        let mut sum = 0;
        while let Some(Ok(item)) = items.next().await {
            sum += item;
        }
        sum
    }
}

/// What is counted over all phases.
#[derive(Debug, Default)]
struct Counts {
    calls: AtomicU64,
    streams: AtomicU64,
    /// Idempotent calls that failed.
    failed: AtomicU64,
    /// Streams that ended with an error, as their server was going away.
    broken: AtomicU64,
    /// Streams with items lost, doubled or out of order.
    disorder: AtomicU64,
}

struct Load {
    book: Book,
    counts: Arc<Counts>,
    cutter: Cutter,
    /// While it is set, connections are made that are not cut.
    calm: Arc<AtomicBool>,
    resuming: ShopClient,
    returning: ShopClient,
    numbers: Arc<AtomicU64>,
}

async fn serve(book: &Book) -> Result<Running> {
    let server = Server::new().with(ShopServer::new(book.clone())).resume(Resume::new());
    Ok(server.start("127.0.0.1:0").await?)
}

impl Load {
    async fn start(running: &Running, book: Book) -> Result<Self> {
        let mut seed = Seed(32);
        let calm = Arc::new(AtomicBool::new(false));
        let plan = {
            let calm = Arc::clone(&calm);
            move |number: u64| {
                let faults = [Fault::Reset, Fault::Finish];
                let after = 2_000 + seed.below(60_000);
                (!calm.load(Relaxed)).then_some((faults[number as usize % 2], after))
            }
        };
        let address = running.address().to_string();
        let cutter = Cutter::start(&address, Box::new(plan)).await?;
        let reconnect = Reconnect::new().first_delay(Duration::from_millis(2)).patience(PATIENCE);
        // Each cut meets all calls: the usual budget is there to stop that.
        let retry = Retry::new().attempts(u8::MAX).budget(1000, 1000);
        let endpoint = || Endpoint::new().reconnect(reconnect).retry(retry);
        let resuming = endpoint().resume(Resume::new()).connect_lazy(cutter.address())?;
        let returning = endpoint().connect_lazy(cutter.address())?;
        Ok(Self {
            book,
            counts: Arc::default(),
            cutter,
            calm,
            resuming: ShopClient::new(resuming),
            returning: ShopClient::new(returning),
            numbers: Arc::new(AtomicU64::new(1)),
        })
    }

    /// Calls through cuts and restarts; gives the last server, and what became of the calls.
    async fn phase(&self, mut running: Running) -> Result<(Running, Verdict)> {
        let history = History::default();
        *self.book.0.lock() = history.clone();
        self.calm.store(false, Relaxed);
        let over = Arc::new(AtomicU64::new(0));
        let mut tasks = JoinSet::new();
        for _ in 0..CALLERS {
            let clients = [&self.resuming, &self.returning].map(Clone::clone);
            let shared = (Arc::clone(&self.numbers), Arc::clone(&self.counts));
            tasks.spawn(call(clients, history.clone(), shared, Arc::clone(&over)));
        }
        tasks.spawn(flow(self.resuming.clone(), Arc::clone(&self.counts), Arc::clone(&over)));
        for _ in 0..RESTARTS {
            sleep(SERVES).await;
            running = self.restart(running).await?;
        }
        over.store(1, Relaxed);
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        let verdict = history.verdict();
        drop(history);
        Ok((self.calm(running).await?, verdict))
    }

    async fn restart(&self, running: Running) -> Result<Running> {
        let next = serve(&self.book).await?;
        self.cutter.turn_to(&next.address().to_string());
        running.shutdown().await;
        Ok(next)
    }

    /// Leaves each client with one connection that has never been cut, and nothing of what was.
    async fn calm(&self, running: Running) -> Result<Running> {
        *self.book.0.lock() = History::default();
        self.calm.store(true, Relaxed);
        let running = self.restart(running).await?;
        for client in [&self.resuming, &self.returning] {
            client.read(0).timeout(PATIENCE).await?;
        }
        // Nobody asks when they were.
        self.cutter.forget_times();
        Ok(running)
    }
}

/// Makes calls of all kinds, one after the other.
async fn call(
    [resuming, returning]: [ShopClient; 2],
    history: History,
    (numbers, counts): (Arc<AtomicU64>, Arc<Counts>),
    over: Arc<AtomicU64>,
) -> Result<()> {
    while over.load(Relaxed) == 0 {
        for kind in 0..3 {
            let number = numbers.fetch_add(1, Relaxed);
            counts.calls.fetch_add(1, Relaxed);
            let end = match kind {
                0 => resuming.enter(number).timeout(PATIENCE).await,
                1 => returning.pay(number).timeout(PATIENCE).await,
                _ => {
                    let read = returning.read(number).timeout(PATIENCE).await;
                    counts.failed.fetch_add(u64::from(read != Ok(number)), Relaxed);
                    continue;
                }
            };
            history.told(
                number,
                match end {
                    Ok(same) => {
                        ensure!(same == number, "another call's answer");
                        Told::Done
                    }
                    Err(CallError::Status(status)) if status.may_have_run() => Told::MayHaveRun,
                    Err(_) => Told::NotStarted,
                },
            );
        }
    }
    Ok(())
}

/// Takes in and sends streams.
async fn flow(client: ShopClient, counts: Arc<Counts>, over: Arc<AtomicU64>) -> Result<()> {
    while over.load(Relaxed) == 0 {
        counts.streams.fetch_add(2, Relaxed);
        let sum = client.sum(stream::iter(0..ITEMS)).timeout(PATIENCE).await;
        match sum {
            Ok(sum) => {
                counts.disorder.fetch_add(u64::from(sum != ITEMS * (ITEMS - 1) / 2), Relaxed);
            }
            Err(_) => drop(counts.broken.fetch_add(1, Relaxed)),
        }
        let Ok(mut items) = client.count(ITEMS).await else {
            counts.broken.fetch_add(1, Relaxed);
            continue;
        };
        let mut next = 0;
        let end = loop {
            match items.next().await {
                Some(Ok(item)) if item == next => next += 1,
                Some(Err(_)) => break Some(&counts.broken),
                None if next == ITEMS => break None,
                Some(Ok(_)) | None => break Some(&counts.disorder),
            }
        };
        if let Some(end) = end {
            end.fetch_add(1, Relaxed);
        }
    }
    Ok(())
}

/// Memory, files and tasks at rest.
#[derive(Clone, Copy, Debug)]
struct Held([u64; 3]);

fn held() -> Result<Held> {
    let pid = std::process::id();
    let tasks = Handle::current().metrics().num_alive_tasks() as u64;
    Ok(Held([memory::resident(pid)?, memory::open_files(pid)?, tasks]))
}

/// Waits until as few tasks and files are held as ever, or nothing changes any more.
async fn rest(least: &mut [u64; 2]) -> Result<Held> {
    let (mut now, mut since) = (held()?, Instant::now());
    loop {
        let Held([_, files, tasks]) = now;
        if (files <= least[0] && tasks <= least[1]) || since.elapsed() > Duration::from_secs(3) {
            *least = [files, tasks];
            return Ok(now);
        }
        sleep(Duration::from_millis(50)).await;
        let next = held()?;
        if next.0[1..] != now.0[1..] {
            since = Instant::now();
        }
        now = next;
    }
}

/// Soaks for so long; `progress` gets a line now and then.
///
/// # Errors
///
/// When a server cannot be started, or a call hangs or has another's answer.
pub fn soak(time: Duration, progress: &mut impl Write) -> Result<String> {
    runtime::usual()?.block_on(async {
        let book = Book::default();
        let mut running = serve(&book).await?;
        let load = Load::start(&running, book).await?;
        let (began, mut told) = (Instant::now(), Instant::now());
        let (mut phases, mut samples, mut least) = (0_u64, Vec::new(), [0; 2]);
        let mut all = Verdict::default();
        while began.elapsed() < time || samples.len() < 3 {
            let (next, seen) = load.phase(running).await?;
            running = next;
            phases += 1;
            add(&mut all, &seen);
            let sample = rest(&mut least).await?;
            if began.elapsed() > time.mul_f64(WARM_UP) {
                samples.push(sample);
            }
            if told.elapsed() > Duration::from_secs(30) {
                told = Instant::now();
                writeln!(progress, "{:?}: {phases} phases, {all:?}, {sample:?}", began.elapsed())?;
            }
        }
        let cuts = load.cutter.cuts();
        running.shutdown().await;
        table(
            began.elapsed(),
            [phases, phases * RESTARTS as u64, cuts as u64],
            &all,
            &load.counts,
            &samples,
        )
    })
}

fn add(all: &mut Verdict, seen: &Verdict) {
    all.done += seen.done;
    all.uncertain += seen.uncertain;
    all.not_started += seen.not_started;
    all.doubled += seen.doubled;
    all.false_words += seen.false_words;
}

fn table(
    time: Duration,
    [phases, restarts, cuts]: [u64; 3],
    all: &Verdict,
    counts: &Counts,
    samples: &[Held],
) -> Result<String> {
    let minutes = time.as_secs_f64() / 60.0;
    let mut text = format!(
        "| {minutes:.1} minutes of all that survives | figure | bar | |\n|---|---|---|---|\n"
    );
    let count = |count: &AtomicU64| count.load(Relaxed);
    writeln!(text, "| phases, restarts, cuts | {phases}, {restarts}, {cuts} | | |")?;
    let (calls, streams) = (count(&counts.calls), count(&counts.streams));
    writeln!(text, "| calls, streams | {calls}, {streams} | | |")?;
    writeln!(
        text,
        "| done; told that they may have run, as their server was going away | {}; {} | | |",
        all.done, all.uncertain
    )?;
    writeln!(text, "| streams that their server has ended | {} | | |", count(&counts.broken))?;
    for (count, name) in [
        (all.doubled as u64, "run twice"),
        (all.false_words as u64, "told something false of whether they ran"),
        (all.not_started as u64, "failed and not started"),
        (count(&counts.failed), "idempotent calls that failed"),
        (count(&counts.disorder), "streams with items lost, doubled or out of order"),
    ] {
        writeln!(text, "| {name} | {count} | 0 | {} |", verdict(count == 0))?;
    }
    for (index, name) in ["resident bytes", "files", "tasks"].into_iter().enumerate() {
        let third = samples.len() / 3;
        let of =
            |samples: &[Held]| median(samples.iter().map(|held| held.0[index] as f64).collect());
        let (first, last) = (of(&samples[..third]), of(&samples[samples.len() - third..]));
        let (growth, bar) = (last / first - 1.0, GROWTH_BAR * 100.0);
        let held = verdict(growth <= GROWTH_BAR);
        writeln!(
            text,
            "| {name} at rest | {first:.0} to {last:.0}, {:+.2} % | <= {bar} % | {held} |",
            growth * 100.0
        )?;
    }
    Ok(text)
}
