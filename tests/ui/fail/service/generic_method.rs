//! Client and server agree on types.

use rpc_core::service;

#[service]
trait Calculator {
    async fn store<T: Send>(&self, value: T);
}

fn main() {}
