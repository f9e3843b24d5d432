//! Arguments travel under their names.

use rpc_core::service;

#[service]
trait Calculator {
    async fn add(&self, (a, b): (i64, i64)) -> i64;
}

struct Pocket;

impl Calculator for Pocket {
    async fn add(&self, (a, b): (i64, i64)) -> i64 {
        a + b
    }
}

fn main() {}
