//! A program for an instruction counter: `calls ROUNDS` makes so many rounds of 64 calls on one connection in memory,
//! client and server on one thread; `items ROUNDS` reads so many times 64 items of one stream, of 24 bytes each.
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
        let server = Server::new().with(CalculatorServer::new(Pocket));
        let calculator = CalculatorClient::in_memory(server);
        match load.as_str() {
            "calls" => calls(&calculator, rounds).await,
            "items" => items(&calculator, rounds).await,
            load => panic!("`calls` or `items`, not `{load}`"),
        }
    });
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
