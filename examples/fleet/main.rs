//! Three servers and callers that call them without a pause, while servers are killed, restarted and slowed, and cables
//! cut: what do callers notice?
//!
//! ```console
//! $ cargo run --release -p examples --example fleet
//! $ cargo run --release -p examples --example fleet -- quick
//! ```

mod cable;
mod callers;
mod server;

use std::{error::Error, time::Duration};

use rpc_core::{Endpoint, Hedge};

use cable::Cable;
use callers::{Callers, Line};
use server::{ServerProcess, ShopClient};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["server", address] => server::serve(address).await,
        ["quick"] => show(Duration::from_millis(300)).await,
        [] => show(Duration::from_secs(3)).await,
        _ => Err("say nothing, `quick`, or `server ADDRESS`".into()),
    }
}

/// Goes through the script, a step each `pause`.
async fn show(pause: Duration) -> Result<(), Box<dyn Error>> {
    let mut servers = Vec::new();
    for _ in 0..3 {
        servers.push(ServerProcess::start("127.0.0.1:0").await?);
    }
    // The third is behind a cable that can be cut.
    let cable = Cable::to(&servers[2].address).await?;
    let addresses = [&servers[0].address, &servers[1].address, &cable.address];
    let text = addresses.map(String::as_str).join(",");
    println!("servers a, b and c: {text}");

    let endpoint = Endpoint::new().hedge(Hedge::percentile(99.0));
    let channel = endpoint.connect(text.as_str()).await?;
    let callers = Callers::begin(ShopClient::new(channel), servers.iter().map(|one| one.id()));
    let line = Line::follow(&callers, pause.min(Duration::from_millis(500)));

    line.says("all three are well");
    tokio::time::sleep(pause).await;

    line.says("a is killed (-9)");
    servers[0].kill();
    tokio::time::sleep(pause).await;
    line.says("a is back");
    servers[0].restart().await?;
    callers.knows(0, servers[0].id());
    tokio::time::sleep(pause).await;

    line.says("b is 50 times as slow");
    slow(&servers[1], 50).await?;
    tokio::time::sleep(pause).await;
    line.says("b is well");
    slow(&servers[1], 1).await?;
    tokio::time::sleep(pause).await;

    line.says("the cable to c is cut");
    cable.cut();
    tokio::time::sleep(pause).await;

    line.says("all restart, one after the other");
    for (index, server) in servers.iter_mut().enumerate() {
        server.end().await?;
        server.restart().await?;
        callers.knows(index, server.id());
        tokio::time::sleep(pause / 3).await;
    }
    tokio::time::sleep(pause).await;

    drop(line);
    let told = callers.end().await;
    println!("{told}");
    for mut server in servers {
        server.end().await?;
    }
    match told.failed {
        0 => Ok(()),
        failed => Err(format!("{failed} calls failed").into()),
    }
}

/// Has a server take so many times as long.
async fn slow(server: &ServerProcess, times: u32) -> Result<(), Box<dyn Error>> {
    let shop = ShopClient::connect(server.address.as_str()).await?;
    Ok(shop.slow(times).await?)
}
