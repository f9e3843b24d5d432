//! What a connection costs while nothing happens on it: resident memory of the server.
//!
//! Opens connections, makes one call on each, waits until the server's memory has settled, and
//! divides the growth. The first connections are opened before the base line is read, so that what
//! the server sets up once is not shared out.

use std::{
    io::Write,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use rpc_cli::load::statistics::Spread;
use serde::{Deserialize, Serialize};

use crate::{
    memory,
    meter::Meter,
    plan::{Failure, Job, Lane},
    process::ServerProcess,
    runtime,
    transport::{self, Link, Role, Transport},
};

/// What is asked of an idle run.
#[derive(Debug, Clone)]
pub struct IdlePlan {
    /// How many connections are held.
    pub connections: usize,
    /// The transports, by name.
    pub transports: Vec<String>,
    /// How often, each time with a fresh server.
    pub rounds: usize,
    /// What becomes of the run when connections cannot be held.
    pub failure: Failure,
}

/// The memory of one transport's idle connections.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IdleCell {
    /// The transport's name.
    pub transport: String,
    /// What the transport is to the comparison.
    pub role: Role,
    /// How many connections were held.
    pub connections: usize,
    /// Bytes of resident memory per connection, one figure a round.
    pub bytes_per_connection: Vec<f64>,
}

impl IdleCell {
    /// Sums the rounds up.
    pub fn spread(&self) -> Spread {
        Spread::of(self.bytes_per_connection.clone())
    }
}

/// Measures every transport of the plan; `progress` gets a line for each.
///
/// # Errors
///
/// When too few files may be open, a server cannot be started or a connection is refused.
pub fn run(plan: &IdlePlan, program: &Path, progress: &mut impl Write) -> Result<Vec<IdleCell>> {
    memory::allow_open_files((FIRST + plan.connections) as u64 + SPARE_FILES)?;
    let mut cells = Vec::new();
    for name in &plan.transports {
        let transport = transport::find(name)?;
        if !transport.is_apart() {
            continue;
        }
        cells.push(IdleCell {
            transport: transport.name().to_owned(),
            role: transport.info().role,
            connections: plan.connections,
            bytes_per_connection: Vec::new(),
        });
    }
    for round in 0..plan.rounds {
        for cell in &mut cells {
            writeln!(progress, "idle: round {} of {}: {}", round + 1, plan.rounds, cell.transport)?;
            let transport = transport::find(&cell.transport)?;
            let measured = measure(&*transport, plan.connections, program)
                .with_context(|| format!("{}, idle", cell.transport));
            match measured {
                Ok(bytes) => cell.bytes_per_connection.push(bytes),
                Err(error) if plan.failure == Failure::Ends => return Err(error),
                Err(error) => writeln!(progress, "{error:#}")?,
            }
        }
    }
    Ok(cells)
}

fn measure(transport: &dyn Transport, connections: usize, program: &Path) -> Result<f64> {
    let server = ServerProcess::start(program, transport.name())?;
    let runtime = runtime::usual()?;
    let mut held = runtime.block_on(open(transport, server.address(), FIRST))?;
    let before = settled(server.pid())?;
    held.extend(runtime.block_on(open(transport, server.address(), connections))?);
    let after = settled(server.pid())?;
    ensure!(held.len() == FIRST + connections, "connections were lost");
    runtime.shutdown_background();
    Ok((after as f64 - before as f64) / connections as f64)
}

/// Opens connections and makes one call on each, so that the server holds what it held for it.
async fn open(
    transport: &dyn Transport,
    address: &str,
    connections: usize,
) -> Result<Vec<Box<dyn Link>>> {
    let mut links = Vec::with_capacity(connections);
    for _ in 0..connections {
        let link = transport.connect(address.to_owned()).await?;
        link.drive(vec![Lane { job: Job::Add, in_flight: 1 }], Meter::for_calls(1)).await?;
        links.push(link);
    }
    Ok(links)
}

/// Reads the resident memory once it has stayed the same for a while, or after all patience.
fn settled(pid: u32) -> Result<u64> {
    let began = Instant::now();
    let mut last = memory::resident(pid)?;
    let mut since = began;
    while since.elapsed() < QUIET && began.elapsed() < PATIENCE {
        thread::sleep(POLL);
        let resident = memory::resident(pid)?;
        if resident != last {
            (last, since) = (resident, Instant::now());
        }
    }
    Ok(last)
}

/// Connections opened before the base line is read.
const FIRST: usize = 100;
/// Files that the two processes hold beside their connections.
const SPARE_FILES: u64 = 100;

/// Longer than servers take to give the buffers of an idle connection back.
const QUIET: Duration = Duration::from_millis(2500);
const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(50);
