//! What is told of a server, its methods, calls and connections.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    Schema,
    seam::{buckets, ledger},
};

/// A server, and the figures of its methods.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub struct Overview {
    /// What it calls itself; empty if it has no name.
    pub name: String,
    /// The version of the crate that it was built with.
    pub version: String,
    /// Its process.
    pub process: u32,
    /// How long it has run.
    pub uptime: Duration,
    /// Calls in flight whose handlers were not ready at once.
    pub in_flight: u64,
    /// Connections of this protocol.
    pub connections: u64,
    /// The methods, in the order of the services.
    pub methods: Vec<MethodFigures>,
}

/// The figures of a method since its server began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub struct MethodFigures {
    /// The method, as `Service.method`.
    pub method: String,
    /// Calls that have ended.
    pub calls: u64,
    /// Those of them that failed, by the names of codes; `APPLICATION` for the method's own error.
    pub failures: Vec<(String, u64)>,
    /// Calls in flight.
    pub in_flight: u64,
    /// Bytes of arguments, items apart.
    pub received: u64,
    /// Bytes of replies, items apart.
    pub sent: u64,
    /// How long calls took.
    pub latencies: Latencies,
}

impl MethodFigures {
    /// Calls that failed, in whatever way.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.failures.iter().map(|(_, count)| count).sum()
    }
}

/// How long calls took: counts of buckets that grow by an eighth, those that are empty left out. A call whose handler was
/// ready at once is measured one time in sixteen, and counts for as many.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct Latencies {
    buckets: Vec<(u16, u64)>,
}

impl Latencies {
    pub(super) const fn new(buckets: Vec<(u16, u64)>) -> Self {
        Self { buckets }
    }

    /// How many calls it stands for.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// The time within which this part of the calls was done, 0 to 1, to 12 %; `None` if there are none.
    #[must_use]
    pub fn quantile(&self, part: f64) -> Option<Duration> {
        let count = self.count();
        let wanted = ((count as f64 * part).ceil() as u64).clamp(1, count.max(1));
        let mut sum: u64 = 0;
        let found = self.buckets.iter().find(|(_, count)| {
            sum = sum.saturating_add(*count);
            sum >= wanted
        });
        found.map(|(bucket, _)| buckets::ends_at(*bucket))
    }

    /// What has come since `before`.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let mut known = before.buckets.iter().peekable();
        let buckets = self.buckets.iter().filter_map(|&(bucket, count)| {
            while known.next_if(|(one, _)| *one < bucket).is_some() {}
            let before = known.next_if(|(one, _)| *one == bucket).map_or(0, |(_, count)| *count);
            let more = count.saturating_sub(before);
            (more > 0).then_some((bucket, more))
        });
        Self { buckets: buckets.collect() }
    }
}

/// Which calls in flight are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct CallQuery {
    /// Those of this service or method alone, `Service` or `Service.method`.
    pub method: Option<String>,
    /// Those that have run for so long.
    pub older_than: Option<Duration>,
    /// At most so many.
    pub limit: Option<u32>,
}

/// Calls in flight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub struct CallList {
    /// How many there are, those included that the limit left out.
    pub total: u64,
    /// The oldest first.
    pub calls: Vec<CallInFlight>,
}

/// A call in flight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct CallInFlight {
    /// Its number on this server.
    pub call: u64,
    /// The method, as `Service.method`.
    pub method: String,
    /// Who calls.
    pub peer: String,
    /// How long its handler has run or waited.
    pub age: Duration,
    /// How long its caller still waits, if it said so.
    pub remaining: Option<Duration>,
    /// What it waits for.
    pub waiting: Waiting,
}

/// What a handler waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Waiting {
    /// It computes at this moment, or blocks its thread.
    Running,
    /// The end of an earlier call of its order.
    Turn,
    /// Something of its own: a timer, a lock, other I/O.
    Handler,
    /// Its caller, to read what was sent.
    Reader,
    /// Items of a stream.
    Items,
    /// The reply to a call of its own, of this method.
    Reply(String),
    /// A place that a layer gives.
    Place,
}

impl std::fmt::Display for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Running => "running",
            Self::Turn => "its turn",
            Self::Handler => "handler",
            Self::Reader => "caller reads",
            Self::Items => "items",
            Self::Place => "place in layer",
            Self::Reply(method) => return f.pad(&format!("reply of {method}")),
        })
    }
}

impl From<ledger::Waits> for Waiting {
    fn from(waits: ledger::Waits) -> Self {
        match waits {
            ledger::Waits::Running => Self::Running,
            ledger::Waits::Turn => Self::Turn,
            ledger::Waits::Unknown => Self::Handler,
            ledger::Waits::Credit => Self::Reader,
            ledger::Waits::Items => Self::Items,
            ledger::Waits::Reply(method) => Self::Reply(method.to_owned()),
            #[cfg(feature = "tower")]
            ledger::Waits::Place => Self::Place,
        }
    }
}

/// A connection of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct ConnectionFigures {
    /// Who is at the other end.
    pub peer: String,
    /// What it calls itself; empty if it has no name.
    pub name: String,
    /// `connecting`, `ready`, `draining` or `closed`.
    pub state: String,
    /// How long it has been here.
    pub age: Duration,
    /// How long ago bytes last came.
    pub silent: Duration,
    /// Calls of the other side that are served.
    pub serving: u64,
    /// Calls of the server's own to the other side.
    pub calling: u64,
    /// Bytes that the other side has yet to take.
    pub unsent: u64,
}

/// A call that has ended, and took long or failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct EndedCall {
    /// Its number on this server.
    pub call: u64,
    /// The method, as `Service.method`.
    pub method: String,
    /// Who called.
    pub peer: String,
    /// When it ended.
    pub at: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// How it ended: `OK`, the name of a code, `APPLICATION` for the method's own error, or `DROPPED` with its connection.
    pub end: String,
    /// What its status says; empty if it has none.
    pub message: String,
}

/// The error of a request to end a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema, Error)]
#[non_exhaustive]
pub enum InspectError {
    /// There is no such call, or it has ended.
    #[error("no call {0} is in flight")]
    #[schema(code = "NOT_FOUND")]
    NoSuchCall(u64),
    /// Nobody may end calls here.
    #[error("calls cannot be ended here: Inspection::kill or kill_requires allows it")]
    #[schema(code = "FAILED_PRECONDITION")]
    NobodyKills,
    /// The caller lacks a permission.
    #[error("ending a call requires {0}, and this caller lacks it")]
    #[schema(code = "PERMISSION_DENIED")]
    MayNotKill(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_what_came_since() {
        let before = Latencies::new(vec![(10, 5), (40, 1)]);
        let now = Latencies::new(vec![(8, 1), (10, 5), (40, 100), (80, 1)]);
        let since = now.since(&before);
        assert_eq!(since, Latencies::new(vec![(8, 1), (40, 99), (80, 1)]));
        assert_eq!(since.count(), 101);
        assert_eq!(since.quantile(0.5), Some(buckets::ends_at(40)));
        assert_eq!(since.quantile(0.0), Some(buckets::ends_at(8)));
        assert_eq!(since.quantile(1.0), Some(buckets::ends_at(80)));
        assert_eq!(Latencies::default().quantile(0.5), None);
        assert_eq!(now.since(&now), Latencies::default());
    }
}
