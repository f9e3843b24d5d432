//! Allocations per call: client and server on a thread each, whose allocations are counted.
//!
//! Everything is warm and one call is in flight. What a transport does on threads of its own is not
//! seen, so those that have them are left out.

use std::{io::Write, sync::mpsc, thread};

use allocation_counter::measure;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use tokio::{
    runtime::{Builder, Runtime},
    sync::oneshot,
};

use crate::{
    meter::Meter,
    plan::{Job, Lane},
    transport::{self, Listening, Transport},
};

/// The allocations of one transport's calls.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AllocationCell {
    /// The transport's name.
    pub transport: String,
    /// The job's name.
    pub job: String,
    /// Allocations of the client per call.
    pub client: f64,
    /// Allocations of the server per call.
    pub server: f64,
}

/// The jobs that are counted, by their names in tables.
pub const JOBS: [(&str, Job); 2] = [("add", Job::Add), ("record", Job::Record)];

/// Counts every named transport that stays on its runtime's thread.
///
/// # Errors
///
/// When a server cannot be started or a call fails.
pub fn run(names: &[String], calls: u64, progress: &mut impl Write) -> Result<Vec<AllocationCell>> {
    let mut cells = Vec::new();
    for name in names {
        let transport = transport::find(name)?;
        if !transport.is_apart() || transport.has_own_threads() {
            continue;
        }
        for (job_name, job) in JOBS.into_iter().filter(|(_, job)| transport.performs(*job)) {
            let (client, server) = count(&*transport, job, calls)
                .with_context(|| format!("{name}, {job_name}, allocations"))?;
            let (transport, job) = (name.clone(), job_name.to_owned());
            cells.push(AllocationCell { transport, job, client, server });
        }
        writeln!(progress, "allocations: {name}")?;
    }
    Ok(cells)
}

/// What the server's thread is told: serve until `ended`, and give the number of allocations.
struct Window {
    begun: mpsc::Sender<()>,
    ended: oneshot::Receiver<()>,
    counted: mpsc::Sender<u64>,
}

/// Allocations per call, of the client and of the server.
fn count(transport: &dyn Transport, job: Job, calls: u64) -> Result<(f64, f64)> {
    let (tell, told) = mpsc::channel();
    let (windows, asked) = mpsc::channel::<Window>();
    let listening = transport.serve();
    let server = thread::spawn(move || -> Result<()> {
        let runtime = one_thread()?;
        let listening: Listening = runtime.block_on(listening)?;
        tell.send(listening.address().to_owned())?;
        // Calls are served while the runtime is inside one of these, and only then.
        for Window { begun, ended, counted } in asked {
            let info = measure(|| {
                runtime.block_on(async {
                    let _ = begun.send(());
                    let _ = ended.await;
                });
            });
            counted.send(info.count_total)?;
        }
        Ok(())
    });
    let address = told.recv().context("the server did not start")?;
    let runtime = one_thread()?;
    let lanes = || vec![Lane { job, in_flight: 1 }];
    let (end, counted) = begin(&windows)?;
    let link = runtime.block_on(transport.connect(address))?;
    runtime.block_on(link.drive(lanes(), Meter::for_calls(calls)))?;
    let _ = end.send(());
    counted.recv()?;

    let (end, counted) = begin(&windows)?;
    let mut driven = Ok(Vec::new());
    let client =
        measure(|| driven = runtime.block_on(link.drive(lanes(), Meter::for_calls(calls))));
    driven?;
    let _ = end.send(());
    let server_count = counted.recv()?;
    drop(windows);
    server.join().map_err(|_| anyhow::anyhow!("the server's thread panicked"))??;
    Ok((client.count_total as f64 / calls as f64, server_count as f64 / calls as f64))
}

/// Has the server serve until the sender says that it is enough.
fn begin(windows: &mpsc::Sender<Window>) -> Result<(oneshot::Sender<()>, mpsc::Receiver<u64>)> {
    let (begun, has_begun) = mpsc::channel();
    let (end, ended) = oneshot::channel();
    let (counted, count) = mpsc::channel();
    windows.send(Window { begun, ended, counted }).context("the server is gone")?;
    has_begun.recv()?;
    Ok((end, count))
}

fn one_thread() -> Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}
