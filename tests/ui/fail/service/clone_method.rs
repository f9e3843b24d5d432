//! A client is cloned, and not asked to clone something.

use rpc_core::service;

#[service]
trait Sheep {
    async fn clone(&self, name: String) -> u64;
}

fn main() {}
