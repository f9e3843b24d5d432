//! A million calls that are cancelled as soon as they are opened: handlers and memory stay bounded, and a
//! second connection is served as beside plain calls.

use std::{
    fmt::Write as _,
    future::Future as _,
    path::Path,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Waker},
    time::{Duration, Instant},
};

use anyhow::Result;
use futures_util::future::try_join_all;

use super::{ours, stall::latency, start};
use crate::{gauge::verdict, memory, plan::Effort, runtime};

const PAIRS: usize = 1_000_000;

/// Calls that are opened and cancelled before the server is asked whether it is done with them.
const BATCH: usize = 256;

const P99_BAR: f64 = 2.0;

/// How long cancelled handlers may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// Measures it.
///
/// # Errors
///
/// When the server cannot be started or a call fails.
pub fn cancels(program: &Path, effort: Effort) -> Result<String> {
    let server = start(program, "streams-ours")?;
    let runtime = runtime::usual()?;
    runtime.block_on(async {
        let attacker = ours::connect(server.address(), None).await?;
        let other = ours::connect(server.address(), None).await?;
        // Once before memory is looked at, so that what is set up once is there.
        cancel(&attacker, 10).await?;
        let before = memory::resident(server.pid())?;
        let began = Instant::now();
        let batches = PAIRS / effort.divide / BATCH;
        cancel(&attacker, batches).await?;
        let each = began.elapsed() / u32::try_from(batches)?;
        let after = memory::resident(server.pid())?;
        // Given up after a while, so that handlers that are left are counted and not waited for.
        let _ = attacker.unhung().timeout(PATIENCE).await;
        let (most, left) = attacker.hanging().await?;
        let limit = u64::from(ours::limits().max_calls);

        let flood = beside(&attacker, &other, effort, Kind::Cancels, each).await?;
        let plain = beside(&attacker, &other, effort, Kind::Plain, each).await?;
        let ratio = flood as f64 / plain as f64;
        let grown = after.saturating_sub(before) >> 10;
        let mut text =
            String::from("| open-and-cancel pairs | figure | bar | |\n|---|---|---|---|\n");
        let pairs = batches * BATCH;
        let rate = BATCH as f64 / each.as_secs_f64();
        writeln!(text, "| pairs, a second | {pairs}, {rate:.0} | | |")?;
        writeln!(
            text,
            "| most handlers at once | {most} | <= {limit} | {} |",
            verdict(most <= limit)
        )?;
        writeln!(text, "| handlers left | {left} | 0 | {} |", verdict(left == 0))?;
        writeln!(text, "| growth of the server's memory | {grown} KiB | flat | |")?;
        writeln!(
            text,
            "| p99 of another connection, beside cancels / plain calls ({flood} / {plain} us) | \
             {ratio:.2}x | <= {P99_BAR}x | {} |",
            verdict(ratio <= P99_BAR)
        )?;
        anyhow::Ok(text)
    })
}

#[derive(Clone, Copy)]
enum Kind {
    Cancels,
    Plain,
}

/// Opens and cancels batches of calls.
async fn cancel(client: &ours::StreamsClient, batches: usize) -> Result<()> {
    for _ in 0..batches {
        cancel_batch(client).await?;
    }
    Ok(())
}

async fn cancel_batch(client: &ours::StreamsClient) -> Result<()> {
    for _ in 0..BATCH {
        let mut call = pin!(client.hang());
        // Sent at the first poll, cancelled by the drop: the cancel is right behind the request.
        let _ = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
    client.channel().ping().await?;
    Ok(())
}

/// The p99 of calls on `other` while batches run on `busy`, one each `each`.
async fn beside(
    busy: &ours::StreamsClient,
    other: &ours::StreamsClient,
    effort: Effort,
    kind: Kind,
    each: Duration,
) -> Result<u64> {
    let stop = Arc::new(AtomicBool::new(false));
    let task = tokio::spawn({
        let (stop, busy) = (Arc::clone(&stop), busy.clone());
        async move {
            let mut next = Instant::now();
            while !stop.load(Relaxed) {
                match kind {
                    Kind::Cancels => cancel_batch(&busy).await?,
                    Kind::Plain => {
                        try_join_all((0..BATCH).map(|_| busy.add(1, 2))).await?;
                    }
                }
                next += each;
                tokio::time::sleep_until(next.into()).await;
            }
            anyhow::Ok(())
        }
    });
    let p99 = latency(other, effort).await?;
    stop.store(true, Relaxed);
    task.await??;
    Ok(p99)
}
