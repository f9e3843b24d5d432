//! Whether two runs differ, or the difference is noise. The samples of both, one an interval, are ranked
//! together (Mann–Whitney U, which assumes nothing of how they are spread). Neighbouring intervals are alike,
//! so that they are worth fewer than they are: the test counts with what their correlation leaves of them.

use std::fmt;

use serde::Serialize;

use super::{
    results::{Results, SampleRecord},
    statistics::Spread,
    words::{grouped, micros},
};

/// What is to be said of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    Real,
    /// The middle halves of the samples overlap.
    WithinNoise,
    /// They are not, but the samples are too few or too alike to exclude chance.
    NotShown,
    TooFewSamples,
}

/// One figure of both runs.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Difference {
    pub figure: &'static str,
    /// The medians of the samples.
    pub a: f64,
    pub b: f64,
    /// By how much b is more than a.
    pub percent: f64,
    /// How likely a difference like this is, if there is none.
    pub p: f64,
    pub verdict: Verdict,
}

/// All figures, and what makes the comparison doubtful.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Comparison {
    pub differences: Vec<Difference>,
    pub notes: Vec<String>,
}

impl Comparison {
    /// Compares b with a.
    pub(crate) fn of(a: &Results, b: &Results) -> Self {
        let difference = |figure, value: fn(&SampleRecord) -> f64| {
            let samples =
                |run: &Results| run.whole().filter(|s| s.calls > 0).map(value).collect::<Vec<_>>();
            Difference::of(figure, &samples(a), &samples(b))
        };
        let differences = vec![
            difference(CALLS, |sample| sample.calls_per_second),
            difference("p50", |sample| sample.p50_us),
            difference("p99", |sample| sample.p99_us),
        ];
        Self { differences, notes: notes(a, b) }
    }

    /// An error if b is worse than a by more than so many percent in one of the figures, and that is no noise.
    ///
    /// # Errors
    /// The first such figure.
    pub(crate) fn hold(&self, most: f64) -> Result<(), String> {
        let worse = |difference: &&Difference| {
            let worse =
                if difference.figure == CALLS { -difference.percent } else { difference.percent };
            worse > most && difference.verdict != Verdict::WithinNoise
        };
        match self.differences.iter().find(worse) {
            Some(Difference { figure, percent, .. }) => {
                Err(format!("{figure} changed by {percent:+.1} %, and {most} % are allowed"))
            }
            None => Ok(()),
        }
    }
}

fn notes(a: &Results, b: &Results) -> Vec<String> {
    let mut notes = Vec::new();
    let hardware = |run: &Results| (run.machine.cpu.clone(), run.machine.cores);
    if hardware(a) != hardware(b) {
        notes.push("the machines differ".to_owned());
    }
    if a.target.method != b.target.method || a.target.arguments != b.target.arguments {
        notes.push("the calls differ".to_owned());
    }
    if a.target.protocol != b.target.protocol {
        notes.push(format!("a is {}, b is {}", a.target.protocol, b.target.protocol));
    }
    if a.load != b.load {
        notes.push("the loads differ".to_owned());
    }
    for (name, run) in [("a", a), ("b", b)] {
        notes.extend(run.warnings.iter().map(|warning| format!("{name}: {warning}")));
    }
    notes
}

impl Difference {
    fn of(figure: &'static str, a: &[f64], b: &[f64]) -> Self {
        let (median_a, median_b) = (median(a), median(b));
        let percent = if median_a > 0.0 { (median_b / median_a - 1.0) * 100.0 } else { 0.0 };
        let p = chance(a, b);
        let verdict = if a.len().min(b.len()) < LEAST {
            Verdict::TooFewSamples
        } else if p < SIGNIFICANT && percent.abs() >= RELEVANT_PERCENT {
            Verdict::Real
        } else if percent.abs() < RELEVANT_PERCENT || !apart(a, b) {
            Verdict::WithinNoise
        } else {
            Verdict::NotShown
        };
        Self { figure, a: median_a, b: median_b, percent, p, verdict }
    }
}

/// True if the middle halves of both runs have nothing in common.
fn apart(a: &[f64], b: &[f64]) -> bool {
    let middle = |values: &[f64]| {
        let mut values = values.to_vec();
        values.sort_by(f64::total_cmp);
        let quarter = values.len() / 4;
        let last = values.len().saturating_sub(quarter + 1);
        values.get(quarter).copied().zip(values.get(last).copied())
    };
    match (middle(a), middle(b)) {
        (Some((low_a, high_a)), Some((low_b, high_b))) => low_a > high_b || low_b > high_a,
        _ => false,
    }
}

fn median(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { Spread::of(values.to_vec()).median }
}

/// The p of Mann–Whitney's U, two-sided, by its normal approximation with ties, for samples that follow each
/// other: their correlation takes from the deviation what it takes from their number.
fn chance(a: &[f64], b: &[f64]) -> f64 {
    let (n, m) = (a.len() as f64, b.len() as f64);
    let mut all: Vec<(f64, bool)> = a.iter().map(|&value| (value, true)).collect();
    all.extend(b.iter().map(|&value| (value, false)));
    all.sort_by(|left, right| left.0.total_cmp(&right.0));
    let (mut ranks_of_a, mut ties, mut rank) = (0.0, 0.0, 0.0);
    for equal in all.chunk_by(|left, right| left.0 == right.0) {
        let count = equal.len() as f64;
        let middle = rank + f64::midpoint(1.0, count);
        ranks_of_a += middle * equal.iter().filter(|(_, of_a)| *of_a).count() as f64;
        ties += count.powi(3) - count;
        rank += count;
    }
    let total = n + m;
    let variance = n * m / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
    if variance.is_nan() || variance <= 0.0 {
        return 1.0;
    }
    let u = ranks_of_a - n * (n + 1.0) / 2.0;
    let away = ((u - n * m / 2.0).abs() - 0.5).max(0.0);
    let alike = correlation(a).max(correlation(b));
    let z = away / variance.sqrt() * ((1.0 - alike) / (1.0 + alike)).sqrt();
    2.0 * upper_tail(z)
}

/// How much each sample is like the one before it: 0 for not at all, below 1.
fn correlation(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    let spread: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let next: f64 = values.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum();
    if spread > 0.0 { (next / spread).clamp(0.0, 0.95) } else { 0.0 }
}

/// The normal distribution beyond `z`, by Abramowitz and Stegun 26.2.17: wrong by less than 1e-7.
fn upper_tail(z: f64) -> f64 {
    const TERMS: [f64; 5] =
        [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let t = 1.0 / (1.0 + 0.231_641_9 * z);
    let density = (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt();
    density * TERMS.iter().rev().fold(0.0, |sum, term| (sum + term) * t)
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<10}{:>14}{:>14}{:>10}", "", "a", "b", "change")?;
        for difference in &self.differences {
            let Difference { figure, a, b, percent, p, verdict } = difference;
            let show = |value: f64| {
                if *figure == CALLS { grouped(value) } else { micros(value) }
            };
            let (a, b) = (show(*a), show(*b));
            writeln!(f, "{figure:<10}{a:>14}{b:>14}{percent:>+9.1}%  {}", verdict.words(*p))?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        write!(f, "{ADVICE}")
    }
}

impl Verdict {
    fn words(self, p: f64) -> String {
        match self {
            Self::Real if p < 1e-4 => "real (p < 0.0001)".to_owned(),
            Self::Real => format!("real (p = {p:.4})"),
            Self::WithinNoise => format!("within noise (p = {p:.2})"),
            Self::NotShown => format!(
                "not shown (p = {p:.2}): neighbouring intervals are too alike; measure for longer, or bench A \
                 --against B"
            ),
            Self::TooFewSamples => {
                format!("too few samples: measure for longer, {LEAST} intervals at least")
            }
        }
    }
}

pub(super) const CALLS: &str = "calls/s";
/// Samples that each run has to have.
const LEAST: usize = 10;
const SIGNIFICANT: f64 = 0.01;
/// Below this, the same machine differs from itself.
const RELEVANT_PERCENT: f64 = 2.0;
const ADVICE: &str = "Medians over intervals. Machines drift between runs: measure a again, and check \
                      that it is within noise of itself.";

#[cfg(test)]
mod tests {
    use super::*;

    fn noisy(mean: f64, seed: u64, count: usize) -> Vec<f64> {
        let mut rng = fastrand::Rng::with_seed(seed);
        (0..count).map(|_| mean * (0.9 + 0.2 * rng.f64())).collect()
    }

    #[test]
    fn a_known_u_has_its_known_p() {
        // U = 2 of 25; by tables of the normal approximation with correction, p is 0.0367.
        let (a, b) = ([1.0, 2.0, 3.0, 4.0, 7.0], [5.0, 6.0, 8.0, 9.0, 10.0]);
        let alike = correlation(&a).max(correlation(&b));
        assert!(alike > 0.0);
        let z = (12.5 - 2.0 - 0.5) / (25.0_f64 * 11.0 / 12.0).sqrt();
        assert!((2.0 * upper_tail(z) - 0.0367).abs() < 1e-3, "{}", 2.0 * upper_tail(z));
        assert!(chance(&a, &b) > 2.0 * upper_tail(z));
        assert!((2.0 * upper_tail(1.959_964) - 0.05).abs() < 1e-6);
    }

    #[test]
    fn a_large_difference_is_real_and_none_is_noise() {
        let a = noisy(1000.0, 1, 50);
        let faster = Difference::of(CALLS, &a, &noisy(1100.0, 2, 50));
        assert_eq!(faster.verdict, Verdict::Real, "{faster:?}");
        assert!((5.0..15.0).contains(&faster.percent), "{faster:?}");
        for seed in 3..20 {
            let same = Difference::of(CALLS, &a, &noisy(1000.0, seed, 50));
            assert_eq!(same.verdict, Verdict::WithinNoise, "{same:?}");
        }
        assert_eq!(Difference::of(CALLS, &a, &a).verdict, Verdict::WithinNoise);
        let constant = [5.0; 20];
        assert_eq!(Difference::of(CALLS, &constant, &constant).p, 1.0);
    }

    #[test]
    fn what_is_far_apart_is_never_called_noise() {
        // Two levels, each drifting slowly: the samples of each are alike, so that their number counts for little.
        let drifting = |level: f64| -> Vec<f64> {
            (0..20).map(|step| level * (1.0 + f64::from(step) / 200.0)).collect()
        };
        let apart = Difference::of(CALLS, &drifting(450_000.0), &drifting(2000.0));
        assert_eq!(apart.verdict, Verdict::NotShown, "{apart:?}");
        assert!(apart.verdict.words(apart.p).starts_with("not shown (p = "), "{apart:?}");
    }

    #[test]
    fn few_samples_are_said_to_be_few() {
        let few = Difference::of(CALLS, &noisy(1.0, 1, 9), &noisy(2.0, 2, 50));
        assert_eq!(few.verdict, Verdict::TooFewSamples);
        assert_eq!(Difference::of(CALLS, &[], &[]).verdict, Verdict::TooFewSamples);
    }

    #[test]
    fn samples_that_follow_each_other_count_less() {
        // A slow wave: the halves differ, but each value is almost the one before it.
        let wave = |shift: f64| -> Vec<f64> {
            (0..40).map(|step| 100.0 + 5.0 * (f64::from(step) / 12.0 + shift).sin()).collect()
        };
        let (a, b) = (wave(0.0), wave(1.2));
        assert!(correlation(&a) > 0.8);
        assert!(chance(&a, &b) > SIGNIFICANT, "{}", chance(&a, &b));
    }
}
