//! Client and server are different types.

use rpc_core::service;

#[service]
trait Calculator {
    async fn copy(&self) -> Vec<Self>
    where
        Self: Sized;
}

fn main() {}
