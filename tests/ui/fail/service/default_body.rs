//! A method's body does not belong in the trait.

use rpc_core::service;

#[service]
trait Calculator {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }
}

fn main() {}
