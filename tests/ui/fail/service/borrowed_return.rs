//! Results come from another process.

use rpc_core::service;

#[service]
trait Calculator {
    async fn name(&self) -> &str;
}

fn main() {}
