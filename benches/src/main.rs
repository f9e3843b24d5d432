//! The bench program: arguments in, a plan out to the library, its report to stdout.
//!
//! stdout has tables only; progress goes to stderr. Started again as `server`, it is the other side.

use std::{
    env, fs,
    io::{self, Write},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process,
    time::Duration,
};

use anyhow::{Result, ensure};
use benches::{
    compile::{self, CompilePlan},
    fleet,
    idle::{self, IdlePlan},
    jsonrpc, layers,
    machine::Machine,
    overload::{self, OverloadPlan},
    page,
    plan::{self, Failure, Group, Pace, Part, Plan, Threading},
    record::Cell,
    report,
    results::Results,
    run, server,
    sound::{self, SoakPlan},
    strangers, streams,
    survey::Survey,
    survive, tls, transport,
};
use clap::{Args, Parser, Subcommand};

/// Measures what a call costs over each transport, server and client in separate processes.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// `add` over all transports: calls/s, CPU per call and latency, free and on one CPU.
    Transports {
        #[command(flatten)]
        options: Options,
        /// Only this load (repeatable): 1x1, 1x64, 1x1024 or 8x16.
        #[arg(long, value_name = "LOAD")]
        load: Vec<String>,
        /// Only the pass with both processes on one CPU.
        #[arg(long)]
        pinned: bool,
    },
    /// All jobs over all transports at all loads.
    Jobs {
        #[command(flatten)]
        options: Options,
        /// Only this job (repeatable): add, record, echo 64 B, echo 1 KiB, echo 64 KiB or echo 1 MiB.
        #[arg(long, value_name = "JOB")]
        job: Vec<String>,
        /// Only this load (repeatable): 1x1, 1x64, 1x1024, 8x16 and the like.
        #[arg(long, value_name = "LOAD")]
        load: Vec<String>,
    },
    /// `add` on one connection with 1 to 4,096 calls in flight.
    InFlight(Options),
    /// `add` on 1 to 1,000 connections.
    Connections(Options),
    /// `add` with both processes on one CPU.
    Pinned(Options),
    /// `add` and the record on one connection, with a runtime of one thread on each side.
    OneThread(Options),
    /// Handlers that sleep, compute, or have a cache in front.
    Services(Options),
    /// Bytes on the wire per call, counted by a relay.
    Wire(Options),
    /// Allocations per call.
    Allocations(Options),
    /// All of it: the results file, and from it docs/benchmarks.md with its plots.
    Report {
        #[command(flatten)]
        options: Options,
        /// Only these parts (repeatable); all unless there is --from.
        #[arg(long, value_enum)]
        part: Vec<Part>,
        /// Results that were written before: what is not measured again is taken from there.
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
        /// Where the page goes, and the folder of its plots.
        #[arg(long, value_name = "FOLDER", default_value = "docs")]
        out: PathBuf,
        /// How many idle connections are held.
        #[arg(long, default_value_t = 10_000)]
        connections: usize,
    },
    /// A handler that is pending once beside one that is ready.
    Pending {
        #[command(flatten)]
        options: Options,
    },
    /// 1 MiB echoed as a vector that is owned, beside bytes that are shared.
    Vectors {
        #[command(flatten)]
        options: Options,
    },
    /// Latency of small calls alone and beside 1 MiB echoes on the same connection.
    Mixed {
        #[command(flatten)]
        options: Options,
    },
    /// The server's memory per idle connection.
    Idle {
        #[command(flatten)]
        options: Options,
        /// How many connections are held.
        #[arg(long, default_value_t = 10_000)]
        connections: usize,
    },
    /// Streams: items of 24 bytes and 64 KiB beside the same by hand.
    Streams(Effort),
    /// A thousand streams that nobody reads.
    Stall(Effort),
    /// A million calls that are cancelled at once.
    Cancels(Effort),
    /// What layers, the list of calls and a cache add to a call.
    Layers(Effort),
    /// One value to 5,000 members.
    Broadcast(Effort),
    /// The chat of the examples with 5,000 members in one room.
    Chat(Effort),
    /// Servers that are offered up to ten times of what they can do, beside tonic, tarpc and jsonrpsee.
    Overload {
        #[command(flatten)]
        effort: Effort,
        /// Only this transport (repeatable): ours-tcp, tonic, tarpc or jsonrpsee-ws.
        #[arg(long, value_name = "NAME")]
        only: Vec<String>,
        /// Draws the plot into this folder.
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
    },
    /// Minutes of everything at once: exactly once by history; memory, files and tasks flat.
    Soak {
        /// How long calls are made.
        #[arg(long, value_name = "N", default_value_t = 10.0)]
        minutes: f64,
        /// A few seconds of it.
        #[arg(long)]
        quick: bool,
    },
    /// Minutes of all that survives: cuts, restarts, resumption, once, retries; exactly once by history, and nothing grows.
    SurviveSoak {
        /// How long calls are made.
        #[arg(long, value_name = "N", default_value_t = 10.0)]
        minutes: f64,
    },
    /// Latency of connections beside one that floods, on one thread of the server.
    SideBySide(Effort),
    /// What an item costs with 10 and with 10,000 streams that wait for room.
    WaitingStreams(Effort),
    /// A hundred connections that make the server hold all they can, and a client that is well.
    Hostile(Effort),
    /// Peers by mistake or with bad intent on every face: what they are told, what is kept of them, what clients see beside.
    Strangers(Effort),
    /// Many servers behind one channel: one is killed, one is slow; what the choice among them costs.
    Fleet(Effort),
    /// The cases of JSON-RPC 2.0, beside jsonrpsee.
    Jsonrpc,
    /// What resumption costs; servers killed and dead; a cutter under this framework and its peers.
    Survive(Effort),
    /// Calls, idle connections and handshakes with TLS, beside the same without and tonic with it.
    Tls {
        #[command(flatten)]
        effort: Effort,
        /// How many idle connections are held.
        #[arg(long, default_value_t = 10_000)]
        connections: usize,
    },
    /// CPU and bytes that a method costs to build, in a trait of many, for us and for tarpc.
    Compile {
        /// How many methods the trait has.
        #[arg(long, value_name = "N", default_value_t = 200)]
        methods: usize,
        /// How often it is built; figures are medians over rounds.
        #[arg(long, value_name = "N", default_value_t = 1)]
        rounds: usize,
        /// Builds in this folder, and keeps it; what was built there before is used again.
        #[arg(long, value_name = "FOLDER")]
        folder: Option<PathBuf>,
    },
    /// Serves one transport until stdin closes; its address is the first line of stdout.
    #[command(hide = true)]
    Server {
        transport: String,
        #[arg(long)]
        one_thread: bool,
    },
}

#[derive(Debug, Args)]
struct Options {
    /// One short round: shows that everything works, not what it costs.
    #[arg(long)]
    quick: bool,
    /// Only this transport (repeatable).
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// How often each cell is measured; medians are over rounds.
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
    /// How long each cell is counted.
    #[arg(long, value_name = "MS")]
    window_ms: Option<u64>,
    /// How long each cell is driven before it is counted.
    #[arg(long, value_name = "MS")]
    warm_up_ms: Option<u64>,
    /// Writes all figures with the machine and the method to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// How much is done for a bench of streams.
#[derive(Debug, Args)]
struct Effort {
    /// One short round: shows that everything works, not what it costs.
    #[arg(long)]
    quick: bool,
    /// How often it is measured; figures are medians over rounds.
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: usize,
    /// How long each figure is counted.
    #[arg(long, value_name = "MS", default_value_t = 2000)]
    window_ms: u64,
}

fn show(effort: &Effort, measure: impl Fn(&Path, plan::Effort) -> Result<String>) -> Result<()> {
    let window = Duration::from_millis(if effort.quick { 50 } else { effort.window_ms });
    let effort = plan::Effort {
        warm_up: window / 4,
        window,
        rounds: if effort.quick { 1 } else { effort.rounds.max(1) },
        divide: if effort.quick { 50 } else { 1 },
    };
    let text = measure(&env::current_exe()?, effort)?;
    write!(io::stdout().lock(), "{}\n\n{text}", Machine::describe())?;
    Ok(())
}

fn soak(minutes: f64, quick: bool) -> Result<()> {
    let time = Duration::try_from_secs_f64(if quick { 2.0 } else { 60.0 * minutes })?;
    let plan = SoakPlan { time, calls: if quick { 10 } else { 40 } };
    let text = sound::soak(plan, &env::current_exe()?, &mut io::stderr())?;
    write!(io::stdout().lock(), "{}\n\n{text}", Machine::describe())?;
    Ok(())
}

fn survive_soak(minutes: f64) -> Result<()> {
    // What is free goes back to the system, or reserves of the allocator would hide what is held: it reads this as it starts.
    let malloc = [
        ("MALLOC_ARENA_MAX", "1"),
        ("MALLOC_TRIM_THRESHOLD_", "4096"),
        ("MALLOC_TOP_PAD_", "0"),
        ("MALLOC_MMAP_THRESHOLD_", "8192"),
        ("MALLOC_MMAP_MAX_", "100000"),
    ];
    if malloc.iter().any(|(name, _)| env::var_os(name).is_none()) {
        let mut again = process::Command::new(env::current_exe()?);
        return Err(again.args(env::args_os().skip(1)).envs(malloc).exec().into());
    }
    let time = Duration::try_from_secs_f64(60.0 * minutes)?;
    let text = survive::soak(time, &mut io::stderr())?;
    write!(io::stdout().lock(), "{}\n\n{text}", Machine::describe())?;
    Ok(())
}

fn build(methods: usize, rounds: usize, folder: Option<PathBuf>) -> Result<()> {
    let temporary = tempfile::tempdir()?;
    let folder = folder.unwrap_or_else(|| temporary.path().to_owned());
    let plan = CompilePlan { methods, rounds: rounds.max(1), folder };
    let text = compile::compile(&plan, &mut io::stderr())?;
    write!(io::stdout().lock(), "{}\n\n{text}", Machine::describe())?;
    Ok(())
}

impl Options {
    fn pace(&self) -> Pace {
        let usual = if self.quick { Pace::QUICK } else { Pace::USUAL };
        Pace {
            warm_up: self.warm_up_ms.map_or(usual.warm_up, Duration::from_millis),
            window: self.window_ms.map_or(usual.window, Duration::from_millis),
            rounds: self.rounds.unwrap_or(usual.rounds).max(1),
        }
    }

    /// The names of the transports that are asked for, in the order of the tables.
    fn transports(&self) -> Result<Vec<String>> {
        for name in &self.only {
            transport::find(name)?;
        }
        let all = transport::all().into_iter().map(|transport| transport.name().to_owned());
        Ok(all.filter(|name| self.only.is_empty() || self.only.contains(name)).collect())
    }
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Transports { options, load, pinned } => {
            let mut groups = if pinned { Vec::new() } else { plan::transports() };
            groups.extend(plan::pinned());
            drive(&options, with_loads(groups, &load)?, report::transports)
        }
        Command::Jobs { options, job, load } => {
            let wanted = |group: &Group| job.is_empty() || job.contains(&group.title);
            let groups: Vec<_> = plan::jobs().into_iter().filter(wanted).collect();
            ensure!(!groups.is_empty(), "no such job here: {}", job.join(", "));
            drive(&options, with_loads(groups, &load)?, report::transports)
        }
        Command::InFlight(options) => drive(&options, plan::in_flight(), report::transports),
        Command::Connections(options) => drive(&options, plan::connections(), report::transports),
        Command::Pinned(options) => drive(&options, plan::pinned(), report::transports),
        Command::OneThread(options) => drive(&options, plan::one_thread(), report::transports),
        Command::Services(options) => drive(&options, plan::services(), report::transports),
        Command::Wire(options) => count(&options, Part::Wire),
        Command::Allocations(options) => count(&options, Part::Allocations),
        Command::Report { options, part, from, out, connections } => {
            draw(&options, part, from.as_deref(), &out, connections)
        }
        Command::Pending { options } => drive(&options, plan::pending(), report::pending),
        Command::Vectors { options } => drive(&options, plan::vectors(), report::vectors),
        Command::Mixed { options } => drive(&options, plan::mixed(), report::mixed),
        Command::Idle { options, connections } => hold(&options, connections),
        Command::Streams(effort) => {
            show(&effort, |program, effort| Ok(streams::flow(program, effort)?.to_string()))
        }
        Command::Overload { effort, only, out } => show(&effort, |program, effort| {
            let plots = out.clone();
            overload::overload(program, &OverloadPlan { effort, only: only.clone(), plots })
        }),
        Command::Stall(effort) => show(&effort, streams::stall),
        Command::Cancels(effort) => show(&effort, streams::cancels),
        Command::Layers(effort) => show(&effort, layers::layers),
        Command::Broadcast(effort) => show(&effort, streams::broadcast),
        Command::Chat(effort) => show(&effort, streams::chat),
        Command::Soak { minutes, quick } => soak(minutes, quick),
        Command::SurviveSoak { minutes } => survive_soak(minutes),
        Command::SideBySide(effort) => show(&effort, sound::side_by_side),
        Command::WaitingStreams(effort) => show(&effort, sound::waiting_streams),
        Command::Strangers(effort) => show(&effort, strangers::strangers),
        Command::Hostile(effort) => show(&effort, sound::hostile),
        Command::Fleet(effort) => show(&effort, fleet::fleet),
        Command::Jsonrpc => {
            Ok(io::stdout().lock().write_all(jsonrpc::scores()?.report().as_bytes())?)
        }
        Command::Survive(effort) => show(&effort, survive::survive),
        Command::Tls { effort, connections } => {
            show(&effort, |program, effort| tls::tls(program, effort, connections))
        }
        Command::Compile { methods, rounds, folder } => build(methods, rounds, folder),
        Command::Server { transport, one_thread } => {
            server::serve(&transport, if one_thread { Threading::One } else { Threading::Workers })
        }
    }
}

/// Keeps these loads of the groups; none means all.
fn with_loads(mut groups: Vec<Group>, loads: &[String]) -> Result<Vec<Group>> {
    for group in &mut groups {
        group.loads.retain(|load| loads.is_empty() || loads.contains(&load.label));
    }
    groups.retain(|group| !group.loads.is_empty());
    ensure!(!groups.is_empty(), "no such load here: {}", loads.join(", "));
    Ok(groups)
}

fn drive(options: &Options, groups: Vec<Group>, report: fn(&[Cell]) -> String) -> Result<()> {
    let plan = Plan {
        groups,
        transports: options.transports()?,
        pace: options.pace(),
        failure: Failure::Ends,
    };
    let cells = run::run(&plan, &env::current_exe()?, &mut io::stderr())?;
    finish(options, &report(&cells), &Results::new(plan.pace, cells, Vec::new()))
}

fn hold(options: &Options, connections: usize) -> Result<()> {
    // Memory hardly varies, so one round is what is usual.
    let rounds = options.rounds.unwrap_or(1).max(1);
    let plan = IdlePlan {
        connections: connections.max(1),
        transports: options.transports()?,
        rounds,
        failure: Failure::Ends,
    };
    let cells = idle::run(&plan, &env::current_exe()?, &mut io::stderr())?;
    let text = report::idle(&cells);
    finish(options, &text, &Results::new(Pace { rounds, ..options.pace() }, Vec::new(), cells))
}

/// Counts what is not a window of time, and prints its chapter.
fn count(options: &Options, part: Part) -> Result<()> {
    let survey = survey(options, vec![part], 0)?;
    let results = survey.take(None, &env::current_exe()?, &mut io::stderr())?;
    finish(options, &page::counted(&results), &results)
}

/// Measures the parts that are asked for and draws the page.
fn draw(
    options: &Options,
    parts: Vec<Part>,
    from: Option<&Path>,
    out: &Path,
    connections: usize,
) -> Result<()> {
    let before = from.map(Results::read).transpose()?;
    let all = parts.is_empty() && before.is_none();
    let parts = if all { Part::ALL.to_vec() } else { parts };
    let connections = if options.quick { connections.min(200) } else { connections };
    let survey = survey(options, parts, connections)?;
    let results = survey.take(before, &env::current_exe()?, &mut io::stderr())?;
    let folder = out.join("benchmarks");
    fs::create_dir_all(&folder)?;
    results.write(options.json.as_deref().unwrap_or(&folder.join("results.json")))?;
    page::write(&results, out)
}

fn survey(options: &Options, parts: Vec<Part>, connections: usize) -> Result<Survey> {
    let calls = if options.quick { 100 } else { 2000 };
    let (transports, pace) = (options.transports()?, options.pace());
    Ok(Survey { parts, transports, pace, connections, calls })
}

fn finish(options: &Options, text: &str, results: &Results) -> Result<()> {
    let Results { machine, method, cells, .. } = results;
    let mut out = io::stdout().lock();
    write!(out, "{machine}\n\n{text}")?;
    if !cells.is_empty() {
        writeln!(out, "CPU time: {}", method.cpu_time)?;
    }
    options.json.as_ref().map_or(Ok(()), |path| results.write(path))
}
