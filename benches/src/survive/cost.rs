//! CPU time of a call and of an item, both sides together, with resumption and without.
//!
//! Client and server are in this process, on one thread, over TCP. Variants are measured by turns, so that whatever else the
//! machine does meets each of them; ratios are those of neighbours.

use std::{
    fmt::Write as _,
    process,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use futures_util::future::join_all;
use rpc_cli::load::{cpu, statistics::Spread};
use rpc_core::{Endpoint, Resume, Running};

use super::node::{Counting, NodeClient, server};
use crate::{gauge::verdict, plan::Effort};

const BAR: f64 = 1.10;
const IN_FLIGHT: i64 = 64;
/// Items of a stream.
const ITEMS: u32 = 20_000;

#[derive(Clone, Copy)]
enum Variant {
    Lost,
    Resumed,
}

struct Pair {
    client: NodeClient,
    _server: Running,
}

impl Pair {
    async fn start(variant: Variant) -> Result<Self> {
        let (mut server, mut endpoint) = (server(Counting::default()), Endpoint::new());
        if let Variant::Resumed = variant {
            (server, endpoint) = (server.resume(Resume::new()), endpoint.resume(Resume::new()));
        }
        let server = server.start("127.0.0.1:0").await?;
        let channel = endpoint.connect(server.address()).await?;
        channel.ready().await?;
        Ok(Self { client: NodeClient::new(channel), _server: server })
    }

    /// Calls for a time, 64 at once; CPU nanoseconds of a call.
    async fn calls(&self, window: Duration) -> Result<f64> {
        let (began, before, mut calls) = (Instant::now(), used()?, 0_u32);
        while began.elapsed() < window {
            for round in 0..8 {
                let at_once = (0..IN_FLIGHT).map(|call| self.client.add(round % 2, call));
                for sum in join_all(at_once).await {
                    sum?;
                    calls += 1;
                }
            }
        }
        Ok((used()? - before).as_nanos() as f64 / f64::from(calls))
    }

    /// Takes streams in for a time; CPU nanoseconds of an item.
    async fn items(&self, window: Duration) -> Result<f64> {
        let (began, before, mut items) = (Instant::now(), used()?, 0_u32);
        while began.elapsed() < window {
            let mut stream = self.client.items(ITEMS).await?;
            let mut of_stream = 0;
            while let Some(item) = stream.next().await {
                item?;
                of_stream += 1;
            }
            ensure!(of_stream == ITEMS, "a stream of {of_stream} items");
            items += of_stream;
        }
        Ok((used()? - before).as_nanos() as f64 / f64::from(items))
    }
}

fn used() -> Result<Duration> {
    cpu::time_of(process::id()).context("the CPU clock of this process")
}

pub(super) fn cost(effort: Effort) -> Result<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let pairs = [Pair::start(Variant::Lost).await?, Pair::start(Variant::Resumed).await?];
        for pair in &pairs {
            pair.calls(effort.warm_up).await?;
            pair.items(effort.warm_up).await?;
        }
        let mut costs: [[Vec<f64>; 2]; 2] = Default::default();
        // Short turns: what the machine does besides changes within seconds.
        let (turns, window) = (effort.rounds * 8, effort.window / 20);
        for _ in 0..turns {
            for (pair, costs) in pairs.iter().zip(&mut costs) {
                costs[0].push(pair.calls(window).await?);
                costs[1].push(pair.items(window).await?);
            }
        }
        let [without, with] = costs;
        let mut text = String::from(
            "| CPU of both sides | without resumption | with | ratio | bar | |\n|---|---|---|---|---|---|\n",
        );
        let names = ["a call of add, 1x64", "an item of 24 bytes"];
        for (name, (without, with)) in names.into_iter().zip(without.into_iter().zip(with)) {
            let ratios = with.iter().zip(&without).map(|(with, without)| with / without).collect();
            let ratio = Spread::of(ratios).median;
            let (without, with) = (Spread::of(without).median, Spread::of(with).median);
            let held = verdict(ratio <= BAR);
            writeln!(
                text,
                "| {name} | {without:.0} ns | {with:.0} ns | {ratio:.2}x | <= {BAR:.2}x | {held} |"
            )?;
        }
        Ok(text)
    })
}
