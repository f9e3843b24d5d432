//! Two servers under the same load by turns: what drifts on the machine meanwhile falls on both. Pairs of short slices, of
//! which every second one begins with the other server; the change is that within each pair, so that a slow minute counts
//! for neither.

use std::{fmt, time::Duration};

use anyhow::{Result, bail};
use serde::Serialize;

use super::{
    compare::CALLS,
    drive::{Caller, Measured, drive},
    plan::{Bound, Load},
    progress::Progress,
    results::Target,
    statistics::Spread,
    target::Ready,
    words::{grouped, micros, seconds},
};
use crate::{exit::Failure, output::BOLD};

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Against {
    pub a: Target,
    pub b: Target,
    /// Calls in flight over all connections of each server.
    pub in_flight: usize,
    pub slice_seconds: f64,
    pub pairs: usize,
    pub figures: Vec<Figure>,
    pub warnings: Vec<String>,
    /// True if the user had enough before the end.
    pub interrupted: bool,
}

/// One figure of both servers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Figure {
    pub figure: &'static str,
    /// The medians over the slices.
    pub a: f64,
    pub b: f64,
    /// The median over the pairs of how much b is more than a.
    pub percent: f64,
    /// Where that median lies in 96 of 100 such runs at least.
    pub low: f64,
    pub high: f64,
    /// True if zero is not between them.
    pub shown: bool,
}

/// The figures of one slice.
#[derive(Clone, Copy, Debug)]
struct Slice {
    calls_per_second: f64,
    p50_us: f64,
    p99_us: f64,
}

/// Loads both by turns, for as long as the load says in all.
///
/// # Errors
/// No call of a slice succeeded, or the user had enough before anything could be said.
pub(crate) async fn run<C: Caller>(a: &Ready<C>, b: &Ready<C>, load: &Load) -> Result<Against> {
    let whole = match load.bound {
        Bound::Time(time) => time,
        // Not to be had from the command line.
        Bound::Count(_) => bail!("--against takes --duration, not --count"),
    };
    let time = (whole / (2 * PAIRS)).max(SHORTEST);
    let slice = Load { bound: Bound::Time(time), interval: time, warm_up: time / 5, ..*load };
    let (mut pairs, mut interrupted) = (Vec::new(), false);
    for number in 0..PAIRS {
        let (first, second) = if number % 2 == 0 { (a, b) } else { (b, a) };
        let Some(of_first) = measure(first, &slice, number).await? else {
            interrupted = true;
            break;
        };
        let Some(of_second) = measure(second, &slice, number).await? else {
            interrupted = true;
            break;
        };
        pairs.push(if number % 2 == 0 { (of_first, of_second) } else { (of_second, of_first) });
    }
    if pairs.len() < LEAST {
        return Err(Failure::Interrupted.into());
    }
    let figure = |name, value: fn(&Slice) -> f64| {
        let pairs: Vec<_> = pairs.iter().map(|(a, b)| (value(a), value(b))).collect();
        Figure::of(name, &pairs)
    };
    let figures = vec![
        figure(CALLS, |slice| slice.calls_per_second),
        figure("p50", |slice| slice.p50_us),
        figure("p99", |slice| slice.p99_us),
    ];
    let mut warnings = Vec::new();
    if a.target.protocol != b.target.protocol {
        warnings.push(format!("a is {}, b is {}", a.target.protocol, b.target.protocol));
    }
    Ok(Against {
        a: a.target.clone(),
        b: b.target.clone(),
        in_flight: load.callers,
        slice_seconds: time.as_secs_f64(),
        pairs: pairs.len(),
        figures,
        warnings,
        interrupted,
    })
}

/// One slice; none if the user had enough.
async fn measure<C: Caller>(ready: &Ready<C>, load: &Load, number: u32) -> Result<Option<Slice>> {
    let mut progress = Progress::new(load, &format!("pair {} of {PAIRS}", number + 1));
    let watch = &mut |sample: &_| progress.show(sample);
    let measured = drive(ready.callers.clone(), load, ready.pool.clone(), &ready.cpu, watch).await;
    progress.finish();
    let Measured { total, elapsed, interrupted, .. } = measured;
    if interrupted {
        return Ok(None);
    }
    if total.calls == 0 {
        let why = total.errors.values().next().map(|errors| format!(": {}", errors.example));
        bail!("no call to {} succeeded{}", ready.target.address, why.unwrap_or_default());
    }
    Ok(Some(Slice {
        calls_per_second: total.calls as f64 / elapsed.as_secs_f64().max(f64::MIN_POSITIVE),
        p50_us: total.micros(0.5),
        p99_us: total.micros(0.99),
    }))
}

impl Figure {
    /// The change within pairs. The interval is one of order statistics, which assume nothing of how values are spread:
    /// of ten pairs the second and the ninth, between which the median lies with 98 %; of six, the first and the last.
    fn of(figure: &'static str, pairs: &[(f64, f64)]) -> Self {
        let mut changes: Vec<f64> =
            pairs.iter().map(|(a, b)| (b / a.max(f64::MIN_POSITIVE) - 1.0) * 100.0).collect();
        changes.sort_by(f64::total_cmp);
        let cut = usize::from(changes.len() >= 9);
        let bounds = changes.get(cut).zip(changes.get(changes.len().saturating_sub(cut + 1)));
        let (low, high) = bounds.map_or((f64::NAN, f64::NAN), |(&low, &high)| (low, high));
        let median =
            |value: fn(&(f64, f64)) -> f64| Spread::of(pairs.iter().map(value).collect()).median;
        Self {
            figure,
            a: median(|pair| pair.0),
            b: median(|pair| pair.1),
            percent: Spread::of(changes).median,
            low,
            high,
            shown: low > 0.0 || high < 0.0,
        }
    }
}

impl Against {
    /// An error if b is shown to be worse than a by more than so many percent in one of the figures.
    ///
    /// # Errors
    /// The first such figure.
    pub(crate) fn hold(&self, most: f64) -> Result<(), String> {
        let worse = |figure: &&Figure| {
            let worse = if figure.figure == CALLS { -figure.percent } else { figure.percent };
            figure.shown && worse > most
        };
        match self.figures.iter().find(worse) {
            Some(Figure { figure, percent, .. }) => {
                Err(format!("{figure} changed by {percent:+.1} %, and {most} % are allowed"))
            }
            None => Ok(()),
        }
    }
}

impl fmt::Display for Against {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { a, b, in_flight, slice_seconds, pairs, .. } = self;
        writeln!(f, "{BOLD}{}{BOLD:#} {}", a.method, a.arguments)?;
        writeln!(f, "a: {}, {}\nb: {}, {}", a.address, a.protocol, b.address, b.protocol)?;
        writeln!(
            f,
            "{in_flight} in flight, by turns: {pairs} pairs of {}\n",
            seconds(*slice_seconds)
        )?;
        writeln!(f, "{:<10}{:>14}{:>14}{:>10}", "", "a", "b", "change")?;
        for Figure { figure, a, b, percent, low, high, shown } in &self.figures {
            let show = |value: f64| if *figure == CALLS { grouped(value) } else { micros(value) };
            let (a, b) = (show(*a), show(*b));
            let verdict = if *shown { "shown" } else { "not shown" };
            writeln!(
                f,
                "{figure:<10}{a:>14}{b:>14}{percent:>+9.1}%  {verdict}: between {low:+.1} and {high:+.1} %"
            )?;
        }
        for warning in &self.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        write!(f, "{ADVICE}")
    }
}

const PAIRS: u32 = 10;
/// Pairs of which something can be said.
const LEAST: usize = 6;
const SHORTEST: Duration = Duration::from_millis(200);
const ADVICE: &str = "Medians over pairs, each measured one right after the other; a change is shown where the \
                      interval leaves out 0.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_shown_where_all_but_one_pair_on_each_side_agree() {
        let drifting = |factor: f64| -> Vec<(f64, f64)> {
            // The machine slows down by half over the run: within a pair it is the same.
            (0..10).map(|n| 1000.0 / (1.0 + f64::from(n) / 10.0)).map(|a| (a, a * factor)).collect()
        };
        let faster = Figure::of(CALLS, &drifting(1.05));
        assert!(faster.shown && (faster.percent - 5.0).abs() < 0.01, "{faster:?}");
        let mut same = drifting(1.0);
        (same[0].1, same[1].1, same[2].1) = (same[0].1 * 1.5, same[1].1 * 0.5, same[2].1 * 0.6);
        same[3].1 *= 1.2;
        let same = Figure::of(CALLS, &same);
        assert!(!same.shown && same.percent == 0.0, "{same:?}");
        // One outlier does not hide what the others show.
        let mut outlier = drifting(0.9);
        outlier[4].1 *= 3.0;
        assert!(Figure::of(CALLS, &outlier).shown);
    }
}
