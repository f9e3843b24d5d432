//! `rpc bench`: loads a method with calls and measures it, for any server that is up; and compares what two
//! runs found.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use clap::builder::RangedI64ValueParser;

use super::call::metadata;
use crate::{
    coding::Wish,
    exit::Failure,
    load::{
        against,
        compare::Comparison,
        csv,
        drive::{Caller, drive},
        html, http,
        plan::{Bound, Load, Pace},
        progress::Progress,
        ramp::{self, Goal},
        results::Results,
        target::{self, Ready, Wanted},
        text,
    },
    output,
    patience::{Patience, span, time},
};

const EXAMPLES: &str = "\
Loads:
  Closed loop (--in-flight): each call is followed by the next as soon as it has ended.
  Open loop (--rate): calls start by the clock, and latency counts from the time at which each was due; those started \
more than 1 ms late, and those never started, are counted.
  --find-max raises the rate of an open loop step by step to the highest whose p99 holds.

Arguments, besides those of rpc call:
  name:=@int(1,100)  @float(0,1)  @choice(a,b)  @string(8)  @bytes(16)  @bool  @uuid
  A few thousand are drawn and encoded before the load begins.

Examples:
  rpc bench 127.0.0.1:7000 Calculator.add a=1 b=2
  rpc bench 127.0.0.1:7000 Calculator.add --random --in-flight 256 --connections 2
  rpc bench 127.0.0.1:7000 Calculator.add 'a:=@int(1,100)' b=2 --rate 20000 --html report.html
  rpc bench 127.0.0.1:7000 Calculator.add a=1 b=2 --find-max --p99 5ms
  rpc bench 127.0.0.1:7000 Calculator.add a=1 b=2 --count 100000 --json=a.json
  rpc bench compare a.json b.json --fail-if-worse 10
  rpc bench 127.0.0.1:7000 Calculator.add a=1 b=2 --against 127.0.0.1:7001
  rpc bench --http http://127.0.0.1:8080/rpc add 'a:=@int(1,100)' b:=2";

#[derive(Debug, clap::Args)]
#[command(
    after_help = EXAMPLES,
    override_usage = "rpc bench [OPTIONS] <ADDRESS> <METHOD> [ARGUMENTS]...\n       \
                      rpc bench [OPTIONS] --http <URL> <METHOD> [ARGUMENTS]...\n       \
                      rpc bench compare <A> <B>",
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    disable_help_subcommand = true
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Where the server listens: host:port or unix:/path.
    #[arg(required = true)]
    pub(super) address: Option<String>,
    /// What to call, as Service.method.
    method: Option<String>,
    /// Its arguments: name=value, name:=json, name:=@int(1,100), or JSON.
    arguments: Vec<String>,
    /// Load an HTTP server that speaks JSON-RPC; METHOD is its method's name.
    #[arg(long, value_name = "URL")]
    http: Option<String>,
    /// Connections to open; with --http, one for each call in flight, if this is not less.
    #[arg(short, long, value_name = "N", value_parser = positive())]
    connections: Option<u32>,
    /// Calls in flight on each connection, or in all with --http; 64 by default, or up to 1024 with --rate.
    #[arg(short = 'n', long, value_name = "N", value_parser = positive())]
    in_flight: Option<u32>,
    /// Start this many calls a second, on schedule.
    #[arg(short, long, value_name = "CALLS/S", value_parser = rate)]
    rate: Option<f64>,
    /// With --rate: answers later than this after the time of their call are useless, and not counted as goodput.
    #[arg(long, value_name = "TIME", default_value = "100ms", requires = "rate", value_parser = time)]
    within: Duration,
    /// Find the highest rate that holds, starting from --rate.
    #[arg(long, conflicts_with = "count")]
    find_max: bool,
    /// With --find-max: the latency that 99 % of the calls have to stay under.
    #[arg(long, value_name = "TIME", default_value = "10ms", requires = "find_max", value_parser = time)]
    p99: Duration,
    /// How long to measure: 10s by default, 2s for each step of --find-max.
    #[arg(short, long, value_name = "TIME", value_parser = time)]
    duration: Option<Duration>,
    /// Measure this many calls.
    #[arg(long, value_name = "N", conflicts_with = "duration", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// How long to warm up: 1s by default, not at all with --count.
    #[arg(long, value_name = "TIME", value_parser = span)]
    warmup: Option<Duration>,
    /// Give up a call after this time.
    #[arg(short, long, value_name = "TIME", value_parser = time)]
    timeout: Option<Duration>,
    /// How values are encoded; by default, in bincode if the server describes the method.
    #[arg(
        long,
        value_enum,
        hide_possible_values = true,
        value_name = "bincode|json",
        conflicts_with = "http"
    )]
    codec: Option<Wish>,
    /// Draw random values for all arguments that are not given.
    #[arg(long)]
    random: bool,
    /// The seed of random values: the same seed gives the same arguments.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Send this metadata with each call; may be repeated.
    #[arg(short = 'H', long = "header", value_name = "KEY=VALUE")]
    headers: Vec<String>,
    /// Worker threads of the generator: by default, one for each connection up to the number of cores.
    #[arg(long, value_name = "N", value_parser = positive())]
    threads: Option<u32>,
    /// Load this server and the first by turns, and compare: what drifts on the machine hits both.
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["http", "find_max", "count", "csv", "html"])]
    against: Option<String>,
    /// Exit with 1 if the second server is shown to be worse by more than this many percent.
    #[arg(long, value_name = "PERCENT", requires = "against", value_parser = percent)]
    fail_if_worse: Option<f64>,
    /// Print the figures as JSON, and errors too; or write the figures to a file.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    json: Option<PathBuf>,
    /// Print the figures as CSV, a row for each interval; or write them to a file.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    csv: Option<PathBuf>,
    /// Write a page with plots.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Tell whether two runs differ, or the difference is noise.
    Compare(CompareArgs),
}

#[derive(Debug, clap::Args)]
struct CompareArgs {
    /// What --json wrote in one run.
    a: PathBuf,
    /// What it wrote in another.
    b: PathBuf,
    /// Exit with 1 if B is worse by more than this many percent, and not within noise.
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    fail_if_worse: Option<f64>,
    /// Print the comparison as JSON.
    #[arg(long)]
    json: bool,
}

fn positive() -> RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..)
}

fn percent(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').parse::<f64>() {
        Ok(percent) if (0.0..=1e6).contains(&percent) => Ok(percent),
        _ => Err("this takes a number of percent, such as 5".to_owned()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && (0.001..=1e9).contains(&rate) => Ok(rate),
        _ => Err("a rate is a number of calls a second, such as 1000".to_owned()),
    }
}

pub(super) async fn run(args: Args, patience: Patience) -> Result<()> {
    if let Some(Command::Compare(args)) = &args.command {
        return compare(args);
    }
    let wanted = args.wanted()?;
    let reports = Reports::open(&args)?;
    // A runtime of its own, so that it has as many threads as it is to have.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(args.threads())
        .enable_all()
        .build()
        .context("cannot start the generator's threads")?;
    let outcome = tokio::task::block_in_place(|| {
        runtime.block_on(patience.command(load(&args, &wanted, reports, patience)))
    });
    runtime.shutdown_background();
    outcome
}

fn compare(args: &CompareArgs) -> Result<()> {
    let comparison = Comparison::of(&Results::read(&args.a)?, &Results::read(&args.b)?);
    let text = match args.json {
        true => serde_json::to_string(&comparison)?,
        false => comparison.to_string(),
    };
    output::line(&text);
    held(args.fail_if_worse.map_or(Ok(()), |most| comparison.hold(most)))
}

fn held(held: Result<(), String>) -> Result<()> {
    held.map_err(|worse| anyhow::anyhow!("b is worse than a: {worse}"))
}

/// Loads two servers by turns.
async fn both(
    args: &Args,
    wanted: &Wanted,
    other: &str,
    reports: Reports,
    patience: Patience,
) -> Result<()> {
    let a = target::rpc(wanted, patience).await?;
    let other = Wanted { address: other.to_owned(), ..wanted.clone() };
    let b = target::rpc(&other, patience).await?;
    let found = against::run(&a, &b, &args.load()).await?;
    match reports.json {
        Some(sink) => sink.write(&serde_json::to_string(&found)?)?,
        None => output::line(&found.to_string()),
    }
    if found.interrupted {
        return Err(Failure::Interrupted.into());
    }
    held(args.fail_if_worse.map_or(Ok(()), |most| found.hold(most)))
}

async fn load(args: &Args, wanted: &Wanted, reports: Reports, patience: Patience) -> Result<()> {
    if let Some(other) = &args.against {
        return both(args, wanted, other, reports, patience).await;
    }
    let results = match args.http {
        Some(_) => {
            let what = format!("{} to connect", wanted.address);
            let ready = patience.asking(&what, http::ready(wanted)).await??;
            measure(args, ready).await?
        }
        None => measure(args, target::rpc(wanted, patience).await?).await?,
    };
    reports.write(&results)?;
    if results.interrupted {
        return Err(Failure::Interrupted.into());
    }
    // A script that goes by the exit code is not to take it for a load.
    match results.summary.calls {
        0 => bail!("no call succeeded"),
        _ => Ok(()),
    }
}

async fn measure<C: Caller>(args: &Args, ready: Ready<C>) -> Result<Results> {
    let load = args.load();
    if args.find_max {
        return ramp::find(&ready, &load, args.threads(), Goal { p99: args.p99 }).await;
    }
    let mut progress = Progress::new(&load, &ready.target.method);
    let watch = &mut |sample: &_| progress.show(sample);
    let measured = drive(ready.callers, &load, ready.pool, &ready.cpu, watch).await;
    progress.finish();
    Ok(Results::new(ready.target, &load, args.threads(), &measured))
}

/// Where each report goes.
enum Sink {
    Stdout,
    File(PathBuf, std::fs::File),
}

impl Sink {
    fn open(path: &Path) -> Result<Self> {
        if path == Path::new("-") { Ok(Self::Stdout) } else { Self::file(path) }
    }

    /// Opens a file before the load: what cannot be written then is told while nothing is lost.
    fn file(path: &Path) -> Result<Self> {
        let file = std::fs::File::create(path);
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self::File(path.to_owned(), file))
    }

    fn write(self, report: &str) -> Result<()> {
        match self {
            Self::Stdout => {
                output::line(report);
                Ok(())
            }
            Self::File(path, mut file) => writeln!(file, "{report}")
                .with_context(|| format!("cannot write {}", path.display())),
        }
    }
}

/// The reports that were asked for.
struct Reports {
    json: Option<Sink>,
    csv: Option<Sink>,
    html: Option<Sink>,
}

impl Reports {
    fn open(args: &Args) -> Result<Self> {
        let open = |path: &Option<PathBuf>| path.as_deref().map(Sink::open).transpose();
        let on_stdout = |path: &&Option<PathBuf>| path.as_deref() == Some(Path::new("-"));
        if [&args.json, &args.csv].iter().filter(|path| on_stdout(path)).count() > 1 {
            let message =
                "stdout has room for one report: write the other to a file, as in --csv=FILE";
            return Err(Failure::usage(message).into());
        }
        let html = args.html.as_deref().map(Sink::file).transpose()?;
        Ok(Self { json: open(&args.json)?, csv: open(&args.csv)?, html })
    }

    /// Writes all of them; the text too, unless stdout has another. One that fails does not keep the others back.
    fn write(self, results: &Results) -> Result<()> {
        let printed = [&self.json, &self.csv].iter().any(|sink| matches!(sink, Some(Sink::Stdout)));
        if !printed {
            output::line(&text::report(results));
        }
        let json = serde_json::to_string(results)?;
        let written = [
            self.json.map(|sink| sink.write(&json)),
            self.csv.map(|sink| sink.write(&csv::report(results))),
            self.html.map(|sink| sink.write(&html::report(results))),
        ];
        written.into_iter().flatten().collect()
    }
}

impl Args {
    pub(super) fn json(&self) -> bool {
        match &self.command {
            Some(Command::Compare(args)) => args.json,
            None => self.json.as_deref() == Some(Path::new("-")),
        }
    }

    /// One for each connection: measured, more do not drive one connection faster.
    fn threads(&self) -> usize {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        self.threads.map_or_else(|| self.connections().min(cores), |threads| threads as usize)
    }

    fn load(&self) -> Load {
        let bound = match (self.count, self.duration) {
            (Some(count), _) => Bound::Count(count),
            (None, Some(time)) => Bound::Time(time),
            (None, None) => Bound::Time(if self.find_max { STEP } else { DURATION }),
        };
        let warm_up = match bound {
            Bound::Count(_) => Duration::ZERO,
            Bound::Time(_) if self.find_max => STEP_WARM_UP,
            Bound::Time(_) => WARM_UP,
        };
        Load {
            connections: self.connections(),
            callers: self.callers(),
            pace: self.rate.map_or(Pace::Closed, |rate| Pace::Open { rate }),
            bound,
            warm_up: self.warmup.unwrap_or(warm_up),
            interval: Load::interval(bound),
            grace: self.timeout.unwrap_or(GRACE),
            within: self.within,
        }
    }

    fn in_flight(&self) -> usize {
        let open = self.rate.is_some() || self.find_max;
        let usual = if open && self.http.is_none() { IN_FLIGHT_OPEN } else { IN_FLIGHT };
        self.in_flight.unwrap_or(usual) as usize
    }

    /// A connection of ours carries many calls; one of HTTP carries one at a time.
    fn connections(&self) -> usize {
        let in_flight = self.in_flight();
        match (self.connections, &self.http) {
            (Some(connections), None) => connections as usize,
            (None, None) => 1,
            (Some(connections), Some(_)) => in_flight.min(connections as usize),
            (None, Some(_)) => in_flight,
        }
    }

    /// Calls in flight over all connections.
    fn callers(&self) -> usize {
        match self.http {
            None => self.connections().saturating_mul(self.in_flight()),
            Some(_) => self.in_flight(),
        }
    }

    fn wanted(&self) -> Result<Wanted> {
        let (connections, callers) = (self.connections(), self.callers());
        if callers > MOST_CALLERS {
            let message = format!("{callers} calls in flight are more than {MOST_CALLERS}");
            return Err(Failure::usage(message).into());
        }
        // With --http the address is in the URL, and what is written begins with the method.
        let mut words = self.address.iter().chain(&self.method).chain(&self.arguments).cloned();
        let address = self.http.clone().or_else(|| words.next()).unwrap_or_default();
        let method = words.next().ok_or_else(|| {
            Failure::usage(format!("no method to call at {address}: write Service.method"))
        })?;
        Ok(Wanted {
            address,
            method,
            items: words.collect(),
            random: self.random,
            seed: self.seed,
            timeout: self.timeout,
            metadata: metadata(&self.headers)?,
            codec: self.codec,
            connections,
            callers,
        })
    }
}

const DURATION: Duration = Duration::from_secs(10);
const WARM_UP: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_secs(2);
const STEP_WARM_UP: Duration = Duration::from_millis(200);
const GRACE: Duration = Duration::from_secs(5);
const IN_FLIGHT: u32 = 64;
/// By the clock, what is in flight is what the server makes of it: this only bounds it.
const IN_FLIGHT_OPEN: u32 = 1024;
const MOST_CALLERS: usize = 1_000_000;
