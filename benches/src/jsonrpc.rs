//! The cases of JSON-RPC 2.0 that the tests have, for this framework and for jsonrpsee, by one runner: a server of each with
//! the same methods, to which each case is sent over HTTP and over a WebSocket.

use std::{fmt::Write as _, time::Duration};

use ::tests::{
    Order, PlaygroundServer, Sights, TourServer, Toys,
    suite::{Score, over_http, over_websocket},
};
use anyhow::Result;
use jsonrpsee_server::{RpcModule, Server, types::ErrorObjectOwned};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::runtime;

/// How long the cases of one server may take: its runner waits for answers that never come.
const PATIENCE: Duration = Duration::from_secs(600);

/// Both servers' scores, by their way.
#[derive(Debug)]
pub struct Scores(Vec<(&'static str, Score)>);

/// Runs all cases.
///
/// # Errors
/// A server cannot be started.
pub fn scores() -> Result<Scores> {
    runtime::usual()?.block_on(async {
        let mut scores = ours().await?;
        scores.extend(theirs().await?);
        Ok(Scores(scores))
    })
}

async fn ours() -> Result<Vec<(&'static str, Score)>> {
    let server = rpc_core::Server::new()
        .with(PlaygroundServer::new(Toys::default()))
        .with(TourServer::new(Sights))
        .http(rpc_core::Http::new());
    let running = server.start("127.0.0.1:0").await?;
    let address = running.address().to_string();
    Ok(vec![
        ("rpc-core, HTTP", timeout(PATIENCE, over_http(&address)).await?),
        ("rpc-core, WebSocket", timeout(PATIENCE, over_websocket(&address)).await?),
    ])
}

async fn theirs() -> Result<Vec<(&'static str, Score)>> {
    let server = Server::builder().build("127.0.0.1:0").await?;
    let address = server.local_addr()?.to_string();
    let handle = server.start(playground()?);
    let scores = vec![
        ("jsonrpsee, HTTP", timeout(PATIENCE, over_http(&address)).await?),
        ("jsonrpsee, WebSocket", timeout(PATIENCE, over_websocket(&address)).await?),
    ];
    handle.stop()?;
    Ok(scores)
}

/// Parameters, by position or by name.
#[derive(Deserialize)]
struct Two {
    a: i64,
    b: i64,
}

#[derive(Deserialize)]
struct One<T> {
    #[serde(alias = "amount", alias = "line", alias = "order", alias = "payload", alias = "words")]
    value: T,
}

/// The methods of the tests' playground, as jsonrpsee's documentation shows them.
fn playground() -> Result<RpcModule<()>> {
    let mut module = RpcModule::new(());
    module.register_method("Playground.add", |params, (), _| {
        let Two { a, b } = params.parse()?;
        Ok::<_, ErrorObjectOwned>(a.wrapping_add(b))
    })?;
    module.register_method("Playground.nothing", |_, (), _| Ok::<_, ErrorObjectOwned>(()))?;
    module.register_method("Playground.order", |params, (), _| {
        let One { value } = params.parse::<One<Order>>()?;
        Ok::<_, ErrorObjectOwned>(serde_json::to_value(value).unwrap_or_default())
    })?;
    module.register_method("Playground.echo_vec", |params, (), _| {
        let One { value } = params.parse::<One<Vec<u8>>>()?;
        Ok::<_, ErrorObjectOwned>(value)
    })?;
    module.register_method("Playground.note", |params, (), _| {
        let One { value: _ } = params.parse::<One<String>>()?;
        Ok::<_, ErrorObjectOwned>(())
    })?;
    module.register_method("Playground.take", |params, (), _| {
        let One { value: wanted } = params.parse::<One<u64>>()?;
        let limit = 10;
        match wanted <= limit {
            true => Ok(wanted),
            false => {
                let data: Value = json!({ "TooMuch": { "wanted": wanted, "limit": limit } });
                Err(ErrorObjectOwned::owned(2, "too much", Some(data)))
            }
        }
    })?;
    Ok(module)
}

impl Scores {
    /// A table of the scores, and behind it what was not passed.
    #[must_use]
    pub fn report(&self) -> String {
        let mut text = String::from("| server | passed | of |\n|---|---|---|\n");
        for (name, score) in &self.0 {
            let passed = score.of - score.wrong.len();
            let _ = writeln!(text, "| {name} | {passed} | {} |", score.of);
        }
        for (name, score) in &self.0 {
            for wrong in &score.wrong {
                let short: String = wrong.chars().take(200).collect();
                let _ = write!(text, "\n{name}: {short}");
            }
        }
        text + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jsonrpsee_is_asked_the_same_over_http() {
        let score = runtime::usual().unwrap().block_on(async {
            let server = Server::builder().build("127.0.0.1:0").await.unwrap();
            let address = server.local_addr().unwrap().to_string();
            let handle = server.start(playground().unwrap());
            let score = over_http(&address).await;
            handle.stop().unwrap();
            score
        });
        // What it speaks is JSON-RPC: that it fails more is a mistake of the runner.
        assert!(score.wrong.len() < score.of / 2, "{}", score.wrong.join("\n"));
    }
}
