//! Open load: calls that are begun at their times.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use anyhow::Result;
use tokio::task::JoinSet;

use crate::gauge::Latencies;

/// What became of the calls of an open load.
pub(super) struct Seen {
    pub(super) all: Latencies,
    /// The same in parts of a second, by when calls were begun.
    pub(super) parts: Vec<Latencies>,
    pub(super) failed: u64,
    /// The first failure, in words.
    pub(super) failure: Option<String>,
}

/// Parts of a second.
const PARTS: u32 = 4;

/// Makes `rate` calls a second for so long. The time of a call counts from when it was due.
pub(super) async fn open<F, T, E>(rate: f64, length: Duration, call: impl Fn() -> F) -> Result<Seen>
where
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Send + std::fmt::Display + 'static,
{
    let began = Instant::now();
    let count = (rate * length.as_secs_f64()) as u64;
    let mut running = JoinSet::new();
    let mut seen = Seen { all: Latencies::new()?, parts: Vec::new(), failed: 0, failure: None };
    for number in 0..count {
        let after = Duration::from_secs_f64(number as f64 / rate);
        let due = began + after;
        if Instant::now() < due {
            tokio::time::sleep_until(due.into()).await;
        }
        let call = call();
        running.spawn(async move {
            let reply = call.await.map_err(|error| error.to_string());
            (after, due.elapsed(), reply.err())
        });
        while let Some(done) = running.try_join_next() {
            seen.note(done?)?;
        }
    }
    while let Some(done) = running.join_next().await {
        seen.note(done?)?;
    }
    Ok(seen)
}

impl Seen {
    fn note(&mut self, (after, took, failure): (Duration, Duration, Option<String>)) -> Result<()> {
        if let Some(failure) = failure {
            self.failed += 1;
            self.failure.get_or_insert(failure);
        }
        let part = (after.as_secs_f64() * f64::from(PARTS)) as usize;
        while self.parts.len() <= part {
            self.parts.push(Latencies::new()?);
        }
        self.parts[part].add(took);
        self.all.add(took);
        Ok(())
    }

    /// The worst second's p99: of four parts one after the other, at the worst place.
    pub(super) fn worst_second(&self) -> Result<u64> {
        let mut worst = 0;
        for window in self.parts.windows(PARTS as usize) {
            let mut second = Latencies::new()?;
            for part in window {
                second.merge(part)?;
            }
            worst = worst.max(second.at(0.99));
        }
        Ok(worst)
    }
}

/// Calls a second that so many callers get done, one after the other each.
pub(super) async fn capacity<F, T, E>(
    callers: usize,
    length: Duration,
    call: impl Fn() -> F + Clone + Send + 'static,
) -> Result<f64>
where
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Send + Sync + std::error::Error + 'static,
{
    let began = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..callers {
        let call = call.clone();
        running.spawn(async move {
            let mut done = 0u64;
            while began.elapsed() < length {
                call().await?;
                done += 1;
            }
            Ok::<_, E>(done)
        });
    }
    let mut done = 0;
    while let Some(one) = running.join_next().await {
        done += one??;
    }
    Ok(done as f64 / began.elapsed().as_secs_f64())
}
