//! Calls of two priorities on one server that is offered four times what it can do.

use std::{
    fmt::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Result;
use rpc_core::{Overload, Priority, Server, service};
use tokio::{runtime::Builder, task::JoinSet, time::timeout};

use super::{
    GENERATOR, PATIENCE, PRIORITIES, capacity,
    generator::{Phase, pace},
    server,
};
use crate::{pin::Pin, plan::Effort, transport::Listening};

/// Work whose callers say how much it matters.
#[service]
pub(super) trait Mill {
    /// Uses so many microseconds of CPU.
    async fn grind(&self, micros: u32) -> i64;
}

struct Stones;

impl Mill for Stones {
    async fn grind(&self, micros: u32) -> i64 {
        let (kind, amount) = crate::jobs::Work::Burn(micros).request(0);
        crate::jobs::perform(kind, amount).await
    }
}

/// Serves it, with such bounds.
///
/// # Errors
///
/// When it cannot listen.
pub(super) async fn serve(overload: Overload) -> Result<Listening> {
    let server = Server::new().with(MillServer::new(Stones)).overload(overload);
    let running = server.start("127.0.0.1:0").await?;
    Ok(Listening::new(running.address().to_string(), running))
}

/// Times of the capacity that are offered.
const LOAD: f64 = 4.0;

/// One call in so many is critical.
const CRITICAL: usize = 10;

/// One priority's part of it.
#[derive(Default)]
struct Part {
    calls: usize,
    answered: Vec<Duration>,
}

/// Measures what becomes of both.
pub(super) fn measure(program: &Path, effort: Effort) -> Result<String> {
    let capacity = capacity(program, "ours-tcp", effort)?;
    let server = server(program, PRIORITIES)?;
    let _pin = Pin::to_cpu(GENERATOR)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let mut parts =
        runtime.block_on(drive(server.address(), LOAD * capacity, 2 * effort.window))?;
    let mut text = format!(
        "One call in {CRITICAL} critical, the others low, {LOAD} times of what the server can do:\n\n\
         | priority | calls | answered | of them | p50 ms | p99 ms |\n|---|---|---|---|---|---|\n"
    );
    for (name, part) in ["critical", "low"].into_iter().zip(&mut parts) {
        part.answered.sort_unstable();
        let quantile = |of: f64| {
            let at = (part.answered.len() as f64 * of) as usize;
            part.answered.get(at).copied().unwrap_or_default().as_secs_f64() * 1e3
        };
        let share = part.answered.len() as f64 / part.calls.max(1) as f64 * 100.0;
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {share:.2} % | {:.1} | {:.1} |",
            part.calls,
            part.answered.len(),
            quantile(0.5),
            quantile(0.99)
        );
    }
    Ok(text)
}

async fn drive(address: &str, rate: f64, lasts: Duration) -> Result<[Part; 2]> {
    let mut clients = Vec::new();
    for _ in 0..super::CONNECTIONS {
        clients.push(MillClient::connect(address).await?);
    }
    let (mut due, _) = pace(vec![Phase { rate, lasts }]);
    let (mut running, mut number) = (JoinSet::new(), 0);
    let mut parts = [Part::default(), Part::default()];
    let mut note = |(critical, took): (bool, Option<Duration>)| {
        let part = &mut parts[usize::from(!critical)];
        part.calls += 1;
        part.answered.extend(took);
    };
    while let Some(at) = due.recv().await {
        number += 1;
        let critical = number % CRITICAL == 0;
        let priority = if critical { Priority::Critical } else { Priority::Low };
        let call = clients[number % clients.len()].grind(1000).priority(priority);
        running.spawn(async move {
            let answered = matches!(timeout(PATIENCE, call).await, Ok(Ok(_)));
            let took: Duration = Instant::now().saturating_duration_since(at);
            (critical, answered.then_some(took))
        });
        while let Some(Ok(ended)) = running.try_join_next() {
            note(ended);
        }
    }
    while let Some(Ok(ended)) = running.join_next().await {
        note(ended);
    }
    Ok(parts)
}
