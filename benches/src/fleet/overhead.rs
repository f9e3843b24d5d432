//! What the choice among servers costs a call: CPU of the client.

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
        let plain = NodeClient::connect(one).await?;
        let single = NodeClient::connect(again).await?;
        let three = NodeClient::connect(three).await?;
        let many = NodeClient::new(subset.connect(all).await?);
        anyhow::Ok([
            ("one server, by its address", plain),
            ("a channel to many, with one", single),
            ("a channel to three", three),
            ("a channel to 20 of 100", many),
        ])
    })?;
    let mut costs = vec![Vec::new(); clients.len()];
    for _ in 0..effort.rounds {
        for (index, (_, client)) in clients.iter().enumerate() {
            runtime.block_on(calls(client, effort.warm_up))?;
            let before = time_of(process::id())?;
            let made = runtime.block_on(calls(client, effort.window))?;
            let used = time_of(process::id())?.saturating_sub(before);
            costs[index].push(used.as_secs_f64() * 1e9 / made as f64);
        }
    }
    let mut text = String::from(
        "| 64 calls in flight | client's CPU a call | more than one server | bar | |\n|---|---|---|---|---|\n",
    );
    let costs: Vec<_> = costs.into_iter().map(median).collect();
    for ((name, _), cost) in clients.iter().zip(&costs) {
        let more = cost - costs[0];
        let held = verdict(more <= BAR);
        writeln!(text, "| {name} | {cost:.0} ns | {more:.0} ns | <= {BAR} ns | {held} |")?;
    }
    Ok(text)
}

/// Has calls be made for so long; gives how many.
async fn calls(client: &NodeClient, length: std::time::Duration) -> Result<u64> {
    let began = std::time::Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..WIDTH {
        let client = client.clone();
        running.spawn(async move {
            let mut made = 0;
            while began.elapsed() < length {
                client.add(1, 2).await?;
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
