//! From what a load has measured to what is written of it.

use std::time::Duration;

use super::{
    doubts,
    drive::{Measured, Sample},
    machine::Machine,
    plan::{Bound, Load, Pace},
    record::Tally,
    results::{
        Cpu, ErrorRecord, FORMAT, Latency, LoadRecord, Point, Results, SampleRecord, Share,
        Summary, Target,
    },
};

impl Results {
    /// Puts the figures of a run together.
    pub(crate) fn new(target: Target, load: &Load, threads: usize, measured: &Measured) -> Self {
        let Measured { total, elapsed, .. } = measured;
        let per_second = |count: u64| count as f64 / elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
        let errors = total.errors.iter().map(|(status, errors)| ErrorRecord {
            status: status.to_string(),
            count: errors.count,
            example: errors.example.clone(),
        });
        let mut errors: Vec<_> = errors.collect();
        errors.sort_by_key(|error| std::cmp::Reverse(error.count));
        let mut results = Self {
            format: FORMAT,
            machine: Machine::describe(),
            target,
            load: LoadRecord::new(load, threads),
            summary: Summary {
                seconds: elapsed.as_secs_f64(),
                calls: total.calls,
                errors: total.failed(),
                calls_per_second: per_second(total.calls),
                items: total.items,
                items_per_second: per_second(total.items),
                late: total.late,
                dropped: measured.dropped,
                offered_per_second: per_second(total.calls + total.failed() + measured.dropped),
                goodput_per_second: per_second(total.within(load.within)),
                refused: total.errors.get(REFUSED).map_or(0, |errors| errors.count),
            },
            latency_us: Latency::of(total),
            errors,
            cpu: Cpu::new(measured),
            warnings: Vec::new(),
            steps: Vec::new(),
            samples: measured.samples.iter().map(SampleRecord::from).collect(),
            curve: curve(total),
            interrupted: measured.interrupted,
        };
        results.warnings = doubts::of(&results, measured);
        results
    }
}

impl LoadRecord {
    fn new(load: &Load, threads: usize) -> Self {
        let (seconds, count) = match load.bound {
            Bound::Time(time) => (Some(time.as_secs_f64()), None),
            Bound::Count(count) => (None, Some(count)),
        };
        let rate = match load.pace {
            Pace::Closed => None,
            Pace::Open { rate } => Some(rate),
        };
        Self {
            connections: load.connections,
            in_flight: load.callers,
            rate,
            seconds,
            count,
            within_seconds: load.within.as_secs_f64(),
            warm_up_seconds: load.warm_up.as_secs_f64(),
            interval_seconds: load.interval.as_secs_f64(),
            threads,
        }
    }
}

impl Latency {
    fn of(tally: &Tally) -> Self {
        let empty = tally.latency.is_empty();
        Self {
            min: if empty { 0.0 } else { tally.latency.min() as f64 / 1e3 },
            mean: if empty { 0.0 } else { tally.latency.mean() / 1e3 },
            p50: tally.micros(0.5),
            p75: tally.micros(0.75),
            p90: tally.micros(0.9),
            p95: tally.micros(0.95),
            p99: tally.micros(0.99),
            p99_9: tally.micros(0.999),
            p99_99: tally.micros(0.9999),
            max: tally.micros(1.0),
        }
    }
}

impl Cpu {
    fn new(measured: &Measured) -> Self {
        let (used, calls) = (&measured.used, measured.total.calls + measured.total.failed());
        let share = |time: Duration| Share {
            cores: time.as_secs_f64() / used.window.as_secs_f64().max(f64::MIN_POSITIVE),
            us_per_call: time.as_secs_f64() * 1e6 / calls.max(1) as f64,
        };
        let server = used.server.as_ref();
        // Without the server's own figure what it used would count as that of others.
        let known = used.generator.zip(server.ok().map(|(_, time)| *time));
        let others = used.machine.zip(known).map(|(all, (own, server))| {
            share(all.saturating_sub(own).saturating_sub(server)).cores
        });
        Self {
            others,
            generator: used.generator.map(share),
            server: server.ok().map(|(_, time)| share(*time)),
            server_pid: server.ok().map(|(pid, _)| *pid),
            server_unknown: server.err().cloned(),
        }
    }
}

impl From<&Sample> for SampleRecord {
    fn from(sample: &Sample) -> Self {
        let seconds = sample.length.as_secs_f64();
        Self {
            at: sample.end.as_secs_f64(),
            seconds,
            calls: sample.calls,
            errors: sample.errors,
            calls_per_second: sample.calls as f64 / seconds.max(f64::MIN_POSITIVE),
            p50_us: sample.p50_us,
            p99_us: sample.p99_us,
        }
    }
}

/// Latency at quantiles that come closer to 1 in equal steps of nines, as far as there are calls.
fn curve(tally: &Tally) -> Vec<Point> {
    let calls = tally.latency.len() as f64;
    let steps = (calls.max(1.0).log10().min(MOST_NINES) * STEPS_PER_NINE).floor() as u32;
    (0..=steps)
        .map(|step| {
            let quantile = 1.0 - 10_f64.powf(-f64::from(step) / STEPS_PER_NINE);
            Point { quantile, us: tally.micros(quantile) }
        })
        .collect()
}

/// The status of what a server refuses that has too much to do.
const REFUSED: &str = "RESOURCE_EXHAUSTED";
const STEPS_PER_NINE: f64 = 12.0;
const MOST_NINES: f64 = 5.0;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::load::record::DIGITS;

    /// A run of a second at a thousand calls each.
    pub(crate) fn example() -> Results {
        let mut total = Tally::new(DIGITS);
        for micros in 1..=10_000 {
            total.record(Ok(1), Duration::from_micros(micros));
        }
        let load = Load {
            connections: 1,
            callers: 8,
            pace: Pace::Closed,
            bound: Bound::Time(Duration::from_secs(2)),
            warm_up: Duration::ZERO,
            interval: Duration::from_millis(100),
            grace: Duration::ZERO,
            within: Duration::from_millis(100),
        };
        let sample = |number: u32| Sample {
            end: load.interval * (number + 1),
            length: load.interval,
            calls: 500,
            errors: 0,
            p50_us: 50.0 + f64::from(number),
            p99_us: 90.0,
        };
        let window = Duration::from_secs(2);
        let server = Err("a test".to_owned());
        let used = crate::load::cpu::Used { window, generator: None, machine: None, server };
        let measured = Measured {
            total,
            elapsed: window,
            samples: (0..20).map(sample).collect(),
            used,
            dropped: 0,
            interrupted: false,
            lost: false,
        };
        let target = Target {
            address: "127.0.0.1:7000".to_owned(),
            method: "Calculator.add".to_owned(),
            arguments: "{}".to_owned(),
            protocol: "rpc over TCP".to_owned(),
        };
        Results::new(target, &load, 1, &measured)
    }

    #[test]
    fn figures_come_back_from_their_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.json");
        let written = example();
        std::fs::write(&path, serde_json::to_string(&written).unwrap()).unwrap();
        let read = Results::read(&path).unwrap();
        assert_eq!((&read.summary, &read.latency_us), (&written.summary, &written.latency_us));
        assert_eq!(read.whole().count(), 20);
        std::fs::write(&path, "{}").unwrap();
        let error = Results::read(&path).unwrap_err().to_string();
        assert!(error.contains("is not a result of rpc bench --json"), "{error}");
    }

    #[test]
    fn a_curve_rises_and_goes_as_far_as_there_are_calls() {
        let mut tally = Tally::new(DIGITS);
        for micros in 1..=1000 {
            tally.record(Ok(1), Duration::from_micros(micros));
        }
        let curve = curve(&tally);
        let last = curve.last().unwrap();
        assert!((last.quantile - 0.999).abs() < 1e-9, "{last:?}");
        assert!(curve.windows(2).all(|pair| pair[0].us <= pair[1].us));
        assert_eq!(super::curve(&Tally::new(DIGITS)).len(), 1);
    }
}
