//! Client and server agree on types.

use rpc_core::service;

#[service]
trait Calculator {
    async fn show(&self, value: Box<dyn std::fmt::Display>);
}

fn main() {}
