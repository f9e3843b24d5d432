//! Client and server have the same methods.

use rpc_core::service;

#[service]
trait Calculator {
    #[cfg(unix)]
    async fn fork(&self);
}

fn main() {}
