//! One value to 5,000 members on 50 connections, beside plain streams of as many items.

use std::{fmt::Write as _, path::Path};

use anyhow::Result;
use futures_util::future::try_join_all;
use rpc_core::Streaming;

use super::{ours, start};
use crate::{
    gauge::{Clock, median, verdict},
    plan::Effort,
    runtime,
};

const CONNECTIONS: usize = 50;
const MEMBERS: usize = 100;

/// Values that are sent in one measurement: as many as the broadcast keeps, so that nobody lags.
const VALUES: u64 = 200;

/// CPU per delivery may be so many times that of a plain stream's item.
const BAR: f64 = 1.5;

/// Measures both, in interleaved rounds.
///
/// # Errors
///
/// When the server cannot be started or a stream fails.
pub fn broadcast(program: &Path, effort: Effort) -> Result<String> {
    let server = start(program, "streams-ours")?;
    let runtime = runtime::usual()?;
    runtime.block_on(async {
        let members = MEMBERS / effort.divide;
        let mut clients = Vec::new();
        for _ in 0..CONNECTIONS {
            clients.push(ours::connect(server.address(), None).await?);
        }
        let deliveries = (CONNECTIONS * members) as f64 * VALUES as f64;
        let (mut shared, mut plain) = (Vec::new(), Vec::new());
        let mut serialised = 0;
        for _ in 0..effort.rounds {
            let mut subscribed = Vec::new();
            for client in &clients {
                for _ in 0..members {
                    subscribed.push(client.subscribe().await?);
                }
            }
            let before = clients[0].publish(0).await?;
            let clock = Clock::start(server.pid())?;
            let publish = clients[0].publish(VALUES);
            let reading = try_join_all(subscribed.into_iter().map(read_some));
            let (published, _) = tokio::join!(publish, reading);
            published?;
            shared.push(clock.stop()?.1 / deliveries);
            serialised = clients[0].publish(0).await? - before;

            let clock = Clock::start(server.pid())?;
            let mut streams = Vec::new();
            for client in &clients {
                for _ in 0..members {
                    streams.push(client.some(VALUES));
                }
            }
            let streams = try_join_all(streams).await?;
            try_join_all(streams.into_iter().map(read_some)).await?;
            plain.push(clock.stop()?.1 / deliveries);
        }
        let (shared, plain) = (median(shared), median(plain));
        let ratio = shared / plain;
        let mut text = String::from("| broadcast | figure | bar | |\n|---|---|---|---|\n");
        let members = CONNECTIONS * members;
        writeln!(text, "| members, values | {members}, {VALUES} | | |")?;
        let each = serialised as f64 / VALUES as f64;
        writeln!(text, "| serialisations of a value | {each} | 1 | {} |", verdict(serialised == VALUES))?;
        writeln!(
            text,
            "| CPU per delivery / per item of plain streams ({:.0} / {:.0} ns) | {ratio:.2}x | <= {BAR}x | {} |",
            shared * 1e9,
            plain * 1e9,
            verdict(ratio <= BAR)
        )?;
        anyhow::Ok(text)
    })
}

/// Reads as many items as were sent.
async fn read_some<T: Send + 'static>(mut stream: Streaming<T>) -> Result<()> {
    tokio::spawn(async move {
        for _ in 0..VALUES {
            match stream.next().await {
                Some(item) => drop(item?),
                None => anyhow::bail!("a stream ended early"),
            }
        }
        Ok(())
    })
    .await?
}
