//! The context is lent.

use rpc_core::service;
use rpc_core::Context;

#[service]
trait Calculator {
    async fn log(&self, cx: Context);
}

fn main() {}
