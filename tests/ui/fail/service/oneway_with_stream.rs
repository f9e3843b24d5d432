//! One message, and nothing comes back.

use rpc_core::service;

#[service]
trait Feed {
    #[rpc(oneway)]
    fn ticks(&self) -> impl Stream<Item = u64>;
    #[rpc(oneway)]
    async fn store(&self, numbers: Streaming<i64>);
}

fn main() {}
