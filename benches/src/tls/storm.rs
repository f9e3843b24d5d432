//! Handshakes that are begun and left, as many as the machine can make, beside a client that is well: the server's memory
//! and files, and what the client sees.

use std::{
    fmt::Write as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use rpc_core::{Channel, Endpoint, tls::ClientTls};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::sleep,
};

use crate::{
    gauge::{Latencies, verdict},
    memory,
    plan::Effort,
    process::ServerProcess,
    runtime,
    transport::certificates,
};

/// Handshakes of one storm. There are as many before, so that what the server keeps for good is there.
const HANDSHAKES: usize = 20_000;
/// Connections that are open at once.
const ABREAST: usize = 64;
/// The most that the second storm may add to the server's memory, by what the first has left.
const GROWTH_BAR: f64 = 0.02;

/// How far one gets.
#[derive(Clone, Copy, Debug)]
enum Left {
    /// A part of a hello.
    Torn,
    /// A hello, and its answer is not waited for.
    Unread,
    /// The answer has come.
    Answered,
}

impl Left {
    const ALL: [Self; 3] = [Self::Torn, Self::Unread, Self::Answered];

    async fn run(self, address: &str, hello: &[u8]) -> Result<()> {
        let mut socket = TcpStream::connect(address).await?;
        let length = if let Self::Torn = self { hello.len() / 2 } else { hello.len() };
        socket.write_all(&hello[..length]).await?;
        if let Self::Answered = self {
            let mut first = [0];
            socket.read_exact(&mut first).await?;
        }
        Ok(())
    }
}

/// Measures it.
pub(super) fn measure(program: &Path, effort: Effort) -> Result<String> {
    let handshakes = (HANDSHAKES / effort.divide).max(2 * ABREAST);
    let server = ServerProcess::start(program, "ours-tls")?;
    let (address, authority) = certificates::read(server.address())?;
    let tls = ClientTls::roots_pem(&authority)?;
    let runtime = runtime::usual()?;
    let hello = runtime.block_on(hello(&tls))?;
    let socket = address.trim_start_matches("tls:");
    let stop = Arc::new(AtomicBool::new(false));
    let channel = runtime.block_on(Endpoint::new().tls(tls).connect(address))?;
    let friend = runtime.spawn(call(channel, Arc::clone(&stop)));
    let files = memory::open_files(server.pid())?;

    runtime.block_on(storm(socket, &hello, handshakes))?;
    runtime.block_on(closed(server.pid(), files))?;
    let before = memory::resident(server.pid())?;
    let began = Instant::now();
    runtime.block_on(storm(socket, &hello, handshakes))?;
    let rate = handshakes as f64 / began.elapsed().as_secs_f64();
    let left = runtime.block_on(closed(server.pid(), files))?;
    let growth = memory::resident(server.pid())? as f64 / before as f64 - 1.0;
    stop.store(true, Relaxed);
    let seen = runtime.block_on(friend)??;

    let mut text = format!("| {handshakes} handshakes that are left | figure | bar | |\n");
    writeln!(text, "|---|---|---|---|")?;
    writeln!(text, "| a second | {rate:.0} | | |")?;
    let (percent, bar) = (growth * 100.0, GROWTH_BAR * 100.0);
    let held = verdict(growth <= GROWTH_BAR);
    writeln!(
        text,
        "| the server's memory after as many before | {percent:+.2} % | <= {bar} % | {held} |"
    )?;
    writeln!(text, "| connections of theirs left | {left} | 0 | {} |", verdict(left == 0))?;
    writeln!(text, "| calls of a good client, all answered | {} | | |", seen.count())?;
    writeln!(text, "| p50, p99 of these | {} us, {} us | | |", seen.at(0.5), seen.at(0.99))?;
    Ok(text)
}

/// The first bytes of a client.
async fn hello(tls: &ClientTls) -> Result<Bytes> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let endpoint = Endpoint::new().tls(tls.clone());
    let dialling = tokio::spawn(async move { endpoint.connect(address).await });
    let (mut socket, _) = listener.accept().await?;
    let mut hello = vec![0; 5];
    socket.read_exact(&mut hello).await?;
    let length = usize::from(u16::from_be_bytes([hello[3], hello[4]]));
    hello.resize(5 + length, 0);
    socket.read_exact(&mut hello[5..]).await?;
    dialling.abort();
    Ok(hello.into())
}

/// So many handshakes, some at once; the server closes none of them before its time.
async fn storm(address: &str, hello: &Bytes, handshakes: usize) -> Result<()> {
    let next = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..ABREAST)
        .map(|_| {
            let (address, hello, next) = (address.to_owned(), hello.clone(), Arc::clone(&next));
            tokio::spawn(async move {
                loop {
                    let turn = next.fetch_add(1, Relaxed);
                    if turn >= handshakes {
                        return anyhow::Ok(());
                    }
                    Left::ALL[turn % Left::ALL.len()].run(&address, &hello).await?;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(())
}

/// Waits until the server has closed what it has beyond these; how many it has not.
async fn closed(server: u32, files: u64) -> Result<u64> {
    let mut left = 0;
    for _ in 0..100 {
        left = memory::open_files(server)?.saturating_sub(files);
        if left == 0 {
            break;
        }
        sleep(Duration::from_millis(100)).await;
    }
    Ok(left)
}

/// One after the other, until it is told to stop.
async fn call(channel: Channel, stop: Arc<AtomicBool>) -> Result<Latencies> {
    let mut seen = Latencies::new()?;
    while !stop.load(Relaxed) {
        let sent = Instant::now();
        let sum = channel.call_json("Jobs.add", &json!([1, 2])).await;
        ensure!(sum.context("the good client is not served")? == 3, "another call's answer");
        seen.add(sent.elapsed());
        tokio::task::yield_now().await;
    }
    Ok(seen)
}
