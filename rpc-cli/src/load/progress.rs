//! What a terminal shows while a load runs. Where stderr is none, nothing is shown.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::{
    drive::Sample,
    plan::{Bound, Load},
    words::{grouped, micros},
};

/// A line that moves.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    bound: Bound,
    errors: u64,
}

impl Progress {
    /// For a load, and what it is.
    pub(crate) fn new(load: &Load, name: &str) -> Self {
        let length = match load.bound {
            Bound::Time(time) => millis(time),
            Bound::Count(count) => count,
        };
        // Draws to stderr, and only if it is a terminal.
        let bar = ProgressBar::new(length);
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style.progress_chars("━╸─"));
        }
        bar.set_prefix(name.to_owned());
        bar.set_message("warming up");
        bar.tick();
        Self { bar, bound: load.bound, errors: 0 }
    }

    /// Shows what the last interval brought.
    pub(crate) fn show(&mut self, sample: &Sample) {
        self.errors += sample.errors;
        match self.bound {
            Bound::Time(_) => self.bar.set_position(millis(sample.end)),
            Bound::Count(_) => self.bar.inc(sample.calls + sample.errors),
        }
        let rate = sample.calls as f64 / sample.length.as_secs_f64().max(f64::MIN_POSITIVE);
        self.bar.set_message(format!(
            "{} calls/s  p50 {}  p99 {}  errors {}",
            grouped(rate),
            micros(sample.p50_us),
            micros(sample.p99_us),
            grouped(self.errors as f64),
        ));
    }

    /// Takes the line away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

const TEMPLATE: &str = "{prefix} {bar:20} {wide_msg}";
