//! The error is part of what is agreed on.

use rpc_core::service;

#[service]
trait Calculator {
    async fn read(&self, path: String) -> std::io::Result<String>;
}

fn main() {}
