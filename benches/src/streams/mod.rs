//! What streams cost: items of 24 bytes and of 64 KiB beside a hand-written sender of the same, readers that
//! stall, calls that are cancelled as fast as they are opened, one value sent to
//! many, and the chat of the examples with a full room.
//!
//! Each prints one table with its bar. The servers run in a process of their own, as everywhere here.

mod bare;
mod broadcast;
mod cancels;
mod chat;
mod flow;
mod ours;
mod stall;

pub use broadcast::broadcast;
pub use cancels::cancels;
pub use chat::chat;
pub use flow::{Figure, Flow, flow};
pub use stall::stall;

use std::path::Path;

use anyhow::{Result, bail};

use crate::{
    process::ServerProcess,
    transport::{Listening, tonic},
};

/// Names of the servers of this room.
const NAMES: [&str; 5] =
    ["streams-ours", "streams-bare", "streams-copy", "streams-tonic", "streams-chat"];

/// Whether a server is of this room.
pub fn is_ours(name: &str) -> bool {
    NAMES.contains(&name)
}

/// Serves one of them.
///
/// # Errors
///
/// When it cannot listen.
pub async fn serve(name: &str) -> Result<Listening> {
    match name {
        "streams-ours" => ours::serve().await,
        "streams-bare" => bare::serve(bare::items).await,
        "streams-chat" => chat::serve().await,
        "streams-tonic" => tonic::serve().await,
        "streams-copy" => bare::serve(bare::copy).await,
        _ => bail!("no server is called {name}"),
    }
}

fn start(program: &Path, name: &str) -> Result<ServerProcess> {
    ServerProcess::start(program, name)
}
