//! A thousand streams whose readers never read: what both sides hold, and what that does to a small call on
//! the same connection.

use std::{fmt::Write as _, path::Path, time::Instant};

use anyhow::Result;

use super::{ours, start};
use crate::{
    gauge::{Latencies, verdict},
    memory,
    plan::Effort,
    runtime,
};

const STREAMS: usize = 1000;
const WINDOW: u32 = 64 << 10;

/// Memory may exceed the windows by so much; p99 may be so many times that without the streams.
const MEMORY_BAR: f64 = 1.1;
const P99_BAR: f64 = 2.0;

/// Measures both.
///
/// # Errors
///
/// When the server cannot be started or a call fails.
pub fn stall(program: &Path, effort: Effort) -> Result<String> {
    let server = start(program, "streams-ours")?;
    let runtime = runtime::usual()?;
    runtime.block_on(async {
        let count = STREAMS / effort.divide;
        let client = ours::connect(server.address(), Some(WINDOW)).await?;
        let alone = latency(&client, effort).await?;
        let me = std::process::id();
        let before = (memory::resident(me)?, memory::resident(server.pid())?);
        let mut stalled = Vec::with_capacity(count);
        for _ in 0..count {
            stalled.push(client.items().await?);
        }
        let beside = latency(&client, effort).await?;
        let after = (memory::resident(me)?, memory::resident(server.pid())?);
        let windows = (count * WINDOW as usize) as f64;
        let grown = |before: u64, after: u64| (after as f64 - before as f64) / windows;
        let (reader, sender) = (grown(before.0, after.0), grown(before.1, after.1));
        let ratio = beside as f64 / alone as f64;
        let mut text = String::from("| stalled streams | figure | bar | |\n|---|---|---|---|\n");
        for (who, grown) in [("receiver", reader), ("sender", sender)] {
            writeln!(
                text,
                "| resident memory of the {who} / windows | {grown:.2} | <= {MEMORY_BAR} | {} |",
                verdict(grown <= MEMORY_BAR)
            )?;
        }
        writeln!(
            text,
            "| p99 of add, beside / alone ({beside} / {alone} us) | {ratio:.2}x | <= {P99_BAR}x | {} |",
            verdict(ratio <= P99_BAR)
        )?;
        drop(stalled);
        anyhow::Ok(text)
    })
}

/// The p99 of calls made one after another, in microseconds.
pub(super) async fn latency(client: &ours::StreamsClient, effort: Effort) -> Result<u64> {
    let mut seen = Latencies::new()?;
    let began = Instant::now();
    while began.elapsed() < effort.warm_up + effort.window {
        let sent = Instant::now();
        client.add(1, 2).await?;
        if began.elapsed() > effort.warm_up {
            seen.add(sent.elapsed());
        }
    }
    Ok(seen.at(0.99))
}
