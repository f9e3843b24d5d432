//! Options of services are few.

use rpc_core::service;

#[service(retries = 3)]
trait Calculator {
    async fn add(&self, a: i64) -> i64;
}

fn main() {}
