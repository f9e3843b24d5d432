//! The client's name is the trait's with `Client` behind it: nothing else may have it.

use rpc_core::service;

#[derive(Clone)]
struct ShopClient;

#[service]
trait Shop {
    async fn buy(&self, name: String) -> u64;
}

fn main() {
    let _ = ShopClient;
}
