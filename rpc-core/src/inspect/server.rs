//! The service over a ledger.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    CallInFlight, CallList, CallQuery, ConnectionFigures, EndedCall, Inspect, InspectError,
    Latencies, MethodFigures, Overview, options::Killing,
};
use crate::{
    Context,
    proto::Failure,
    seam::{
        Phase,
        ledger::{Ended, Entry, Ledger},
    },
    time::now,
};

pub(super) struct Looking {
    pub(super) ledger: Arc<Ledger>,
    pub(super) name: String,
    pub(super) kill: Killing,
}

/// All calls of a list are told as of one instant: of two, the older is never shown as the younger.
fn in_flight(entry: &Entry, now: Instant, peer: String) -> CallInFlight {
    CallInFlight {
        call: entry.call,
        method: entry.method.to_owned(),
        peer,
        age: now.saturating_duration_since(entry.facts.since),
        remaining: entry.facts.deadline.map(|deadline| deadline.saturating_duration_since(now)),
        waiting: entry.waits().into(),
    }
}

/// The texts of peers by the places of their connections in memory, each written once: many calls come from few of them.
#[derive(Default)]
struct Peers(HashMap<usize, String>);

impl Peers {
    fn of(&mut self, entry: &Entry) -> String {
        let origin = &entry.facts.origin;
        let place = Arc::as_ptr(origin).cast::<()>() as usize;
        self.0.entry(place).or_insert_with(|| origin.peer().to_string()).clone()
    }
}

fn ended(ended: Ended) -> EndedCall {
    let (end, message) = match ended.outcome {
        None => ("DROPPED", String::new()),
        Some(Ok(())) => ("OK", String::new()),
        Some(Err(Failure::Application(_))) => ("APPLICATION", String::new()),
        Some(Err(Failure::Status(status))) => (status.code().name(), status.message().to_owned()),
    };
    EndedCall {
        call: ended.call,
        method: ended.method.to_owned(),
        peer: ended.peer.to_string(),
        at: ended.at,
        took: ended.took,
        end: end.to_owned(),
        message,
    }
}

/// Whether a method is what a query names: itself, or its service.
fn is_meant(wanted: &str, method: &str) -> bool {
    method == wanted || method.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('.'))
}

impl Inspect for Looking {
    async fn overview(&self) -> Overview {
        let running = self.ledger.running();
        let methods = self.ledger.methods().into_iter().map(|figures| MethodFigures {
            method: figures.method.to_owned(),
            calls: figures.calls,
            failures: figures.failures.into_iter().map(|(name, n)| (name.to_owned(), n)).collect(),
            in_flight: running.get(figures.method).copied().unwrap_or_default(),
            received: figures.received,
            sent: figures.sent,
            latencies: Latencies::new(figures.latencies),
        });
        Overview {
            name: self.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            process: std::process::id(),
            uptime: now().saturating_duration_since(self.ledger.began),
            in_flight: running.values().sum(),
            connections: self.ledger.connections().len() as u64,
            methods: methods.collect(),
        }
    }

    async fn calls(&self, query: CallQuery) -> CallList {
        let wanted = query.method.as_deref();
        let now = now();
        let old = |entry: &Entry| now.saturating_duration_since(entry.facts.since);
        let limit = query.limit.map_or(usize::MAX, |limit| limit as usize);
        let (total, calls) = self.ledger.oldest(limit, |entry| {
            wanted.is_none_or(|wanted| is_meant(wanted, entry.method))
                && old(entry) >= query.older_than.unwrap_or(Duration::ZERO)
        });
        let mut peers = Peers::default();
        let calls = calls.iter().map(|entry| in_flight(entry, now, peers.of(entry))).collect();
        CallList { total, calls }
    }

    async fn connections(&self) -> Vec<ConnectionFigures> {
        let now = now();
        let describe = |one: crate::seam::ledger::Neighbour| ConnectionFigures {
            peer: one.peer.to_string(),
            name: one.name,
            state: match one.phase {
                Phase::Connecting => "connecting",
                Phase::Ready => "ready",
                Phase::Draining => "draining",
                Phase::Over | Phase::Closed => "closed",
            }
            .to_owned(),
            age: now.saturating_duration_since(one.since),
            silent: now.saturating_duration_since(one.heard),
            serving: one.serving.into(),
            calling: one.calling as u64,
            unsent: one.unsent as u64,
        };
        self.ledger.connections().into_iter().map(describe).collect()
    }

    async fn recent(&self) -> Vec<EndedCall> {
        self.ledger.recent().into_iter().map(ended).collect()
    }

    async fn kill(&self, cx: &Context, call: u64) -> Result<CallInFlight, InspectError> {
        match &self.kill {
            Killing::Nobody => return Err(InspectError::NobodyKills),
            Killing::Requires(permission) if !cx.permits(permission) => {
                return Err(InspectError::MayNotKill(permission.clone()));
            }
            Killing::Requires(_) | Killing::Anybody => {}
        }
        let calls = self.ledger.calls();
        let entry = calls.iter().find(|entry| entry.call == call);
        let entry = entry.ok_or(InspectError::NoSuchCall(call))?;
        let was = in_flight(entry, now(), entry.facts.origin.peer().to_string());
        entry.kill();
        tracing::info!(target: "rpc_core::inspect", call, method = entry.method, by = %cx.peer_address(), "a call was ended by an operator");
        Ok(was)
    }
}
