//! On where it is written.

use rpc_core::service;

#[service]
trait Chat {
    #[rpc(ordered = true)]
    async fn say(&self, line: String);
}

fn main() {}
