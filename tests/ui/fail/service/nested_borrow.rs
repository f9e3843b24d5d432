//! Arguments leave the process with all that is in them.

use rpc_core::service;

#[service]
trait Calculator {
    async fn sum(&self, numbers: Option<&[i64]>) -> i64;
}

fn main() {}
