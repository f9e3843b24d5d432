//! `rpc bench`: loads a method with calls and measures it, for any server that is up; and compares what two
//! runs found.

use std::{path::PathBuf, thread, time::Duration};

use anyhow::{Context as _, Result};

use super::call::metadata;
use crate::{
    bench::{
        caller::Caller,
        generator::drive,
        plan::{Bound, Load, Pace},
        progress::Progress,
        results::Results,
        target::{self, Ready, Wanted},
        text,
    },
    exit::Failure,
    output,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where the server listens: host:port or unix:/path.
    address: String,
    /// What to call, as Service.method.
    method: String,
    /// Its arguments: name=value, name:=json, name:=@int(1,100), or JSON.
    arguments: Vec<String>,
    /// Connections to open.
    #[arg(short, long, value_name = "N", value_parser = positive())]
    connections: Option<u32>,
    /// Calls in flight on each connection.
    #[arg(short = 'n', long, value_name = "N", value_parser = positive())]
    in_flight: Option<u32>,
    /// Begin so many calls a second by the clock.
    #[arg(short, long, value_name = "CALLS/S", value_parser = rate)]
    rate: Option<f64>,
    /// How long to measure.
    #[arg(short, long, value_name = "TIME", value_parser = humantime::parse_duration)]
    duration: Option<Duration>,
    /// Measure so many calls.
    #[arg(long, value_name = "N", conflicts_with = "duration", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// How long to load before measuring.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    warmup: Option<Duration>,
    /// Give a call up after this time.
    #[arg(short, long, value_name = "TIME", value_parser = humantime::parse_duration)]
    timeout: Option<Duration>,
    /// Draw all arguments that are not given, by their types.
    #[arg(long)]
    random: bool,
    /// Draw the same arguments again.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Send a key-value pair along; may be repeated.
    #[arg(short = 'H', long = "header", value_name = "KEY=VALUE")]
    headers: Vec<String>,
    /// Worker threads of the generator.
    #[arg(long, value_name = "N", value_parser = positive())]
    threads: Option<u32>,
    /// Print the figures as JSON.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    json: Option<PathBuf>,
}

fn positive() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..)
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(rate),
        _ => Err("a rate is a number of calls a second, above 0".to_owned()),
    }
}

pub(super) async fn run(args: Args) -> Result<()> {
    // A runtime of its own, so that it has as many threads as it is to have.
    let threads = args.threads();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
        .context("cannot start the generator's threads")?;
    let outcome = tokio::task::block_in_place(|| runtime.block_on(load(&args)));
    runtime.shutdown_background();
    outcome
}

async fn load(args: &Args) -> Result<()> {
    let wanted = args.wanted()?;
    let ready = target::rpc(&wanted).await?;
    let results = measure(args, ready).await;
    show(args, &results)
}

async fn measure<C: Caller>(args: &Args, ready: Ready<C>) -> Results {
    let load = args.load();
    let mut progress = Progress::new(&load, &ready.target.method);
    let watch = &mut |sample: &_| progress.show(sample);
    let measured = drive(ready.callers, &load, ready.pool, &ready.cpu, watch).await;
    progress.finish();
    Results::new(ready.target, &load, args.threads(), &measured)
}

fn show(args: &Args, results: &Results) -> Result<()> {
    if args.json.is_some() {
        output::line(&serde_json::to_string(results)?);
        return Ok(());
    }
    output::line(&text::report(results));
    Ok(())
}

impl Args {
    fn threads(&self) -> usize {
        self.threads.map_or_else(
            || thread::available_parallelism().map_or(1, usize::from),
            |threads| threads as usize,
        )
    }

    fn load(&self) -> Load {
        let bound = match (self.count, self.duration) {
            (Some(count), _) => Bound::Count(count),
            (None, time) => Bound::Time(time.unwrap_or(DURATION)),
        };
        let usual = if self.count.is_some() { Duration::ZERO } else { WARM_UP };
        Load {
            connections: self.connections(),
            callers: self.callers(),
            pace: self.rate.map_or(Pace::Closed, |rate| Pace::Open { rate }),
            bound,
            warm_up: self.warmup.unwrap_or(usual),
            interval: Load::interval(bound),
            grace: self.timeout.unwrap_or(GRACE),
        }
    }

    fn connections(&self) -> usize {
        self.connections.unwrap_or(1) as usize
    }

    fn callers(&self) -> usize {
        let usual = if self.rate.is_some() { IN_FLIGHT_OPEN } else { IN_FLIGHT };
        self.connections() * self.in_flight.unwrap_or(usual) as usize
    }

    fn wanted(&self) -> Result<Wanted> {
        let (connections, callers) = (self.connections(), self.callers());
        if callers > MOST_CALLERS {
            let message = format!("{callers} calls in flight are more than {MOST_CALLERS}");
            return Err(Failure::argument(message).into());
        }
        Ok(Wanted {
            address: self.address.clone(),
            method: self.method.clone(),
            items: self.arguments.clone(),
            random: self.random,
            seed: self.seed,
            timeout: self.timeout,
            metadata: metadata(&self.headers)?,
            connections,
            callers,
        })
    }
}

const DURATION: Duration = Duration::from_secs(10);
const WARM_UP: Duration = Duration::from_secs(1);
const GRACE: Duration = Duration::from_secs(5);
const IN_FLIGHT: u32 = 64;
/// By the clock, what is in flight is what the server makes of it: this only bounds it.
const IN_FLIGHT_OPEN: u32 = 1024;
const MOST_CALLERS: usize = 1_000_000;
