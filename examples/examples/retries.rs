//! Calls that are made again: a server is killed while it answers, another one takes its place, and the client of
//! idempotent methods takes no notice.

use std::{error::Error, time::Duration};

use rpc_core::{Context, Endpoint, Retry, Server, service};

#[service]
trait Shop {
    /// Twice is as good as once.
    #[rpc(idempotent)]
    async fn price(&self, cx: &Context, item: String) -> u32;
    async fn buy(&self, item: String) -> u64;
}

/// Takes its time for the first attempt of a call, so that it can be killed meanwhile.
struct Slow;

impl Shop for Slow {
    async fn price(&self, cx: &Context, item: String) -> u32 {
        println!("server: the price of {item}, attempt {}", cx.attempt());
        if cx.attempt() == 0 {
            std::future::pending::<()>().await;
        }
        3
    }

    async fn buy(&self, _item: String) -> u64 {
        std::future::pending().await
    }
}

fn server() -> Server {
    Server::new().with(ShopServer::new(Slow))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let first = server().start("127.0.0.1:0").await?;
    let address = first.address().to_string();
    let channel = Endpoint::new().retry(Retry::new().attempts(3)).connect(&address).await?;
    let shop = ShopClient::new(channel);
    let price = tokio::spawn(shop.price("tea").timeout(Duration::from_secs(30)));
    let bought = tokio::spawn(shop.buy("tea"));
    tokio::time::sleep(Duration::from_millis(100)).await;

    println!("the server is killed, and another one takes its place");
    first.shutdown_handle().abort();
    first.wait().await;
    let second = server().start(&address).await?;

    println!("the price is {}", price.await??);
    let error = bought.await?.expect_err("nobody may buy twice");
    println!("whether it was bought nobody knows: {error}");
    second.shutdown().await;
    Ok(())
}
