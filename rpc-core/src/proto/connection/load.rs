//! Reports of how much a side has to do, which ride on its replies (PROTOCOL §26).

use std::time::{Duration, Instant};

use super::{Connection, ConnectionError, Event};
use crate::proto::{
    Load, LoadReports,
    wire::{Extra, Features},
};

/// Calls after which the peer is told anew.
const CALLS: u64 = 32;

/// The time after which it is, however few there were.
const AGE: Duration = Duration::from_millis(100);

/// The last report that was sent.
#[derive(Debug)]
pub(super) struct Told {
    at: Instant,
    /// Calls that had been accepted by then.
    accepted: u64,
}

impl Told {
    pub(super) const fn new(at: Instant) -> Self {
        Self { at, accepted: 0 }
    }
}

impl Connection {
    /// Whether the peer is to be told how much there is to do: it wants to know, and has called since it was last told.
    #[must_use]
    #[inline]
    pub fn owes_load(&self) -> bool {
        let accepted = self.inbound.accepted();
        if accepted == self.told.accepted || self.config.load != LoadReports::Tell {
            return false;
        }
        // The first call is told at once.
        let first = self.told.accepted == 0;
        (first || accepted >= self.told.accepted + CALLS || self.is_told_old()) && self.wants_load()
    }

    fn is_told_old(&self) -> bool {
        self.timers.received.saturating_duration_since(self.told.at) >= AGE
    }

    fn wants_load(&self) -> bool {
        let wants = self.peer.as_ref().is_some_and(|hello| hello.features.contains(Features::LOAD));
        // A side that ends its session in good order has nothing to say behind that.
        wants && self.closing.is_open()
    }

    /// Tells the peer.
    pub fn tell_load(&mut self, load: Load) {
        self.told = Told { at: self.timers.received, accepted: self.inbound.accepted() };
        self.outbox.append(|out| Extra::Load(load).encode(out));
    }

    /// The peer has told how much it has to do. Like every frame that brings nothing, it is charged for.
    pub(super) fn handle_load(&mut self, load: Load) -> Result<(), ConnectionError> {
        self.charge()?;
        if self.config.load != LoadReports::Off {
            self.events.push_back(Event::Load(load));
        }
        Ok(())
    }
}
