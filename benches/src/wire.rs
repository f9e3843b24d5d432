//! Bytes on the wire per call, each way, headers counted: a relay between client and server counts.
//!
//! All transports over TCP are counted by the same relay, in a pass of its own, with one call in
//! flight on one connection that has made calls before: hand-shakes are not shared out.

use std::{
    io::Write,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use crate::{
    meter::Meter,
    plan::{Job, Lane},
    process::ServerProcess,
    runtime,
    transport::{self, Transport},
};

/// The bytes of one transport's calls.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WireCell {
    /// The transport's name.
    pub transport: String,
    /// The job's name.
    pub job: String,
    /// Bytes from the client per call.
    pub sent: f64,
    /// Bytes from the server per call.
    pub received: f64,
}

/// The jobs that are counted, by their names in tables.
pub const JOBS: [(&str, Job); 4] = [
    ("add", Job::Add),
    ("echo 64 B", Job::Echo { bytes: 64 }),
    ("echo 64 KiB", Job::Echo { bytes: 64 << 10 }),
    ("record", Job::Record),
];

/// Counts every named transport that goes over TCP.
///
/// # Errors
///
/// When a server cannot be started or a call fails.
pub fn run(
    names: &[String],
    calls: u64,
    program: &Path,
    progress: &mut impl Write,
) -> Result<Vec<WireCell>> {
    let mut cells = Vec::new();
    for name in names {
        let transport = transport::find(name)?;
        for (job_name, job) in JOBS.into_iter().filter(|(_, job)| transport.performs(*job)) {
            let counted = measure(&*transport, job, calls, program)
                .with_context(|| format!("{name}, {job_name}, on the wire"))?;
            if let Some((sent, received)) = counted {
                let (transport, job) = (name.clone(), job_name.to_owned());
                cells.push(WireCell { transport, job, sent, received });
            }
        }
        writeln!(progress, "on the wire: {name}")?;
    }
    Ok(cells)
}

/// Bytes per call each way, of a transport that goes over TCP.
fn measure(
    transport: &dyn Transport,
    job: Job,
    calls: u64,
    program: &Path,
) -> Result<Option<(f64, f64)>> {
    let server = ServerProcess::start(program, transport.name())?;
    let Some((before, port, after)) = split(server.address()) else {
        return Ok(None);
    };
    let runtime = runtime::usual()?;
    let counted = runtime.block_on(async {
        let listener = TcpListener::bind((HOST, 0)).await?;
        let address = format!("{before}{}{after}", listener.local_addr()?.port());
        let bytes = Arc::new(Bytes::default());
        tokio::spawn(relay(listener, port, Arc::clone(&bytes)));
        let link = transport.connect(address).await?;
        let lanes = || vec![Lane { job, in_flight: 1 }];
        link.drive(lanes(), Meter::for_calls(FIRST)).await?;
        let first = bytes.settled().await;
        link.drive(lanes(), Meter::for_calls(calls)).await?;
        let all = bytes.settled().await;
        let each = |all: u64, first: u64| (all - first) as f64 / calls as f64;
        anyhow::Ok((each(all.0, first.0), each(all.1, first.1)))
    })?;
    runtime.shutdown_background();
    Ok(Some(counted))
}

/// What is before the port of an address, the port, and what is behind it.
fn split(address: &str) -> Option<(&str, u16, &str)> {
    let begin = address.find(HOST)? + HOST.len() + 1;
    let rest = address.get(begin..)?;
    let length = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    Some((&address[..begin], rest[..length].parse().ok()?, &rest[length..]))
}

/// Bytes that passed, from the client and from the server.
#[derive(Default)]
struct Bytes {
    sent: AtomicU64,
    received: AtomicU64,
}

impl Bytes {
    fn now(&self) -> (u64, u64) {
        (self.sent.load(Ordering::SeqCst), self.received.load(Ordering::SeqCst))
    }

    /// What has passed once nothing has for a while: acknowledgements follow the last reply.
    async fn settled(&self) -> (u64, u64) {
        let mut last = self.now();
        for _ in 0..MOST_POLLS {
            tokio::time::sleep(QUIET).await;
            let now = self.now();
            if now == last {
                break;
            }
            last = now;
        }
        last
    }
}

async fn relay(listener: TcpListener, server: u16, bytes: Arc<Bytes>) {
    while let Ok((client, _)) = listener.accept().await {
        let bytes = Arc::clone(&bytes);
        tokio::spawn(async move {
            let server = TcpStream::connect((HOST, server)).await?;
            client.set_nodelay(true)?;
            server.set_nodelay(true)?;
            let (client_read, client_write) = client.into_split();
            let (server_read, server_write) = server.into_split();
            let up = pass(client_read, server_write, &bytes.sent);
            let down = pass(server_read, client_write, &bytes.received);
            tokio::try_join!(up, down).map(drop)
        });
    }
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    count: &AtomicU64,
) -> std::io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        count.fetch_add(read as u64, Ordering::SeqCst);
        to.write_all(&buffer[..read]).await?;
    }
}

const HOST: &str = "127.0.0.1";
const BUFFER: usize = 64 << 10;
/// Calls that set the connection up, and fill tables of headers.
const FIRST: u64 = 20;
const QUIET: Duration = Duration::from_millis(20);
const MOST_POLLS: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_every_kind_of_address_is_found() {
        assert_eq!(split("http://127.0.0.1:80/a"), Some(("http://127.0.0.1:", 80, "/a")));
        assert_eq!(split("127.0.0.1:7"), Some(("127.0.0.1:", 7, "")));
        assert_eq!(split("unix:/tmp/socket"), None);
    }
}
