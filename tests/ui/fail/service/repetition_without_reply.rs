//! Made again is what has an end, and in one way.

use rpc_core::service;

#[service]
trait Till {
    #[rpc(oneway, idempotent)]
    async fn note(&self, line: String);
    #[rpc(once, idempotent)]
    async fn pay(&self, cents: u64);
}

fn main() {}
