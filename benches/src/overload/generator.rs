//! The open loop: calls begin by the clock, whatever becomes of those before, on a thread of its own and a runtime of that thread.

use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use rpc_cli::load::cpu;
use tokio::{
    runtime::{Builder, Runtime},
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    task::JoinSet,
    time::timeout,
};

use super::PATIENCE;
use crate::{
    jobs::Work,
    pin::Pin,
    transport::{self, Link},
};

/// What a handler uses of the CPU.
pub(super) const WORK: Work = Work::Burn(1000);

/// So many calls a second, for so long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Phase {
    pub(super) rate: f64,
    pub(super) lasts: Duration,
}

/// A call that was offered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offered {
    /// When it was to begin, from the jump on; negative before.
    pub(super) at: f64,
    pub(super) took: Duration,
    pub(super) end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Answered,
    Refused,
    /// It was not answered in time.
    Late,
}

/// What came of a load.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) load: f64,
    /// Calls a second, once it was steady or half of the time was over.
    pub(super) offered: f64,
    pub(super) goodput: f64,
    pub(super) refused: f64,
    /// Of those that were answered, once it was steady.
    pub(super) p50: Duration,
    pub(super) p99: Duration,
    /// The generator's share of its CPU.
    pub(super) generator: f64,
    pub(super) calls: Vec<Offered>,
}

/// Calls begin on these links in turn.
pub(super) struct Generator {
    runtime: Runtime,
    links: Vec<Box<dyn Link>>,
    _pin: Pin,
}

impl Generator {
    /// Binds this thread to a CPU and connects.
    pub(super) fn start(cpu: usize, name: &str, address: &str, connections: usize) -> Result<Self> {
        let pin = Pin::to_cpu(cpu)?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let transport = transport::find(name)?;
        let mut links = Vec::new();
        for _ in 0..connections {
            links.push(runtime.block_on(transport.connect(address.to_owned()))?);
        }
        Ok(Self { runtime, links, _pin: pin })
    }

    /// Calls a second of four callers who each wait for their answer.
    pub(super) fn capacity(&self, window: Duration) -> Result<f64> {
        let (kind, amount) = WORK.request(0);
        let warm = window / 4;
        self.runtime.block_on(async {
            let began = Instant::now();
            let callers = self.links.iter().cycle().take(4).map(|link| async move {
                let mut calls = 0;
                while began.elapsed() < warm + window {
                    link.work(kind, amount).await?;
                    calls += usize::from(began.elapsed() > warm);
                }
                anyhow::Ok(calls)
            });
            let calls: usize = futures_util::future::try_join_all(callers).await?.iter().sum();
            Ok(calls as f64 / (began.elapsed() - warm).as_secs_f64())
        })
    }

    /// Offers one phase after the other; the last one is judged.
    pub(super) fn run(self, load: f64, phases: &[Phase]) -> Result<Run> {
        let (due, arrivals) = pace(phases.to_vec());
        let before = used();
        let began = Instant::now();
        let calls = self.runtime.block_on(self.call(due));
        let generator = (used() - before).as_secs_f64() / began.elapsed().as_secs_f64();
        let jump = arrivals.recv().context("the pacer has ended")?;
        let lasts = phases.last().map_or(Duration::ZERO, |phase| phase.lasts);
        let calls =
            calls.into_iter().map(|(at, took, end)| Offered { at: since(at, jump), took, end });
        Ok(judge(load, calls.collect(), lasts, generator))
    }

    /// Makes the calls that are due, until there are no more.
    async fn call(&self, mut due: UnboundedReceiver<Instant>) -> Vec<(Instant, Duration, End)> {
        let (kind, amount) = WORK.request(0);
        let (mut running, mut links) = (JoinSet::new(), self.links.iter().cycle());
        let mut calls = Vec::new();
        while let Some(at) = due.recv().await {
            let Some(link) = links.next() else { break };
            let call = link.work(kind, amount);
            running.spawn(async move {
                let end = match timeout(PATIENCE.saturating_sub(at.elapsed()), call).await {
                    Ok(Ok(_)) if at.elapsed() <= PATIENCE => End::Answered,
                    Ok(Err(_)) => End::Refused,
                    _ => End::Late,
                };
                (at, at.elapsed(), end)
            });
            while let Some(Ok(call)) = running.try_join_next() {
                calls.push(call);
            }
        }
        while let Some(Ok(call)) = running.join_next().await {
            calls.push(call);
        }
        calls
    }
}

/// Has a thread tell when calls are due, by chance: as many callers who know nothing of each other would call. Gives when the
/// last phase began as well.
pub(super) fn pace(phases: Vec<Phase>) -> (UnboundedReceiver<Instant>, mpsc::Receiver<Instant>) {
    let (tell, due) = unbounded_channel();
    let (told, jump) = mpsc::channel();
    thread::spawn(move || {
        let (mut next, mut chance) = (Instant::now(), Chance(1));
        for Phase { rate, lasts } in phases {
            let began = next;
            while next < began + lasts {
                let wait = next.saturating_duration_since(Instant::now());
                if !wait.is_zero() {
                    thread::sleep(wait);
                }
                if tell.send(next).is_err() {
                    return;
                }
                next += Duration::from_secs_f64(-chance.next().ln() / rate);
            }
            // The last one that is told counts.
            let _ = told.send(began);
        }
    });
    (due, last(jump))
}

/// The last of what comes, once no more does.
fn last(all: mpsc::Receiver<Instant>) -> mpsc::Receiver<Instant> {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || all.iter().last().map(|last| tell.send(last)));
    told
}

/// Numbers from 0 to 1, the same each time: splitmix64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1u64 << 53) as f64 + f64::MIN_POSITIVE
    }
}

fn used() -> Duration {
    cpu::time_of(std::process::id()).unwrap_or_default()
}

fn since(at: Instant, jump: Instant) -> f64 {
    match at.checked_duration_since(jump) {
        Some(after) => after.as_secs_f64(),
        None => -(jump - at).as_secs_f64(),
    }
}

/// What came of the last phase, once its first half second, or half of it, was over.
fn judge(load: f64, calls: Vec<Offered>, lasts: Duration, generator: f64) -> Run {
    let (from, to) = ((lasts.as_secs_f64() / 2.0).min(0.5), lasts.as_secs_f64());
    let judged: Vec<Offered> =
        calls.iter().filter(|call| (from..to).contains(&call.at)).copied().collect();
    let count = |end| judged.iter().filter(|call| call.end == end).count() as f64 / (to - from);
    let mut took: Vec<Duration> =
        judged.iter().filter(|call| call.end == End::Answered).map(|call| call.took).collect();
    took.sort_unstable();
    let quantile =
        |of: f64| took.get((took.len() as f64 * of) as usize).copied().unwrap_or_default();
    Run {
        load,
        offered: judged.len() as f64 / (to - from),
        goodput: count(End::Answered),
        refused: count(End::Refused),
        p50: quantile(0.5),
        p99: quantile(0.99),
        generator,
        calls,
    }
}
