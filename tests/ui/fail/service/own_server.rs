//! A service brings two types with it, whose names are taken then: in a function as well.

use rpc_core::service;

fn main() {
    #[derive(Clone, Debug)]
    struct ShopServer {
        service: u8,
    }

    #[service]
    trait Shop {
        async fn price(&self, item: String) -> u32;
    }

    println!("{}", ShopServer { service: 1 }.service);
}
