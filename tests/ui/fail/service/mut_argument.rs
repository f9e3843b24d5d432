//! `mut` does not belong in the trait.

use rpc_core::service;

#[service]
trait Calculator {
    async fn add(&self, mut a: i64) -> i64;
}

struct Pocket;

impl Calculator for Pocket {
    async fn add(&self, mut a: i64) -> i64 {
        a += 1;
        a
    }
}

fn main() {}
