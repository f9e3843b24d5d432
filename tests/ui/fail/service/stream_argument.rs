//! Streams come in as `Streaming`.

use rpc_core::service;

#[service]
trait Feed {
    async fn sum(&self, numbers: impl Stream<Item = i64>) -> i64;
}

fn main() {}
