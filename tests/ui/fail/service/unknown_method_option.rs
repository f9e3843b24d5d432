//! Options of methods are few.

use rpc_core::service;

#[service]
trait Calculator {
    #[rpc(idempotant)]
    async fn add(&self, a: i64) -> i64;
}

fn main() {}
