//! One answer is kept, and streams are none.

use rpc_core::service;

#[service]
trait Till {
    #[rpc(once)]
    fn pay(&self) -> impl Stream<Item = u64>;
    #[rpc(once)]
    async fn count(&self, coins: Streaming<u8>) -> u64;
}

fn main() {}
