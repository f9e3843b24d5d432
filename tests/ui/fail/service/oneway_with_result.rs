//! No reply, no result.

use rpc_core::service;

#[service]
trait Calculator {
    #[rpc(oneway)]
    async fn log(&self, line: String) -> bool;
}

fn main() {}
