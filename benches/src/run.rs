//! Runs a plan: one fresh server process per cell and round, all cells of a group in each round.
//!
//! Comes in: a plan. Goes out: one `Cell` per transport and load with a sample a round. Rounds
//! interleave, so what drifts on the machine meanwhile falls on all transports alike.

use std::{io::Write, path::Path, sync::Arc, thread, time::Duration};

use anyhow::{Context, Result, anyhow, ensure};
use futures_util::future::try_join_all;
use rpc_cli::load::record::Tally;
use tokio::time::timeout;

use crate::{
    gauge::Usage,
    memory::{self, SPARE_FILES},
    meter::{DIGITS, Meter},
    pin::Pin,
    plan::{Failure, Group, Load, Pace, Plan},
    process::ServerProcess,
    record::{Cell, Sample},
    runtime,
    transport::{self, Link, Role, Transport},
};

/// Measures everything that the plan names; `progress` gets a line per group and round.
///
/// # Errors
///
/// When a server cannot be started, a call fails or answers wrongly, or CPU time cannot be read.
pub fn run(plan: &Plan, program: &Path, progress: &mut impl Write) -> Result<Vec<Cell>> {
    let loads = plan.groups.iter().flat_map(|group| &group.loads);
    let callers = loads.map(Load::callers).max().unwrap_or(0);
    // Where a connection carries one call at a time, each caller has one.
    memory::allow_open_files(callers as u64 + SPARE_FILES)?;
    let mut cells = Vec::new();
    for group in &plan.groups {
        let transports = able(plan, group)?;
        let begun = cells.len();
        for load in &group.loads {
            cells.extend(transports.iter().map(|transport| Cell::new(group, load, &**transport)));
        }
        for round in 0..plan.pace.rounds {
            writeln!(progress, "{}: round {} of {}", group.title, round + 1, plan.pace.rounds)?;
            for (turn, load) in group.loads.iter().enumerate() {
                for step in 0..transports.len() {
                    // Each round begins with another transport, so that none always goes first.
                    let index = (step + round) % transports.len();
                    let transport = &*transports[index];
                    let sample = measure(transport, load, group, plan.pace, program)
                        .with_context(|| format!("{}, {}", transport.name(), load.label));
                    let cell = &mut cells[begun + turn * transports.len() + index];
                    match sample {
                        Ok(sample) => cell.samples.push(sample),
                        Err(error) if plan.failure == Failure::Ends => return Err(error),
                        Err(error) => {
                            writeln!(progress, "{error:#}")?;
                            cell.failures.push(format!("{error:#}"));
                        }
                    }
                }
            }
        }
    }
    Ok(cells)
}

/// The transports of the plan that do every job of the group.
fn able(plan: &Plan, group: &Group) -> Result<Vec<Box<dyn Transport>>> {
    let mut able = Vec::new();
    for name in &plan.transports {
        let transport = transport::find(name)?;
        // The limit is a loop over one job.
        let single = group.loads.iter().all(|load| load.lanes.len() == 1);
        let mut lanes = group.loads.iter().flat_map(|load| &load.lanes);
        if (single || transport.info().role != Role::Limit)
            && lanes.all(|lane| transport.performs(lane.job))
        {
            able.push(transport);
        }
    }
    Ok(able)
}

/// Measures one cell once, with a server and a runtime of its own.
fn measure(
    transport: &dyn Transport,
    load: &Load,
    group: &Group,
    pace: Pace,
    program: &Path,
) -> Result<Sample> {
    let _pin = Pin::to(group.placement)?;
    let server = ServerProcess::start_on(program, transport.name(), group.threading)?;
    let runtime = runtime::on(group.threading)?;
    let links = runtime.block_on(connect(transport, server.address(), load.connections))?;
    // Each caller's first call opens what it needs, pools of connections above all.
    let first = runtime.block_on(async { timeout(GRACE, begin(&links, load)).await });
    first.context("the first calls hang")??;
    let meter = Meter::for_window();
    let driving = drive(links, load.clone(), Arc::clone(&meter));
    let limit = pace.warm_up + pace.window + GRACE;
    // This thread only keeps time, so that the window does not wait for busy workers.
    let driver = thread::spawn(move || {
        let lanes = runtime.block_on(async { timeout(limit, driving).await });
        runtime.shutdown_background();
        lanes.context("calls were still pending long after the window")?
    });
    thread::sleep(pace.warm_up);
    let before = Usage::read(server.pid())?;
    meter.open();
    thread::sleep(pace.window);
    meter.close();
    let used = Usage::read(server.pid())?.since(before);

    let lanes = driver.join().map_err(|_| anyhow!("the driver panicked"))??;
    ensure!(lanes[0].calls > 0, "no call ended within the window");
    Ok(Sample::new(used, &lanes))
}

/// Opens the connections of a load, one after another.
///
/// # Errors
///
/// When the server refuses one.
pub async fn connect(
    transport: &dyn Transport,
    address: &str,
    connections: usize,
) -> Result<Vec<Box<dyn Link>>> {
    let mut links = Vec::with_capacity(connections);
    for _ in 0..connections {
        links.push(transport.connect(address.to_owned()).await?);
    }
    Ok(links)
}

/// Makes one call of each caller.
async fn begin(links: &[Box<dyn Link>], load: &Load) -> Result<()> {
    let meter = Meter::for_calls(1);
    let calls = links.iter().map(|link| link.drive(load.lanes.clone(), Arc::clone(&meter)));
    try_join_all(calls).await.map(drop)
}

/// Drives a load over all its connections and adds up what each lane counted.
///
/// # Errors
///
/// When a call fails or answers wrongly.
pub async fn drive(links: Vec<Box<dyn Link>>, load: Load, meter: Arc<Meter>) -> Result<Vec<Tally>> {
    let driven = links.iter().map(|link| {
        let driving = link.drive(load.lanes.clone(), Arc::clone(&meter));
        // A task for each connection, as they would have in a program of their own.
        let task = tokio::spawn(driving);
        async move { task.await? }
    });
    let mut sums: Vec<Tally> = load.lanes.iter().map(|_| Tally::new(DIGITS)).collect();
    for tallies in try_join_all(driven).await? {
        for (sum, tally) in sums.iter_mut().zip(&tallies) {
            sum.add(tally);
        }
    }
    Ok(sums)
}

/// How long the last calls of a window may take.
const GRACE: Duration = Duration::from_secs(20);
