//! A stream is used up.

use rpc_core::service;

#[service]
trait Feed {
    async fn sum(&self, numbers: &Streaming<i64>) -> i64;
}

fn main() {}
