//! Finds the highest rate that holds: steps of an open loop, each at twice the rate of the last until one
//! breaks, then halfway between the best and the worst until they are near each other. A step that breaks is
//! taken again, as a moment of noise is not a knee.

use std::time::Duration;

use anyhow::{Result, anyhow};

use super::{
    drive::{Caller, Measured, drive},
    plan::{Bound, Load, Pace},
    progress::Progress,
    results::{Results, Step},
    target::Ready,
    words::{grouped, micros},
};
use crate::exit::Failure;

/// What a rate has to hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Goal {
    /// The latency that 99 % of the calls stay under, from their intended times.
    pub p99: Duration,
}

/// The search, one step at a time.
#[derive(Debug)]
struct Search {
    /// The highest rate that held; zero if none has.
    held: f64,
    /// The lowest that broke twice.
    broke: Option<f64>,
    next: f64,
    /// Whether the next rate has broken once.
    again: bool,
}

/// Steps until the knee is found; the results are those of the best step.
///
/// # Errors
/// No rate held, or the user had enough before one did.
pub(crate) async fn find<C: Caller>(
    ready: &Ready<C>,
    load: &Load,
    threads: usize,
    goal: Goal,
) -> Result<Results> {
    let start = match load.pace {
        Pace::Open { rate } => rate,
        Pace::Closed => probe(ready, load).await? * FIRST,
    };
    let (mut search, mut steps, mut best) = (Search::from(start), Vec::new(), None);
    let mut interrupted = false;
    while let Some(rate) = search.rate() {
        let load = Load { pace: Pace::Open { rate }, ..*load };
        let measured = step(ready, &load, &format!("{}/s", grouped(rate))).await;
        let results = Results::new(ready.target.clone(), &load, threads, &measured);
        let broke = why_broken(&results, rate, goal);
        if measured.interrupted {
            interrupted = true;
            break;
        }
        search.judge(broke.is_none());
        steps.push(Step {
            rate,
            calls_per_second: results.summary.calls_per_second,
            p99_us: results.latency_us.p99,
            broke,
        });
        if steps.last().is_some_and(|step| step.broke.is_none()) {
            best = Some(results);
        }
        if measured.lost {
            break;
        }
    }
    let Some(mut best) = best else {
        return Err(if interrupted { Failure::Interrupted.into() } else { none_held(&steps) });
    };
    if interrupted {
        best.warnings.push("interrupted: a higher rate may hold".to_owned());
    }
    best.steps = steps;
    Ok(best)
}

fn none_held(steps: &[Step]) -> anyhow::Error {
    let last = steps.last().and_then(|step| Some((step.rate, step.broke.as_ref()?)));
    let last = last.map(|(rate, broke)| format!(": at {} calls/s, {broke}", grouped(rate)));
    anyhow!("no rate held{}", last.unwrap_or_default())
}

async fn step<C: Caller>(ready: &Ready<C>, load: &Load, name: &str) -> Measured {
    let mut progress = Progress::new(load, name);
    let watch = &mut |sample: &_| progress.show(sample);
    let measured = drive(ready.callers.clone(), load, ready.pool.clone(), &ready.cpu, watch).await;
    progress.finish();
    measured
}

/// The throughput of a short closed loop: the knee is somewhere near it.
async fn probe<C: Caller>(ready: &Ready<C>, load: &Load) -> Result<f64> {
    let load = Load {
        pace: Pace::Closed,
        bound: Bound::Time(PROBE),
        warm_up: PROBE / 4,
        interval: PROBE,
        ..*load
    };
    let measured = step(ready, &load, "probe").await;
    if measured.interrupted {
        return Err(Failure::Interrupted.into());
    }
    Ok(measured.total.calls as f64 / PROBE.as_secs_f64())
}

/// Why a rate did not hold, if it did not.
fn why_broken(results: &Results, rate: f64, goal: Goal) -> Option<String> {
    let summary = &results.summary;
    let (p99, limit) = (results.latency_us.p99, goal.p99.as_secs_f64() * 1e6);
    let sent = (summary.calls + summary.errors + summary.dropped).max(1) as f64;
    let share = |count: u64| count as f64 / sent;
    if summary.calls == 0 {
        Some("no call ended well".to_owned())
    } else if share(summary.errors) > TOLERATED {
        Some(format!("{:.1} % of the calls failed", share(summary.errors) * 100.0))
    } else if share(summary.dropped) > TOLERATED {
        Some(format!("{:.1} % of the calls were dropped", share(summary.dropped) * 100.0))
    } else if p99 > limit {
        Some(format!("p99 of {} is above {}", micros(p99), micros(limit)))
    } else if summary.calls_per_second < rate * LEAST {
        Some("the calls did not keep up with the clock".to_owned())
    } else {
        None
    }
}

impl Search {
    /// Begins at this rate.
    fn from(start: f64) -> Self {
        Self { held: 0.0, broke: None, next: start.max(LOWEST), again: false }
    }

    /// What to try next; nothing once the knee is found.
    fn rate(&self) -> Option<f64> {
        let found = self.broke.is_some_and(|broke| broke - self.held <= broke * NEAR);
        let none = self.broke.is_some_and(|broke| broke <= LOWEST);
        (!found && !none && self.next <= HIGHEST).then_some(self.next)
    }

    /// Takes note of how the last rate did.
    fn judge(&mut self, held: bool) {
        if !held && !self.again {
            self.again = true;
            return;
        }
        self.again = false;
        if held {
            self.held = self.next;
        } else {
            self.broke = Some(self.next);
        }
        self.next = match self.broke {
            None => self.held * 2.0,
            Some(broke) if self.held == 0.0 => (broke / 4.0).max(LOWEST),
            Some(broke) => f64::midpoint(self.held, broke),
        };
    }
}

/// The first step, of what a closed loop does.
const FIRST: f64 = 0.25;
const PROBE: Duration = Duration::from_millis(800);
/// The share of calls that may fail or be dropped.
const TOLERATED: f64 = 0.01;
/// The share of the rate that is to be reached.
const LEAST: f64 = 0.95;
/// How near the best and the worst rate are at the end.
const NEAR: f64 = 0.05;
const LOWEST: f64 = 1.0;
const HIGHEST: f64 = 1e8;

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches a server that holds up to `knee`; gives the rate found and the steps taken.
    fn search(start: f64, knee: f64) -> (f64, usize) {
        let (mut search, mut steps) = (Search::from(start), 0);
        while let Some(rate) = search.rate() {
            search.judge(rate <= knee);
            steps += 1;
            assert!(steps < 100, "{search:?}");
        }
        (search.held, steps)
    }

    #[test]
    fn the_knee_is_found_from_below_and_from_above() {
        for (start, knee) in [(1000.0, 70_000.0), (90_000.0, 70_000.0), (5.0, 5.0), (1e6, 300.0)] {
            let (found, steps) = search(start, knee);
            assert!(found <= knee && found >= knee * 0.94, "{start}, {knee}: {found}");
            assert!(steps < 30, "{steps}");
        }
    }

    #[test]
    fn a_server_that_holds_nothing_ends_the_search() {
        let (found, steps) = search(1000.0, 0.0);
        assert_eq!(found, 0.0);
        assert!(steps < 20, "{steps}");
    }

    #[test]
    fn one_bad_moment_is_no_knee() {
        let mut search = Search::from(100.0);
        search.judge(false);
        assert_eq!(search.rate(), Some(100.0));
        search.judge(true);
        assert_eq!(search.rate(), Some(200.0));
    }
}
