//! A server is given what serves, not the implementation alone.

use rpc_core::{Server, service};

#[service]
trait Greeter {
    async fn hello(&self, name: String) -> String;
}

struct English;

impl Greeter for English {
    async fn hello(&self, name: String) -> String {
        format!("Hello, {name}!")
    }
}

fn main() {
    let _ = Server::new().with(English);
}
