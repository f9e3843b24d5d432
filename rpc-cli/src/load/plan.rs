//! What load is to be driven, as plain data: how many calls at once or how many a second, until when.
//! Comes from the command line and goes to the generators; starts nothing itself.

use std::time::Duration;

/// A load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Load {
    /// Connections that are opened.
    pub connections: usize,
    /// Calls in flight over all connections: as many as there are callers.
    pub callers: usize,
    /// When a call is begun.
    pub pace: Pace,
    /// When it is enough.
    pub bound: Bound,
    /// Driven before anything is counted.
    pub warm_up: Duration,
    /// The time that one sample of throughput and latency is taken over.
    pub interval: Duration,
    /// How long calls that are in flight at the end are waited for.
    pub grace: Duration,
    /// Of an open loop: an answer that comes later than this after its time is of no use.
    pub within: Duration,
}

/// When a call is begun.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// When the caller's last one has ended: a slow server is asked less.
    Closed,
    /// By the clock, so many a second, whatever the server does.
    Open {
        /// Calls a second.
        rate: f64,
    },
}

/// When it is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    /// After this time.
    Time(Duration),
    /// After so many calls.
    Count(u64),
}

impl Load {
    /// The length of samples for a run that is bounded like this: some sixty of them, where the time is
    /// known, so that plots are smooth and comparisons have enough.
    pub(crate) fn interval(bound: Bound) -> Duration {
        match bound {
            Bound::Time(time) => (time / SAMPLES).max(SHORTEST),
            Bound::Count(_) => SHORTEST,
        }
    }
}

const SAMPLES: u32 = 60;
const SHORTEST: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_sixty_but_never_shorter_than_a_tenth_of_a_second() {
        for (seconds, millis) in [(1, 100), (6, 100), (60, 1000)] {
            let bound = Bound::Time(Duration::from_secs(seconds));
            assert_eq!(Load::interval(bound), Duration::from_millis(millis));
        }
    }
}
