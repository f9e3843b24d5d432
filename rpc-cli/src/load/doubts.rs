//! What makes the figures of a run doubtful, in plain words: a generator that saturates measures itself.

use super::{
    drive::Measured,
    results::{Results, Share},
    words::grouped,
};

/// Everything that a reader should know before the figures are believed.
pub(crate) fn of(results: &Results, measured: &Measured) -> Vec<String> {
    let mut doubts = Vec::new();
    if measured.interrupted {
        doubts.push("interrupted: these are the figures until then".to_owned());
    }
    if measured.lost {
        doubts.push("the connections were lost before the end".to_owned());
    }
    if results.summary.calls == 0 {
        doubts.push("no call ended well within the time that was measured".to_owned());
        return doubts;
    }
    doubts.extend(saturated(results));
    doubts.extend(behind(results));
    doubts.extend(crowded(results));
    doubts.extend(swung(results));
    let calls = results.summary.calls;
    if calls < FEW {
        let calls = grouped(calls as f64);
        doubts
            .push(format!("{calls} calls are few: p99.9 and above rest on less than ten of them"));
    }
    doubts
}

/// Whether the generator, or the machine that it shares with the server, had no CPU left.
fn saturated(results: &Results) -> Option<String> {
    let (threads, cores) = (results.load.threads as f64, results.machine.cores as f64);
    let busy = |share: Option<Share>| share.map_or(0.0, |share| share.cores);
    let (own, server) = (busy(results.cpu.generator), busy(results.cpu.server));
    if own >= threads.min(cores) * FULL {
        let more = match threads < cores {
            true => "give it more --threads and --connections",
            false => "drive from another machine, or from several",
        };
        return Some(format!(
            "the generator is what saturates: its {threads} threads were busy {:.0} % of the time. \
             The server may well do more: {more}",
            own / threads.min(cores) * 100.0
        ));
    }
    (own + server >= cores * FULL).then(|| {
        format!(
            "generator and server share this machine and leave nothing of its {cores} cores \
             ({own:.2} and {server:.2}): each takes from the other"
        )
    })
}

/// Whether other processes took the CPU that generator and server might have had.
fn crowded(results: &Results) -> Option<String> {
    let others = results.cpu.others?;
    let cores = results.machine.cores as f64;
    (others >= cores * CROWD).then(|| {
        format!(
            "other processes used {others:.2} of this machine's {cores} cores during the run: that lowers these \
             figures, and says nothing about the server"
        )
    })
}

/// Whether throughput changed a lot within the run, so that no single figure stands for it.
fn swung(results: &Results) -> Option<String> {
    if results.load.rate.is_some() {
        return None;
    }
    let mut rates: Vec<_> = results.whole().map(|sample| sample.calls_per_second).collect();
    rates.sort_by(f64::total_cmp);
    // A tenth at each end may be anything.
    let tenth = rates.len() / 10;
    let [low, high] = [tenth, rates.len().saturating_sub(tenth + 1)].map(|place| rates.get(place));
    let (low, high) = (*low?, *high?);
    (rates.len() >= SAMPLES && high > low * SWING).then(|| {
        let (low, high) = (grouped(low), grouped(high));
        format!(
            "throughput swung between {low} and {high} calls/s within the run: --html shows when; the mean says little"
        )
    })
}

/// Whether an open loop fell behind its clock.
fn behind(results: &Results) -> Option<String> {
    let (summary, rate) = (&results.summary, results.load.rate?);
    let due = (summary.calls + summary.errors + summary.dropped).max(1) as f64;
    let share = |count: u64| count as f64 / due * 100.0;
    if summary.dropped as f64 > due * SOME {
        let most = results.load.in_flight;
        return Some(format!(
            "{:.1} % of the calls were dropped: the server does not hold {} calls/s, or {most} in \
             flight are too few for it",
            share(summary.dropped),
            grouped(rate),
        ));
    }
    (summary.late as f64 > due * SOME).then(|| {
        let late = share(summary.late);
        format!("{late:.1} % of the calls were begun late; their latency includes the delay")
    })
}

const FULL: f64 = 0.9;
/// The share of the machine that others may use unmentioned.
const CROWD: f64 = 0.15;
/// How many times the least throughput may be the most.
const SWING: f64 = 1.5;
/// The fewest intervals of which anything is said.
const SAMPLES: usize = 10;
const SOME: f64 = 0.01;
const FEW: u64 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{
        results::{Cpu, SampleRecord},
        summary::tests::example,
    };

    fn with(own: f64, server: f64, threads: usize, cores: usize) -> Option<String> {
        let mut results = example();
        (results.load.threads, results.machine.cores) = (threads, cores);
        let share = |cores| Some(Share { cores, us_per_call: 1.0 });
        let (generator, server) = (share(own), share(server));
        results.cpu =
            Cpu { generator, server, server_pid: Some(1), server_unknown: None, others: None };
        saturated(&results)
    }

    #[test]
    fn a_generator_that_saturates_is_named() {
        assert_eq!(with(0.5, 0.4, 1, 2), None);
        let text = with(0.97, 0.5, 1, 4).unwrap();
        assert!(text.contains("the generator is what saturates"), "{text}");
        assert!(text.contains("97 %") && text.contains("--threads"), "{text}");
        assert!(with(3.9, 0.0, 4, 4).unwrap().contains("another machine"));
    }

    #[test]
    fn a_machine_that_is_full_is_named() {
        let text = with(0.8, 1.1, 2, 2).unwrap();
        assert!(text.contains("share this machine"), "{text}");
    }

    #[test]
    fn other_processes_and_swings_are_named() {
        let mut results = example();
        (results.machine.cores, results.cpu.others) = (2, Some(0.1));
        assert_eq!(crowded(&results), None);
        results.cpu.others = Some(0.9);
        assert!(
            crowded(&results).unwrap().starts_with("other processes used 0.90 of this machine's 2")
        );

        let (sample, length) = (results.samples[0], results.load.interval_seconds);
        let with = |rate: fn(usize) -> f64| {
            let mut results = example();
            let samples = (0..20).map(|number| SampleRecord {
                calls_per_second: rate(number),
                seconds: length,
                ..sample
            });
            results.samples = samples.collect();
            swung(&results)
        };
        assert_eq!(with(|number| 1000.0 + number as f64), None);
        // One bad moment is no swing.
        assert_eq!(with(|number| if number == 3 { 1.0 } else { 1000.0 }), None);
        let text = with(|number| if number < 10 { 980_000.0 } else { 20_000.0 }).unwrap();
        assert!(text.starts_with("throughput swung between 20,000 and 980,000 calls/s"), "{text}");
    }

    #[test]
    fn an_open_loop_says_what_it_dropped_and_what_was_late() {
        let mut results = example();
        assert_eq!(behind(&results), None);
        results.load.rate = Some(2000.0);
        results.summary.late = results.summary.calls / 2;
        assert!(behind(&results).unwrap().contains("begun late"));
        results.summary.dropped = results.summary.calls;
        assert!(behind(&results).unwrap().contains("does not hold 2,000 calls/s"));
    }
}
