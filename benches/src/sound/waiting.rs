//! Few and many streams on one connection that wait for room: what an item costs must not depend on how many wait.

use std::{fmt::Write as _, path::Path};

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use rpc_core::{Endpoint, Limits};
use tokio::task::JoinSet;

use super::ground::GroundClient;
use crate::{
    gauge::{Clock, median, verdict},
    plan::Effort,
    process::ServerProcess,
    runtime,
};

const FEW: usize = 10;
const MANY: usize = 10_000;
/// Items of all streams together, in both cases: a hundred for each of many, so that what a stream costs once, its
/// buffers and first polls, is not what is seen.
const ITEMS: usize = 1_000_000;
const LENGTH: u32 = 2000;
/// CPU per item of many streams may be so many times that of few.
const BAR: f64 = 2.0;

/// So many streams, each with enough credit that it is the connection that has no room.
pub(super) fn limits() -> Limits {
    Limits::default().max_streams(2 * MANY as u32).initial_window(128 << 10)
}

/// Measures both, in interleaved rounds.
///
/// # Errors
///
/// When the server cannot be started or a stream fails.
pub fn waiting_streams(program: &Path, effort: Effort) -> Result<String> {
    let (few, many) = (FEW, MANY / effort.divide);
    let (mut of_few, mut of_many) = (Vec::new(), Vec::new());
    for _ in 0..effort.rounds {
        of_few.push(measure(program, few, ITEMS / effort.divide)?);
        of_many.push(measure(program, many, ITEMS / effort.divide)?);
    }
    let (of_few, of_many) = (median(of_few), median(of_many));
    let ratio = of_many / of_few;
    let mut text = String::from("| streams that wait | CPU of both per item | ratio | bar | |\n");
    writeln!(text, "|---|---|---|---|---|")?;
    writeln!(text, "| {few} | {:.0} ns | 1.00x | | |", of_few * 1e9)?;
    let held = verdict(ratio <= BAR);
    writeln!(text, "| {many} | {:.0} ns | {ratio:.2}x | <= {BAR}x | {held} |", of_many * 1e9)?;
    Ok(text)
}

/// Opens the streams, lets them send, and gives the seconds of CPU for each item once all are read.
fn measure(program: &Path, streams: usize, items: usize) -> Result<f64> {
    let server = ServerProcess::start(program, "sound-waiting")?;
    let each = items / streams;
    runtime::usual()?.block_on(async {
        let channel = Endpoint::new().limits(limits()).connect(server.address()).await?;
        let client = GroundClient::new(channel);
        let opening = (0..streams).map(|_| client.gated(each as u32, LENGTH));
        let open = try_join_all(opening).await?;
        let mut reading = JoinSet::new();
        for mut stream in open {
            reading.spawn(async move {
                for _ in 0..each {
                    let item = stream.next().await.transpose()?;
                    ensure!(item.is_some_and(|item| item.len() == LENGTH as usize), "a wrong item");
                }
                // Dropped when the clock has been stopped.
                anyhow::Ok(stream)
            });
        }
        let clock = Clock::start(server.pid())?;
        client.set_gate(true).await?;
        let mut read = Vec::with_capacity(streams);
        while let Some(stream) = reading.join_next().await {
            read.push(stream??);
        }
        let (_, cpu) = clock.stop()?;
        Ok(cpu / (each * streams) as f64)
    })
}
