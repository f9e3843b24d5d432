//! A service brings two types with it, whose names are taken then.

use rpc_core::service;

#[service]
pub trait Shop {
    async fn price(&self, item: String) -> u32;
    async fn order(&self, item: String) -> Result<u64, rpc_core::Status>;
}

#[derive(Clone, Debug)]
pub struct ShopClient {
    channel: String,
}

impl ShopClient {
    pub fn new(channel: &str) -> Self {
        Self { channel: channel.to_owned() }
    }
}

fn main() {
    let client = ShopClient::new("tea").clone();
    println!("{client:?} {}", client.channel);
}
