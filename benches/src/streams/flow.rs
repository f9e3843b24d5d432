//! One stream on one connection: items of 24 bytes beside a hand-written sender of the same and a
//! server stream of tonic's, and items of 64 KiB beside a plain copy.

use std::{fmt, path::Path, time::Instant};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::{bare, ours, start};
use crate::{
    gauge::{Clock, median, verdict},
    plan::Effort,
    process::ServerProcess,
    runtime,
    transport::{messages::Nothing, tonic},
};

/// The length of the long items.
const LONG: u32 = 64 << 10;

/// CPU per small item may be so many times the bare one's; throughput of long ones at least so much.
const ITEM_BAR: f64 = 2.5;
const COPY_BAR: f64 = 0.8;

/// What one stream did: items or bytes a second, and CPU seconds of both sides for each.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Figure {
    /// A second.
    pub rate: f64,
    /// For each.
    pub cpu: f64,
}

/// Medians of all streams.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Flow {
    /// Items of 24 bytes, ours.
    pub ours: Figure,
    /// The same by hand.
    pub bare: Figure,
    /// The same by tonic.
    pub tonic: Figure,
    /// Items of 64 KiB, ours, in bytes.
    pub blobs: Figure,
    /// A plain copy, in bytes.
    pub copy: Figure,
}

/// Measures all, in interleaved rounds.
///
/// # Errors
///
/// When a server cannot be started or a stream fails.
pub fn flow(program: &Path, effort: Effort) -> Result<Flow> {
    let mut figures: [Vec<(f64, f64)>; 5] = Default::default();
    for _ in 0..effort.rounds {
        for (figures, job) in figures.iter_mut().zip(Job::ALL) {
            figures.push(job.measure(program, effort)?);
        }
    }
    let [ours, bare, tonic, blobs, copy] = figures.map(|figures| {
        let (rates, cpu) = figures.into_iter().unzip();
        Figure { rate: median(rates), cpu: median(cpu) }
    });
    Ok(Flow { ours, bare, tonic, blobs, copy })
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ours, bare, tonic, blobs, copy } = self;
        writeln!(f, "| stream | items or MB/s | CPU of both | ratio | bar | |")?;
        writeln!(f, "|---|---|---|---|---|---|")?;
        let items = |figure: &Figure| {
            format!("{:.2}M/s | {:.0} ns/item", figure.rate / 1e6, figure.cpu * 1e9)
        };
        let bytes = |figure: &Figure| {
            format!("{:.0} MB/s | {:.2} ns/byte", figure.rate / 1e6, figure.cpu * 1e9)
        };
        writeln!(f, "| 24 bytes, by hand | {} | 1.00x | | |", items(bare))?;
        let (ratio, held) = (ours.cpu / bare.cpu, verdict(ours.cpu <= ITEM_BAR * bare.cpu));
        let ours_row = items(ours);
        writeln!(f, "| 24 bytes, ours | {ours_row} | {ratio:.2}x CPU | <= {ITEM_BAR}x | {held} |")?;
        let (of_bare, of_ours) = (tonic.cpu / bare.cpu, tonic.cpu / ours.cpu);
        let tonic = items(tonic);
        writeln!(f, "| 24 bytes, tonic | {tonic} | {of_bare:.2}x CPU, {of_ours:.2}x ours | | |")?;
        writeln!(f, "| io::copy | {} | 1.00x | | |", bytes(copy))?;
        let (ratio, held) = (blobs.rate / copy.rate, verdict(blobs.rate >= COPY_BAR * copy.rate));
        let blobs = bytes(blobs);
        writeln!(f, "| 64 KiB, ours | {blobs} | {ratio:.2}x speed | >= {COPY_BAR}x | {held} |")
    }
}

#[derive(Clone, Copy)]
enum Job {
    Items,
    Bare,
    Tonic,
    Blobs,
    Copy,
}

/// Counts what comes once the warm-up is over, until the window is.
struct Counter<'a> {
    server: &'a ServerProcess,
    effort: Effort,
    began: Instant,
    clock: Option<Clock>,
    count: u64,
    seen: u64,
    done: Option<Result<(f64, f64)>>,
}

impl Counter<'_> {
    /// Whether more is wanted. The clock is looked at once in a while only.
    fn add(&mut self, count: usize, each: u64) -> bool {
        self.count += count as u64;
        self.seen += 1;
        if !self.seen.is_multiple_of(each) {
            return true;
        }
        match &self.clock {
            None if self.began.elapsed() < self.effort.warm_up => true,
            None => {
                self.count = 0;
                self.clock = Clock::start(self.server.pid()).ok();
                true
            }
            Some(clock) if clock.elapsed() < self.effort.window => true,
            Some(clock) => {
                let count = self.count as f64;
                self.done = Some(clock.stop().map(|(time, cpu)| (count / time, cpu / count)));
                false
            }
        }
    }
}

impl Job {
    const ALL: [Self; 5] = [Self::Items, Self::Bare, Self::Tonic, Self::Blobs, Self::Copy];

    /// Items or bytes a second, and CPU seconds for each.
    fn measure(self, program: &Path, effort: Effort) -> Result<(f64, f64)> {
        let name = match self {
            Self::Items | Self::Blobs => "streams-ours",
            Self::Bare => "streams-bare",
            Self::Tonic => "streams-tonic",
            Self::Copy => "streams-copy",
        };
        let server = start(program, name)?;
        let runtime = runtime::usual()?;
        let mut counter = Counter {
            server: &server,
            effort,
            began: Instant::now(),
            clock: None,
            count: 0,
            seen: 0,
            done: None,
        };
        runtime.block_on(async {
            let address = server.address();
            match self {
                Self::Items => {
                    let mut items = ours::connect(address, None).await?.items().await?;
                    while let Some(item) = items.next().await {
                        if item?.a > 0.0 && !counter.add(1, 1000) {
                            break;
                        }
                    }
                }
                Self::Blobs => {
                    let mut blobs = ours::connect(address, None).await?.blobs(LONG).await?;
                    while let Some(blob) = blobs.next().await {
                        if !counter.add(blob?.len(), 10) {
                            break;
                        }
                    }
                }
                Self::Bare => {
                    bare::read_items(address, |sum| sum > 0.0 && counter.add(1, 1000)).await?;
                }
                Self::Tonic => {
                    let mut client = tonic::connect(address.to_owned()).await?;
                    let mut items = client.items(Nothing {}).await?.into_inner();
                    while let Some(item) = items.message().await? {
                        if item.a > 0.0 && !counter.add(1, 1000) {
                            break;
                        }
                    }
                }
                Self::Copy => bare::read_copy(address, |count| counter.add(count, 10)).await?,
            }
            anyhow::Ok(())
        })?;
        counter.done.unwrap_or_else(|| Err(anyhow::anyhow!("the stream ended early")))
    }
}
