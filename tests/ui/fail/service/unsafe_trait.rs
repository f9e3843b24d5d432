//! A service is an ordinary trait.

use rpc_core::service;

#[service]
unsafe trait Calculator {
    async fn add(&self, a: i64) -> i64;
}

fn main() {}
