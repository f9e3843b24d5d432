//! What was measured, as a table and as a plot.

use std::{fmt::Write as _, fs, path::Path, time::Duration};

use anyhow::Result;
use rpc_cli::load::plot::GROUND;

use super::generator::{End, Run};

/// One transport's loads.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) runs: Vec<Run>,
}

impl Row {
    /// The most that was answered in time, at any load.
    fn peak(&self) -> f64 {
        self.runs.iter().map(|run| run.goodput).fold(0.0, f64::max)
    }

    /// The p99 at 80 % of the capacity, which others are held to.
    fn calm(&self) -> Duration {
        let calm = self.runs.iter().find(|run| run.load == 0.8);
        calm.map_or(Duration::ZERO, |run| run.p99)
    }
}

/// The table, with a row for each load.
pub(super) fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| transport | offered | a second | answered in time | of the peak | refused | p50 ms | p99 ms | of that at 0.8x | steady after ms | generator |\n\
         |---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        let (peak, calm) = (row.peak().max(1.0), row.calm());
        for run in &row.runs {
            let times = run.p99.as_secs_f64() / calm.as_secs_f64().max(1e-6);
            let steady =
                steady(run, calm, peak).map_or_else(|| "never".to_owned(), |ms| ms.to_string());
            let _ = writeln!(
                text,
                "| {} | {}x | {:.0} | {:.0} | {:.0} % | {:.0} | {:.1} | {:.1} | {times:.1} | {steady} | {:.0} % |",
                row.name,
                run.load,
                run.offered,
                run.goodput,
                run.goodput / peak * 100.0,
                run.refused,
                run.p50.as_secs_f64() * 1e3,
                run.p99.as_secs_f64() * 1e3,
                run.generator * 100.0,
            );
        }
    }
    text
}

/// Calls that are looked at together, in milliseconds.
const STEP: f64 = 20.0;

/// Steps after which it is never.
const STEPS: usize = 50;

/// Milliseconds after the jump from which on calls that are answered take no longer than twice what they took at 80 % (three
/// quarters of them in each step), and as many are answered as can be, or as are offered.
fn steady(run: &Run, calm: Duration, peak: f64) -> Option<usize> {
    let good = |step: usize| {
        let from = step as f64 * STEP / 1e3;
        let calls = run.calls.iter().filter(|call| (from..from + STEP / 1e3).contains(&call.at));
        let (mut took, mut offered) = (Vec::new(), 0);
        for call in calls {
            offered += 1;
            if call.end == End::Answered {
                took.push(call.took);
            }
        }
        took.sort_unstable();
        let most = took.get(took.len() * 3 / 4).copied().unwrap_or(Duration::ZERO);
        let enough = (offered as f64).min(peak * STEP / 1e3) / 2.0;
        most <= 2 * calm && took.len() as f64 >= enough
    };
    let last = (0..STEPS).rev().find(|&step| !good(step));
    match last {
        None => Some(0),
        Some(last) if last + 1 < STEPS => Some((last + 1) * STEP as usize),
        Some(_) => None,
    }
}

/// Draws what was answered in time by what was offered.
pub(super) fn plot(rows: &[Row], folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 360\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <style>{GROUND}</style>\n<rect width=\"640\" height=\"360\" class=\"ground\"/>\n\
         <text x=\"60\" y=\"20\">answered in time, of the peak, by what is offered of the capacity</text>\n",
    );
    let x = |load: f64| 60.0 + (load / 0.5).log2() / 20f64.log2() * 480.0;
    let y = |share: f64| 320.0 - share * 270.0;
    for load in super::LOADS {
        let at = x(load);
        let _ = writeln!(
            svg,
            "<line x1=\"{at:.1}\" y1=\"50\" x2=\"{at:.1}\" y2=\"320\" class=\"grid\"/><text x=\"{at:.1}\" y=\"338\" text-anchor=\"middle\">{load}x</text>"
        );
    }
    for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let at = y(share);
        let _ = writeln!(
            svg,
            "<line x1=\"60\" y1=\"{at:.1}\" x2=\"540\" y2=\"{at:.1}\" class=\"grid\"/><text x=\"52\" y=\"{:.1}\" text-anchor=\"end\">{:.0} %</text>",
            at + 4.0,
            share * 100.0
        );
    }
    let colours = ["#1b6ca8", "#c0392b", "#27824a", "#8e6a00"];
    for ((row, colour), place) in rows.iter().zip(colours).zip(0u16..) {
        let peak = row.peak().max(1.0);
        let points: Vec<String> = row
            .runs
            .iter()
            .map(|run| format!("{:.1},{:.1}", x(run.load), y(run.goodput / peak)))
            .collect();
        // Lines may end in the same place: their names stand above them.
        let _ = writeln!(
            svg,
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" points=\"{}\"/><text x=\"{}\" y=\"38\" style=\"fill:{colour}\">{}</text>",
            points.join(" "),
            60 + 120 * place,
            row.name
        );
    }
    svg.push_str("</svg>\n");
    fs::write(folder.join("overload.svg"), svg)?;
    Ok(())
}
