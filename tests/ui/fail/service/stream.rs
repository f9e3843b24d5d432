//! Streams are not there.

use rpc_core::service;

#[service]
trait Calculator {
    fn count(&self) -> impl Stream<Item = u64>;
    async fn sum(&self, numbers: Streaming<u64>) -> u64;
}

fn main() {}
