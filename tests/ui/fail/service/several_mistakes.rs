//! All mistakes are shown at once.

use rpc_core::service;

#[service]
trait Calculator {
    fn add(&self, a: i64) -> i64;
    async fn sub(a: i64) -> i64;
    async fn greet(&self, name: &str);
}

fn main() {}
