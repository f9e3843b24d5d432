//! What a method does is not for the trait to say.

use rpc_core::service;

#[service]
trait Calculator {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }
}

fn main() {}
