//! Many calls run at once.

use rpc_core::service;

#[service]
trait Calculator {
    async fn add(&mut self, a: i64) -> i64;
}

struct Pocket;

impl Calculator for Pocket {
    async fn add(&mut self, a: i64) -> i64 {
        a
    }
}

fn main() {}
