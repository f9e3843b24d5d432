//! Markdown tables: a transport a row, a load a column.

use std::fmt::Write;

use crate::{
    record::{Cell, LaneSample, Sample},
    report::{number, with_range},
};

/// What one cell shows.
pub(super) type Figure = fn(&Cell) -> String;

/// Calls a second, with the range over rounds.
pub(super) fn speed(cell: &Cell) -> String {
    with_range(cell.spread(Sample::calls_per_second))
}

/// CPU per call of both processes, and of each.
pub(super) fn cpu(cell: &Cell) -> String {
    format!(
        "{} ({} + {})",
        number(cell.spread(Sample::cpu_us).median),
        number(cell.spread(|sample| sample.client_cpu_us).median),
        number(cell.spread(|sample| sample.server_cpu_us).median),
    )
}

/// Latencies of the lane that is judged, where a call was timed.
pub(super) fn latency(cell: &Cell) -> String {
    if cell.samples.iter().all(|sample| sample.lanes[0].p50_us == 0.0) {
        return "-".to_owned();
    }
    let of = |figure: fn(&LaneSample) -> f64| {
        number(cell.spread(|sample| figure(&sample.lanes[0])).median)
    };
    format!("{} / {} / {}", of(|lane| lane.p50_us), of(|lane| lane.p99_us), of(|lane| lane.p999_us))
}

/// One figure of all cells: rows and columns in the order in which they ran.
pub(super) fn matrix(cells: &[&Cell], figure: Figure) -> String {
    let mut loads: Vec<&str> = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    for cell in cells {
        if !loads.contains(&&*cell.load) {
            loads.push(&cell.load);
        }
        if !names.contains(&&*cell.transport) {
            names.push(&cell.transport);
        }
    }
    let header: Vec<String> = loads.iter().map(|load| (*load).to_owned()).collect();
    table(
        "transport",
        &header,
        names.into_iter().map(|name| {
            let of = |load: &&str| {
                let cell = cells.iter().find(|cell| cell.load == **load && cell.transport == name);
                match cell {
                    Some(cell) if cell.samples.is_empty() => "not measured".to_owned(),
                    Some(cell) => figure(cell),
                    None => String::new(),
                }
            };
            (name.to_owned(), loads.iter().map(of).collect())
        }),
    )
}

/// A table whose first column is names and whose others are numbers.
pub(super) fn table(
    first: &str,
    header: &[String],
    rows: impl Iterator<Item = (String, Vec<String>)>,
) -> String {
    let mut text = String::new();
    let mut line = |line: String| writeln!(text, "{line}").expect("a string takes all");
    line(format!("| {first} | {} |", header.join(" | ")));
    line(format!("|---|{}", "---:|".repeat(header.len())));
    for (name, fields) in rows {
        line(format!("| {name} | {} |", fields.join(" | ")));
    }
    text
}
