//! The services of `rpc demo`: small, but with every kind of type that can travel.

mod calculator;
/// The chat of the examples: `cargo run --example chat -- client` talks to the demo too.
#[allow(missing_docs, missing_debug_implementations, unreachable_pub, clippy::pedantic)]
#[path = "../../../examples/chat/service/mod.rs"]
mod chat;
mod clock;
mod inventory;
mod log;

use rpc_core::{Http, Server};

use calculator::{CalculatorServer, Pocket};
use clock::{ClockServer, Wall};
use inventory::{InventoryServer, Warehouse};
use log::{LogServer, Notebook};

/// Its face for HTTP: pages can answer what the chat calls its members for.
pub(crate) fn http() -> Http {
    Http::new().calls(chat::protocol::ChatEventsClient::schema())
}

/// Adds all of them to a server.
pub(crate) fn services(server: Server) -> Server {
    server
        .with(CalculatorServer::new(Pocket))
        .with(InventoryServer::new(Warehouse::stocked()))
        .with(ClockServer::new(Wall::default()))
        .with(LogServer::new(Notebook::default()))
        .with(chat::chat())
}
