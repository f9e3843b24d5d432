//! A service is a value.

use rpc_core::service;

#[service]
trait Calculator {
    async fn add(a: i64, b: i64) -> i64;
}

struct Pocket;

impl Calculator for Pocket {
    async fn add(a: i64, b: i64) -> i64 {
        a + b
    }
}

fn main() {}
