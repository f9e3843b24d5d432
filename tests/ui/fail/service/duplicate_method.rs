//! Methods are known by their names.

use rpc_core::service;

#[service]
trait Calculator {
    async fn add(&self, a: i64) -> i64;
    async fn add(&self, a: f64) -> f64;
}

fn main() {}
