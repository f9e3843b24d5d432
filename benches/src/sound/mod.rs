//! Whether the engine is sound under load: hours of mixed calls with cut connections, neighbours of a flood on one
//! thread, thousands of streams that wait for room, connections that hold all they can.
//!
//! Each bench prints one table with its bars. The servers run in a process of their own, as everywhere here.

mod ground;
mod hostile;
mod side_by_side;
mod soak;
mod waiting;

pub use hostile::hostile;
pub use side_by_side::side_by_side;
pub use soak::{SoakPlan, soak};
pub use waiting::waiting_streams;

use anyhow::{Result, bail};

use crate::transport::Listening;

/// Names of the servers of these benches.
const NAMES: [&str; 4] = ["sound-soak", "sound-thread", "sound-waiting", "sound-default"];

/// True for the servers of these benches.
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
        "sound-soak" => soak::serve().await,
        "sound-thread" => ground::serve(ground::server().threads(1)).await,
        "sound-waiting" => ground::serve(ground::server().limits(waiting::limits())).await,
        "sound-default" => ground::serve(ground::server()).await,
        _ => bail!("no server is called {name}"),
    }
}
