//! A trait, its server and its client, over real TCP.

use rpc_core::{Server, service};

/// Greets people.
#[service]
trait Greeter {
    /// Says hello.
    async fn hello(&self, name: String) -> String;
}

struct English;

impl Greeter for English {
    async fn hello(&self, name: String) -> String {
        format!("Hello, {name}!")
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::new().with(GreeterServer::new(English)).start("127.0.0.1:0").await?;
    let client = GreeterClient::connect(server.address()).await?;
    println!("{}", client.hello("world").await?);
    Ok(())
}
