//! Many servers behind one channel: one is killed, one is slow, and what the choice among them costs.
//!
//! Load is open: calls are begun at their times, whatever becomes of those before, so that a server which stalls cannot
//! hold its own load back. Each bench prints one table with its bars; the servers run in processes of their own.

mod killed;
mod load;
mod node;
mod overhead;
mod slow;

use std::path::Path;

use anyhow::{Result, bail};

use crate::{plan::Effort, transport::Listening};

/// Names of the servers of these benches.
const NAMES: [&str; 3] = ["fleet-one", "fleet-ten", "fleet-hundred"];

/// True for the servers of these benches.
pub fn is_ours(name: &str) -> bool {
    NAMES.contains(&name)
}

/// Serves one of them, or as many as its name says: their addresses with commas between.
///
/// # Errors
///
/// When it cannot listen.
pub async fn serve(name: &str) -> Result<Listening> {
    match name {
        "fleet-one" => node::serve(1).await,
        "fleet-ten" => node::serve(10).await,
        "fleet-hundred" => node::serve(100).await,
        _ => bail!("no server is called {name}"),
    }
}

/// Measures all of it.
///
/// # Errors
///
/// When a server cannot be started, or a call fails that must not.
pub fn fleet(program: &Path, effort: Effort) -> Result<String> {
    let mut text = killed::killed(program, effort)?;
    text.push('\n');
    text += &slow::slow(program, effort)?;
    text.push('\n');
    text += &overhead::overhead(program, effort)?;
    Ok(text)
}
