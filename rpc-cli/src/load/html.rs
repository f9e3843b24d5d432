//! A run as one page that needs nothing else: no network, no scripts; light or dark as the reader has it.

use std::fmt::Write as _;

use super::{
    plot::{Axis, Line, Plot, Scale, escape},
    results::Results,
    text::load,
    words::{grouped, micros},
};

/// The page.
pub(crate) fn report(results: &Results) -> String {
    let target = &results.target;
    let (method, address) = (escape(&target.method), escape(&target.address));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{method} at {address}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>{method} <code>{}</code></h1>\n<p>{}<br>{address}</p>\n",
        escape(&target.arguments),
        escape(&load(results)),
    );
    for warning in &results.warnings {
        page.push_str(&format!("<p class=\"warning\">{}</p>\n", escape(warning)));
    }
    page.push_str(&tiles(results));
    page.push_str(&figure("Latency by percentile", &by_percentile(results)));
    page.push_str(&figure("Throughput over time", &throughput(results)));
    page.push_str(&figure("Latency over time", &over_time(results)));
    if !results.steps.is_empty() {
        page.push_str(&figure("p99 by rate", &by_rate(results)));
        page.push_str(&steps(results));
    }
    page.push_str(&latencies(results));
    page.push_str(&errors(results));
    page.push_str(&format!(
        "<footer>{}</footer>\n</body>\n</html>",
        escape(&results.machine.to_string())
    ));
    page
}

fn tiles(results: &Results) -> String {
    let (summary, latency, cpu) = (&results.summary, &results.latency_us, &results.cpu);
    let mut tiles = vec![
        ("calls/s", grouped(summary.calls_per_second)),
        ("p50", micros(latency.p50)),
        ("p99", micros(latency.p99)),
        ("p99.99", micros(latency.p99_99)),
        ("errors", grouped(summary.errors as f64)),
    ];
    if results.has_items() {
        tiles.push(("items/s", grouped(summary.items_per_second)));
    }
    if results.load.rate.is_some() {
        tiles.push(("late", grouped(summary.late as f64)));
        tiles.push(("dropped", grouped(summary.dropped as f64)));
    }
    let cores = |cores: f64| format!("{cores:.2} cores");
    tiles.extend(cpu.generator.map(|share| ("generator CPU", cores(share.cores))));
    tiles.extend(cpu.server.map(|share| ("server CPU", cores(share.cores))));
    let tile = |(name, value): (&str, String)| format!("<div><b>{value}</b>{name}</div>");
    format!("<div class=\"tiles\">{}</div>\n", tiles.into_iter().map(tile).collect::<String>())
}

fn figure(title: &str, plot: &Plot<'_>) -> String {
    format!("<figure><figcaption>{title}</figcaption>\n{}</figure>\n", plot.svg())
}

fn by_percentile(results: &Results) -> Plot<'_> {
    let points = results.curve.iter().map(|point| (point.quantile, point.us)).collect();
    Plot {
        title: "Latency by percentile",
        x: Axis { scale: Scale::Nines, label: percentile },
        y: Axis { scale: Scale::Log, label: micros_of_tick },
        lines: vec![Line { name: "latency", points }],
    }
}

fn throughput(results: &Results) -> Plot<'_> {
    let points = results.whole().map(|sample| (sample.at, sample.calls_per_second)).collect();
    Plot {
        title: "Throughput over time",
        x: Axis { scale: Scale::Linear, label: seconds },
        y: Axis { scale: Scale::Linear, label: grouped },
        lines: vec![Line { name: "calls/s", points }],
    }
}

fn over_time(results: &Results) -> Plot<'_> {
    let line = |name, value: fn(&super::results::SampleRecord) -> f64| {
        let samples = results.whole().filter(|sample| sample.calls > 0);
        Line { name, points: samples.map(|sample| (sample.at, value(sample))).collect() }
    };
    Plot {
        title: "Latency over time",
        x: Axis { scale: Scale::Linear, label: seconds },
        y: Axis { scale: Scale::Log, label: micros_of_tick },
        lines: vec![line("p99", |sample| sample.p99_us), line("p50", |sample| sample.p50_us)],
    }
}

fn by_rate(results: &Results) -> Plot<'_> {
    let mut points: Vec<_> = results.steps.iter().map(|step| (step.rate, step.p99_us)).collect();
    points.sort_by(|left, right| left.0.total_cmp(&right.0));
    Plot {
        title: "p99 by rate",
        x: Axis { scale: Scale::Log, label: grouped },
        y: Axis { scale: Scale::Log, label: micros_of_tick },
        lines: vec![Line { name: "p99", points }],
    }
}

fn steps(results: &Results) -> String {
    let mut rows = String::new();
    for step in &results.steps {
        let broke = escape(step.broke.as_deref().unwrap_or("held"));
        let (rate, calls) = (grouped(step.rate), grouped(step.calls_per_second));
        // Writing to a string cannot fail.
        let _ = writeln!(
            rows,
            "<tr><td>{rate}</td><td>{calls}</td><td>{}</td><td class=\"text\">{broke}</td></tr>",
            micros(step.p99_us)
        );
    }
    format!(
        "<table><tr><th>rate/s</th><th>calls/s</th><th>p99</th><th></th></tr>\n{rows}</table>\n\
         <p>All other figures are those of the highest rate that held.</p>\n"
    )
}

fn latencies(results: &Results) -> String {
    let rows = results.latency_us.rows();
    let head: String = rows.iter().map(|(name, _)| format!("<th>{name}</th>")).collect();
    let cells: String = rows.iter().map(|(_, us)| format!("<td>{}</td>", micros(*us))).collect();
    format!("<table><tr>{head}</tr>\n<tr>{cells}</tr></table>\n")
}

fn errors(results: &Results) -> String {
    if results.errors.is_empty() {
        return String::new();
    }
    let rows: String = results
        .errors
        .iter()
        .map(|error| {
            let (status, example) = (escape(&error.status), escape(&error.example));
            let count = grouped(error.count as f64);
            format!("<tr><td>{count}</td><td class=\"text\">{status}</td><td class=\"text\">{example}</td></tr>\n")
        })
        .collect();
    format!("<table><tr><th>errors</th><th></th><th></th></tr>\n{rows}</table>\n")
}

fn percentile(quantile: f64) -> String {
    let text = format!("{:.4}", quantile * 100.0);
    format!("p{}", text.trim_end_matches('0').trim_end_matches('.'))
}

fn micros_of_tick(us: f64) -> String {
    let (number, unit) = match us {
        ..1e3 => (us, "µs"),
        1e3..1e6 => (us / 1e3, "ms"),
        _ => (us / 1e6, "s"),
    };
    format!("{} {unit}", (number * 1000.0).round() / 1000.0)
}

fn seconds(seconds: f64) -> String {
    format!("{} s", (seconds * 1000.0).round() / 1000.0)
}

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1c2128; --dim: #5d6673; --line: #dfe3e8; --page: #ffffff;
  --tile: #f5f7f9; --s0: #1f6feb; --s1: #b35900; --warn: #9a3412; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaef; --dim: #98a2ae; --line: #30363d;
  --page: #0f1318; --tile: #181d24; --s0: #6cb0ff; --s1: #f0a35e; --warn: #ffa657; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page);
  max-width: 820px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin: 0; } h1 code { font-size: 1rem; color: var(--dim); overflow-wrap: anywhere; }
p, footer { color: var(--dim); } .warning { color: var(--warn); }
.warning::before { content: 'warning: '; font-weight: 600; }
.tiles { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1.2rem 0; }
.tiles div { background: var(--tile); border-radius: 8px; padding: .6rem 1rem; color: var(--dim);
  font-size: .85rem; }
.tiles b { display: block; color: var(--ink); font-size: 1.2rem; font-variant-numeric: tabular-nums; }
figure { margin: 1.6rem 0; } figcaption { font-weight: 600; margin-bottom: .3rem; }
svg { width: 100%; height: auto; } svg text { fill: var(--dim); font-size: 12px; }
.grid { stroke: var(--line); } polyline { fill: none; } .s0, .s1 { stroke-width: 2; stroke-linejoin: round; }
.s0 { stroke: var(--s0); } .s1 { stroke: var(--s1); }
table { border-collapse: collapse; margin: 1.2rem 0; font-variant-numeric: tabular-nums; display: block;
  overflow-x: auto; }
th, td { text-align: right; padding: .25rem .7rem .25rem 0; border-bottom: 1px solid var(--line);
  white-space: nowrap; } th { color: var(--dim); font-weight: 400; }
td.text { text-align: left; white-space: normal; } footer { font-size: .85rem; margin-top: 2rem; }
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{results::Step, summary::tests::example};

    #[test]
    fn the_page_has_all_plots_and_asks_for_nothing() {
        let mut results = example();
        results.target.arguments = "<script>".to_owned();
        let broke = Some("p99 of 9 ms is above 5 ms".to_owned());
        results.steps = vec![Step { rate: 10.0, calls_per_second: 9.0, p99_us: 9e3, broke }];
        let page = report(&results);
        assert_eq!(page.matches("<svg ").count(), 4);
        assert_eq!(page.matches("<polyline ").count(), 5);
        for absent in ["http://", "https://", "<script", "NaN"] {
            assert!(!page.contains(absent), "{absent}");
        }
        assert!(page.contains(&results.machine.cpu) && page.contains("prefers-color-scheme: dark"));
    }

    #[test]
    fn ticks_are_in_units_that_fit() {
        assert_eq!(micros_of_tick(0.5), "0.5 µs");
        assert_eq!(micros_of_tick(2000.0), "2 ms");
        assert_eq!(percentile(0.999), "p99.9");
        assert_eq!(percentile(0.0), "p0");
        assert_eq!(seconds(0.1 + 0.2), "0.3 s");
    }
}
