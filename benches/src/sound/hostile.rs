//! A hundred connections that each make the server hold all they can, and a client that is well beside them.

use std::{
    fmt::Write as _,
    future::pending,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use rpc_core::{
    Metadata,
    proto::{
        Streams,
        wire::{Flags, Kind},
    },
};
use tests::{RawPeer, wire};
use tokio::{task::JoinHandle, time::sleep};

use super::ground::{GroundClient, key};
use crate::{
    gauge::{Latencies, verdict},
    memory,
    plan::Effort,
    process::ServerProcess,
    runtime,
};

const ATTACKERS: usize = 100;
/// How much the server may grow by all of them, in MiB.
const GROWTH_BAR: u64 = 1024;
/// As many again, when these are gone, may make it as large: memory that is free is the allocator's to keep, and what
/// is held twice would show.
const AGAIN_BAR: f64 = 1.25;

/// One way to make a server hold much.
#[derive(Clone, Copy, Debug)]
enum Attack {
    UnreadReplies,
    UnreadJson,
    UnreadUploads,
    TwoPartItems,
    BegunFrames,
    HeldOneWays,
    HeldRequests,
    Metadata,
}

impl Attack {
    const ALL: [Self; 8] = [
        Self::UnreadReplies,
        Self::UnreadJson,
        Self::UnreadUploads,
        Self::TwoPartItems,
        Self::BegunFrames,
        Self::HeldOneWays,
        Self::HeldRequests,
        Self::Metadata,
    ];

    /// What is sent and never answered, for those who speak by hand. Made once, as attackers that are busy making it
    /// do not attack.
    fn bytes(self) -> Result<Bytes> {
        let bytes: Vec<u8> = match self {
            Self::UnreadReplies => {
                // A megabyte each.
                let arguments = [0xfc, 0x40, 0x42, 0x0f, 0];
                (0..900).flat_map(|id| RawPeer::request(id, key("fetch"), &arguments)).collect()
            }
            Self::UnreadJson => {
                (0..900).flat_map(|id| wire::by_name(id, "Ground.words", "[1000000]")).collect()
            }
            Self::BegunFrames => begun_frames(),
            Self::Metadata => much_metadata()?,
            _ => Vec::new(),
        };
        Ok(bytes.into())
    }

    /// Attacks until it is dropped. The server may close the connection, which ends it as well.
    async fn run(self, address: String, bytes: Bytes) -> Result<()> {
        match self {
            Self::UnreadReplies | Self::UnreadJson | Self::BegunFrames | Self::Metadata => {
                say(&address, &bytes).await
            }
            Self::TwoPartItems => two_part_items(&address).await,
            Self::UnreadUploads => {
                let item = Bytes::from(vec![7; 4000]);
                let items = move || {
                    let item = item.clone();
                    stream::repeat(()).map(move |()| item.clone())
                };
                at_once(&address, 1000, |client| client.ignore(items())).await
            }
            Self::HeldOneWays => {
                at_once(&address, 1000, |client| client.keep(Bytes::from(vec![7; 60_000]))).await
            }
            Self::HeldRequests => {
                at_once(&address, 1000, |client| client.hoard(Bytes::from(vec![7; 60_000]))).await
            }
        }
    }
}

/// Sends bytes after a greeting, and reads nothing.
async fn say(address: &str, bytes: &[u8]) -> Result<()> {
    let mut peer = RawPeer::connect(&address.parse()?).await?;
    peer.send(&RawPeer::greeting()).await?;
    // The server may close while they are still being sent.
    let _ = peer.send(bytes).await;
    pending().await
}

/// A window of items of one byte in two frames each, on as many streams as there is room for.
async fn two_part_items(address: &str) -> Result<()> {
    const CREDIT: u32 = 8 << 20;
    let mut peer = RawPeer::connect(&address.parse()?).await?;
    peer.send(&RawPeer::greeting()).await?;
    let (_, hello) = peer.next(Kind::Hello).await?;
    let window = wire::first_window(&hello).unwrap_or(8 << 10);
    for id in 0..(CREDIT / window).min(1000) {
        let first = RawPeer::frame(Kind::Item, Flags::MINE.with(Flags::MORE), id, &[1]);
        let item = [first, RawPeer::frame(Kind::Item, Flags::MINE, id, &[7])].concat();
        let opened = peer.send(&wire::streaming(id, key("ignore"), Streams::UP)).await;
        if opened.is_err() || peer.send(&item.repeat(window as usize / 10)).await.is_err() {
            break;
        }
    }
    pending().await
}

/// As many requests as may be half sent, each but for its last part.
fn begun_frames() -> Vec<u8> {
    let flags = Flags::MINE.with(Flags::MORE);
    let part = |id| RawPeer::frame(Kind::Request, flags, id, &vec![7; 60_000]);
    let begun = |id: u32| {
        let mut first = key("hoard").to_u64().to_le_bytes().to_vec();
        first.resize(60_000, 7);
        RawPeer::frame(Kind::Request, flags, id, &first)
    };
    let whole = (0..4).map(begun).chain((0..60).map(|turn| part(turn % 4)));
    // And a frame of which only the head comes.
    whole
        .chain([RawPeer::frame(Kind::Request, flags, 0, &vec![7; 60_000])[..30_000].to_vec()])
        .flatten()
        .collect()
}

/// Requests with as many pairs as there may be, whose handlers never end.
fn much_metadata() -> Result<Vec<u8>> {
    let mut metadata = Metadata::new();
    let letters = || ('a'..='z').chain('0'..='9');
    let keys = letters().flat_map(|first| letters().map(move |second| [first, second]));
    for key in keys.take(Metadata::MAX_PAIRS) {
        metadata.set(&String::from_iter(key), "")?;
    }
    // Eight thousand bytes in bincode.
    let arguments = [&[0xfb, 0x40, 0x1f][..], &[7; 8000]].concat();
    let request = |id| wire::with_metadata(id, key("dwell"), Streams::NONE, &metadata, &arguments);
    Ok((0..2000).flat_map(request).collect())
}

/// Makes calls by a client that keeps to what it is told, all at once.
async fn at_once<F>(address: &str, count: usize, call: impl Fn(&GroundClient) -> F) -> Result<()>
where
    F: Future<Output: Send> + Send + 'static,
{
    let client = GroundClient::connect(address).await?;
    let calls = (0..count).map(|_| call(&client));
    futures_util::future::join_all(calls).await;
    pending().await
}

/// Attacks twice, and reads the server's memory meanwhile: what the first hundred held and gave back is there for the
/// second.
///
/// # Errors
///
/// When the server cannot be started, or does not serve the client that is well.
pub fn hostile(program: &Path, effort: Effort) -> Result<String> {
    let attackers = (ATTACKERS / effort.divide).max(Attack::ALL.len());
    memory::allow_open_files(attackers as u64 + memory::SPARE_FILES)?;
    let server = ServerProcess::start(program, "sound-default")?;
    let runtime = runtime::usual()?;
    let kinds: Result<Vec<_>> =
        Attack::ALL.map(|kind| Ok((kind, kind.bytes()?))).into_iter().collect();
    let kinds = kinds?;
    let (stop, friend) = runtime.block_on(befriend(server.address()))?;
    let before = memory::resident(server.pid())?;
    let files = memory::open_files(server.pid())?;
    let quiet = LEAST_QUIET.max(2 * effort.window);
    let mut most = [0; 2];
    let mut left = 0;
    for most in &mut most {
        let attacking = runtime::usual()?;
        for (attack, bytes) in kinds.iter().cycle().take(attackers) {
            attacking.spawn(attack.run(server.address().to_owned(), bytes.clone()));
        }
        *most = runtime.block_on(peak(server.pid(), quiet))?.saturating_sub(before) >> 20;
        // Their sockets are closed with it.
        attacking.shutdown_background();
        left = runtime.block_on(closed(server.pid(), files))?;
    }
    let kept = memory::resident(server.pid())?.saturating_sub(before) >> 20;
    stop.store(true, Relaxed);
    let seen = runtime.block_on(friend)??;

    let [first, second] = most;
    let again = second as f64 / first.max(1) as f64;
    let rows = [
        (
            format!("growth of the server by {attackers}"),
            format!("{first} MiB"),
            format!("<= {GROWTH_BAR} MiB"),
            first <= GROWTH_BAR,
        ),
        ("connections of theirs left".to_owned(), left.to_string(), "0".to_owned(), left == 0),
        (
            "growth by as many again / by the first".to_owned(),
            format!("{again:.2}x"),
            format!("<= {AGAIN_BAR}x"),
            again <= AGAIN_BAR,
        ),
    ];
    let mut text = String::from("| connections that hold all they can | figure | bar | |\n");
    writeln!(text, "|---|---|---|---|")?;
    writeln!(text, "| kinds of attack | {} | | |", Attack::ALL.len())?;
    for (name, figure, bar, held) in rows {
        writeln!(text, "| {name} | {figure} | {bar} | {} |", verdict(held))?;
    }
    writeln!(text, "| of it the allocator's when they are gone | {kept} MiB | | |")?;
    writeln!(text, "| calls of a good client, all answered | {} | | |", seen.count())?;
    writeln!(text, "| p50, p99 of these | {} us, {} us | | |", seen.at(0.5), seen.at(0.99))?;
    Ok(text)
}

/// A client that makes one call after another until it is told to stop, and what it sees.
type Friend = (Arc<AtomicBool>, JoinHandle<Result<Latencies>>);

async fn befriend(address: &str) -> Result<Friend> {
    let client = GroundClient::connect(address).await?;
    client.channel().ready().await?;
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let calling = tokio::spawn(async move {
        let mut seen = Latencies::new()?;
        while !stopped.load(Relaxed) {
            let sent = Instant::now();
            client.add(1, 2).timeout(PATIENCE).await.context("the good client is not served")?;
            seen.add(sent.elapsed());
        }
        Ok(seen)
    });
    Ok((stop, calling))
}

/// The most memory that the process has had, once that has not grown for a while.
async fn peak(pid: u32, quiet: Duration) -> Result<u64> {
    let began = Instant::now();
    let (mut most, mut since) = (memory::resident(pid)?, began);
    while since.elapsed() < quiet && began.elapsed() < PATIENCE {
        sleep(POLL).await;
        let now = memory::resident(pid)?;
        if now > most + NOISE {
            since = Instant::now();
        }
        most = most.max(now);
    }
    Ok(most)
}

/// Waits until the process has no more files open than before; gives how many more it has even so.
async fn closed(pid: u32, before: u64) -> Result<u64> {
    let began = Instant::now();
    loop {
        let more = memory::open_files(pid)?.saturating_sub(before);
        if more == 0 || began.elapsed() > PATIENCE {
            return Ok(more);
        }
        sleep(POLL).await;
    }
}

/// The longest that anything may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Attackers need some time to begin.
const LEAST_QUIET: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(20);
/// Memory that comes and goes by itself.
const NOISE: u64 = 256 << 10;
