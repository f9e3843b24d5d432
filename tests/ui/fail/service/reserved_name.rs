//! The client has names of its own.

use rpc_core::service;

#[service]
trait Calculator {
    async fn connect(&self);
    async fn __add(&self);
}

fn main() {}
