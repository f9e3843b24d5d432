//! One of ten servers is fifty times as slow as the others.

use std::{fmt::Write as _, path::Path, time::Duration};

use anyhow::Result;
use rpc_core::{Endpoint, Hedge};

use super::{load, node::NodeClient};
use crate::{gauge::verdict, plan::Effort, process::ServerProcess, runtime};

/// What a call takes, in microseconds.
const USUAL: u64 = 5000;
const TIMES: u64 = 50;

/// Calls a second: what ten servers that sleep can do is bounded by the machine alone.
const RATE: f64 = 2000.0;

struct Case {
    name: &'static str,
    slow: bool,
    hedge: Option<Hedge>,
}

pub(super) fn slow(program: &Path, effort: Effort) -> Result<String> {
    let runtime = runtime::on(crate::plan::Threading::Workers)?;
    let server = ServerProcess::start(program, "fleet-ten")?;
    let addresses: Vec<_> = server.address().split(',').map(str::to_owned).collect();
    let mut text = String::from(
        "| one of ten 50 times as slow | p50 | p99.9 | over all well | share of the slow one | requests more | bars | |\n|---|---|---|---|---|---|---|---|\n",
    );
    let hedge = Hedge::percentile(99.0);
    let mut well = 0;
    for case in [
        Case { name: "all well", slow: false, hedge: None },
        Case { name: "one slow", slow: true, hedge: None },
        Case { name: "one slow, hedged at p99", slow: true, hedge: Some(hedge) },
    ] {
        let endpoint = match case.hedge {
            Some(hedge) => Endpoint::new().hedge(hedge),
            None => Endpoint::new(),
        };
        let (seen, share, more) = runtime.block_on(async {
            let mut each = Vec::new();
            for address in &addresses {
                each.push(NodeClient::connect(address.as_str()).await?);
            }
            each[3].set_times(if case.slow { TIMES } else { 1 }).await?;
            let node = NodeClient::new(endpoint.connect(addresses.join(",")).await?);
            let call = || node.sleep(USUAL);
            // A second for the channel to find out.
            load::open(RATE, Duration::from_secs(1).min(effort.window * 2), call).await?;
            let before = slept(&each).await?;
            let seen = load::open(RATE, effort.window * 5, call).await?;
            let after = slept(&each).await?;
            let all = (after.iter().sum::<u64>() - before.iter().sum::<u64>()) as f64;
            let share = (after[3] - before[3]) as f64 / all;
            let more = all / seen.all.count() as f64 - 1.0;
            anyhow::Ok((seen, share, more))
        })?;
        let (p50, tail) = (seen.all.at(0.5), seen.all.at(0.999));
        if !case.slow {
            well = tail;
        }
        let times = tail as f64 / well as f64;
        let (bars, held) = match (case.slow, case.hedge) {
            (false, _) => ("", ""),
            (true, None) => ("share <= 1 %", verdict(share <= 0.01)),
            (true, Some(_)) => {
                let held = share <= 0.01 && times <= 1.5 && more <= 0.03 && seen.failed == 0;
                ("<= 1.5x, <= 1 %, <= 3 %", verdict(held))
            }
        };
        writeln!(
            text,
            "| {} | {p50} us | {tail} us | {times:.2}x | {:.2} % | {:.2} % | {bars} | {held} |",
            case.name,
            share * 100.0,
            more * 100.0
        )?;
    }
    Ok(text)
}

async fn slept(nodes: &[NodeClient]) -> Result<Vec<u64>> {
    let mut all = Vec::new();
    for node in nodes {
        all.push(node.slept().await?);
    }
    Ok(all)
}
