//! What is to be measured, as plain data: loads, the groups they are compared in, the windows.
//! The groups themselves are in `groups`.
//!
//! Comes in from the command line and goes out to `run`. Never starts anything itself.

mod groups;

pub use groups::{
    connections, in_flight, jobs, mixed, one_thread, pending, pinned, services, transports, vectors,
};

use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::jobs::Work;

/// One thing that a server can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// Adds two small integers; the handler is ready at its first poll.
    Add,
    /// Has the handler do some work and answer with a number.
    Work(Work),
    /// Sends this many bytes there and back.
    Echo {
        /// The size of the payload.
        bytes: usize,
    },
    /// The same as a vector, which its maker gives away, rather than as bytes that are shared.
    EchoVec {
        /// The size of the payload.
        bytes: usize,
    },
    /// Sends an order of 50 items there and back.
    Record,
}

/// A number of callers that repeat one job on a connection, each with one call in flight.
#[derive(Debug, Clone, Copy)]
pub struct Lane {
    /// What each call asks for.
    pub job: Job,
    /// How many calls are in flight at once.
    pub in_flight: usize,
}

impl Lane {
    /// How often a call is timed: every one where they are few or long, else one in eight, so that
    /// reading the clock stays small beside the call.
    pub fn timed_every(&self) -> u64 {
        let short =
            matches!(self.job, Job::Add | Job::Work(Work::Ready | Work::Yield | Work::Cached));
        if short && self.in_flight > 4 { 8 } else { 1 }
    }
}

/// What the client does during one window.
#[derive(Debug, Clone)]
pub struct Load {
    /// The name shown in tables and taken by `--load`.
    pub label: String,
    /// How many connections are opened; each carries every lane.
    pub connections: usize,
    /// The callers on each connection. The first lane is the one that is judged.
    pub lanes: Vec<Lane>,
}

impl Load {
    /// Makes a load of one job, named `CONNECTIONSxIN_FLIGHT`.
    pub fn of(job: Job, connections: usize, in_flight: usize) -> Self {
        let lanes = vec![Lane { job, in_flight }];
        Self { label: format!("{connections}x{in_flight}"), connections, lanes }
    }

    /// Gives the load another name.
    #[must_use]
    pub fn named(mut self, label: &str) -> Self {
        self.label = label.to_owned();
        self
    }

    /// Puts another lane beside the ones that are there, on the same connection.
    #[must_use]
    pub fn beside(mut self, job: Job, in_flight: usize) -> Self {
        self.lanes.push(Lane { job, in_flight });
        self
    }

    /// Counts the callers over all connections and lanes.
    pub fn callers(&self) -> usize {
        self.connections * self.lanes.iter().map(|lane| lane.in_flight).sum::<usize>()
    }
}

/// Which CPUs the two processes may run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// Wherever the kernel puts them.
    Free,
    /// Both on one and the same CPU: no cross-CPU wake-ups, so it shows the length of the path.
    OneCpu,
}

/// What the runtimes of both sides run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threading {
    /// As many workers as everywhere here.
    Workers,
    /// The one thread that drives a current-thread runtime.
    One,
}

/// The chapter of the report that figures belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The three jobs at all loads.
    Jobs,
    /// `add` with both processes on one CPU.
    Pinned,
    /// One connection, on a runtime of one thread each side.
    OneThread,
    /// `add` as calls in flight grow.
    InFlight,
    /// `add` as connections grow.
    Connections,
    /// Handlers that wait, compute or have a cache in front.
    Services,
    /// Small calls beside large ones.
    Mixed,
    /// Handlers that are pending once.
    Pending,
    /// Bytes on the wire.
    Wire,
    /// Allocations.
    Allocations,
    /// Memory of idle connections.
    Idle,
    /// Streams of items.
    Streams,
    /// Calls under a cutter.
    Survive,
}

impl Part {
    /// All of them, in the order of the report.
    pub const ALL: [Self; 13] = [
        Self::Jobs,
        Self::Pinned,
        Self::OneThread,
        Self::InFlight,
        Self::Connections,
        Self::Services,
        Self::Mixed,
        Self::Pending,
        Self::Wire,
        Self::Allocations,
        Self::Idle,
        Self::Streams,
        Self::Survive,
    ];

    /// The name of its command.
    pub fn command(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// What is driven for it; nothing for what is counted in another way.
    pub fn groups(self) -> Vec<Group> {
        match self {
            Self::Jobs => jobs(),
            Self::Pinned => pinned(),
            Self::OneThread => one_thread(),
            Self::InFlight => in_flight(),
            Self::Connections => connections(),
            Self::Services => services(),
            Self::Mixed => mixed(),
            Self::Pending => pending(),
            Self::Wire | Self::Allocations | Self::Idle | Self::Streams | Self::Survive => {
                Vec::new()
            }
        }
    }
}

/// Loads that are compared with each other: every round runs all of them over all transports.
#[derive(Debug, Clone)]
pub struct Group {
    /// Where its figures go.
    pub part: Part,
    /// The heading of the group's table.
    pub title: String,
    /// The loads that each round runs.
    pub loads: Vec<Load>,
    /// Where the two processes run.
    pub placement: Placement,
    /// What their runtimes run on.
    pub threading: Threading,
}

/// How long one cell is driven, and how often.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Driven before anything is counted.
    pub warm_up: Duration,
    /// The window that is counted.
    pub window: Duration,
    /// How many times each cell is measured, each time with a fresh server.
    pub rounds: usize,
}

impl Pace {
    /// What is used unless the command line says otherwise.
    pub const USUAL: Self =
        Self { warm_up: Duration::from_millis(200), window: Duration::from_millis(400), rounds: 5 };

    /// Enough to see that everything works, too short to be quoted.
    pub const QUICK: Self =
        Self { warm_up: Duration::from_millis(100), window: Duration::from_millis(200), rounds: 1 };
}

/// How long and how often something is measured.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// How long before it counts.
    pub warm_up: Duration,
    /// How long it counts.
    pub window: Duration,
    /// How often; figures are medians.
    pub rounds: usize,
    /// By what counts of things are divided, for a run that only shows that all works.
    pub divide: usize,
}

/// Everything one run measures.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What is compared with what.
    pub groups: Vec<Group>,
    /// The transports, by name, in the order of the tables.
    pub transports: Vec<String>,
    /// The windows and rounds.
    pub pace: Pace,
    /// What becomes of the run when a cell fails.
    pub failure: Failure,
}

/// What becomes of a run when one cell cannot be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It ends, and says why.
    Ends,
    /// The cell notes why, and the run goes on.
    IsNoted,
}
