//! A call has one context.

use rpc_core::service;
use rpc_core::Context;

#[service]
trait Calculator {
    async fn log(&self, cx: &Context, again: &Context);
}

fn main() {}
