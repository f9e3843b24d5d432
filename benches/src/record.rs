//! What came out: a sample a round, cells that hold them, and their medians.
//!
//! Comes in from `run` as tallies and CPU times; goes out to `report` and `results` as figures per
//! call. Knows nothing of tables.

use std::time::Duration;

use rpc_cli::load::{record::Tally, statistics::Spread};
use serde::{Deserialize, Serialize};

use crate::{
    gauge::Usage,
    plan::{Group, Load, Part, Placement},
    transport::{Role, Transport},
};

/// All rounds of one transport under one load.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cell {
    /// Where its figures go.
    pub part: Part,
    /// The group that it is compared in.
    pub group: String,
    /// The load's label.
    pub load: String,
    /// Whether both processes were bound to one CPU.
    pub pinned: bool,
    /// The transport's name.
    pub transport: String,
    /// What the transport is to the comparison.
    pub role: Role,
    /// One sample a round.
    pub samples: Vec<Sample>,
    /// Why rounds are missing.
    pub failures: Vec<String>,
}

impl Cell {
    /// Makes a cell without samples.
    pub fn new(group: &Group, load: &Load, transport: &dyn Transport) -> Self {
        Self {
            part: group.part,
            group: group.title.clone(),
            load: load.label.clone(),
            pinned: group.placement == Placement::OneCpu,
            transport: transport.name().to_owned(),
            role: transport.info().role,
            samples: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// Sums one figure of all rounds up.
    pub fn spread(&self, figure: impl Fn(&Sample) -> f64) -> Spread {
        Spread::of(self.samples.iter().map(figure).collect())
    }
}

/// What one window showed. CPU times are per call of the first lane.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sample {
    /// How long the window was.
    pub seconds: f64,
    /// CPU time of the client's process per call, in microseconds.
    pub client_cpu_us: f64,
    /// CPU time of the server's process per call, in microseconds.
    pub server_cpu_us: f64,
    /// What each lane of callers saw, the one that is judged first.
    pub lanes: Vec<LaneSample>,
}

/// What the callers of one lane saw in one window.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LaneSample {
    /// Calls that ended within the window.
    pub calls: u64,
    /// The same a second.
    pub calls_per_second: f64,
    /// Median latency, in microseconds.
    pub p50_us: f64,
    /// Latency that 99 of 100 calls stayed under, in microseconds.
    pub p99_us: f64,
    /// The same for 999 of 1,000.
    pub p999_us: f64,
}

impl Sample {
    /// Turns the totals of a window into figures per call.
    pub fn new(used: Usage<Duration>, lanes: &[Tally]) -> Self {
        let seconds = used.at.as_secs_f64();
        let calls = lanes[0].calls as f64;
        let lane = |tally: &Tally| LaneSample {
            calls: tally.calls,
            calls_per_second: tally.calls as f64 / seconds,
            p50_us: tally.micros(0.50),
            p99_us: tally.micros(0.99),
            p999_us: tally.micros(0.999),
        };
        Self {
            seconds,
            client_cpu_us: used.client.as_secs_f64() * 1e6 / calls,
            server_cpu_us: used.server.as_secs_f64() * 1e6 / calls,
            lanes: lanes.iter().map(lane).collect(),
        }
    }

    /// Calls a second of the lane that is judged.
    pub fn calls_per_second(&self) -> f64 {
        self.lanes[0].calls_per_second
    }

    /// CPU time of both processes per call, in microseconds.
    pub fn cpu_us(&self) -> f64 {
        self.client_cpu_us + self.server_cpu_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meter::DIGITS;

    #[test]
    fn cpu_is_shared_out_over_the_calls_of_the_first_lane() {
        let mut adds = Tally::new(DIGITS);
        adds.count(1000, Some(Duration::from_micros(50)));
        let mut echoes = Tally::new(DIGITS);
        echoes.count(10, None);
        let used = Usage {
            at: Duration::from_secs(2),
            client: Duration::from_millis(3),
            server: Duration::from_millis(5),
        };
        let sample = Sample::new(used, &[adds, echoes]);
        assert!((sample.client_cpu_us - 3.0).abs() < 1e-9);
        assert!((sample.cpu_us() - 8.0).abs() < 1e-9);
        assert!((sample.calls_per_second() - 500.0).abs() < 1e-9);
        assert!((sample.lanes[1].calls_per_second - 5.0).abs() < 1e-9);
    }
}
