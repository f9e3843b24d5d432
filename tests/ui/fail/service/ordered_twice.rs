//! Once is enough.

use rpc_core::service;

#[service]
trait Chat {
    #[rpc(ordered, ordered)]
    async fn say(&self, line: String);
}

fn main() {}
