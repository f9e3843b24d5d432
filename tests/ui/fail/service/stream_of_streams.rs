//! Items are values.

use rpc_core::service;

#[service]
trait Feed {
    async fn merge(&self, streams: Streaming<Streaming<u64>>);
}

fn main() {}
