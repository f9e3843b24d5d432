//! What the choice among servers costs a call: CPU of the client, beside the same servers by turns, each by a channel of its
//! own, so that as many frames share a write.

use std::{fmt::Write as _, path::Path, process};

use anyhow::Result;
use rpc_core::{Balance, Endpoint};
use tokio::task::JoinSet;

use super::node::NodeClient;
use crate::{
    gauge::{median, time_of, verdict},
    plan::Effort,
    process::ServerProcess,
    runtime,
};

/// Calls in flight.
const WIDTH: usize = 64;

/// The bar for what the choice costs a call, in nanoseconds.
const BAR: f64 = 1000.0;

pub(super) fn overhead(program: &Path, effort: Effort) -> Result<String> {
    let runtime = runtime::on(crate::plan::Threading::Workers)?;
    let server = ServerProcess::start(program, "fleet-hundred")?;
    let all = server.address();
    let three = all.split(',').take(3).collect::<Vec<_>>().join(",");
    let one = all.split(',').next().unwrap_or_default();
    let again = format!("{one},{one}");
    let subset = Endpoint::new().balance(Balance::new().subset(20));
    let clients = runtime.block_on(async {
        let mut each = Vec::new();
        for address in all.split(',').take(20) {
            each.push(NodeClient::connect(address).await?);
        }
        let single = NodeClient::connect(again).await?;
        let three = NodeClient::connect(three).await?;
        let many = NodeClient::new(subset.connect(all).await?);
        let by_turns = |servers: usize| each[..servers].to_vec();
        anyhow::Ok([
            ("1 server", by_turns(1), vec![single]),
            ("3 servers", by_turns(3), vec![three]),
            ("20 servers, of 100", by_turns(20), vec![many]),
        ])
    })?;
    let mut text = String::from(
        "| 64 calls in flight | client's CPU a call, by turns | by one channel | more | bar | |\n|---|---|---|---|---|---|\n",
    );
    for (name, by_turns, one) in &clients {
        let (mut costs, mut more) = ([Vec::new(), Vec::new()], Vec::new());
        for _ in 0..effort.rounds {
            for (clients, costs) in [by_turns, one].into_iter().zip(&mut costs) {
                runtime.block_on(calls(clients, effort.warm_up))?;
                let before = time_of(process::id())?;
                let made = runtime.block_on(calls(clients, effort.window))?;
                let used = time_of(process::id())?.saturating_sub(before);
                costs.push(used.as_secs_f64() * 1e9 / made as f64);
            }
            more.extend(costs[1].last().zip(costs[0].last()).map(|(one, each)| one - each));
        }
        let [each, one] = costs.map(median);
        let more = median(more);
        let held = verdict(more <= BAR);
        writeln!(
            text,
            "| {name} | {each:.0} ns | {one:.0} ns | {more:.0} ns | <= {BAR} ns | {held} |"
        )?;
    }
    Ok(text)
}

/// Has calls be made for so long, by the clients by turns; gives how many.
async fn calls(clients: &[NodeClient], length: std::time::Duration) -> Result<u64> {
    let began = std::time::Instant::now();
    let mut running = JoinSet::new();
    for caller in 0..WIDTH {
        let clients = clients.to_vec();
        running.spawn(async move {
            let mut made = 0;
            while began.elapsed() < length {
                clients[(caller + made as usize) % clients.len()].add(1, 2).await?;
                made += 1;
            }
            anyhow::Ok(made)
        });
    }
    let mut made = 0;
    while let Some(one) = running.join_next().await {
        made += one??;
    }
    Ok(made)
}
