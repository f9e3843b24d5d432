//! Arguments are known by their names.

use rpc_core::service;

#[service]
trait Calculator {
    async fn add(&self, a: i64, a: i64) -> i64;
}

fn main() {}
