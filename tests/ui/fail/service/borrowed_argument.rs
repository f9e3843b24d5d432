//! Arguments leave the process.

use rpc_core::service;

#[service]
trait Calculator {
    async fn greet(&self, name: &str) -> String;
}

struct Pocket;

impl Calculator for Pocket {
    async fn greet(&self, name: &str) -> String {
        name.to_owned()
    }
}

fn main() {}
