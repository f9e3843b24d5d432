//! Results as Markdown tables, one a group, and the ratios that the comparison is about.
//!
//! Comes in: cells. Goes out: text. Ratios are of medians within one run.

use std::fmt::Write;

use comfy_table::{CellAlignment, Table, presets::ASCII_MARKDOWN};
use rpc_cli::load::statistics::Spread;

use crate::{
    idle::IdleCell,
    record::{Cell, Sample},
    transport::Role,
};

/// Tables of throughput, CPU and latency for every group and load, each divided by the limit.
pub fn transports(cells: &[Cell]) -> String {
    let mut text = String::new();
    for (heading, rows) in by_load(cells) {
        let limit = rows.iter().find(|cell| cell.role == Role::Limit);
        let mut table = table([
            "transport",
            "calls/s (min..max)",
            "speed / limit",
            "CPU us/call",
            "client",
            "server",
            "CPU / limit",
            "p50 us",
            "p99 us",
        ]);
        for cell in &rows {
            let (speed, cpu) = (cell.spread(Sample::calls_per_second), cell.spread(Sample::cpu_us));
            let of_limit = |figure: fn(&Sample) -> f64| {
                limit.map_or_else(|| NONE.to_owned(), |limit| ratio(cell, limit, figure))
            };
            table.add_row([
                cell.transport.clone(),
                with_range(speed),
                of_limit(Sample::calls_per_second),
                number(cpu.median),
                number(cell.spread(|sample| sample.client_cpu_us).median),
                number(cell.spread(|sample| sample.server_cpu_us).median),
                of_limit(Sample::cpu_us),
                number(cell.spread(|sample| sample.lanes[0].p50_us).median),
                number(cell.spread(|sample| sample.lanes[0].p99_us).median),
            ]);
        }
        section(&mut text, &heading, &table);
    }
    text.push_str(&against_http(cells));
    text
}

/// How many times ours every HTTP transport costs and how much slower it is, load by load.
fn against_http(cells: &[Cell]) -> String {
    let mut table =
        table(["load", "ours", "HTTP", "CPU per call, HTTP / ours", "calls/s, ours / HTTP"]);
    for (heading, rows) in by_load(cells) {
        for ours in rows.iter().filter(|cell| cell.role == Role::Ours) {
            for http in rows.iter().filter(|cell| cell.role == Role::Http) {
                table.add_row([
                    heading.clone(),
                    ours.transport.clone(),
                    http.transport.clone(),
                    ratio(http, ours, Sample::cpu_us),
                    ratio(ours, http, Sample::calls_per_second),
                ]);
            }
        }
    }
    let mut text = String::new();
    if !table.is_empty() {
        section(&mut text, "ours against JSON-RPC over HTTP", &table);
    }
    text
}

/// What a handler that is pending once costs beside one that is ready.
pub fn pending(cells: &[Cell]) -> String {
    let mut table = table([
        "transport",
        "ready, CPU us/call",
        "pending, CPU us/call",
        "pending / ready",
        "ready, calls/s",
        "pending, calls/s",
    ]);
    for (ready, pending) in pairs(cells, "ready", "pending") {
        table.add_row([
            ready.transport.clone(),
            number(ready.spread(Sample::cpu_us).median),
            number(pending.spread(Sample::cpu_us).median),
            ratio(pending, ready, Sample::cpu_us),
            with_range(ready.spread(Sample::calls_per_second)),
            with_range(pending.spread(Sample::calls_per_second)),
        ]);
    }
    titled(cells, &table)
}

/// What a payload costs that is owned, beside one that is shared.
pub fn vectors(cells: &[Cell]) -> String {
    let mut table = table([
        "transport",
        "Bytes, CPU us/call",
        "Vec<u8>, CPU us/call",
        "Vec<u8> / Bytes",
        "Bytes, calls/s",
        "Vec<u8>, calls/s",
    ]);
    for (shared, owned) in pairs(cells, "Bytes", "Vec<u8>") {
        table.add_row([
            shared.transport.clone(),
            number(shared.spread(Sample::cpu_us).median),
            number(owned.spread(Sample::cpu_us).median),
            ratio(owned, shared, Sample::cpu_us),
            with_range(shared.spread(Sample::calls_per_second)),
            with_range(owned.spread(Sample::calls_per_second)),
        ]);
    }
    titled(cells, &table)
}

/// What large echoes on the same connection do to the latency of small calls.
pub fn mixed(cells: &[Cell]) -> String {
    let mut table = table([
        "transport",
        "alone, p50 us",
        "alone, p99 us",
        "beside, p50 us",
        "beside, p99 us (min..max)",
        "p99 beside / alone",
        "beside, add/s",
        "1 MiB echoes/s",
    ]);
    for (alone, beside) in pairs(cells, "alone", "beside") {
        table.add_row([
            alone.transport.clone(),
            number(alone.spread(p50).median),
            number(alone.spread(p99).median),
            number(beside.spread(p50).median),
            with_range(beside.spread(p99)),
            ratio(beside, alone, p99),
            number(beside.spread(Sample::calls_per_second).median),
            number(beside.spread(|sample| sample.lanes[1].calls_per_second).median),
        ]);
    }
    titled(cells, &table)
}

/// The server's memory per idle connection.
pub fn idle(cells: &[IdleCell]) -> String {
    let mut table = table(["transport", "connections", "KiB per connection (min..max)"]);
    for cell in cells {
        let Spread { median, min, max } = cell.spread();
        table.add_row([
            cell.transport.clone(),
            cell.connections.to_string(),
            with_range(Spread { median: median / KIB, min: min / KIB, max: max / KIB }),
        ]);
    }
    let mut text = String::new();
    section(&mut text, "resident memory of the server per idle connection", &table);
    text
}

fn p50(sample: &Sample) -> f64 {
    sample.lanes[0].p50_us
}

fn p99(sample: &Sample) -> f64 {
    sample.lanes[0].p99_us
}

/// Cells by group and load, each with the heading of its table, in the order that they ran.
fn by_load(cells: &[Cell]) -> Vec<(String, Vec<&Cell>)> {
    let mut groups: Vec<(String, Vec<&Cell>)> = Vec::new();
    for cell in cells {
        match groups.last_mut() {
            Some((_, rows)) if rows[0].group == cell.group && rows[0].load == cell.load => {
                rows.push(cell);
            }
            _ => groups.push((cell.group.clone(), vec![cell])),
        }
    }
    groups
}

/// The two loads of each transport.
fn pairs<'a>(cells: &'a [Cell], first: &str, second: &str) -> Vec<(&'a Cell, &'a Cell)> {
    let of = |load: &str, transport: &str| {
        cells.iter().find(|cell| cell.load == load && cell.transport == transport)
    };
    let firsts = cells.iter().filter(|cell| cell.load == first);
    firsts.filter_map(|cell| Some((cell, of(second, &cell.transport)?))).collect()
}

fn ratio(dividend: &Cell, divisor: &Cell, figure: impl Fn(&Sample) -> f64) -> String {
    let quotient = dividend.spread(&figure).median / divisor.spread(&figure).median;
    format!("{}x", number(quotient))
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn titled(cells: &[Cell], table: &Table) -> String {
    let mut text = String::new();
    section(&mut text, cells.first().map_or("nothing ran", |cell| &cell.group), table);
    text
}

fn section(text: &mut String, heading: &str, table: &Table) {
    write!(text, "### {heading}\n\n{table}\n\n").expect("a string takes all that is written");
}

/// Three significant digits, with a suffix where numbers grow long.
pub(crate) fn number(figure: f64) -> String {
    let size = figure.abs();
    match size {
        _ if !size.is_finite() => NONE.to_owned(),
        _ if size >= 999_500.0 => format!("{:.2}M", figure / 1e6),
        _ if size >= 99_950.0 => format!("{:.0}k", figure / 1e3),
        _ if size >= 9_999.5 => format!("{:.1}k", figure / 1e3),
        _ if size >= 99.95 => format!("{figure:.0}"),
        _ if size >= 9.995 => format!("{figure:.1}"),
        _ if size >= 0.9995 => format!("{figure:.2}"),
        _ if size >= 0.09995 => format!("{figure:.3}"),
        _ => format!("{figure:.4}"),
    }
}

pub(crate) fn with_range(Spread { median, min, max }: Spread) -> String {
    format!("{} ({}..{})", number(median), number(min), number(max))
}

const NONE: &str = "-";
const KIB: f64 = 1024.0;

#[cfg(test)]
mod tests;
