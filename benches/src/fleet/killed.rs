//! One of three servers is killed (-9) under load.

use std::{fmt::Write as _, path::Path, process::Command, time::Duration};

use anyhow::{Result, ensure};
use rpc_core::Endpoint;

use super::{load, node::NodeClient};
use crate::{gauge::verdict, plan::Effort, process::ServerProcess, runtime};

/// Callers that find out what the servers can do.
const CALLERS: usize = 64;

/// Calls a second at most: what begins them, a task for each, is on the same CPUs, and must not be what is measured.
const MOST: f64 = 10_000.0;

/// The bar for the worst second's p99, over that of a load without a fault.
const BAR: f64 = 3.0;

pub(super) fn killed(program: &Path, effort: Effort) -> Result<String> {
    let runtime = runtime::on(crate::plan::Threading::Workers)?;
    let mut text = String::from(
        "| one of three killed (-9), idempotent calls | calls | failed | p99 | worst second's p99 | over usual | bar | |\n|---|---|---|---|---|---|---|---|\n",
    );
    // As long as four windows, so that there is a second before and after.
    let length = (effort.window * 2).max(Duration::from_millis(1200));
    let mut usual = 0;
    for kills in [false, true] {
        let servers: Vec<_> =
            (0..3).map(|_| ServerProcess::start(program, "fleet-one")).collect::<Result<_>>()?;
        let addresses: Vec<_> = servers.iter().map(ServerProcess::address).collect();
        let victim = servers[1].pid();
        let seen = runtime.block_on(async {
            let channel = Endpoint::new().connect(addresses.join(",")).await?;
            let node = NodeClient::new(channel);
            let adding = node.clone();
            let capacity =
                load::capacity(CALLERS, effort.warm_up, move || adding.add(1, 2)).await?;
            let killer = tokio::spawn(async move {
                if kills {
                    tokio::time::sleep(length / 2).await;
                    let status = Command::new("kill").args(["-9", &victim.to_string()]).status();
                    ensure!(status?.success(), "the server could not be killed");
                }
                Ok(())
            });
            let limit = Duration::from_secs(10);
            let rate = (capacity / 2.0).min(MOST);
            let seen = load::open(rate, length, || node.add(1, 2).timeout(limit)).await?;
            killer.await??;
            anyhow::Ok(seen)
        })?;
        let (calls, p99, worst) = (seen.all.count(), seen.all.at(0.99), seen.worst_second()?);
        let name = if kills { "killed after half of the time" } else { "nothing happens" };
        if !kills {
            usual = worst;
        }
        let times = worst as f64 / usual as f64;
        let held = verdict(seen.failed == 0 && times <= BAR);
        writeln!(
            text,
            "| {name} | {calls} | {} | {p99} us | {worst} us | {times:.2}x | 0 failed, <= {BAR}x | {held} |",
            seen.failed
        )?;
        if let Some(failure) = seen.failure {
            writeln!(text, "\nThe first failure: {failure}\n")?;
        }
    }
    Ok(text)
}
