//! A program for an instruction counter: so many rounds of 64 calls on one connection in memory, client and server on
//! one thread. `.ci/instructions` runs it under callgrind.

#![allow(clippy::unwrap_used, reason = "it fails by it")]

use futures_util::future::join_all;
use rpc_core::{Server, service};

#[service]
trait Calculator {
    async fn add(&self, a: i64, b: i64) -> i64;
}

struct Pocket;

impl Calculator for Pocket {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a.wrapping_add(b)
    }
}

const IN_FLIGHT: i64 = 64;

fn main() {
    let rounds: i64 = std::env::args().nth(1).unwrap().parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let server = Server::new().with(CalculatorServer::new(Pocket));
        let calculator = CalculatorClient::in_memory(server);
        for round in 0..rounds {
            let calls = (0..IN_FLIGHT).map(|call| calculator.add(round, call));
            for (call, sum) in (0..).zip(join_all(calls).await) {
                assert_eq!(sum, Ok(round + call));
            }
        }
    });
}
