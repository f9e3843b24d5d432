//! What it costs a server to refuse a call: a thousand calls at once, of which the server takes one.

use std::{path::Path, time::Instant};

use anyhow::{Context as _, Result};
use rpc_cli::load::cpu;
use rpc_core::{Endpoint, Retry};
use tokio::{runtime::Builder, task::JoinSet};

use super::{GENERATOR, REFUSING, priorities::MillClient, server};
use crate::{pin::Pin, plan::Effort};

/// What a call that is taken uses of the CPU, in microseconds.
const TAKES: u32 = 200;

/// Calls in flight.
const CALLS: usize = 1000;

/// Measures the server's CPU time for each.
pub(super) fn measure(program: &Path, effort: Effort) -> Result<String> {
    let server = server(program, REFUSING)?;
    let _pin = Pin::to_cpu(GENERATOR)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let endpoint = Endpoint::new().retry(Retry::off());
    let client = MillClient::new(runtime.block_on(endpoint.connect(server.address()))?);
    let used = || cpu::time_of(server.pid()).context("the server's CPU time cannot be read");
    // It learns that its calls take long.
    runtime.block_on(flood(&client, effort.window / 4))?;
    let before = used()?;
    let (taken, refused) = runtime.block_on(flood(&client, effort.window))?;
    let used = used()? - before;
    let own = used.as_secs_f64() - taken as f64 * f64::from(TAKES) * 1e-6;
    Ok(format!(
        "A call that is refused, {CALLS} of them in flight on one connection: {:.2} us of the server's CPU, its kernel included \
         ({refused} refused, {taken} taken).\n",
        own * 1e6 / refused.max(1) as f64
    ))
}

/// Calls again and again; how many were taken, and how many refused.
async fn flood(client: &MillClient, window: std::time::Duration) -> Result<(u64, u64)> {
    let mut callers = JoinSet::new();
    let until = Instant::now() + window;
    for _ in 0..CALLS {
        let client = client.clone();
        callers.spawn(async move {
            let (mut taken, mut refused) = (0, 0);
            while Instant::now() < until {
                match client.grind(TAKES).await {
                    Ok(_) => taken += 1,
                    Err(_) => refused += 1,
                }
            }
            (taken, refused)
        });
    }
    let (mut taken, mut refused) = (0, 0);
    while let Some(ended) = callers.join_next().await {
        let (more, less) = ended?;
        (taken, refused) = (taken + more, refused + less);
    }
    Ok((taken, refused))
}
