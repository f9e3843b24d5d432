//! What surviving costs and what it is worth: resumption on and off, servers that are killed or dead for a while, and a
//! cutter under this framework and its peers.
//!
//! Each bench prints one table with its bars.

mod beside;
mod cost;
mod dead;
mod killed;
mod node;
mod soak;

pub use beside::{UnderCutter, endure_all};
pub use soak::soak;

use std::{
    io::{self, Write as _},
    path::Path,
};

use anyhow::{Context as _, Result};

use crate::{plan::Effort, transport::Listening};

/// How the names of the servers of these benches begin; the port follows.
const NAME: &str = "survive-on-";

/// True for the servers of these benches.
pub fn is_ours(name: &str) -> bool {
    name.starts_with(NAME)
}

/// Serves one of them, on the port that its name says.
///
/// # Errors
///
/// When it cannot listen.
pub async fn serve(name: &str) -> Result<Listening> {
    let port = name.strip_prefix(NAME).context("no server of this bench")?;
    node::serve(&format!("127.0.0.1:{port}")).await
}

/// Measures all of it.
///
/// # Errors
///
/// When a server cannot be started, or a call fails that must not.
pub fn survive(program: &Path, effort: Effort) -> Result<String> {
    let parts: [&dyn Fn() -> Result<String>; 4] = [
        &|| cost::cost(effort),
        &|| killed::killed(program, effort),
        &|| dead::dead(effort),
        &|| Ok(endure_all(1000 / effort.divide, &mut io::stderr())?.to_string()),
    ];
    let mut texts = Vec::new();
    for part in parts {
        let text = part()?;
        // The last part takes a quarter of an hour: the others are there before.
        writeln!(io::stderr(), "{text}")?;
        texts.push(text);
    }
    Ok(texts.join("\n"))
}
