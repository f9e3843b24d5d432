//! A service consists of methods.

use rpc_core::service;

#[service]
trait Calculator {
    type Number;
    const ZERO: u8;
    async fn add(&self, a: i64) -> i64;
}

fn main() {}
