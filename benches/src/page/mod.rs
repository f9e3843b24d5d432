//! The page of results: `benchmarks.md`, and its plots in a folder beside it.
//!
//! Comes in: results, of this run or of a file. Goes out: Markdown with tables, and SVG. It says
//! with which command each figure is made again, and where others do better.

mod losses;
mod svg;
mod tables;

use std::{fmt::Write, fs, path::Path};

use anyhow::{Context, Result};

use crate::{
    plan::Part,
    record::{Cell, Sample},
    report::number,
    results::Results,
    transport::Role,
};
use svg::{Dot, Line};
use tables::{Figure, cpu, latency, matrix, speed, table};

/// Writes the page and its plots.
///
/// # Errors
///
/// When a file cannot be written.
pub fn write(results: &Results, out: &Path) -> Result<()> {
    let mut page = Page { text: String::new(), plots: Vec::new() };
    page.opening(results);
    page.summary(results);
    page.settings(results);
    page.losses(results);
    for part in [Part::Jobs, Part::Pinned, Part::OneThread] {
        page.chapter(results, part);
    }
    for part in [Part::InFlight, Part::Connections] {
        page.sweep(results, part);
    }
    for part in [Part::Services, Part::Mixed, Part::Pending] {
        page.chapter(results, part);
    }
    page.text.push_str(&counted(results));
    page.failures(results);
    let folder = out.join("benchmarks");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for (name, plot) in &page.plots {
        fs::write(folder.join(name), plot)?;
    }
    fs::write(out.join("benchmarks.md"), page.text).context("cannot write the page")
}

/// The chapters of what is counted and not driven: bytes, allocations, memory, streams.
pub fn counted(results: &Results) -> String {
    let mut text = String::new();
    if !results.wire.is_empty() {
        let mut jobs: Vec<String> = Vec::new();
        for cell in &results.wire {
            if !jobs.contains(&cell.job) {
                jobs.push(cell.job.clone());
            }
        }
        let rows = names(results.wire.iter().map(|cell| &cell.transport)).map(|name| {
            let of = |job: &String| {
                let mut cells = results.wire.iter();
                let cell = cells.find(|cell| cell.job == *job && cell.transport == name);
                cell.map_or_else(String::new, |c| format!("{:.1} / {:.1}", c.sent, c.received))
            };
            (name.clone(), jobs.iter().map(of).collect())
        });
        let table = table("transport", &jobs, rows);
        let words = "Bytes from the client / from the server, headers counted, by a relay between the \
                     two; one call in flight on a connection that has made calls before.";
        section(&mut text, "Bytes on the wire per call", Part::Wire, words, &table);
    }
    if !results.allocations.is_empty() {
        let header = ["job", "client", "server"].map(str::to_owned);
        let rows = results.allocations.iter().map(|cell| {
            let fields = vec![cell.job.clone(), count(cell.client), count(cell.server)];
            (cell.transport.clone(), fields)
        });
        let words = "One call in flight, everything warm, client and server on a thread each. What \
                     has threads of its own is left out: they are not seen.";
        section(
            &mut text,
            "Allocations per call",
            Part::Allocations,
            words,
            &table("transport", &header, rows),
        );
    }
    if !results.idle.is_empty() {
        let header = ["connections", "KiB each"].map(str::to_owned);
        let rows = results.idle.iter().map(|cell| {
            let each = number(cell.spread().median / 1024.0);
            (cell.transport.clone(), vec![cell.connections.to_string(), each])
        });
        let words =
            "Resident memory of the server per connection that has made a call and is idle.";
        section(
            &mut text,
            "Idle connections",
            Part::Idle,
            words,
            &table("transport", &header, rows),
        );
    }
    if let Some(flow) = results.streams {
        let words = "One stream on one connection. Items are three 64-bit floats.";
        section(&mut text, "Streams", Part::Streams, words, &flow.to_string());
    }
    under_a_cutter(&mut text, results);
    text
}

/// What became of calls under a cutter.
fn under_a_cutter(text: &mut String, results: &Results) {
    let Some(under_cutter) = &results.under_cutter else { return };
    let words = "50 callers, and a relay that resets or ends each connection after 2,000 to 40,000 bytes. A failed call \
                 had run or had not: who repeats it without knowing runs it twice. A call hangs that has no answer \
                 after 11 seconds.";
    section(text, "Calls under a cutter", Part::Survive, words, &under_cutter.to_string());
}

/// What a plot shows of a sample.
type Axis = fn(&Sample) -> f64;

struct Page {
    text: String,
    plots: Vec<(String, String)>,
}

impl Page {
    fn opening(&mut self, results: &Results) {
        let Results { machine, method, .. } = results;
        let versions: Vec<_> =
            machine.crates.iter().map(|c| format!("{} {}", c.name, c.version)).collect();
        self.say(&format!(
            "# Benchmarks\n\n\
             Written by `cargo run --release -p benches -- report` from \
             [results.json](benchmarks/results.json); not edited by hand.\n\n\
             - {}, {} CPUs, Linux {}, {}, {}\n\
             - {}\n\
             - Server and client are separate processes on the loopback interface, each with a tokio \
             runtime of {} workers. Each cell has a fresh server, is driven for {} ms and then counted \
             for {} ms, {} times; rounds interleave all transports. Figures are medians over rounds, \
             with (least..most).\n\
             - Loads are `CONNECTIONS x CALLS IN FLIGHT ON EACH`. Callers are closed loops: each waits \
             for its answer, and checks it. Latencies are of calls that were answered, in \
             microseconds.\n\
             - CPU: {}. Time that the kernel spends on interrupts is in neither.\n",
            machine.date, machine.cpus, machine.kernel, machine.rustc, machine.cpu,
            versions.join(", "),
            method.workers, method.warm_up_ms, method.window_ms, method.rounds, method.cpu_time,
        ));
    }

    /// What most readers want: one load, all figures.
    fn summary(&mut self, results: &Results) {
        let of =
            |cell: &&Cell| (cell.part, &*cell.group, &*cell.load) == (Part::Jobs, "add", "1x64");
        let cells: Vec<&Cell> = results.cells.iter().filter(of).collect();
        let Some(ours) = cells.iter().find(|cell| cell.transport == "ours-tcp") else { return };
        let cpu = |cell: &Cell| cell.spread(Sample::cpu_us).median;
        let header = ["calls/s", "CPU us/call", "CPU / ours-tcp", "p99 us", "bytes", "KiB idle"];
        let rows = cells.iter().map(|cell| {
            let named = |name: &String| *name == cell.transport;
            let wire = results.wire.iter().find(|c| c.job == "add" && named(&c.transport));
            let idle = results.idle.iter().find(|c| named(&c.transport));
            let fields = vec![
                number(cell.spread(Sample::calls_per_second).median),
                number(cpu(cell)),
                format!("{}x", number(cpu(cell) / cpu(ours))),
                number(cell.spread(|sample| sample.lanes[0].p99_us).median),
                wire.map_or_else(String::new, |c| format!("{:.0}", c.sent + c.received)),
                idle.map_or_else(String::new, |c| number(c.spread().median / 1024.0)),
            ];
            (cell.transport.clone(), fields)
        });
        let table = table("transport", &header.map(str::to_owned), rows);
        self.say(
            "## In short\n\n`add(i64, i64)`, one connection, 64 calls in flight; bytes on the \
                  wire both ways, and the server's memory of an idle connection:\n",
        );
        self.say(&table);
    }

    fn settings(&mut self, results: &Results) {
        let rows = results.method.transports.iter();
        let rows: Vec<_> = rows.map(|(name, set)| format!("| {name} | {set} |")).collect();
        let table = format!("| transport | settings |\n|---|---|\n{}\n", rows.join("\n"));
        self.say(&format!(
            "## What is compared\n\n{}\n\n{table}",
            "Each as its documentation shows it and tuned for these loads; the handlers are the same \
             code. The limit is what a hand-written loop reaches with the same bytes; it only adds and echoes. Where \
             HTTP/1.1 carries one call a connection, N calls in flight are N connections."
        ));
    }

    fn losses(&mut self, results: &Results) {
        let losses = losses::find(results);
        self.say("## Where we lose\n");
        if losses.is_empty() {
            self.say("In no figure of this run does another transport beat ours over TCP.\n");
            return;
        }
        self.say(
            "Every figure of this run in which the best of the other transports beats ours over TCP by \
             more than 5 %:\n\n\
             | where | figure | ours-tcp | better | theirs | factor |\n|---|---|---:|---|---:|---:|",
        );
        for loss in &losses {
            self.say(&loss.row());
        }
        self.say("");
    }

    /// The groups of a part, each with its tables, and plots of those with several transports.
    fn chapter(&mut self, results: &Results, part: Part) {
        let cells: Vec<&Cell> = results.cells.iter().filter(|cell| cell.part == part).collect();
        if cells.is_empty() {
            return;
        }
        self.say(&format!("## {}\n\n{}\n", title(part), command(part)));
        for group in names(cells.iter().map(|cell| &cell.group)) {
            let cells: Vec<&Cell> = cells.iter().copied().filter(|c| c.group == group).collect();
            self.say(&format!("### {group}\n"));
            let load = cells.iter().find(|c| c.load == "1x64").unwrap_or(&cells[0]).load.clone();
            self.dots(part, &group, &load, &cells);
            for (heading, figure) in FIGURES {
                self.say(&format!("{heading}\n\n{}", matrix(&cells, figure)));
            }
            if part == Part::Mixed {
                let echoes: Figure = |cell| {
                    let of = |sample: &Sample| {
                        sample.lanes.get(1).map_or(f64::NAN, |lane| lane.calls_per_second)
                    };
                    number(cell.spread(of).median)
                };
                self.say(&format!(
                    "1 MiB echoes a second; who does more of them has less left for the small calls:\n\n{}",
                    matrix(&cells, echoes)
                ));
            }
        }
    }

    /// CPU per call of one load, a dot for each transport.
    fn dots(&mut self, part: Part, group: &str, load: &str, cells: &[&Cell]) {
        let cells: Vec<&&Cell> =
            cells.iter().filter(|cell| cell.load == load && !cell.samples.is_empty()).collect();
        let dots: Vec<Dot> = cells
            .iter()
            .map(|cell| Dot {
                name: cell.transport.clone(),
                value: cell.spread(Sample::cpu_us).median,
                colour: COLOURS_OF[cell.role as usize][0],
            })
            .collect();
        if dots.len() > 1 {
            // A group may say under which load it was.
            let load = if group.contains(load) { String::new() } else { format!(", {load}") };
            let title = format!("{group}{load}: CPU per call, client and server");
            let name = format!("{}-{}.svg", part.command(), slug(group));
            let legend = legend(cells.iter().map(|cell| cell.role));
            self.plot(name, &title, svg::dots(&title, "microseconds", &legend, &dots));
        }
    }

    /// Figures over a count, as lines and tables.
    fn sweep(&mut self, results: &Results, part: Part) {
        let cells: Vec<&Cell> = results.cells.iter().filter(|cell| cell.part == part).collect();
        if cells.is_empty() {
            return;
        }
        self.say(&format!("## {}\n\n{}\n", title(part), command(part)));
        let across = if part == Part::InFlight { "calls in flight" } else { "connections" };
        let legend = legend(cells.iter().map(|cell| cell.role));
        let figures: [(&str, Axis); 2] =
            [("calls-s", Sample::calls_per_second), ("cpu", Sample::cpu_us)];
        for ((name, of), words) in figures.into_iter().zip(["calls/s (log)", "CPU us/call (log)"]) {
            let title = format!("{}: {words}", cells[0].group);
            let plot = svg::lines(&title, across, &legend, &lines(&cells, of));
            self.plot(format!("{}-{name}.svg", part.command()), &title, plot);
        }
        for (heading, figure) in FIGURES {
            self.say(&format!("{heading}\n\n{}", matrix(&cells, figure)));
        }
    }

    fn plot(&mut self, name: String, title: &str, plot: String) {
        self.say(&format!("![{title}](benchmarks/{name})\n"));
        self.plots.push((name, plot));
    }

    fn failures(&mut self, results: &Results) {
        let failures: Vec<String> = results
            .cells
            .iter()
            .flat_map(|cell| {
                cell.failures.iter().map(move |why| format!("- {}: {why}", cell.group))
            })
            .collect();
        if !failures.is_empty() {
            self.say(&format!("## Not measured\n\n{}\n", failures.join("\n")));
        }
    }

    fn say(&mut self, words: &str) {
        writeln!(self.text, "{words}").expect("a string takes all that is written");
    }
}

/// The three tables of every group.
const FIGURES: [(&str, Figure); 3] = [
    ("Calls a second:", speed),
    ("CPU per call in microseconds, both processes (client + server):", cpu),
    ("Latency in microseconds, p50 / p99 / p99.9:", latency),
];

fn title(part: Part) -> &'static str {
    match part {
        Part::Jobs => "Three jobs",
        Part::Pinned => "On one CPU",
        Part::OneThread => "On one thread each side",
        Part::InFlight => "As calls in flight grow",
        Part::Connections => "As connections grow",
        Part::Services => "Handlers as services have them",
        Part::Mixed => "Small calls beside large ones",
        Part::Pending => "Handlers that are not ready at once",
        Part::Wire | Part::Allocations | Part::Idle | Part::Streams | Part::Survive => {
            "What is counted"
        }
    }
}

fn command(part: Part) -> String {
    format!("`cargo run --release -p benches -- {}`", part.command())
}

fn section(text: &mut String, heading: &str, part: Part, words: &str, table: &str) {
    let command = command(part);
    write!(text, "## {heading}\n\n{command}\n\n{words}\n\n{table}\n")
        .expect("a string takes all that is written");
}

/// One line a transport, through the medians over the loads that are numbers.
fn lines(cells: &[&Cell], of: Axis) -> Vec<Line> {
    let mut used = [0; COLOURS_OF.len()];
    names(cells.iter().map(|cell| &cell.transport))
        .filter_map(|name| {
            let own =
                cells.iter().filter(|cell| cell.transport == name && !cell.samples.is_empty());
            let role = own.clone().next()?.role;
            let points = own.filter_map(|c| Some((c.load.parse().ok()?, c.spread(of).median)));
            let shades = COLOURS_OF[role as usize];
            let colour = shades[used[role as usize] % shades.len()];
            used[role as usize] += 1;
            let weight = if role == Role::Ours { 2.5 } else { 1.5 };
            Some(Line { points: points.collect(), colour, weight, name })
        })
        .collect()
}

/// The colours that a plot needs, and what they mean: the same in all plots.
fn legend(roles: impl Iterator<Item = Role>) -> Vec<(&'static str, &'static str)> {
    let roles: Vec<Role> = roles.collect();
    let words = [
        (Role::Ours, "rpc-core"),
        (Role::Peer, "other frameworks"),
        (Role::Http, "over HTTP/1.1"),
        (Role::Limit, "the limit, by hand"),
    ];
    let used = words.into_iter().filter(|(role, _)| roles.contains(role));
    used.map(|(role, words)| (COLOURS_OF[role as usize][0], words)).collect()
}

/// Each name once, in the order of its first use.
fn names<'a>(all: impl Iterator<Item = &'a String>) -> impl Iterator<Item = String> {
    let mut seen: Vec<String> = Vec::new();
    for name in all {
        if !seen.contains(name) {
            seen.push(name.clone());
        }
    }
    seen.into_iter()
}

fn slug(group: &str) -> String {
    let words: String = group
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' })
        .collect();
    words.split_whitespace().collect::<Vec<_>>().join("-")
}

fn count(figure: f64) -> String {
    format!("{figure:.1}")
}

/// The colours of each role, by its place in `Role`: shades of one, told from each other by people who see few.
const COLOURS_OF: [&[&str]; 4] = [
    &["#868e96"],
    &["#d9480f", "#f08c00", "#c2255c", "#e8590c", "#a61e4d"],
    &["#2f9e44", "#5c940d", "#099268", "#74b816", "#087f5b"],
    &["#1971c2", "#6741d9", "#0c8599", "#4263eb"],
];

#[cfg(test)]
mod tests;
