//! A program for an instruction counter: `calls ROUNDS` makes so many rounds of 64 calls on one connection in memory,
//! client and server on one thread; `items ROUNDS` reads so many times 64 items of one stream, of 24 bytes each. `tcp`,
//! `fleet1` and `fleet3` are the calls over TCP: to one server, and by a channel to one or three servers.
//! `.ci/instructions` runs it under callgrind.

#![allow(clippy::unwrap_used, reason = "it fails by it")]

use futures_util::{Stream, StreamExt as _, future::join_all, stream};
use rpc_core::{Server, service};

#[service]
trait Calculator {
    async fn add(&self, a: i64, b: i64) -> i64;
    fn ticks(&self, count: u64) -> impl Stream<Item = (f64, f64, f64)>;
}

struct Pocket;

impl Calculator for Pocket {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a.wrapping_add(b)
    }

    fn ticks(&self, count: u64) -> impl Stream<Item = (f64, f64, f64)> {
        stream::iter(0..count).map(|_| (1.0, 2.0, 3.0))
    }
}

const IN_FLIGHT: i64 = 64;

fn main() {
    let mut words = std::env::args().skip(1);
    let load = words.next().unwrap();
    let rounds: i64 = words.next().unwrap().parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let server = || Server::new().with(CalculatorServer::new(Pocket));
        let in_memory = || CalculatorClient::in_memory(server());
        match load.as_str() {
            "calls" => calls(&in_memory(), rounds).await,
            "items" => items(&in_memory(), rounds).await,
            "tcp" => over(server, 1, "", rounds).await,
            "fleet1" => over(server, 1, ",", rounds).await,
            "fleet3" => over(server, 3, ",", rounds).await,
            load => panic!("`calls`, `items`, `tcp`, `fleet1` or `fleet3`, not `{load}`"),
        }
    });
}

/// Calls over TCP to so many servers; whether by a channel to many says the comma.
async fn over(server: impl Fn() -> Server, servers: usize, comma: &str, rounds: i64) {
    let mut running = Vec::new();
    for _ in 0..servers {
        running.push(server().start("127.0.0.1:0").await.unwrap());
    }
    let mut all: Vec<_> = running.iter().map(|one| one.address().to_string()).collect();
    if servers == 1 && !comma.is_empty() {
        // The same one twice is one server.
        all.push(all[0].clone());
    }
    let calculator = CalculatorClient::connect(all.join(comma)).await.unwrap();
    while running.iter().any(|one| one.connections() == 0) {
        assert_eq!(calculator.add(1, 2).await, Ok(3));
    }
    calls(&calculator, rounds).await;
}

async fn calls(calculator: &CalculatorClient, rounds: i64) {
    for round in 0..rounds {
        let calls = (0..IN_FLIGHT).map(|call| calculator.add(round, call));
        for (call, sum) in (0..).zip(join_all(calls).await) {
            assert_eq!(sum, Ok(round + call));
        }
    }
}

async fn items(calculator: &CalculatorClient, rounds: i64) {
    let count = (rounds * IN_FLIGHT).cast_unsigned();
    let mut ticks = calculator.ticks(count).await.unwrap();
    let mut read = 0;
    while let Some(tick) = ticks.next().await {
        assert_eq!(tick, Ok((1.0, 2.0, 3.0)));
        read += 1;
    }
    assert_eq!(read, count);
}
