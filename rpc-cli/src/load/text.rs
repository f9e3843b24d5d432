//! A run as text for people.

use std::fmt::Write as _;

use super::{
    results::{Results, Share},
    words::{grouped, micros, seconds},
};
use crate::output::{BOLD, DIM};

/// The report.
pub(crate) fn report(results: &Results) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut text, results);
    text.truncate(text.trim_end().len());
    text
}

fn write(text: &mut String, results: &Results) -> std::fmt::Result {
    let Results { machine, target, summary, .. } = results;
    writeln!(text, "{BOLD}{}{BOLD:#} {} at {}", target.method, target.arguments, target.address)?;
    writeln!(text, "{}", load(results))?;
    writeln!(text, "{DIM}{machine}{DIM:#}\n")?;
    steps(text, results)?;
    writeln!(
        text,
        "calls       {:>12}   in {}",
        grouped(summary.calls as f64),
        seconds(summary.seconds)
    )?;
    writeln!(text, "calls/s     {BOLD}{:>12}{BOLD:#}", grouped(summary.calls_per_second))?;
    if results.has_items() {
        writeln!(text, "items/s     {:>12}", grouped(summary.items_per_second))?;
    }
    if results.load.rate.is_some() {
        offered(text, results)?;
        writeln!(
            text,
            "late        {:>12}   begun over 1 ms after their time",
            grouped(summary.late as f64)
        )?;
        writeln!(
            text,
            "dropped     {:>12}   never begun: all in flight were taken",
            grouped(summary.dropped as f64)
        )?;
    }
    writeln!(text, "errors      {:>12}", grouped(summary.errors as f64))?;
    for error in &results.errors {
        let example = short_text(&error.example);
        writeln!(
            text,
            "  {:<20} {:>8}   {DIM}{example}{DIM:#}",
            error.status,
            grouped(error.count as f64)
        )?;
    }
    if summary.calls > 0 {
        let from =
            if results.load.rate.is_some() { ", from the intended time of each call" } else { "" };
        writeln!(text, "\nlatency{from}")?;
        for (name, us) in results.latency_us.rows() {
            writeln!(text, "  {name:<8} {:>12}", micros(us))?;
        }
    }
    cpu(text, results)?;
    if !results.warnings.is_empty() {
        writeln!(text)?;
    }
    for warning in &results.warnings {
        writeln!(text, "{BOLD}warning:{BOLD:#} {warning}")?;
    }
    Ok(())
}

/// What was asked of the server, and what came of that in time.
fn offered(text: &mut String, results: &Results) -> std::fmt::Result {
    let summary = &results.summary;
    writeln!(
        text,
        "offered     {:>12}   calls/s by the clock",
        grouped(summary.offered_per_second)
    )?;
    writeln!(
        text,
        "goodput     {BOLD}{:>12}{BOLD:#}   calls/s answered within {} of their time",
        grouped(summary.goodput_per_second),
        micros(results.load.within_seconds * 1e6)
    )?;
    writeln!(
        text,
        "refused     {:>12}   too much to do: RESOURCE_EXHAUSTED",
        grouped(summary.refused as f64)
    )
}

fn cpu(text: &mut String, results: &Results) -> std::fmt::Result {
    let cpu = &results.cpu;
    writeln!(text, "\nCPU")?;
    let share =
        |share: &Share| format!("{:.2} cores, {:.2} µs a call", share.cores, share.us_per_call);
    let generator = cpu.generator.as_ref().map_or_else(|| "unknown".to_owned(), share);
    writeln!(text, "  generator  {generator}")?;
    let server = match (&cpu.server, &cpu.server_unknown) {
        (Some(used), _) => {
            format!("{} (process {})", share(used), cpu.server_pid.unwrap_or_default())
        }
        (None, why) => format!("unknown: {}", why.as_deref().unwrap_or("not looked for")),
    };
    writeln!(text, "  server     {server}")
}

fn steps(text: &mut String, results: &Results) -> std::fmt::Result {
    if results.steps.is_empty() {
        return Ok(());
    }
    writeln!(text, "     rate/s      calls/s          p99")?;
    for step in &results.steps {
        let broke = step.broke.as_deref().unwrap_or("held");
        let (rate, calls) = (grouped(step.rate), grouped(step.calls_per_second));
        writeln!(text, "{rate:>11}  {calls:>11} {:>12}  {broke}", micros(step.p99_us))?;
    }
    writeln!(text, "\nthe highest rate that held:")
}

/// The load in words.
pub(crate) fn load(results: &Results) -> String {
    let load = &results.load;
    let pace = match load.rate {
        Some(rate) => format!("{} calls/s by the clock, at most {}", grouped(rate), load.in_flight),
        None => load.in_flight.to_string(),
    };
    let bound = match (load.seconds, load.count) {
        (Some(time), _) => seconds(time),
        (None, count) => format!("{} calls", grouped(count.unwrap_or_default() as f64)),
    };
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    format!(
        "{}: {pace} in flight on {} connection{}, {} thread{}, {bound} after {} of warm-up",
        results.target.protocol,
        load.connections,
        plural(load.connections),
        load.threads,
        plural(load.threads),
        seconds(load.warm_up_seconds),
    )
}

/// The first line of a message, if it is not too long.
fn short_text(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let cut: String = line.chars().take(LONGEST).collect();
    if cut.len() < line.len() { cut + "…" } else { cut }
}

const LONGEST: usize = 90;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut_and_only_its_first_line_shown() {
        assert_eq!(short_text("one\ntwo"), "one");
        assert_eq!(short_text(&"ä".repeat(200)).chars().count(), LONGEST + 1);
    }
}
