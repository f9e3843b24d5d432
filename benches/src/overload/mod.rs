//! Servers that are offered more than they can do: how much of it they answer in time, how long that takes, and how soon they
//! are steady after the jump.
//!
//! ```text
//! server, one thread on the first CPU ◀── generator on the second: an open loop, arrivals by chance, one table a load
//! ```
//!
//! A handler uses a millisecond of CPU. Each load has a server of its own, which is offered half of its capacity for a second and
//! then, from one moment to the next, so many times of it. Nobody waits for an answer longer than [`PATIENCE`].

mod generator;
mod priorities;
mod rejections;
mod table;

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    path::Path,
    time::Duration,
};

use anyhow::Result;
use rpc_core::Overload;

use crate::{
    pin::Pin,
    plan::{Effort, Threading},
    process::ServerProcess,
    transport::Listening,
};
use generator::{Generator, Phase, Run};

/// Times of the capacity that are offered.
pub(crate) const LOADS: [f64; 7] = [0.5, 0.8, 1.0, 1.4, 2.0, 4.0, 10.0];

/// The transports that are compared.
const TRANSPORTS: [&str; 4] = ["ours-tcp", "tonic", "tarpc", "jsonrpsee-ws"];

/// Connections that the calls are spread over.
const CONNECTIONS: usize = 8;

/// An answer that takes longer is none.
pub(crate) const PATIENCE: Duration = Duration::from_millis(250);

/// CPUs of the two sides.
const SERVER: usize = 0;
const GENERATOR: usize = 1;

/// The name of the server whose calls have priorities.
const PRIORITIES: &str = "overload-priorities";

/// The name of one that lets no call wait.
const REFUSING: &str = "overload-refusing";

/// True for the servers of this bench.
pub fn is_ours(name: &str) -> bool {
    name == PRIORITIES || name == REFUSING
}

/// Serves one of them.
///
/// # Errors
///
/// When it cannot listen.
pub async fn serve(name: &str) -> Result<Listening> {
    let overload = Overload::new();
    priorities::serve(if name == REFUSING { overload.max_queue(0) } else { overload }).await
}

/// What is measured, and where the plot goes.
#[derive(Debug)]
pub struct OverloadPlan {
    /// How long each load is offered, and how often.
    pub effort: Effort,
    /// The transports, by name; all if there are none.
    pub only: Vec<String>,
    /// The folder for the plot, if one is drawn.
    pub plots: Option<std::path::PathBuf>,
}

/// Measures all of it.
///
/// # Errors
///
/// When a server cannot be started, or a thread not be bound to its CPU.
pub fn overload(program: &Path, plan: &OverloadPlan) -> Result<String> {
    let chosen = |name: &&str| plan.only.is_empty() || plan.only.iter().any(|only| only == name);
    let mut rows = Vec::new();
    for name in TRANSPORTS.into_iter().filter(chosen) {
        let capacity = capacity(program, name, plan.effort)?;
        let _ = writeln!(io::stderr(), "{name}: {capacity:.0} calls/s");
        let mut runs = Vec::new();
        for load in LOADS {
            let run = offer(program, name, load * capacity, load, capacity, plan.effort)?;
            let _ = writeln!(io::stderr(), "{name} {load}x: {:.0} calls/s in time", run.goodput);
            runs.push(run);
        }
        rows.push(table::Row { name, runs });
    }
    let mut text = table::table(&rows);
    if chosen(&"ours-tcp") {
        let _ = write!(text, "\n{}", priorities::measure(program, plan.effort)?);
        let _ = write!(text, "\n{}", rejections::measure(program, plan.effort)?);
    }
    if let Some(folder) = &plan.plots {
        table::plot(&rows, folder)?;
    }
    Ok(text)
}

/// Starts a server on its CPU.
fn server(program: &Path, name: &str) -> Result<ServerProcess> {
    let _pin = Pin::to_cpu(SERVER)?;
    ServerProcess::start_on(program, name, Threading::One)
}

/// What a server can do: calls a second, of a few callers who each wait for their answer.
fn capacity(program: &Path, name: &str, effort: Effort) -> Result<f64> {
    let server = server(program, name)?;
    let generator = Generator::start(GENERATOR, name, server.address(), CONNECTIONS)?;
    generator.capacity(effort.window)
}

/// Offers a server half of its capacity, and then so many calls a second.
fn offer(
    program: &Path,
    name: &str,
    rate: f64,
    load: f64,
    capacity: f64,
    effort: Effort,
) -> Result<Run> {
    let server = server(program, name)?;
    let generator = Generator::start(GENERATOR, name, server.address(), CONNECTIONS)?;
    let before = Phase { rate: capacity / 2.0, lasts: effort.window / 2 };
    let jump = Phase { rate, lasts: effort.window };
    generator.run(load, &[before, jump])
}
