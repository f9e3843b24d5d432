//! Counts the allocations of one transport's calls: `allocations TRANSPORT CALLS` prints a line of JSON a job. A
//! program of its own, since its allocator costs what it counts.
//!
//! Client and server are on a thread each, whose allocations are counted. Everything is warm and one call is in
//! flight. What a transport does on threads of its own is not seen.

use std::{
    env,
    io::{self, Write as _},
    sync::mpsc,
    thread,
};

use allocation_counter::measure;
use anyhow::{Context, Result, anyhow};
use benches::{
    allocations::{AllocationCell, JOBS},
    meter::Meter,
    plan::{Job, Lane},
    transport::{self, Listening, Transport},
};
use tokio::{
    runtime::{Builder, Runtime},
    sync::oneshot,
};

fn main() -> Result<()> {
    let usage = || anyhow!("usage: allocations TRANSPORT CALLS");
    let mut arguments = env::args().skip(1);
    let name = arguments.next().ok_or_else(usage)?;
    let calls: u64 = arguments.next().and_then(|calls| calls.parse().ok()).ok_or_else(usage)?;
    let transport = transport::find(&name)?;
    for (job_name, job) in JOBS.into_iter().filter(|(_, job)| transport.performs(*job)) {
        let (client, server) = count(&*transport, job, calls)
            .with_context(|| format!("{name}, {job_name}, allocations"))?;
        let (transport, job) = (name.clone(), job_name.to_owned());
        let cell = AllocationCell { transport, job, client, server };
        writeln!(io::stdout(), "{}", serde_json::to_string(&cell)?)?;
    }
    Ok(())
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
    server.join().map_err(|_| anyhow!("the server's thread panicked"))??;
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
