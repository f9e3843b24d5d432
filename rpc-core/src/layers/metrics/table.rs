//! What is recorded, by method: made once, and found again without a lock and without a look at a letter of its name.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use metrics::{Gauge, Histogram, Unit};
use parking_lot::RwLock;

use super::super::{Kind, names};

/// Places of one table, and how many are looked at before the next table is.
const PLACES: usize = 64;
const LOOKS: usize = 4;

/// Methods by the address of their names, which are never dropped. Bounded by: the methods that there are, on each side.
pub(super) struct Table {
    places: [OnceLock<Arc<Figures>>; PLACES],
    /// For those that found no place.
    next: OnceLock<Box<Self>>,
}

impl Default for Table {
    fn default() -> Self {
        Self { places: [const { OnceLock::new() }; PLACES], next: OnceLock::new() }
    }
}

impl Table {
    /// The figures of a method.
    pub(super) fn of(&self, kind: Kind, method: &'static str) -> &Arc<Figures> {
        // Fibonacci hashing: what is left of an address above its alignment is spread over the upper bits.
        let hash = (method.as_ptr() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let first = (hash >> 32) as usize;
        let mut table = self;
        loop {
            for look in 0..LOOKS {
                let place = &table.places[first.wrapping_add(look) % PLACES];
                let figures = place.get_or_init(|| Arc::new(Figures::new(kind, method)));
                if figures.kind == kind && std::ptr::eq(figures.method, method) {
                    return figures;
                }
            }
            table = table.next.get_or_init(Box::default);
        }
    }
}

/// What is recorded of one method on one side.
pub(in crate::layers) struct Figures {
    kind: Kind,
    method: &'static str,
    pub(in crate::layers) running: Gauge,
    done: OnceLock<Histogram>,
    /// Of calls that ended otherwise. Bounded by: the codes that there are.
    failed: RwLock<HashMap<&'static str, Histogram>>,
}

impl Figures {
    fn new(kind: Kind, method: &'static str) -> Self {
        let name = match kind {
            Kind::Client => "rpc_client_inflight",
            Kind::Server => "rpc_server_inflight",
        };
        metrics::describe_gauge!(name, "Calls that run and were not ready at once.");
        let running = metrics::gauge!(name, "rpc_method" => method);
        Self { kind, method, running, done: OnceLock::new(), failed: RwLock::default() }
    }

    /// Records a call that ended so, after so many seconds.
    pub(in crate::layers) fn ended(&self, status: &'static str, seconds: f64) {
        if status == "OK" {
            return self.done.get_or_init(|| self.histogram(status)).record(seconds);
        }
        if let Some(known) = self.failed.read().get(status) {
            return known.record(seconds);
        }
        let made = self.histogram(status);
        self.failed.write().entry(status).or_insert(made).record(seconds);
    }

    fn histogram(&self, status: &'static str) -> Histogram {
        let name = match self.kind {
            Kind::Client => "rpc_client_call_duration_seconds",
            Kind::Server => "rpc_server_call_duration_seconds",
        };
        let mut labels = vec![
            ("rpc_system_name", names::SYSTEM),
            ("rpc_method", self.method),
            ("rpc_response_status_code", status),
        ];
        if status != "OK" {
            labels.push(("error_type", status));
        }
        metrics::describe_histogram!(name, Unit::Seconds, "How long calls took.");
        metrics::histogram!(name, &labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_method_has_its_own_figures_however_many_there_are() {
        let table = Table::default();
        let methods: Vec<&'static str> =
            (0..1000).map(|method| &*format!("Desk.m{method}").leak()).collect();
        for _ in 0..2 {
            for method in &methods {
                for kind in [Kind::Client, Kind::Server] {
                    let figures = table.of(kind, method);
                    assert_eq!((figures.kind, figures.method), (kind, *method));
                    assert!(Arc::ptr_eq(figures, table.of(kind, method)));
                }
            }
        }
    }
}
