//! Client and server agree on types.

use rpc_core::service;

#[service]
trait Store<T> {
    async fn store(&self, value: T);
}

fn main() {}
