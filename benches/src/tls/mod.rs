//! What TLS costs: a call beside one without TLS and beside gRPC with it, a connection that is idle, a handshake that is
//! whole and one that goes on with an earlier session, a storm of handshakes that are left. Each table has its bars.

mod handshakes;
mod storm;

use std::{fmt::Write as _, io, path::Path};

use anyhow::{Context, Result};

use crate::{
    gauge::verdict,
    idle::{self, IdlePlan},
    plan::{Effort, Failure, Pace, Plan, transports},
    record::{Cell, Sample},
    run,
};

/// The most CPU that a call may take, by what it takes without TLS.
const CALL_BAR: f64 = 1.5;
/// By what it takes over tonic with TLS.
const TONIC_BAR: f64 = 1.0 / 15.0;
/// The most bytes of an idle connection.
const IDLE_BAR: f64 = 24.0 * 1024.0;
/// The load that the bars are about.
const LOAD: &str = "1x64";

/// Measures all of it, with so many idle connections.
///
/// # Errors
///
/// When a server cannot be started, a call fails, or too few files may be open.
pub fn tls(program: &Path, effort: Effort, connections: usize) -> Result<String> {
    let mut text = calls(program, effort)?;
    text += "\n";
    text += &idle_connections(program, connections / effort.divide)?;
    text += "\n";
    text += &handshakes::measure(program, effort)?;
    text += "\n";
    text += &storm::measure(program, effort)?;
    Ok(text)
}

fn calls(program: &Path, effort: Effort) -> Result<String> {
    let names = ["ours-tcp", "ours-tls", "tonic", "tonic-tls"];
    let groups = transports().into_iter().filter(|group| group.loads[0].label == LOAD);
    let plan = Plan {
        groups: groups.collect(),
        transports: names.map(str::to_owned).into(),
        // A client of the slowest has to get through its handshake and to a reply.
        pace: Pace {
            warm_up: effort.warm_up.max(Pace::QUICK.warm_up),
            window: effort.window.max(Pace::QUICK.window),
            rounds: effort.rounds,
        },
        failure: Failure::Ends,
    };
    let cells = run::run(&plan, program, &mut io::stderr())?;
    let cell = |name: &str| -> Result<&Cell> {
        let named = cells.iter().find(|cell| cell.transport == name);
        named.with_context(|| format!("{name} was not measured"))
    };
    let mut text = format!(
        "| add, {LOAD} | calls a second | CPU a call | by ours without TLS | by tonic with TLS |\n|---|---|---|---|---|\n"
    );
    let cpu = |name| cell(name).map(|cell| cell.spread(Sample::cpu_us).median);
    let (plain, peer) = (cpu("ours-tcp")?, cpu("tonic-tls")?);
    for name in names {
        let rate = cell(name)?.spread(Sample::calls_per_second).median;
        let us = cpu(name)?;
        let (by_plain, by_peer) = (us / plain, us / peer);
        writeln!(text, "| {name} | {rate:.0} | {us:.2} us | {by_plain:.2} | {by_peer:.3} |")?;
    }
    let (by_plain, by_peer) = (cpu("ours-tls")? / plain, cpu("ours-tls")? / peer);
    let (held, kept) = (verdict(by_plain <= CALL_BAR), verdict(by_peer <= TONIC_BAR));
    writeln!(text, "| bar of ours-tls | | | <= {CALL_BAR}: {held} | <= 1/15: {kept} |")?;
    Ok(text)
}

fn idle_connections(program: &Path, connections: usize) -> Result<String> {
    let connections = connections.max(1);
    let transports = ["ours-tcp", "ours-tls"].map(str::to_owned).into();
    let plan = IdlePlan { connections, transports, rounds: 1, failure: Failure::Ends };
    let mut text = format!(
        "| {connections} idle connections | the server, each | bar | |\n|---|---|---|---|\n"
    );
    for cell in idle::run(&plan, program, &mut io::stderr())? {
        let bytes = cell.spread().median;
        let (name, kib) = (&cell.transport, bytes / 1024.0);
        let (bar, held) = match name.as_str() {
            "ours-tls" => (format!("<= {} KiB", IDLE_BAR / 1024.0), verdict(bytes <= IDLE_BAR)),
            _ => (String::new(), ""),
        };
        writeln!(text, "| {name} | {kib:.1} KiB | {bar} | {held} |")?;
    }
    Ok(text)
}
