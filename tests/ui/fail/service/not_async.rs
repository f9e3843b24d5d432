//! Replies come from elsewhere.

use rpc_core::service;

#[service]
trait Calculator {
    fn add(&self, a: i64, b: i64) -> i64;
}

struct Pocket;

impl Calculator for Pocket {
    fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }
}

fn main() {}
