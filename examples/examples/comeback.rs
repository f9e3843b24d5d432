//! A channel that comes back: a server that may be stopped and started, and a client that takes no notice.
//!
//! ```console
//! $ cargo run -p examples --example comeback -- server 127.0.0.1:7000
//! $ cargo run -p examples --example comeback -- client 127.0.0.1:7000
//! ```

use std::{error::Error, pin::pin, time::Duration};

use futures_util::StreamExt as _;
use rpc_core::{Channel, ChannelState, Server, service};

#[service]
trait Calculator {
    async fn add(&self, a: i64, b: i64) -> i64;
}

struct Pocket;

impl Calculator for Pocket {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["server", address] => serve(address).await,
        ["client", address] => call(address, u64::MAX).await,
        // Without arguments, as in tests: both, for a moment.
        [] => {
            let server = Server::new().with(CalculatorServer::new(Pocket));
            let running = server.start("127.0.0.1:0").await?;
            call(&running.address().to_string(), 2).await
        }
        _ => Err("say `server ADDRESS` or `client ADDRESS`".into()),
    }
}

async fn serve(address: &str) -> Result<(), Box<dyn Error>> {
    let server = Server::new().with(CalculatorServer::new(Pocket));
    let running = server.start(address).await?;
    println!("listening on {}", running.address());
    tokio::signal::ctrl_c().await?;
    running.shutdown().await;
    Ok(())
}

async fn call(address: &str, count: u64) -> Result<(), Box<dyn Error>> {
    let channel = Channel::connect_lazy(address)?;
    let states = channel.states();
    tokio::spawn(async move {
        let mut states = pin!(states);
        while let Some(state) = states.next().await {
            match state {
                ChannelState::Lost(why) => println!("lost: {}", why.message()),
                state => println!("{state:?}"),
            }
        }
    });
    let calculator = CalculatorClient::new(channel);
    let mut pace = tokio::time::interval(Duration::from_millis(500));
    for n in 0..count as i64 {
        pace.tick().await;
        match calculator.add(n, n).timeout(Duration::from_secs(60)).await {
            Ok(sum) => println!("{n} + {n} = {sum}"),
            Err(error) => println!("{n} + {n}: {error}"),
        }
    }
    Ok(())
}
