//! A stream is no part of a value.

use rpc_core::service;

#[service]
trait Feed {
    async fn sum(&self, numbers: Vec<Streaming<i64>>) -> i64;
}

fn main() {}
