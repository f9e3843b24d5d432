//! One stream in.

use rpc_core::service;

#[service]
trait Feed {
    async fn sum(&self, numbers: Streaming<i64>, weights: Streaming<f64>) -> f64;
}

fn main() {}
