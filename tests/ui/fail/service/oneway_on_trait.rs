//! The option of a method.

use rpc_core::service;

#[service]
#[rpc(oneway)]
trait Chat {
    async fn say(&self, line: String);
}

fn main() {}
