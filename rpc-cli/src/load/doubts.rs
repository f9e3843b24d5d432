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
const SOME: f64 = 0.01;
const FEW: u64 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{results::Cpu, summary::tests::example};

    fn with(own: f64, server: f64, threads: usize, cores: usize) -> Option<String> {
        let mut results = example();
        (results.load.threads, results.machine.cores) = (threads, cores);
        let share = |cores| Some(Share { cores, us_per_call: 1.0 });
        let (generator, server) = (share(own), share(server));
        results.cpu = Cpu { generator, server, server_pid: Some(1), server_unknown: None };
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
